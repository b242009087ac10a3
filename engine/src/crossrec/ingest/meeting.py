"""Whether events and items meet: most events of a shop are about items of its item table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import islice

_SAMPLE = 1_000
#: Ways in which two tables write the same ids, and what to call the difference.
_SPELLINGS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("capital letters", str.casefold),
    ("zeros at the front", lambda id_: id_.lstrip("0")),
    ("a fraction .0 at the end", lambda id_: id_.removesuffix(".0")),
    ("quotes around them", lambda id_: id_.strip("\"'")),
    ("signs between letters", lambda id_: "".join(filter(str.isalnum, id_)).casefold()),
    ("what stands before the last / : or -", lambda id_: _last_part(id_).casefold()),
)


class Meeting:
    """Counts the events of one ingestion whose items are in the item table."""

    def __init__(self) -> None:
        self.events = 0
        self.apart = 0
        self._unknown: dict[str, None] = {}

    def add(self, events: int, apart: int, unknown: Iterable[str]) -> None:
        """Count events, and those about items that are not in the item table."""
        self.events += events
        self.apart += apart
        room = _SAMPLE - len(self._unknown)
        self._unknown.update(dict.fromkeys(islice(unknown, max(room, 0))))

    def warning(self, known: Collection[str]) -> str:
        """Return what to say where most events miss the item table `known`; else ""."""
        if not known or 2 * self.apart <= self.events:
            return ""
        event_id, item_id = next(iter(self._unknown)), next(iter(known))
        return (
            f"{self.apart:,} of {self.events:,} events are about items that are not in the item "
            f"table, such as {event_id!r}, where it has ids such as {item_id!r}"
            f"{difference(self._unknown, known)}: check the columns of the ids"
        )


def difference(unknown: Collection[str], known: Collection[str]) -> str:
    """Return in what the ids differ, if they are the same but for that; else ""."""
    for what, spelled in _SPELLINGS:
        plain = {spelled(id_) for id_ in known}
        if 2 * sum(spelled(id_) in plain for id_ in unknown) > len(unknown):
            return f" (they differ in {what})"
    return ""


def _last_part(id_: str) -> str:
    for mark in "/:-":
        id_ = id_.rpartition(mark)[2]
    return id_
