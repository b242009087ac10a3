"""The e-commerce scenario of crossrec."""

__version__ = "0.1.0"
