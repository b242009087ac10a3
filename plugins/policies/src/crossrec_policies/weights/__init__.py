"""Weights on scores: age, fatigue, rotation, popularity."""
