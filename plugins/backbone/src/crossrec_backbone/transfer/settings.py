"""How transfer is measured."""

from __future__ import annotations

from typing import Literal

from crossrec.components.settings import Settings
from crossrec.errors import UsageError
from pydantic import Field, field_validator

from crossrec_backbone.adaptation.adapter import AdapterConfig
from crossrec_backbone.pretraining.pretrain import PretrainConfig
from crossrec_backbone.relations.statistics import BackboneConfig

#: A budget: a number of events, or everything that the training part has.
Level = int | Literal["all"]


class TransferSettings(Settings):
    """Settings of a transfer report.

    Attributes
    ----------
    events : tuple of int or "all"
        Budgets, ascending. 0 is Z0: nothing of the target but the query's own history.
    seeds : int
        Draws of users for each budget; folds and rankers follow the same seed.
    users : int or None
        Only so many test users, the same for every budget and seed; all where None.
    candidates : {"unseen", "all"}
        "unseen": items of the history are no candidates. "all": every item may be a target;
        whether methods propose the history again is decided by the repeat rate of the drawn events.
    backbone, adapter, pretrain
        As `fit` and `pretrain` use them.
    resamples : int
        Of the bootstrap over users.
    alpha : float
        A verdict other than "no difference" needs a p-value, Holm-corrected over the methods of
        one budget, of at most this.
    """

    events: tuple[Level, ...] = (0, 10, 100, 1_000, 10_000, "all")
    seeds: int = Field(3, ge=1)
    users: int | None = Field(None, ge=1)
    candidates: Literal["unseen", "all"] = "unseen"
    backbone: BackboneConfig = BackboneConfig()
    adapter: AdapterConfig = AdapterConfig()
    pretrain: PretrainConfig = PretrainConfig()
    resamples: int = Field(1000, ge=1)
    alpha: float = Field(0.05, gt=0, lt=1)

    @field_validator("events")
    @classmethod
    def _ascending(cls, events: tuple[Level, ...]) -> tuple[Level, ...]:
        """Sort the budgets, each once, "all" last."""
        if not events or any(level != "all" and level < 0 for level in events):
            raise ValueError("budgets are numbers of 0 or more, or 'all'; at least one")
        numbers: list[Level] = sorted({level for level in events if level != "all"})
        return (*numbers, "all") if "all" in events else tuple(numbers)


def parse_events(text: str) -> tuple[Level, ...]:
    """Read budgets as the command line has them: ``0,1000,all``.

    Raises
    ------
    UsageError
        If a part is neither a number of 0 or more nor ``all``.
    """
    levels: list[Level] = []
    for part in (part.strip().replace("_", "") for part in text.split(",")):
        if part == "all":
            levels.append("all")
        elif part.isascii() and part.isdigit():
            levels.append(int(part))
        elif part:
            raise UsageError(f"--events takes numbers and 'all', like 0,1000,all; not {part!r}")
    if not levels:
        raise UsageError("--events needs at least one number, or 'all'")
    return tuple(levels)
