"""What most people did one thing with: bought, viewed, played."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from crossrec.components.consumption import DAY
from crossrec.components.evidence import Evidence
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.data.dataset import Dataset
from pydantic import Field

from crossrec_collaborative.popularity import (
    Board,
    BoardSource,
    ages_of,
    days_text,
    people_of,
    people_text,
)


class EventCountConfig(Settings):
    """Settings of `event-count`.

    Attributes
    ----------
    events : tuple of str
        Names of the event types that are counted; all positive ones where empty.
    days : float
        Only the last so many days before the last event; 0 for all, as without a clock.
    """

    events: tuple[str, ...] = ()
    days: Annotated[float, Field(ge=0)] = 0.0


class EventCount(BoardSource):
    """How many people had such an event with an item; nobody counts twice."""

    name: ClassVar[str] = "event-count"
    _per_event: ClassVar[float] = 2e-7

    def __init__(self, config: EventCountConfig | None = None) -> None:
        super().__init__()
        self.config = config or EventCountConfig()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Count people."""
        config, events = self.config, dataset.interactions
        counted = np.ones(len(events), dtype=bool)
        if config.events:
            names = [one.name for one in dataset.event_types]
            chosen = [at for at, name in enumerate(names) if name in config.events]
            counted = np.isin(events.types, chosen)
        if config.days and dataset.has_clock:
            counted &= ages_of(dataset) <= config.days * DAY
        people = people_of(dataset, counted)
        self._board = Board(
            people.astype(np.float64), np.stack([people, people]), dataset.has_clock
        )

    def _evidence(self, board: Board, item: int) -> Evidence:
        people = int(board.counts[0, item])
        what = " or ".join(name.replace("_", " ") for name in self.config.events) or "popular"
        lately = ""
        if self.config.days and board.clock:
            lately = f" in the last {days_text(self.config.days)}"
        return Evidence(f"{what}: {people_text(people)}{lately}", values={"people": people})
