"""A source for crossrec: items that cost about as much as what the user had before."""
