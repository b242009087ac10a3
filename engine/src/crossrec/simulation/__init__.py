"""Simulated people: walks for the demos of scenario packages, and a generated world of any size.

A walk is the history of one scenario alone. In a world, the same people with the same latent tastes
meet the catalogs of several scenarios, and can be shown any list.
"""

from crossrec.simulation.settings import Reaction, Setting, Theme
from crossrec.simulation.walks import DAY, Habits, SimulatedCatalog, Walks, walk
from crossrec.simulation.world import World

__all__ = [
    "DAY",
    "Habits",
    "Reaction",
    "Setting",
    "SimulatedCatalog",
    "Theme",
    "Walks",
    "World",
    "walk",
]
