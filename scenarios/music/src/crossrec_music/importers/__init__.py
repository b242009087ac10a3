"""Importers of public formats, one module each."""
