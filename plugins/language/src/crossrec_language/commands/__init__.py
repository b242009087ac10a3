"""The commands ``crossrec language …``."""
