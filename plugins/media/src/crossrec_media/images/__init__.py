"""Pictures: read safely, turned into vectors, tied to texts, and read as texts."""
