"""The surfaces of a pipeline, measured through the request path on events that were held out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from crossrec.components.consumption import EventEffects
from crossrec.components.live_items import LiveItems
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.evaluation.baselines import Popularity, RepeatLast
from crossrec.evaluation.models import Model
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.evaluation.surfaces.figures import ItemFacts
from crossrec.evaluation.surfaces.measure import measured
from crossrec.evaluation.surfaces.questions import QUESTIONS_OF, of_returns
from crossrec.evaluation.surfaces.report import SurfaceResult, SurfacesReport
from crossrec.evaluation.surfaces.similarity import Similarity
from crossrec.evaluation.surfaces.window import Window, window_of
from crossrec.executors import Executor
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.offline_requests import answers_to
from crossrec.pipeline.pipeline import Pipeline, ServedSurface
from crossrec.pipeline.resolved import ResolvedPipeline
from crossrec.pipeline.serving import Serving
from crossrec.scenario import Scenario

#: The capability of sources that propose nothing but what the user had.
OWN_ITEMS = "own_items"


def evaluate_surfaces(
    scenario: Scenario,
    dataset: Dataset,
    resolved: ResolvedPipeline,
    run: RunOptions,
    *,
    names: Sequence[str] = (),
    k: int = 10,
    users: int | None = None,
    executor: Executor | None = None,
) -> SurfacesReport:
    """Fit the pipeline on what came before a window and ask its surfaces about the window.

    The fit is that of ``crossrec fit``, on the training part, and the answers are those of a
    request at that moment: sources, ranker, policies, filters, fallbacks. What is fitted has seen
    nothing of the window; a request knows what the user did before its question.

    Parameters
    ----------
    names : sequence of str
        Surfaces; all of the pipeline where empty.
    k : int
        Length of the lists.
    users : int, optional
        At most so many test users, drawn with the seed of `run`.

    Raises
    ------
    UsageError
        If the pipeline has no surface of a name, or `k` or `users` is below 1.
    DataError
        If no window can be held out.
    CrossrecError
        If the pipeline cannot be fitted.
    """
    if k < 1 or (users is not None and users < 1):
        raise UsageError("the length of lists and the number of users must be 1 or more")
    for name in names:
        if name not in resolved.surfaces:
            known = ", ".join(resolved.surfaces)
            raise UsageError(f"scenario {scenario.name!r} has no surface {name!r}: it has {known}")
    window = window_of(dataset)
    started = time.perf_counter()
    pipeline = fit_pipeline(scenario, window.train, resolved, run, executor=executor)
    seconds = time.perf_counter() - started
    train, _ = attach_vectors(window.train, resolved, run)
    window = window.sample(users, run.seed)
    bench = _Bench.of(scenario, pipeline, window, train, k, run)
    return SurfacesReport(
        scenario.name,
        window.protocol,
        k,
        len(window),
        {
            "seconds": round(seconds, 1),
            "events": len(train.events),
            "sources": list(pipeline.sources),
            "failed": dict(pipeline.report["failed"]),
            "notes": list(pipeline.report["notes"]),
        },
        tuple(bench.result(name) for name in dict.fromkeys(names or resolved.surfaces)),
        window.notes,
    )


@dataclass(frozen=True, eq=False)
class _Bench:
    """What all surfaces of one fit are measured with."""

    scenario: Scenario
    serving: Serving
    window: Window
    k: int
    run: RunOptions
    facts: ItemFacts
    popularity: Model
    similarity: Model
    repeat_last: Model

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        pipeline: Pipeline,
        window: Window,
        train: Dataset,
        k: int,
        run: RunOptions,
    ) -> _Bench:
        """Prepare what is the same for all surfaces."""
        items = LiveItems(pipeline.catalog, scenario.items)
        return cls(
            scenario,
            Serving(pipeline, items, EventEffects.of(scenario)),
            window,
            k,
            run,
            ItemFacts.of(train, window.cut),
            Popularity(train),
            Similarity(train),
            RepeatLast(train),
        )

    def result(self, name: str) -> SurfaceResult:
        """Measure one surface, or say why that is not possible."""
        served = self.serving.pipeline.surfaces[name]
        input_ = served.plan.config.input
        missing = self._missing(served)
        if missing:
            return SurfaceResult(name, input_, "", None, missing)
        own = self._own(served)
        ask = of_returns if own else QUESTIONS_OF.get(input_)
        if ask is None:
            return SurfaceResult(name, input_, "", None, f"no protocol for the input {input_!r}")
        questions = ask(self.window)
        if not len(questions):
            return SurfaceResult(
                name, input_, questions.what, None, "no test user has such events in the window"
            )
        step = partial(self.run.progress, f"querying {name}")
        answers = answers_to(self.serving, name, questions, self.window.whole, self.k, step)
        baselines = [self.popularity]
        if own:
            baselines.append(self.repeat_last)
        elif not questions.anonymous:
            baselines.append(self.similarity)
        return measured(
            name,
            input_,
            questions,
            answers,
            baselines,
            self.facts,
            EvaluationProtocol(ks=(self.k,), seed=self.run.seed),
            scenario=self.scenario.name,
            split=self.window.protocol,
        )

    def _missing(self, served: ServedSurface) -> str:
        """Return why no source of a surface answers; "" where one does."""
        pipeline = self.serving.pipeline
        labels = served.plan.sources
        if any(label in pipeline.sources for label in labels):
            return ""
        failed = {label: pipeline.report["failed"].get(label, "not fitted") for label in labels}
        return "; ".join(f"{label}: {why}" for label, why in failed.items()) or "no source"

    def _own(self, served: ServedSurface) -> bool:
        """Return whether a surface shows nothing but what the user had."""
        able = self.serving.pipeline.capabilities
        return all(OWN_ITEMS in able.get(label, frozenset()) for label in served.plan.sources)
