"""The numeric ground floor: ragged and sparse rows, standard scores, the ridge inverse.

Knows of no item, user or event; imports numpy and scipy only.
"""
