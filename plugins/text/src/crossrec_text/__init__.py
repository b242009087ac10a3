"""Text encoders for crossrec: text → vectors, kept in a cache by content."""
