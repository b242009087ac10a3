"""What is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossrec.components.evidence import Reason
from crossrec.components.wording import in_english


@dataclass(frozen=True)
class Example:
    """An item that is named beside an answer."""

    item_id: str
    title: str = ""


@dataclass(frozen=True)
class SlateItem:
    """One recommended item, or one value of the field that a surface answers with.

    Attributes
    ----------
    index : int
        Index inside; not part of the public answer. Of a value that of its best item.
    item_id : str
        The value itself, where a surface answers with an artist or an author; `reasons` are those
        of its best item.
    score : float
        Falls from 1 towards 0 along the list: an order, whatever ranked it, and nothing else.
    propensity : float
        Chance with which a randomised policy put it here; 1 from deterministic ones.
    source : str
        The source that did most for its place, or "fallback"; "" where nobody needs to know.
    examples : tuple of Example
        The best items of a value; empty for an item.
    """

    index: int
    item_id: str
    score: float
    title: str = ""
    reasons: tuple[Reason, ...] = ()
    propensity: float = 1.0
    source: str = ""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a policy did to one item, and why: a code with numbers, to be worded in any language.

    Attributes
    ----------
    text : str
        The code in the language that was wanted; "" for English.
    """

    policy: str
    item_id: str
    action: str
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    @property
    def why(self) -> str:
        """The code in words."""
        return self.text or in_english(self.code, self.values)


@dataclass(frozen=True)
class Degraded:
    """A component that failed in one answer, or whose faults had to be taken out of it."""

    component: str
    error: str


@dataclass(frozen=True)
class Slate:
    """The answer to one query: at most k valid items, never a placeholder.

    Attributes
    ----------
    path : str
        Which history was used: "stored history", "given history", "items", "linked history" (from
        other scenarios alone) or "no history"; behind "not fitted, " where the answer was counted
        without a fit.
    short_because : str
        Why there are fewer than k items; empty where there are k.
    degraded : tuple of Degraded
        Components that failed and were left out, or gave what had to be dropped.
    notes : tuple of str
        Fallbacks that the caller should know of, e.g. that the user is unknown.
    next_cursor : str
        What a request for the next page carries; "" where the list ends here.
    about : tuple of Example
        What the list is about: the given items, or those of the history that were picked for it.
    heading : str
        What stands above the list; "" for nothing.
    answers : str
        The field whose values are answered; "" for items.
    """

    items: tuple[SlateItem, ...]
    request_id: str = ""
    scenario: str = ""
    surface: str = ""
    path: str = ""
    short_because: str = ""
    degraded: tuple[Degraded, ...] = ()
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = field(default=())
    next_cursor: str = ""
    answers: str = ""
    about: tuple[Example, ...] = ()
    heading: str = ""

    @property
    def item_ids(self) -> tuple[str, ...]:
        """The recommended ids, best first."""
        return tuple(item.item_id for item in self.items)

    def to_dict(self) -> dict[str, Any]:
        """Return the public form, ready for JSON: ids only, no indexes."""
        return {
            "request_id": self.request_id,
            "scenario": self.scenario,
            "surface": self.surface,
            "path": self.path,
            "answers": self.answers,
            "about": [vars(one) for one in self.about],
            "heading": self.heading,
            "items": [
                {
                    "item_id": item.item_id,
                    "title": item.title,
                    "score": item.score,
                    "propensity": item.propensity,
                    "reasons": [
                        {
                            "source": r.source,
                            "text": r.text,
                            "history": list(r.history),
                            "values": dict(r.values),
                        }
                        for r in item.reasons
                    ],
                    "examples": [vars(example) for example in item.examples],
                }
                for item in self.items
            ],
            "short_because": self.short_because,
            "degraded": [{"component": d.component, "error": d.error} for d in self.degraded],
            "changes": [
                {
                    "policy": change.policy,
                    "item_id": change.item_id,
                    "action": change.action,
                    "code": change.code,
                    "values": dict(change.values),
                    "why": change.why,
                }
                for change in self.changes
            ],
            "notes": list(self.notes),
            "next_cursor": self.next_cursor,
        }
