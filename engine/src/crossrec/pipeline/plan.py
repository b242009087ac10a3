"""What a fit will do, decided before it starts: about how long, how much memory, what is left out.

A pure function of estimates: `make_plan` chooses, `plan_fit` collects what it chooses from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from crossrec.components.cost import NO_COST, Cost
from crossrec.components.run import Effort
from crossrec.errors import CapacityError
from crossrec.numeric.units import size_text, time_text
from crossrec.pipeline.budget import Budget

#: The part of a time limit that estimates may fill: they are right within a factor of two.
MARGIN = 0.75
#: Seconds for which a standard fit without a time limit encodes texts at most: all else that a fit
#: does for 100,000 items takes about as long.
ENCODING_SECONDS = 600.0
#: From the most work to the least.
EFFORTS: tuple[Effort, ...] = ("thorough", "standard", "quick")

Kind = Literal["encoder", "source", "rest"]


@dataclass(frozen=True)
class PlannedPart:
    """One part of a fit.

    Attributes
    ----------
    label : str
        The source, the encoder, or what else takes time.
    kind : {"encoder", "source", "rest"}
    cost : Cost or None
        Of the whole fit: both times that a source is fitted. None where it has no estimate.
    stages : mapping of str to float
        Estimated seconds by the title that progress shows meanwhile, without what is shared.
    leads : bool
        Whether it serves alone until others prove that they add to it (capability ``leads``).
    left_out : str
        Why it is left out; "" where it is not.
    why : str
        Why it is the one, where something chose it.
    """

    label: str
    kind: Kind
    cost: Cost | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    leads: bool = False
    left_out: str = ""
    why: str = ""

    @property
    def seconds(self) -> float:
        """Estimated seconds, with what others may share; 0 where there is no estimate."""
        return 0.0 if self.cost is None else self.cost.total

    @property
    def memory(self) -> int:
        """Estimated bytes; 0 where there is no estimate."""
        return 0 if self.cost is None else self.cost.memory

    @property
    def note(self) -> str:
        """What the report says of it where it is left out."""
        what = f"encoder {self.label}" if self.kind == "encoder" else self.label
        after = ": texts are compared by their words alone" if self.kind == "encoder" else ""
        return f"{what} is left out: {self.left_out}{after}"


@dataclass(frozen=True)
class FitPlan:
    """What a fit will do.

    Attributes
    ----------
    effort : Effort
    budget : Budget
    memory_limit : int
        Bytes.
    parts : tuple of PlannedPart
        In the order in which they run, those left out among them.
    """

    effort: Effort
    budget: Budget
    memory_limit: int
    parts: tuple[PlannedPart, ...]

    @property
    def kept(self) -> tuple[PlannedPart, ...]:
        """The parts that run."""
        return tuple(part for part in self.parts if not part.left_out)

    @property
    def left_out(self) -> tuple[PlannedPart, ...]:
        """The parts that do not."""
        return tuple(part for part in self.parts if part.left_out)

    @property
    def total(self) -> Cost:
        """Seconds of all parts, and the memory of the one that needs the most."""
        return total_of(self.kept)

    @property
    def seconds(self) -> list[float | None]:
        """Seconds of each part; what is shared counts where it is first needed."""
        counted: dict[str, float] = {}
        found: list[float | None] = []
        for part in self.parts:
            if part.cost is None or part.left_out:
                found.append(None if part.cost is None else part.seconds)
                continue
            more = 0.0
            for name, seconds in part.cost.shared.items():
                more += max(seconds - counted.get(name, 0.0), 0.0)
                counted[name] = max(seconds, counted.get(name, 0.0))
            found.append(part.cost.seconds + more)
        return found

    @property
    def notes(self) -> list[str]:
        """What was left out and why, a line each."""
        return [part.note for part in self.left_out]

    @property
    def stages(self) -> dict[str, float]:
        """Estimated seconds by the title that progress shows, in the order of the fit."""
        stages: dict[str, float] = {}
        for part, seconds in zip(self.parts, self.seconds, strict=True):
            if part.left_out or part.cost is None or seconds is None:
                continue
            shared = seconds - part.cost.seconds
            for title, own in part.stages.items():
                stages[title] = stages.get(title, 0.0) + own + shared
                shared = 0.0  # done with the first
        return stages

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "budget": self.budget.name,
            "effort": self.effort,
            "seconds": round(self.total.total, 2),
            "seconds_limit": self.budget.seconds,
            "memory": self.total.memory,
            "memory_limit": self.memory_limit,
            "parts": [
                {
                    "name": part.label,
                    "kind": part.kind,
                    "seconds": None if seconds is None else round(seconds, 2),
                    "memory": None if part.cost is None else part.cost.memory,
                    "left_out": part.left_out or None,
                    "why": part.why or None,
                }
                for part, seconds in zip(self.parts, self.seconds, strict=True)
            ],
        }


def make_plan(
    parts_at: Callable[[Effort], Sequence[PlannedPart]],
    budget: Budget,
    memory_limit: int,
    surfaces: Sequence[Sequence[str]] = (),
) -> FitPlan:
    """Choose the effort, and what is left out.

    First what alone needs more memory than is allowed; then, where there is a time limit, the
    dearest that is not needed until the rest fits, and in a standard fit without one an encoder
    that takes longer than `ENCODING_SECONDS`. Needed is the only source that a surface still has,
    and a source that leads wherever it fits. A part without an estimate counts nothing and stays.

    Parameters
    ----------
    parts_at : callable
        Returns the parts of the fit at an effort.
    memory_limit : int
        Bytes.
    surfaces : sequence of sequence of str
        Labels of the sources of each surface.

    Raises
    ------
    CapacityError
        If the memory allows none of the sources.
    """
    efforts = EFFORTS if budget.effort is None else (budget.effort,)
    for effort in efforts:
        parts = _within_memory(list(parts_at(effort)), memory_limit)
        if budget.seconds is None and effort == "standard":
            parts = [_soon_encoded(part) for part in parts]
        if budget.seconds is None or total_of(parts).total <= MARGIN * budget.seconds:
            return FitPlan(effort, budget, memory_limit, tuple(parts))
    parts = _within_time(parts, budget, surfaces)
    return FitPlan(efforts[-1], budget, memory_limit, tuple(parts))


def _within_memory(parts: list[PlannedPart], limit: int) -> list[PlannedPart]:
    why = "it needs about {} and {} are allowed (--memory)"
    chosen = [
        replace(part, left_out=why.format(size_text(part.memory), size_text(limit)))
        if part.memory > limit and part.kind != "rest" and not part.left_out
        else part
        for part in parts
    ]
    sources = [part for part in chosen if part.kind == "source"]
    if sources and all(part.left_out for part in sources):
        least = min(sources, key=lambda part: part.memory)
        raise CapacityError(
            f"{size_text(limit)} of memory allow none of the sources; {least.label} needs the "
            f"least, about {size_text(least.memory)}: raise --memory"
        )
    return chosen


def _soon_encoded(part: PlannedPart) -> PlannedPart:
    """Leave an encoder out of a standard fit where it would take most of it."""
    if part.kind != "encoder" or part.left_out or part.seconds <= ENCODING_SECONDS:
        return part
    why = (
        f"it takes about {time_text(part.seconds)} and a standard fit encodes for "
        f"{time_text(ENCODING_SECONDS)} at most (--budget thorough encodes everything, and later "
        "fits find it in the cache)"
    )
    return replace(part, left_out=why)


def _within_time(
    parts: list[PlannedPart], budget: Budget, surfaces: Sequence[Sequence[str]]
) -> list[PlannedPart]:
    assert budget.seconds is not None
    kept, limit = [part for part in parts if not part.left_out], MARGIN * budget.seconds
    least = [part for part in kept if part.leads or part.kind == "rest"]
    leading = least if total_of(least).total <= limit else []
    while total_of(kept).total > limit:
        free = [
            part
            for part in kept
            if part.seconds and part not in leading and not _needed(part, kept, surfaces)
        ]
        if not free:
            break
        kept.remove(max(free, key=lambda part: _saved(part, kept)))
    allowed = f"{time_text(budget.seconds)} are allowed in all (--budget {budget.name})"
    return [
        part
        if part in kept or part.left_out
        else replace(part, left_out=f"it takes about {time_text(part.seconds)} and {allowed}")
        for part in parts
    ]


def _needed(
    part: PlannedPart, kept: Sequence[PlannedPart], surfaces: Sequence[Sequence[str]]
) -> bool:
    """Whether a surface, or the fit itself, would be left without a source."""
    if part.kind != "source":
        return part.kind == "rest"
    others = {other.label for other in kept if other.kind == "source" and other is not part}
    return not others or any(part.label in own and not others & set(own) for own in surfaces)


def _saved(part: PlannedPart, kept: Sequence[PlannedPart]) -> float:
    """Return the seconds that the fit takes less without a part."""
    others = [other for other in kept if other is not part]
    return total_of(kept).total - total_of(others).total


def total_of(parts: Sequence[PlannedPart]) -> Cost:
    """Return the cost of the parts that are not left out, one after the other."""
    total = NO_COST
    for part in parts:
        if part.cost is not None and not part.left_out:
            total = total.plus(part.cost)
    return total
