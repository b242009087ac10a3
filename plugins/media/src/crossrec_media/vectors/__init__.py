"""Vectors that somebody else made, and the control: vectors of the wrong items."""
