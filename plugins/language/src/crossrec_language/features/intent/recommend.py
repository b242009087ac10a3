"""A list for a wish: the history, the description, the conditions and the preferences together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossrec.components.slate import Degraded, Slate
from crossrec.errors import UsageError
from crossrec.pipeline.engine import Engine

from crossrec_language.calls.caller import Caller
from crossrec_language.features.intent.vocabulary import catalog_words
from crossrec_language.features.intent.wish import Wish
from crossrec_language.features.intent.with_model import read_wish


@dataclass(frozen=True)
class WishAnswer:
    """A list, and what the words were understood as.

    Attributes
    ----------
    wish : Wish
    slate : Slate
    model : str
        What read the words besides the rules; "template" for nothing.
    """

    wish: Wish
    slate: Slate
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"model": self.model, "wish": self.wish.to_dict(), **self.slate.to_dict()}


def recommend_for_wish(
    engine: Engine,
    scenario: str,
    words: str,
    user_id: str | None = None,
    *,
    history: Sequence[str] | None = None,
    caller: Caller | None = None,
    **options: Any,
) -> WishAnswer:
    """Recommend to a user who says what they want.

    Parameters
    ----------
    words : str
        The wish: "something lighter, no horror, under 20 euro".
    caller : Caller, optional
        A model that reads what the rules cannot; none by default.
    options
        Further arguments of `Engine.recommend`; a filter of theirs holds besides.

    Raises
    ------
    UsageError
        If there are no words, and what `Engine.recommend` raises.
    """
    if not words.strip():
        raise UsageError("say what is wanted: “something lighter, no horror, under 20 euro”")
    caller = caller or Caller()
    items = engine.serving(scenario).items
    wish, outcome = read_wish(words, catalog_words(items), caller)
    conditions = [f"({one})" for one in (wish.filter, str(options.pop("filter", ""))) if one]
    factors = [f"({one})" for one in (wish.boost, str(options.pop("boost", ""))) if one]
    slate = engine.recommend(
        scenario,
        user_id,
        history=history,
        text=wish.text,
        filter=" AND ".join(conditions),
        boost=" * ".join(factors),
        **options,
    )
    failed: tuple[Degraded, ...] = () if outcome is None else outcome.degraded
    slate = replace(slate, notes=(*slate.notes, *wish.notes), degraded=(*slate.degraded, *failed))
    read = outcome is not None and outcome.value is not None
    return WishAnswer(wish, slate, caller.name if read else "template")
