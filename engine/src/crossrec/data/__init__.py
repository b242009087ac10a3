"""Vocabulary, catalog, events and dataset; reading and validating files; importers."""
