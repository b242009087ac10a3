"""Ratings predicted from who rates, what is rated, and what was written before."""
