"""Shared policies: what happens to a ranked pool between the ranker and the answer."""
