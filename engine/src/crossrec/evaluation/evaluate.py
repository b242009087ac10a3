"""From a dataset and a way to fit models to a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from crossrec.components.eligibility import ALL, UNSEEN, CandidateRule
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Split
from crossrec.errors import DataError, UsageError
from crossrec.evaluation.baselines import Popularity, RepeatLast
from crossrec.evaluation.measure import Bench, ModelFigures, measure
from crossrec.evaluation.metrics import FloatArray
from crossrec.evaluation.models import BuildModels, Model
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.evaluation.report import FailedModel, Interval, ModelResult, Report, SegmentResult
from crossrec.evaluation.significance import Comparison, bootstrap_means, compare, interval

Progress = Callable[[str, int, int], None]
RuleFor = Callable[[Dataset], CandidateRule]


def evaluate(
    dataset: Dataset,
    build_models: BuildModels,
    protocol: EvaluationProtocol | None = None,
    *,
    rule_for: RuleFor | None = None,
    scenario: str = "",
    threads: int = 1,
    progress: Progress = lambda message, done, total: None,
) -> Report:
    """Fit models before the cut and report how well they find what came after it.

    Popularity and repeat-last are measured with whatever `build_models` returns. A model that
    raises while it is measured is left out and named in the report.

    Parameters
    ----------
    build_models : callable
        Gets the training part, the validation part and, with ``protocol.refit``, the two together;
        called once for each fold.
    protocol : EvaluationProtocol, optional
        Default: by global time where the set has a clock, else leave-one-out.
    rule_for : callable, optional
        From the training part to what is a candidate; needed for ``served`` candidates, which a
        scenario and a pipeline define (`crossrec.pipeline.evaluate_models.rule_for`).
    threads : int
        Blocks of queries that a model answers at the same time.
    progress : callable
        ``progress(message, done, total)``.

    Raises
    ------
    DataError
        If the set cannot be split, or a split leaves no test user.
    UsageError
        If two models have the same name, or the rule of ``served`` candidates is missing.
    """
    protocol = protocol or EvaluationProtocol.default_for(dataset)
    rule_for = rule_for or _rule_of(protocol)
    outcomes = []
    for split in protocol.splits(dataset):
        if not len(split.test):
            raise DataError("this split leaves no test user")
        outcomes.append(
            _one_split(split, protocol, rule_for(split.train), build_models, threads, progress)
        )
    failures = {failure.model: failure for one in outcomes for failure in one.failed}
    pooled = _pool([one.measured for one in outcomes], set(failures))
    results, comparisons = compared(pooled, protocol)
    return Report(
        scenario,
        protocol.split,
        protocol.candidates,
        len(next(iter(pooled[0].columns.values()))),
        protocol.ks,
        results,
        comparisons,
        tuple(failures.values()),
        tuple(_notes(outcomes, pooled, protocol)),
    )


@dataclass(frozen=True, eq=False)
class _SplitResult:
    """Figures and failures of one split, and what the notes are written from."""

    measured: list[ModelFigures]
    failed: list[FailedModel]
    split_notes: tuple[str, ...]
    targets: int
    repeats: int
    diversity_basis: str


def _one_split(
    split: Split,
    protocol: EvaluationProtocol,
    rule: CandidateRule,
    build_models: BuildModels,
    threads: int,
    progress: Progress,
) -> _SplitResult:
    """Fit and measure every model of one split."""
    if split.refit is None:
        models = list(build_models(split.train, split.validation))
    else:
        models = list(build_models(split.train, split.validation, refit=split.refit))
    names = [model.name for model in models]
    if len(set(names)) != len(names):
        raise UsageError(f"two models have the same name: {', '.join(sorted(names))}")
    fitted = split.refit or split.train
    baselines = _baselines(fitted, names)
    bench = Bench.of(protocol, rule, split.test, fitted, baselines[0])
    measured, failed = [], []
    for model in [*models, *baselines]:
        step = partial(progress, model.name)
        try:
            own = model in baselines
            measured.append(measure(model, bench, baseline=own, threads=threads, step=step))
        except (Exception, SystemExit) as error:  # a broken model must not lose others' figures
            failed.append(FailedModel(model.name, f"{type(error).__name__}: {error}"))
        faults: Mapping[str, str] = getattr(model, "faults", {})
        failed += [FailedModel(f"{part} in {model.name}", why) for part, why in faults.items()]
    return _SplitResult(
        measured,
        failed,
        split.notes,
        len(split.test.targets.values),
        int(split.test.targets.isin(bench.queries.exclude).sum()),
        bench.vectors.basis if bench.vectors else "",
    )


def _rule_of(protocol: EvaluationProtocol) -> RuleFor:
    """Return the rule of the research protocols, which need no scenario."""
    if protocol.candidates == "served":
        raise UsageError("candidates 'served' need a scenario: give rule_for, or take 'unseen'")
    rule = ALL if protocol.candidates == "all" else UNSEEN
    return lambda train: rule


def _baselines(fitted: Dataset, taken: Sequence[str]) -> list[Model]:
    """Popularity and repeat-last, under a longer name where a source already has theirs."""

    def free(name: str) -> str:
        return f"{name} (baseline)" if name in taken else name

    return [Popularity(fitted, free("popularity")), RepeatLast(fitted, free("repeat-last"))]


def _pool(folds: Sequence[Sequence[ModelFigures]], failed: set[str]) -> list[ModelFigures]:
    """Join the folds: users one after the other, list metrics averaged by the number of users."""
    by_name: dict[str, list[ModelFigures]] = {}
    for fold in folds:
        for one in fold:
            by_name.setdefault(one.name, []).append(one)
    return [
        _joined(parts)
        for name, parts in by_name.items()
        if name not in failed and len(parts) == len(folds)
    ]


def _joined(parts: Sequence[ModelFigures]) -> ModelFigures:
    """Join one model's figures over all folds."""
    first = parts[0]
    weights = [len(next(iter(part.columns.values()))) for part in parts]
    return ModelFigures(
        first.name,
        first.baseline,
        sum(part.fit_seconds for part in parts),
        sum(part.recommend_seconds for part in parts),
        {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
        {
            name: float(np.average([part.lists[name] for part in parts], weights=weights))
            for name in first.lists
        },
        sum(part.broken for part in parts),
    )


def compared(
    pooled: Sequence[ModelFigures], protocol: EvaluationProtocol
) -> tuple[tuple[ModelResult, ...], tuple[Comparison, ...]]:
    """Return means, intervals and tests of models that had the same users.

    All of them see the same bootstrap draws.
    """
    names = list(pooled[0].columns)
    stacked = np.stack([one.columns[name] for one in pooled for name in names], axis=1)
    means = bootstrap_means(stacked, resamples=protocol.resamples, seed=protocol.seed)
    drawn = {
        one.name: dict(zip(names, means[:, i * len(names) : (i + 1) * len(names)].T))
        for i, one in enumerate(pooled)
    }
    headline = [f"recall@{protocol.ks[0]}", f"ndcg@{protocol.ks[0]}"]
    comparisons = compare(
        {name: {one.name: one.columns[name] for one in pooled} for name in headline},
        {name: {one.name: drawn[one.name][name] for one in pooled} for name in headline},
    )
    return tuple(_result(one, drawn[one.name]) for one in pooled), comparisons


def _result(one: ModelFigures, drawn: Mapping[str, FloatArray]) -> ModelResult:
    """Return one row of the report."""
    overall = [name for name in one.columns if ":" not in name]
    segments: dict[str, dict[str, SegmentResult]] = {}
    for column in one.columns:
        place, separator, _ = column.partition(":")
        if separator:
            group, _, name = place.partition(".")
            segments.setdefault(group, {})[name] = _segment(one, drawn, place)
    return ModelResult(
        one.name,
        one.baseline,
        one.fit_seconds,
        one.recommend_seconds,
        {name: _mean(one.columns[name]) for name in overall} | one.lists,
        {name: interval(drawn[name]) for name in overall},
        segments,
    )


def _segment(one: ModelFigures, drawn: Mapping[str, FloatArray], place: str) -> SegmentResult:
    """Return the figures of one model on one segment."""
    columns = {name: name.split(":")[1] for name in one.columns if name.startswith(f"{place}:")}
    metrics = {metric: _mean(one.columns[name]) for name, metric in columns.items()}
    ci95: dict[str, Interval] = {metric: interval(drawn[name]) for name, metric in columns.items()}
    return SegmentResult(int((~np.isnan(one.columns[next(iter(columns))])).sum()), metrics, ci95)


def _mean(values: FloatArray) -> float:
    """Mean of what is defined; NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _notes(
    outcomes: Sequence[_SplitResult], pooled: Sequence[ModelFigures], protocol: EvaluationProtocol
) -> list[str]:
    """Return what the reader of these figures has to know."""
    notes = list(dict.fromkeys(note for one in outcomes for note in one.split_notes))
    if protocol.refit:
        notes.append("models were fitted again on training and validation before the test")
    if protocol.users is not None:
        notes.append(f"a sample of the test users, seed {protocol.seed}")
    repeats, targets = (sum(getattr(one, n) for one in outcomes) for n in ("repeats", "targets"))
    if repeats:
        notes.append(
            f"{repeats:,} of {targets:,} targets are known to the user already and no candidates "
            "here: they count as misses"
        )
    if outcomes[0].diversity_basis:
        notes.append(f"diversity is measured on {outcomes[0].diversity_basis}")
    for one in pooled:
        if one.broken:
            notes.append(
                f"{one.name} returned {one.broken:,} items that were excluded or already in the "
                "list; their slots count as empty"
            )
    return notes
