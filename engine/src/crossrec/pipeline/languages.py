"""Answers in other languages: a language model words the reasons and changes of a list.

What it cannot word, or words without a number or title of the reason, stays English and is named in
``degraded``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crossrec.components.evidence import Reason
from crossrec.components.protocols import LanguageModel
from crossrec.components.slate import Change, Degraded, Slate
from crossrec.components.wording import WordingRequest, shown
from crossrec.errors import UsageError
from crossrec.pipeline.resolved import Component
from crossrec.plugins.state import one_line

log = logging.getLogger("crossrec")

#: Words of one reason at most.
_MOST = 80
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def checked_language(tag: str) -> str:
    """Return a language tag.

    Raises
    ------
    UsageError
        If it is none.
    """
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise UsageError(f"{tag!r} is no language: write a tag such as de or pt-BR")
    return tag


def in_language(slate: Slate, language: str, model: Component) -> Slate:
    """Return the answer with its reasons and changes worded in a language."""
    requests = dict.fromkeys(_prompts(slate, language))
    if not requests:
        return slate
    prompts = list(requests)
    label = f"language model {model.label}"
    try:
        one: LanguageModel = model.built
        answers = _checked(one.complete(prompts, max_tokens=_MOST, seed=0), len(prompts))
        note = _charged(one, prompts, answers)
    except (Exception, SystemExit) as error:
        log.warning("%s failed", label, exc_info=error)
        return replace(slate, degraded=(*slate.degraded, Degraded(label, one_line(error))))
    words: dict[str, str] = {}
    lost: list[str] = []
    for prompt, answer in zip(prompts, answers, strict=True):
        request = WordingRequest.parse(prompt)
        if request is not None and request.is_kept_by(answer):
            words[prompt] = answer.strip()
        elif request is not None:
            lost.append(request.text)
    degraded = slate.degraded
    if lost:
        stays = (
            f"{len(lost)} of {len(prompts)} texts stay English: no faithful wording in "
            f"{language!r}, such as of {lost[0]!r}"
        )
        degraded = (*degraded, Degraded(label, stays))
    worded = _worded(slate, language, words)
    return replace(worded, degraded=degraded, notes=(*slate.notes, *note))


def _prompts(slate: Slate, language: str) -> Iterator[str]:
    if slate.heading:
        yield _of_heading(slate, language)
    for item in slate.items:
        for reason in item.reasons:
            yield _of_reason(reason, language)
    for change in slate.changes:
        yield _of_change(change, language)


def _of_reason(reason: Reason, language: str) -> str:
    return WordingRequest(language, reason.text, values=dict(reason.values)).prompt()


def _of_heading(slate: Slate, language: str) -> str:
    return WordingRequest(language, slate.heading).prompt()


def _of_change(change: Change, language: str) -> str:
    return WordingRequest(language, change.why, change.code, shown(change.values)).prompt()


def _checked(answers: Any, n: int) -> list[str]:
    """Return the answers.

    Raises
    ------
    TypeError
        If they are not one text for each prompt.
    """
    if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
        raise TypeError("complete returned no list of texts")
    if len(answers) != n:
        raise TypeError(f"complete returned {len(answers)} texts for {n} prompts")
    return answers


def _charged(model: LanguageModel, prompts: list[str], answers: list[str]) -> tuple[str, ...]:
    """Return a note on what the wording cost, about; none where nothing is charged."""
    if not model.cost:
        return ()
    words = sum(len(text.split()) for text in (*prompts, *answers))
    return (f"worded by {model.name} for about ${model.cost * words / 1000:.4f}",)


def _worded(slate: Slate, language: str, words: dict[str, str]) -> Slate:
    """Return the answer with the words that were found."""
    items = tuple(
        replace(
            item,
            reasons=tuple(
                replace(one, text=words.get(_of_reason(one, language), one.text))
                for one in item.reasons
            ),
        )
        for item in slate.items
    )
    changes = tuple(
        replace(one, text=words.get(_of_change(one, language), one.text)) for one in slate.changes
    )
    heading = words.get(_of_heading(slate, language), slate.heading)
    return replace(slate, items=items, changes=changes, heading=heading)
