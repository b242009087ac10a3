"""Trials of items and users without events: measured, not served."""
