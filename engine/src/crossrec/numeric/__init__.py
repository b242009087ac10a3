"""The numeric ground floor: ragged and sparse rows, standard scores, the ridge inverse.

It has no notion of items, users or events, and imports numpy and scipy only.
"""
