"""What goes in: items by text, tags and their own embeddings; histories as columns."""
