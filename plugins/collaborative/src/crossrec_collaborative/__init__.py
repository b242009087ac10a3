"""Candidate generators that learn from behaviour alone."""
