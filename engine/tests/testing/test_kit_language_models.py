"""The kit passes right language models and finds faulty ones."""

from __future__ import annotations

from typing import Any

import pytest
from crossrec.components.template_model import TemplateConfig, TemplateModel
from crossrec.components.wording import WordingRequest
from crossrec.plugins.registration import Registration
from crossrec.testing import LanguageModelTests


class Echo:
    """Gives a reason back in English."""

    name: Any = "echo"
    cost: Any = 0.0

    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        found = [WordingRequest.parse(prompt) for prompt in prompts]
        return [" ".join(one.text.split()[:max_tokens]) if one else "" for one in found]


def registered(factory: Any, config: Any = None) -> Registration:
    return Registration("language_models", "mine", factory, config, summary="a language model")


class TestEcho(LanguageModelTests):
    registered = registered(Echo)


class TestTemplate(LanguageModelTests):
    registered = registered(TemplateModel, TemplateConfig)


def kit_for(model: type[Any]) -> LanguageModelTests:
    return type("T", (LanguageModelTests,), {"registered": registered(model)})()


class Nameless(Echo):
    name = " "


class PaysBack(Echo):
    cost = -1.0


class GivesATuple(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        return tuple(super().complete(prompts, max_tokens=max_tokens, seed=seed))


class LeavesOut(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        return [one for one in super().complete(prompts, max_tokens=max_tokens, seed=seed) if one]


class GivesNone(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        return [one or None for one in super().complete(prompts, max_tokens=max_tokens, seed=seed)]


class NeedsJson(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        import json

        return [json.loads(prompt.splitlines()[-1])["text"] for prompt in prompts]


class SortsThePrompts(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        prompts.sort()
        return super().complete(prompts, max_tokens=max_tokens, seed=seed)


class AnswersNothing(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        return [""] * len(prompts)


class LosesNumbers(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        return ["because"] * len(prompts)


class Remembers(Echo):
    seen = 0

    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        self.seen += 1
        return [f"{self.seen}"] * len(prompts)


class LooksAround(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        return [f"{len(prompts)}"] * len(prompts)


class Talks(Echo):
    def complete(self, prompts: Any, *, max_tokens: int, seed: int) -> Any:
        return ["well " * 20] * len(prompts)


FAULTS: list[tuple[type[Any], str]] = [
    (Nameless, "test_it_has_a_name_and_a_cost"),
    (PaysBack, "test_it_has_a_name_and_a_cost"),
    (GivesATuple, "test_every_prompt_has_its_answer"),
    (LeavesOut, "test_every_prompt_has_its_answer"),
    (GivesNone, "test_every_prompt_has_its_answer"),
    (NeedsJson, "test_every_prompt_has_its_answer"),
    (SortsThePrompts, "test_the_prompts_are_read_only"),
    (AnswersNothing, "test_reasons_are_worded"),
    (LosesNumbers, "test_reasons_are_worded"),
    (Remembers, "test_an_answer_depends_on_its_prompt_and_the_seed_alone"),
    (LooksAround, "test_an_answer_depends_on_its_prompt_and_the_seed_alone"),
    (Talks, "test_an_answer_has_at_most_so_many_words"),
]


@pytest.mark.parametrize(("model", "test"), FAULTS, ids=[model.__name__ for model, _ in FAULTS])
def test_a_faulty_model_is_found(model: type[Any], test: str) -> None:
    getattr(kit_for(Echo), test)()
    with pytest.raises((AssertionError, ValueError, IndexError, AttributeError)):
        getattr(kit_for(model), test)()


def test_every_test_of_the_kit_finds_a_fault() -> None:
    there = {name for name in vars(LanguageModelTests) if name.startswith("test_")}
    assert there == {test for _, test in FAULTS}
