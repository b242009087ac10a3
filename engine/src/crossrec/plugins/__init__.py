"""Finding, loading, listing, checking and installing plugins; the registry of their components.

A broken plugin is skipped and named with its error; it never stops the others.
"""
