"""Encoders whose weights a package carries, without torch; and static vectors made of a model."""
