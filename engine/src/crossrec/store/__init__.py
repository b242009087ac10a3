"""Where items, users and events live: the `Store` protocol and its SQLite implementation."""
