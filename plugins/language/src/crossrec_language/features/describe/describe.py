"""A user's taste in words, and a list for the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from crossrec.components.slate import Degraded
from crossrec.errors import UsageError
from crossrec.pipeline.engine import Engine
from pydantic import BaseModel, Field

from crossrec_language.calls.caller import Caller, Outcome, Task
from crossrec_language.features.describe.description import read_description, written
from crossrec_language.features.describe.facts import TasteFacts, taste_facts
from crossrec_language.features.explain.words import english
from crossrec_language.features.intent.recommend import WishAnswer
from crossrec_language.features.intent.vocabulary import catalog_words, folded_words


class Summary(BaseModel):
    """A taste in a sentence or two."""

    text: Annotated[str, Field(max_length=400)]


TASK = Task(
    "describe",
    "Write one or two short sentences to a customer about their taste, from these facts alone. "
    "Begin with “You”. Use the names as they are and add nothing.",
    Summary(text="You like mysteries, often by Agatha Christie."),
    max_tokens=80,
    personal=True,
)
_GLUE = frozenset(word for one in english("glue") | english("taste") for word in folded_words(one))


@dataclass(frozen=True)
class TasteDescription:
    """A taste in words.

    Attributes
    ----------
    text : str
        Labelled lines that may be edited and handed back; "" where nothing stands out.
    summary : str
        The same as a sentence.
    facts : TasteFacts
        What it rests on.
    model : str
        What worded the summary.
    """

    text: str
    summary: str
    facts: TasteFacts
    model: str
    degraded: tuple[Degraded, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        facts, failed = vars(self.facts), [vars(one) for one in self.degraded]
        return {**vars(self), "facts": facts, "degraded": failed}


def describe_taste(
    engine: Engine,
    scenario: str,
    user_id: str | None = None,
    *,
    history: Sequence[str] | None = None,
    caller: Caller | None = None,
) -> TasteDescription:
    """Return the taste that a stored or given history shows.

    Raises
    ------
    UsageError
        If neither a user nor a history is given.
    """
    if user_id is None and history is None:
        raise UsageError("whose taste? give --user or --history")
    caller = caller or Caller()
    items = engine.serving(scenario).items
    past = history if history is not None else liked_by(engine, scenario, user_id or "")
    known = [one for one in items.catalog.items.indexes(tuple(past)).tolist() if one >= 0]
    facts = taste_facts(items, known)
    text = written(facts)
    plain = _sentence(facts)
    if caller.model is None or not text:
        return TasteDescription(text, plain, facts, "template")
    outcome = caller.call(TASK, _sent(facts))
    summary, problem = _checked(outcome, facts)
    failed = replace(outcome, problem=problem).degraded
    model = "template" if problem else caller.name
    return TasteDescription(text, summary or plain, facts, model, failed)


def recommend_for_taste(
    engine: Engine,
    scenario: str,
    description: str,
    user_id: str | None = None,
    *,
    history: Sequence[str] | None = None,
    **options: Any,
) -> WishAnswer:
    """Recommend by a description, beside a history or in its place.

    Raises
    ------
    UsageError
        If the description is empty.
    """
    if not description.strip():
        raise UsageError("the description is empty: write what you like, one line will do")
    wish = read_description(description, catalog_words(engine.serving(scenario).items))
    slate = engine.recommend(
        scenario,
        user_id,
        history=history,
        text=wish.text,
        filter=wish.filter,
        boost=wish.boost,
        **options,
    )
    return WishAnswer(wish, replace(slate, notes=(*slate.notes, *wish.notes)), "template")


def liked_by(engine: Engine, scenario: str, user_id: str) -> Sequence[str]:
    """Return the items that a user has shown to like, oldest first."""
    events = engine.workspace.store().user_events(engine.registry.scenario(scenario), user_id)
    return tuple(one for one, w in zip(events.item_ids, events.weights.tolist()) if w > 0)


def _sent(facts: TasteFacts) -> dict[str, Any]:
    """Return what a model gets: names, and neither ids nor times."""
    return {"likes": facts.categories, "often by": facts.creators, "words": facts.words}


def _sentence(facts: TasteFacts) -> str:
    """Return the facts as one sentence."""
    parts = [f"likes {_and(facts.categories)}"] if facts.categories else []
    parts += [f"often by {_and(facts.creators)}"] if facts.creators else []
    parts += [f"with words such as {_and(facts.words)}"] if facts.words else []
    text = f"{', '.join(parts)}." if parts else ""
    return text[:1].upper() + text[1:]


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _checked(outcome: Outcome[Summary], facts: TasteFacts) -> tuple[str, str]:
    """Return a model's summary, or what is wrong with it."""
    if outcome.value is None:
        return "", outcome.problem
    said = set(folded_words(outcome.value.text))
    made_up = sorted(said - facts.all_words - _GLUE)
    if made_up:
        return "", f"it says what the history does not: {made_up[0]!r}"
    if not said & facts.all_words:
        return "", "it says nothing of the history"
    return " ".join(outcome.value.text.split()), ""


_SAMPLE = TasteFacts(("mystery", "history"), ("Agatha Christie",), ("island",), 9)


def self_test(caller: Caller) -> Outcome[Summary]:
    """Return whether the model words three facts without adding to them."""
    outcome = caller.call(TASK, _sent(_SAMPLE))
    return replace(outcome, problem=_checked(outcome, _SAMPLE)[1])
