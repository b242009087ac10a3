"""Which sources are compared: events alone, each modality, all, all but one, and shuffled ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EVENTS, ALL = "events", "all"


@dataclass(frozen=True)
class Modality:
    """One kind of vectors.

    Attributes
    ----------
    name : str
        ``"text"``, ``"image"`` …: the label of its vectors and of its source.
    encoder : str
        The registered encoder.
    settings : mapping
        Its settings.
    """

    name: str
    encoder: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shuffled(self) -> str:
        """The label of the control."""
        return f"{self.name} shuffled"


@dataclass(frozen=True)
class Variant:
    """One row of the report: these sources, fused as validation says."""

    name: str
    sources: tuple[str, ...]


def variants_of(base: Sequence[str], modalities: Sequence[Modality]) -> list[Variant]:
    """Return all rows, each set of sources once.

    Parameters
    ----------
    base : sequence of str
        Labels of the sources that read no modality; may be empty.
    """
    names, events = [one.name for one in modalities], tuple(base)
    rows = [Variant(EVENTS, events)] if events else []
    rows += [Variant(f"{name} alone", (name,)) for name in names]
    beside = f"{EVENTS} + " if events else ""
    if events:
        rows += [Variant(f"{EVENTS} + {name}", (*events, name)) for name in names]
    rows.append(Variant(ALL, (*events, *names)))
    for name in names:
        rest = tuple(one for one in names if one != name)
        rows.append(Variant(f"{ALL} without {name}", (*events, *rest)))
    for one in modalities:
        rows.append(Variant(f"{beside}{one.shuffled}", (*events, one.shuffled)))
        others = tuple(name for name in names if name != one.name)
        rows.append(Variant(f"{ALL}, {one.shuffled}", (*events, *others, one.shuffled)))
    distinct: dict[tuple[str, ...], Variant] = {}
    for row in rows:
        if row.sources:
            distinct.setdefault(row.sources, row)
    return list(distinct.values())


def pairs_of(base: Sequence[str], modalities: Sequence[Modality]) -> list[tuple[str, str]]:
    """Return what is tested, each pair once: beside events, and beside all that there is.

    With a modality against without it, with its shuffled vectors against without, and the true
    ones against the shuffled ones.
    """
    name_of = {row.sources: row.name for row in variants_of(base, modalities)}
    events, names = tuple(base), [one.name for one in modalities]
    pairs: list[tuple[str, str]] = []
    for one in modalities:
        rest = tuple(name for name in names if name != one.name)
        for beside in dict.fromkeys(((), rest)):
            without = (*events, *beside)
            true = (*events, *(name for name in names if name in (*beside, one.name)))
            control = (*without, one.shuffled)
            wanted = ((true, without), (control, without), (true, control))
            pairs += [(name_of[a], name_of[b]) for a, b in wanted if a in name_of and b in name_of]
    return list(dict.fromkeys(pairs))
