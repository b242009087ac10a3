"""Examples of the sources, and what heads are worth to a source that they never saw.

Leaving one source out gives the figures of the model card, and the weight of a head on targets
that have no events to choose one by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from crossrec.components.ndcg import target_gains
from crossrec.components.paired_gain import PairedGain, choose_gain
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from numpy.typing import NDArray

from crossrec_backbone.pretrained.model import BUCKETS, GENERAL, MORE, bucket_of
from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.mixture import Mixture, mixed, parts_of
from crossrec_backbone.ranking.trees import TreeRanker

#: A scenario to learn from: its name, its family of domains, and its data.
SourceDataset = tuple[str, str, Dataset]
#: Fits a head on some examples.
FitHead = Callable[[Sequence["SourceExamples"]], TreeRanker]
Table = NDArray[np.float64]
#: The head of the own family, in the results of leaving one out.
FAMILY = "family"
#: Options of a head's default weight.
WEIGHTS = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class SourceExamples:
    """The examples of one source at one level.

    Attributes
    ----------
    events : int
        The level.
    queries : int
        Queries of the task; `hits` of them had their target among the candidates.
    """

    source: str
    family: str
    events: int
    groups: Groups
    queries: int
    hits: int

    def sample(self, count: int) -> SourceExamples:
        """Return the same with at most `count` of its examples, evenly spread."""
        rows = np.linspace(0, len(self.groups) - 1, min(count, len(self.groups))).astype(np.int64)
        return replace(self, groups=self.groups.take(rows))


@dataclass(frozen=True)
class LeaveOneOut:
    """What heads are worth to sources that they never saw.

    Attributes
    ----------
    results : mapping of source to level to method to ndcg@10
    weights : mapping of `GENERAL` or `FAMILY` to the default weight at each amount of events
        One for each of `bucket_of`, by the examples of that amount and of those next to it: one
        amount alone has too few for two samples to agree. 0 where the gain is not beyond noise.
    """

    results: dict[str, dict[str, dict[str, float]]]
    weights: dict[str, dict[str, float]]


def leave_one_out(
    examples: Sequence[SourceExamples], fit: FitHead, kappa: float, run: RunOptions
) -> LeaveOneOut:
    """Measure every source with heads that never saw it, against the closed form alone.

    Figures are ndcg@10 over the unseen items of the source.

    Parameters
    ----------
    kappa : float
        Weight of behaviour in the closed form.
    """
    names = list(dict.fromkeys(one.source for one in examples))
    results: dict[str, dict[str, dict[str, float]]] = {}
    tables: dict[tuple[str, str], list[Table]] = {}
    for at, name in enumerate(names):
        run.progress("leaving one source out", at, len(names))
        heads = _heads_without(name, examples, fit)
        results[name] = {}
        for one in (one for one in examples if one.source == name):
            figures, differences = _figures(one, heads, kappa)
            results[name][str(one.events)] = figures
            for head, table in differences.items():
                tables.setdefault((head, bucket_of(one.events)), []).append(table)
    run.progress("leaving one source out", len(names), len(names))
    return LeaveOneOut(results, _weights(tables))


def _weights(tables: Mapping[tuple[str, str], list[Table]]) -> dict[str, dict[str, float]]:
    """Return the weight of each head at each amount of events that was measured."""
    amounts = [*map(str, BUCKETS), MORE]
    weights: dict[str, dict[str, float]] = {}
    for head, amount in tables:
        at = amounts.index(amount)
        near = [tables.get((head, one), []) for one in amounts[max(at - 1, 0) : at + 2]]
        weights.setdefault(head, {})[amount] = _best_weight([one for part in near for one in part])
    return weights


def _heads_without(
    name: str, examples: Sequence[SourceExamples], fit: FitHead
) -> dict[str, TreeRanker]:
    """Fit a head on all other sources, and one on those of the same family."""
    family = next(one.family for one in examples if one.source == name)
    others = [one for one in examples if one.source != name]
    relatives = [one for one in others if one.family == family]
    heads = {GENERAL: fit(others)} if others else {}
    if relatives:
        heads[FAMILY] = heads[GENERAL] if len(relatives) == len(others) else fit(relatives)
    return heads


def _figures(
    examples: SourceExamples, heads: dict[str, TreeRanker], kappa: float
) -> tuple[dict[str, float], dict[str, Table]]:
    """Return ndcg@10 of the closed form and of its sum with each head, and what each weight adds.

    The second part holds, for each head, the difference of every query under each of `WEIGHTS`.
    """
    groups, share = examples.groups, examples.hits / max(examples.queries, 1)
    if not len(groups):
        return {"closed form": 0.0}, {}
    scores = {name: ranker.scores(groups.columns) for name, ranker in heads.items()}
    parts = parts_of(groups, scores, None)

    def gains(mixture: Mixture) -> Table:
        return target_gains(mixed(parts, mixture), groups.place)

    closed = gains(Mixture(kappa))
    figures = {"closed form": round(share * float(closed.mean()), 5)}
    differences = {}
    for head in heads:
        under = [gains(Mixture(kappa, head, weight)) for weight in WEIGHTS]
        figures[head] = round(share * float(under[WEIGHTS.index(1.0)].mean()), 5)
        differences[head] = np.stack(under, axis=1) - closed[:, None]
    return figures, differences


def _best_weight(tables: Sequence[Table]) -> float:
    """Return the weight with the surest gain, every source counted the same; 0 where none is.

    Parameters
    ----------
    tables : sequence of float arrays, shape (n, len(WEIGHTS))
        Of each source: what each weight adds to each query.
    """
    gains = {
        weight: PairedGain.average(
            [PairedGain.between(table[:, at], table[:, 0]) for table in tables]
        )
        for at, weight in enumerate(WEIGHTS)
    }
    return choose_gain(gains, 0.0).option
