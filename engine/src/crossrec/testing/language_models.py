"""Conformance of language models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from crossrec.components.wording import WordingRequest
from crossrec.testing.base import Conformance

#: A reason and a change, as they are given to a model.
REASONS = (
    WordingRequest("de", "often chosen together with “Claw hammer” and “Spirit level 60 cm”"),
    WordingRequest("de", "popular: 12 people", values={"people": 12}),
    WordingRequest("de", "out of stock", "out_of_stock"),
    WordingRequest(
        "de", "expired at 2026-01-05 00:00 UTC", "expired", {"at": "2026-01-05 00:00 UTC"}
    ),
)
#: Prompts of other kinds, and odd ones.
OTHERS = ("Name a colour.", "", " \n", "{", "[1, 2]", "{}", "🔥 東京 \x00", "word " * 3000)


class LanguageModelTests(Conformance, kit=True):
    """What every language model must do.

    Attributes
    ----------
    most : int
        Words of an answer at most, in these tests.
    """

    kind: ClassVar[str] = "language_models"
    most: ClassVar[int] = 40

    def prompts(self) -> list[str]:
        """Return prompts of all kinds."""
        return [*(request.prompt() for request in REASONS), *OTHERS]

    def complete(
        self, prompts: Sequence[str], model: Any = None, *, most: int | None = None, seed: int = 0
    ) -> list[str]:
        """Complete and check the contract: one text for each prompt, none too long."""
        most = self.most if most is None else most
        model = self.build() if model is None else model
        answers: list[str] = model.complete(prompts, max_tokens=most, seed=seed)
        assert isinstance(answers, list), f"complete returned {type(answers).__name__}, not a list"
        assert len(answers) == len(prompts), f"{len(answers)} answers to {len(prompts)} prompts"
        assert all(isinstance(answer, str) for answer in answers), "an answer is no text"
        assert all(len(answer.split()) <= most for answer in answers), "an answer is too long"
        return answers

    def test_it_has_a_name_and_a_cost(self) -> None:
        """For reports: what answers, and the price of 1,000 tokens."""
        model = self.build()
        assert isinstance(model.name, str)
        assert model.name.strip()
        assert isinstance(model.cost, (int, float))
        assert model.cost >= 0

    def test_every_prompt_has_its_answer(self) -> None:
        """In the order of the prompts; odd prompts raise nothing, and no prompt no answer."""
        self.complete(self.prompts())
        assert self.complete([]) == []

    def test_the_prompts_are_read_only(self) -> None:
        """Any sequence is taken, and left as it is."""
        prompts = tuple(self.prompts())
        assert self.complete(prompts) == self.complete(list(prompts))

    def test_reasons_are_worded(self) -> None:
        """Of reasons with numbers or titles at least one is worded with all of them."""
        wanted = [request for request in REASONS if not request.is_kept_by("because")]
        answers = self.complete([request.prompt() for request in wanted])
        assert any(
            request.is_kept_by(answer) for request, answer in zip(wanted, answers, strict=True)
        )

    def test_an_answer_depends_on_its_prompt_and_the_seed_alone(self) -> None:
        """The same alone, in another order, a second time and by another object."""
        model, prompts = self.build(), self.prompts()
        first = self.complete(prompts, model, seed=5)
        assert self.complete(prompts, model, seed=5) == first
        assert self.complete(prompts, seed=5) == first
        assert self.complete(prompts[::-1], model, seed=5) == first[::-1]
        assert [self.complete([prompt], model, seed=5)[0] for prompt in prompts] == first

    def test_an_answer_has_at_most_so_many_words(self) -> None:
        """Down to one."""
        for most in (1, 3, 10):
            self.complete(self.prompts(), most=most)
