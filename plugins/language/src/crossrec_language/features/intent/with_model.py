"""What a model adds to the rules: phrases of a wish that they do not know, checked against it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field

from crossrec_language.calls.caller import Caller, Outcome, Task
from crossrec_language.features.intent.parse import parse_wish
from crossrec_language.features.intent.vocabulary import CatalogWords, folded_words
from crossrec_language.features.intent.wish import Part, Wish, has_one

_Phrase = Annotated[str, Field(max_length=60)]


class Phrases(BaseModel):
    """What a wish says, in its own words."""

    avoid: list[_Phrase] = Field(default_factory=list, max_length=10)
    only: list[_Phrase] = Field(default_factory=list, max_length=10)


TASK = Task(
    "intent",
    "A customer has written a wish. Copy from it, word for word, the kinds, makers or themes that "
    "they do not want (avoid) and those that they insist on (only). Copy nothing that they merely "
    "like, and no numbers. Leave a list empty where the wish names none.",
    Phrases(avoid=["ghost stories"], only=[]),
    max_tokens=80,
    personal=True,
)
#: A wish that the rules cannot read, for the self-test.
_SAMPLE = "Please spare me westerns, anything else for a rainy evening is welcome"


def read_wish(
    text: str, words: CatalogWords, caller: Caller
) -> tuple[Wish, Outcome[Phrases] | None]:
    """Return a wish as the rules read it, with what a model finds besides, and how that went.

    A phrase of the model's counts only where it stands in the wish and names something in the
    catalogue; what the rules have understood stays as it is. Without a model the outcome is None.
    """
    wish = parse_wish(text, words)
    if caller.model is None or not text.strip():
        return wish, None
    outcome = caller.call(TASK, {"wish": text})
    if outcome.value is None:
        return wish, outcome
    found = outcome.value
    parts = [
        *_checked("avoid", found.avoid, text, words),
        *_checked("only", found.only, text, words),
    ]
    settled = {_about(part) for part in wish.parts if part.holds}
    new = [part for part in parts if _about(part) not in settled]
    against = {_about(part) for part in new if part.kind == "avoid"}
    kept = [part for part in wish.parts if part.holds or part.expression not in against]
    return replace(wish, parts=tuple(dict.fromkeys((*kept, *new)))), outcome


def _about(part: Part) -> str:
    """Return the condition of a part, whether it is wanted or not."""
    return part.expression[5:-1] if part.expression.startswith("NOT (") else part.expression


def _checked(kind: str, phrases: list[str], text: str, words: CatalogWords) -> list[Part]:
    """Return the phrases that stand in the wish and name something, as parts."""
    written = f" {' '.join(folded_words(text))} "
    parts = []
    for phrase in phrases:
        folded = " ".join(folded_words(phrase))
        name = words.names.get(folded)
        if name is None or f" {folded} " not in written:
            continue
        condition = has_one(name.field, name.values)
        if kind == "avoid":
            parts.append(Part("avoid", phrase, f"NOT ({condition})"))
        else:
            parts.append(Part("only", phrase, condition))
    return parts


def self_test(caller: Caller) -> Outcome[Phrases]:
    """Return whether the model finds what a wish excludes, and nothing else."""
    outcome = caller.call(TASK, {"wish": _SAMPLE})
    if outcome.value is None:
        return outcome
    found = [" ".join(folded_words(one)) for one in outcome.value.avoid]
    if not any("western" in one for one in found):
        return replace(outcome, problem="it did not find “westerns” in a wish to be spared them")
    if outcome.value.only:
        return replace(outcome, problem=f"it made up a demand: {outcome.value.only[0]!r}")
    return outcome
