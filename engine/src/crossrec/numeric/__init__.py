"""The numeric ground floor: ragged and sparse rows, hashing, standard scores, discounts, the ridge.

It has no notion of items, users or events, and imports numpy and scipy only.
"""
