"""Why an item is there: evidence in indexes inside, reasons in words and ids outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Evidence:
    """What made one source propose one item.

    Attributes
    ----------
    phrase : str
        The kind of evidence in plain words, followed by the history items where there are any:
        "often together with", "similar text to", "popular: 124 events".
    history : tuple of int
        Indexes of the history items behind it, strongest first; empty where none is involved.
    strengths : tuple of float
        Contribution of each of them to the source's score, aligned with `history`.
    values : mapping of str to number
        The numbers in the phrase, e.g. ``{"people": 124}``.
    """

    phrase: str
    history: tuple[int, ...] = ()
    strengths: tuple[float, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reason:
    """One reason for one recommended item, in words and ids.

    Attributes
    ----------
    source : str
        The source or policy that gave it.
    text : str
        A sentence with titles.
    history : tuple of str
        Ids of the history items named in it.
    values : mapping of str to number
        The numbers in the text, so that it can be worded in any language.
    """

    source: str
    text: str
    history: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
