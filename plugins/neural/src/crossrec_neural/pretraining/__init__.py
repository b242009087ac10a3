"""Pretraining one body over several scenarios, and what is kept of it."""
