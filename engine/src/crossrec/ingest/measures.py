"""What a column of numbers measures, by its name; and the events that numbers belong to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crossrec.scenario import EventType, Scenario, ValueKind


@dataclass(frozen=True)
class Measure:
    """What a column holds: the kind of its values, and what makes them the unit of events."""

    kind: ValueKind
    factor: float = 1.0
    noun: str = ""


#: Words of column names, the most telling first: the first that a name has decides.
_WORDS: tuple[tuple[str, Measure], ...] = (
    ("percent percentage pct", Measure("portion", 0.01, "percent")),
    ("ms millis milliseconds millisecond msec", Measure("seconds", 0.001, "milliseconds")),
    ("minutes minute mins", Measure("seconds", 60.0, "minutes")),
    ("hours hrs", Measure("seconds", 3_600.0, "hours")),
    ("rating ratings stars star overall score grade", Measure("rating", noun="ratings")),
    ("ratio portion completion fraction progress", Measure("portion", noun="portions")),
    (
        "quantity qty count counts plays playcount listens units times amount_of pieces",
        Measure("count", noun="counts"),
    ),
    ("price amount revenue paid cost total spend spent sales", Measure("money", noun="money")),
    (
        "seconds second secs sec duration dwell watchtime playtime listening",
        Measure("seconds", noun="seconds"),
    ),
)
_MEASURES = {word: measure for words, measure in _WORDS for word in words.split()}
_ORDER = list(_MEASURES)
_TIMED = {"watch", "play", "dwell", "listening", "view", "listen"}
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def measure_of(column: str) -> Measure | None:
    """Return what a column measures by its name, None where the name does not tell."""
    words = [part.lower() for part in _PARTS.findall(column.split(":")[0])]
    known = [word for word in words if word in _MEASURES]
    if known:
        return _MEASURES[min(known, key=_ORDER.index)]
    if words[-1:] == ["time"] and _TIMED & set(words):
        return Measure("seconds", noun="seconds")
    return None


def event_for(scenario: Scenario, column: str, default: EventType) -> EventType:
    """Return the type of events without one whose value is `column`.

    That is the default, unless another type is called like the column, or the default would read
    the column in a unit that it is not in.
    """
    measure = measure_of(column)
    if measure is None or measure.kind == default.value:
        return default
    fitting = [
        event for event in scenario.events if event.value == measure.kind and event.polarity > 0
    ]
    named = scenario.event(column)
    if named is not None and named in fitting:
        return named
    misread = default.value in ("seconds", "portion", "rating")
    rated = measure.kind == "rating"
    return fitting[0] if fitting and (rated or (misread and len(fitting) == 1)) else default


def reverse_of(event: EventType, scenario: Scenario) -> EventType | None:
    """Return the type that takes back an event: what a negative quantity of it is."""
    negative = [other for other in scenario.events if other.polarity < 0]
    cancelling = [other for other in negative if event.name in other.cancels]
    alike = [other for other in negative if other.value == event.value != "none"]
    return next(iter([*cancelling, *alike]), None)
