"""What a scenario gives to a generated world: themes, words and what people do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Theme:
    """A kind of items, and the interests of people that it serves.

    Attributes
    ----------
    name : str
        The category of its items.
    interests : mapping of str to float
        Interest → weight above 0. Scenarios that name the same interests share people's tastes.
    subjects, scenes : tuples of str
        Words of titles: a subject, and what is said of it.
    """

    name: str
    interests: Mapping[str, float]
    subjects: tuple[str, ...]
    scenes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.interests or min(self.interests.values()) <= 0:
            raise ValueError(f"theme {self.name!r} needs interests with weights above 0")
        if not self.subjects or not self.scenes:
            raise ValueError(f"theme {self.name!r} needs subjects and scenes for its titles")


@dataclass(frozen=True)
class Reaction:
    """An event that follows on a click, depending on how well the item is liked.

    Attributes
    ----------
    event_type : str
    least, most : float
        Bounds of the liking, 0 to 1, both included.
    share : float
        How often it happens within the bounds.
    value : {None, "liking", "price"}
        What the event carries.
    """

    event_type: str
    least: float = 0.0
    most: float = 1.0
    share: float = 1.0
    value: Literal["liking", "price"] | None = None


@dataclass(frozen=True)
class Setting:
    """One scenario of a generated world.

    Attributes
    ----------
    name : str
    themes : tuple of Theme
    reactions : tuple of Reaction
        Every reaction is drawn on its own.
    makers : tuple of str
        Forms of the names of makers, with ``{subject}`` and ``{theme}``.
    maker_field : str
        The item field that holds the maker: ``creator``, ``artist``, ``author``, ``brand``.
    parts : int
        Parts of a series; with 1 there are none.
    price : float or None
        Median price; None where nothing is sold.
    release_days : float
        Items come out evenly over so many days after the world's start; 0: all are out before.
    list_length : int
        Items shown at once.
    steepness : float
        A list's position ``p``, from 0, is looked at with probability ``(1 + p) ** -steepness``.
    repeats : bool
        Whether lists may show what a person clicked earlier.
    """

    name: str
    themes: tuple[Theme, ...]
    reactions: tuple[Reaction, ...]
    makers: tuple[str, ...] = ("{subject} {theme}",)
    maker_field: str = "creator"
    parts: int = 1
    price: float | None = None
    release_days: float = 0.0
    list_length: int = 10
    steepness: float = 0.7
    repeats: bool = False

    def __post_init__(self) -> None:
        if not self.themes or not self.reactions or not self.makers:
            raise ValueError(f"setting {self.name!r} needs themes, reactions and makers")
        if self.parts < 1 or self.list_length < 1:
            raise ValueError(f"setting {self.name!r}: parts and list_length are at least 1")
        carried = {reaction.value for reaction in self.reactions}
        if "price" in carried and self.price is None:
            raise ValueError(
                f"setting {self.name!r}: a reaction carries a price, but there is none"
            )
