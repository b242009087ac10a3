"""What an encoder must provide that stands for others: which of them encodes a catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from crossrec.components.protocols import Encoder
from crossrec.data.catalog import Catalog


@dataclass(frozen=True)
class ChosenEncoder:
    """The encoder that a catalogue is to be encoded with.

    Attributes
    ----------
    name : str
        A registered encoder that does not choose itself.
    settings : mapping
        Its settings; the others have their defaults.
    why : str
        The reason in one line, for the plan and the report.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""


class ChoosingEncoder(Encoder, Protocol):
    """An encoder with the capability ``choose``: a fit encodes with the one that it names."""

    def choose(self, catalog: Catalog) -> ChosenEncoder:
        """Name the encoder for a catalogue, by its texts alone: the same every time."""
        ...
