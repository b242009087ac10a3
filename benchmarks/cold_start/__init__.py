"""Items and users without events: strict protocols, and the methods compared under them.

Nothing here is served; ``benchmarks/cold.py`` measures it.
"""
