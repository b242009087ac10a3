"""From relations to an order: candidates, their columns, trees over the columns, the mixture.

Owns what a ranker sees and learns from; which parts serve is decided in `adaptation`.
"""
