"""A taste in words: made of a history, edited by its owner, used as a query."""
