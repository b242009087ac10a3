"""The language features, and whether each would really call the model that is chosen."""

from __future__ import annotations

import time
from dataclasses import dataclass

from crossrec.plugins.registration import resolve
from crossrec.plugins.state import one_line

from crossrec_language.calls.caller import NO_MODEL, Caller, Outcome


@dataclass(frozen=True)
class Feature:
    """One language feature.

    Attributes
    ----------
    name : str
        The command ``crossrec language NAME``.
    summary : str
    without : str
        What it does where no model is called, or the model fails.
    self_test : str
        ``"module:function"``, called with a `Caller`: calls the model as the feature does, about
        something of which the right answer is known, and returns the `Outcome`, whose `problem`
        also says where an answer is wrong.
    """

    name: str
    summary: str
    without: str
    self_test: str


@dataclass(frozen=True)
class Checked:
    """The self-test of one feature.

    Attributes
    ----------
    called : bool
        Whether a model was really called.
    works : bool
        Whether its answer was used.
    uses : str
        What the feature would use now: the model, or what it does without.
    problem : str
        Why it is not the model.
    """

    feature: str
    model: str
    called: bool
    works: bool
    uses: str
    problem: str
    seconds: float


_HERE = "crossrec_language.features"
FEATURES: tuple[Feature, ...] = (
    Feature(
        "intent",
        "A list for free words: what they exclude, demand, prefer, and are about.",
        "rules and the words of the catalogue",
        f"{_HERE}.intent.with_model:self_test",
    ),
    Feature(
        "describe",
        "A user's taste in words that can be edited and used as a query.",
        "labelled lines from counts",
        f"{_HERE}.describe.describe:self_test",
    ),
    Feature(
        "explain",
        "Why an item is recommended, in true statements.",
        "statements worded by templates",
        f"{_HERE}.explain.paraphrase:self_test",
    ),
    Feature(
        "rerank",
        "The top 20 in a model's order, where that is proven to be better.",
        "the list as it is",
        f"{_HERE}.rerank.order:self_test",
    ),
)


def checked(caller: Caller, features: tuple[Feature, ...] = FEATURES) -> list[Checked]:
    """Return what the self-test of each feature says; none of them raises."""
    return [_checked(feature, caller) for feature in features]


def _checked(feature: Feature, caller: Caller) -> Checked:
    started = time.perf_counter()
    try:
        outcome: Outcome[object] = resolve(feature.self_test)(caller)  # type: ignore[type-var]
        called, problem = outcome.called, outcome.problem
    except Exception as error:
        called, problem = False, f"its self-test failed: {one_line(error)}"
    works = not problem
    uses = caller.name if works else feature.without
    seconds = round(time.perf_counter() - started, 3)
    return Checked(feature.name, caller.name, called, works, uses, problem, seconds)


def has_failed(results: list[Checked]) -> bool:
    """Whether a model is chosen and some feature would do without it."""
    return any(one.problem and one.problem != NO_MODEL for one in results)
