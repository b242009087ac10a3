"""One model on one split: queried block by block, measured by the ranks of the targets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD
from crossrec.components.eligibility import CandidateRule, queries_of
from crossrec.components.query import QueryBatch
from crossrec.components.threads import in_threads
from crossrec.data.dataset import Dataset
from crossrec.data.splits import Targets
from crossrec.errors import PluginError
from crossrec.evaluation import metrics
from crossrec.evaluation.metrics import FloatArray, ItemVectors
from crossrec.evaluation.models import Model
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.evaluation.segments import Segment, segments_of
from crossrec.numeric.ragged import BoolArray, IntArray

#: Metrics of a user, in the order of the report. They get intervals; the first two get tests.
PER_USER = {"recall": metrics.recall, "ndcg": metrics.ndcg, "mrr": metrics.mrr}


@dataclass(frozen=True, eq=False)
class Bench:
    """What all models of one split are measured with.

    Attributes
    ----------
    popular : int32 array, shape (n, max k)
        The popularity baseline's list for each query.
    tail : bool array, one for each target
        Whether the target belongs to the long tail.
    """

    protocol: EvaluationProtocol
    targets: Targets
    queries: QueryBatch
    n_items: int
    segments: tuple[Segment, ...]
    tail: BoolArray
    vectors: ItemVectors | None
    popular: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        protocol: EvaluationProtocol,
        rule: CandidateRule,
        targets: Targets,
        fitted: Dataset,
        popularity: Model,
    ) -> Bench:
        """Prepare the queries, and what is the same for every model."""
        queries = queries_of(targets, fitted, rule)
        segments = segments_of(targets, fitted)
        depth = protocol.ks[-1]
        popular = np.full((len(queries), depth), PAD, dtype=np.int32)
        for rows in queries.blocks(protocol.block):
            lists = popularity.top(queries.take(rows), depth).index
            popular[rows, : lists.shape[1]] = lists
        return cls(
            protocol,
            targets,
            queries,
            fitted.n_items,
            # Where history is excluded a repeat target is always a miss; a note counts them.
            tuple(s for s in segments if s.group != "targets" or rule.keeps_history),
            ~metrics.head_items(fitted.item_counts)[targets.targets.values],
            ItemVectors.of(fitted),
            popular,
        )


@dataclass(frozen=True, eq=False)
class ModelFigures:
    """One model's figures on one split.

    Attributes
    ----------
    columns : mapping of str to float64 array, shape (n_users,)
        Values of each user, NaN where a metric is undefined: ``recall@10``,
        ``longtail_recall@10``, ``users.hot:recall@10`` …
    lists : mapping of str to float
        Values of the lists as a whole: coverage, Gini, overlap, diversity.
    broken : int
        Slots that held an excluded item or one shown before; they count as empty.
    """

    name: str
    baseline: bool
    fit_seconds: float
    recommend_seconds: float
    columns: dict[str, FloatArray]
    lists: dict[str, float]
    broken: int = 0


@dataclass(frozen=True, eq=False)
class _BlockFigures:
    """What is collected of one block."""

    ranks: IntArray
    shown: dict[int, IntArray]
    per_list: dict[str, FloatArray]
    seconds: float
    broken: int


def measure(
    model: Model,
    bench: Bench,
    *,
    baseline: bool = False,
    threads: int = 1,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> ModelFigures:
    """Measure the lists of `model`; memory grows with users plus items.

    Parameters
    ----------
    threads : int
        Blocks that the model answers at the same time.

    Raises
    ------
    PluginError
        If the model returns something other than one list for each query.
    """
    blocks = list(bench.queries.blocks(bench.protocol.block))
    parts: list[_BlockFigures] = []
    for start in range(0, len(blocks), threads):
        together = blocks[start : start + threads]
        parts += in_threads(lambda rows: _block(model, bench, rows), together, threads)
        step(int(together[-1][-1]) + 1, len(bench.queries))
    return ModelFigures(
        model.name,
        baseline,
        float(model.fit_seconds),
        sum(part.seconds for part in parts) / min(threads, len(blocks)),
        _columns(np.concatenate([part.ranks for part in parts]), bench),
        _list_metrics(parts),
        sum(part.broken for part in parts),
    )


def _block(model: Model, bench: Bench, rows: IntArray) -> _BlockFigures:
    """Query the model with one block and return its figures."""
    queries = bench.queries.take(rows)
    depth = bench.protocol.ks[-1]
    started = time.perf_counter()
    answer = model.top(queries, depth).index
    seconds = time.perf_counter() - started
    lists, broken = checked(answer, queries, depth, bench.n_items, model.name)
    ranks = metrics.target_ranks(lists, bench.targets.targets.take(rows), bench.n_items)
    popular = bench.popular[rows].astype(np.int64)
    shown: dict[int, IntArray] = {}
    per_list: dict[str, FloatArray] = {}
    for k in bench.protocol.ks:
        top = lists[:, :k]
        shown[k] = metrics.exposure(top, bench.n_items)
        per_list[f"popular_overlap@{k}"] = metrics.overlap(top, popular[:, :k], bench.n_items)
        if bench.vectors is not None:
            per_list[f"diversity@{k}"] = metrics.diversity(top, bench.vectors)
    return _BlockFigures(ranks, shown, per_list, seconds, broken)


def checked(
    index: IntArray, queries: QueryBatch, k: int, n_items: int, name: str
) -> tuple[IntArray, int]:
    """Return lists in which every slot holds a new, eligible item or `PAD`; and how many did not.

    Raises
    ------
    PluginError
        If there is not one list for each query or an index is outside of the catalog.
    """
    if index.ndim != 2 or len(index) != len(queries):
        raise PluginError(f"{name} returned {len(index)} lists for {len(queries)} queries")
    lists = index[:, :k].astype(np.int64)
    if lists.size and not (lists.min() >= PAD and lists.max() < n_items):
        raise PluginError(f"{name} returned an item index outside of the {n_items} items")
    bad = queries.exclude.contains(lists)
    order = np.argsort(lists, axis=1, kind="stable")
    ordered = np.take_along_axis(lists, order, axis=1)
    repeated = np.zeros(lists.shape, dtype=bool)
    again = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != PAD)
    np.put_along_axis(repeated, order[:, 1:], again, axis=1)
    bad |= repeated
    return np.where(bad, PAD, lists), int(bad.sum())


def _columns(ranks: IntArray, bench: Bench) -> dict[str, FloatArray]:
    """Values of each user: overall at every depth, long tail, and segments at the first depth."""
    targets = bench.targets.targets
    ks = bench.protocol.ks
    columns = {f"{name}@{k}": at(ranks, targets, k) for name, at in PER_USER.items() for k in ks}
    for k in ks:
        columns[f"longtail_recall@{k}"] = metrics.recall(ranks, targets, k, bench.tail)
    for segment in bench.segments:
        for name in ("recall", "ndcg"):
            value = PER_USER[name](ranks, targets, ks[0], segment.counted)
            columns[f"{segment.group}.{segment.name}:{name}@{ks[0]}"] = value
    return columns


def _list_metrics(parts: Sequence[_BlockFigures]) -> dict[str, float]:
    """Values of the lists as a whole, NaN where undefined."""
    values: dict[str, float] = {}
    shown = {k: np.sum([part.shown[k] for part in parts], axis=0) for k in parts[0].shown}
    values |= {f"coverage@{k}": metrics.coverage(counts) for k, counts in shown.items()}
    values |= {f"gini@{k}": metrics.gini(counts) for k, counts in shown.items()}
    for name in sorted(parts[0].per_list):
        joined = np.concatenate([part.per_list[name] for part in parts])
        defined = joined[~np.isnan(joined)]
        values[name] = float(defined.mean()) if len(defined) else float("nan")
    return values
