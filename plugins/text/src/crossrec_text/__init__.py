"""Text for crossrec: encoders (text → vectors) and the content source (works without events)."""
