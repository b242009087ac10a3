"""Where items, users and events live: the `Store` protocol and its implementation in SQLite.

A store keeps what ingestion validated, each batch in one transaction, and gives it back as data.
"""
