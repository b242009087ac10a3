"""The data of one scenario in memory: ids, catalog, events, dataset, and how to split it.

Values only, aligned numpy arrays by item and user index; nothing here reads a file or a database.
"""
