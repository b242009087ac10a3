"""Why an item is there: evidence in indexes inside, reasons in words and ids outside."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    phrase: str
    history: tuple[int, ...] = ()
    strengths: tuple[float, ...] = ()


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
    """

    source: str
    text: str
    history: tuple[str, ...] = ()
