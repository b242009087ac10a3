"""Statements reworded by a model, each checked against the statement that it stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from crossrec.components.slate import Degraded
from pydantic import BaseModel, Field

from crossrec_language.calls.caller import Caller, Outcome, Task
from crossrec_language.calls.closed_set import ClosedSet
from crossrec_language.features.explain.statements import Statement
from crossrec_language.features.explain.words import english

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TITLE = re.compile("“(.*?)”")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
#: Words that say nothing by themselves. None of them makes a statement stronger or weaker.
_GLUE = english("glue")
_SAME = {"praised": "praise", "praises": "praise", "praising": "praise", "faults": "fault"}


class Reworded(BaseModel):
    """One statement in other words."""

    statement: Annotated[str, Field(max_length=10)]
    text: Annotated[str, Field(max_length=300)]


class Rewording(BaseModel):
    """Several."""

    statements: list[Reworded] = Field(max_length=20)


TASK = Task(
    "explain",
    "Reword each statement as one short, friendly sentence in the same language. Keep every "
    "number, name and title as it is. Add nothing and leave nothing out.",
    Rewording(statements=[Reworded(statement="c1", text="It is from Ironwood.")]),
    max_tokens=220,
    personal=True,
)


def is_faithful(text: str, statement: str) -> bool:
    """Whether a text says what a statement says and nothing else.

    Its numbers and titles are those of the statement, each word of it is one of the statement's or
    says nothing by itself, and most of the statement's own words are there. So whatever a model
    adds, or says in another language, is recognised; a good synonym is lost with it.
    """
    if sorted(_NUMBER.findall(text)) != sorted(_NUMBER.findall(statement)):
        return False
    if any(title not in text for title in _TITLE.findall(statement)):
        return False
    said, given = _words(text), _words(statement)
    own = given - _GLUE
    return bool(said) and said <= given | _GLUE and 3 * len(own & said) >= 2 * len(own)


def _words(text: str) -> set[str]:
    words = (word.casefold().replace("’", "'") for word in _WORD.findall(text))
    return {_SAME.get(word, word) for word in words}


def reworded(
    statements: Sequence[Statement], caller: Caller
) -> tuple[list[str], list[str], tuple[Degraded, ...]]:
    """Return a text for each statement, what was dropped on the way, and what failed.

    A rewording that is not faithful is dropped, and the statement stands as it is.
    """
    texts = [one.text for one in statements]
    if caller.model is None or not texts:
        return texts, [], ()
    closed = ClosedSet(tuple(map(str, range(len(texts)))))
    values = dict(zip(closed.handles, texts, strict=True))
    outcome = caller.call(TASK, {"statements": values})
    dropped: list[str] = []
    for one in outcome.value.statements if outcome.value is not None else ():
        places, _ = closed.chosen([one.statement])
        text = " ".join(one.text.split())
        if places and is_faithful(text, statements[int(places[0])].text):
            texts[int(places[0])] = text.rstrip(".")
        else:
            dropped.append(text)
    return texts, dropped, outcome.degraded


_SAMPLE = (
    Statement("reviews", "4 of 12 reviews praise the voice", 4),
    Statement("item", "filed under Jazz", 1),
)


def self_test(caller: Caller) -> Outcome[Rewording]:
    """Return whether the model rewords two statements so that they still say the same."""
    from dataclasses import replace

    values = {"c1": _SAMPLE[0].text, "c2": _SAMPLE[1].text}
    outcome = caller.call(TASK, {"statements": values})
    if outcome.value is None:
        return outcome
    known = {one.statement: one.text for one in outcome.value.statements}
    kept = [is_faithful(known.get(key, ""), text) for key, text in values.items()]
    if not any(kept):
        return replace(outcome, problem="it reworded neither of two statements faithfully")
    return outcome
