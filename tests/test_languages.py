"""The shipped German words every reason that an installed source gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.template_model import TemplateModel
from crossrec.components.wording import WordingRequest
from crossrec.pipeline.reasons import in_words
from crossrec.plugins.registry import load_registry
from crossrec.testing import toy
from crossrec.testing.circles import circles
from crossrec.testing.larder import larder
from crossrec.testing.serials import serials
from crossrec.testing.toy import Toy

#: What answers from other scenarios says nothing of the toys: its reasons are LINKED.
SOURCES = [
    one.name
    for one in load_registry().all("candidate_generators")
    if "explain" in one.capabilities and "linked" not in one.capabilities
]
LINKED = ("because you chose “Title 0” in video", "chosen by people who are in video too")


#: Settings with which a source has something to say of the toys.
SETTINGS: dict[str, dict[str, Any]] = {"following": {"events": 1, "days": 0}}


def built(name: str) -> Any:
    registration = load_registry().get("candidate_generators", name)
    return registration.build(SETTINGS.get(name, {}))


def toys() -> Iterator[Toy]:
    for clock in (True, False):
        yield toy.shop(clock=clock)
        yield toy.checkerboard(16, clock=clock)


def reasons_of(source: Any, data: Toy) -> set[str]:
    """Return the texts of all reasons that a source gives for all users."""
    found: set[str] = set()
    for row in range(len(data.queries)):
        query = data.queries.take(np.array([row]))
        items = source.generate(query, 10).row(0)
        for evidence in source.explain(query, items):
            if evidence is not None:
                found.add(in_words("source", evidence, data.dataset.catalog).text)
    return found


def german_words(texts: set[str]) -> None:
    """Check that each reason has words of its own, with everything that it says."""
    requests = [WordingRequest("de", text) for text in sorted(texts)]
    prompts = [request.prompt() for request in requests]
    answers = TemplateModel().complete(prompts, max_tokens=80, seed=0)
    lost = [
        request.text
        for request, answer in zip(requests, answers, strict=True)
        if not request.is_kept_by(answer)
    ]
    assert not lost, f"no German words for {lost}"
    same = {request.text for request in requests} & set(answers)
    assert not same, f"left in English: {same}"


def test_reasons_from_other_scenarios_have_german_words() -> None:
    german_words(set(LINKED))


@pytest.mark.parametrize("name", SOURCES)
def test_every_reason_has_german_words(name: str) -> None:
    texts: set[str] = set()
    for data in toys():
        source = built(name)
        try:
            source.fit(data.dataset, RunOptions(seed=1, threads=1))
        except Exception as error:  # a model or vectors that this source needs
            pytest.skip(f"{name} cannot be fitted on the toys alone: {error}")
        texts |= reasons_of(source, data)
    # Of what was begun or had before, or of follows, alone.
    for data in () if texts else (larder(), serials(), circles()):
        source = built(name)
        source.fit(data.dataset, RunOptions(seed=1, threads=1))
        texts |= reasons_of(source, data)
    assert texts, "the source explains nothing"
    german_words(texts)
