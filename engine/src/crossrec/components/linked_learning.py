"""What the linked people of a fit teach: which model serves them, and whether it helps at all.

Everything is measured on people who are held out, in turn, and compared on the same people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.linked_model import Floats, LinkedModel, ridge, text_alone
from crossrec.components.ndcg import NdcgScorer
from crossrec.components.paired_gain import PairedGain, choose_option
from crossrec.components.topk import top_k
from crossrec.numeric.gain import TOP
from crossrec.numeric.ragged import Ragged

#: λ of the ridge, and shares of the text in the score, among which linked people choose.
PENALTIES = (10.0, 30.0, 100.0, 300.0)
SHARES = (0.0, 0.2)
#: Own events at which it is measured whether the linked history helps.
MOMENTS = (0, 1, 3, 5)
#: Linked people below which nothing is learnt or measured; people that are measured at most.
ENOUGH, MOST = 50, 2000
#: Items that came next, by which a list is judged.
_NEXT = 5
_FOLDS, _CHOOSING = 5, 3
#: Constant of reciprocal rank fusion, as in the default ranker.
_RRF = 60.0


#: λ and the share of the text; None learns nothing of people.
Option = tuple[float, float] | None
#: By the number of own events: the gain of ndcg@10, and its mean without and with the history.
Gains = dict[int, tuple[PairedGain, float, float]]


@dataclass(frozen=True, eq=False)
class Learning:
    """What is known of the linked people of a fit.

    Attributes
    ----------
    features : float32 array, shape (n, r)
    sequences : Ragged, n rows
        Their own distinct items, oldest first.
    chosen : scipy CSR matrix, shape (n, n_items)
    everybody : scipy CSR matrix, shape (n_users, n_items)
        1 where any user of the scenario, linked or not, chose an item.
    rows : int64 array, shape (n,)
        The linked people among `everybody`.
    own : float32 array, shape (n_items, r)
    """

    features: Floats
    sequences: Ragged
    chosen: Any
    everybody: Any
    rows: NDArray[np.int64]
    own: Floats

    def folds(self, which: range) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield (learning, held out) people of some folds; of many people some are held out."""
        fold = np.arange(len(self.rows)) % _FOLDS
        most = MOST // _FOLDS
        for one in which:
            yield np.flatnonzero(fold != one), np.flatnonzero(fold == one)[:most]

    def counts_without(self, held: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how many people but those held out chose each item."""
        counts = np.asarray(self.everybody.sum(axis=0), dtype=np.float64).ravel()
        return counts - np.asarray(self.chosen[held].sum(axis=0), dtype=np.float64).ravel()

    def model(
        self, people: NDArray[np.int64], counts: NDArray[np.float64], option: Option
    ) -> LinkedModel:
        """Return the model of an option, learnt of some of the linked people."""
        if option is None:
            return text_alone(counts, self.features.shape[1])
        penalty, share = option
        prior = (counts / max(self.everybody.shape[0], 1)).astype(np.float32)
        found = ridge(self.features[people], self.chosen[people], prior, penalty)
        return replace(found, share=share)


def choose(data: Learning) -> Option:
    """Return what linked people who are held out in turn are served best by.

    Text similarity alone stands unless another option is better beyond noise.
    """
    options: list[Option] = [None, *((one, share) for one in PENALTIES for share in SHARES)]
    gains: dict[Option, list[NDArray[np.float64]]] = {option: [] for option in options}
    for learning, held in data.folds(range(_CHOOSING)):
        counts = data.counts_without(held)
        targets = data.sequences.take(held).heads(np.full(len(held), _NEXT))
        for option in options:
            model = data.model(learning, counts, option)
            gains[option].append(ndcg(model.scores(data.features[held], data.own), targets))
    joined = {option: np.concatenate(found) for option, found in gains.items()}
    return choose_option(joined, None).option


def measure(data: Learning, option: Option) -> Gains:
    """Return what the linked history adds at each number of own events, on people held out.

    They are not those that `choose` looked at. Without it a list is made of what goes together with
    the own events (cosine of items), of popularity where there are none; with it both are fused.
    """
    found: dict[int, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {
        moment: [] for moment in MOMENTS
    }
    for learning, held in data.folds(range(_CHOOSING, _FOLDS)):
        counts = data.counts_without(held)
        linked = data.model(learning, counts, option).scores(data.features[held], data.own)
        others = _without_rows(data.everybody, data.rows[held])
        sequences = data.sequences.take(held)
        for moment in MOMENTS:
            kept = np.flatnonzero(sequences.lengths > moment)
            known = sequences.take(kept).heads(np.full(len(kept), moment))
            later = sequences.take(kept).from_start() >= moment
            targets = sequences.take(kept).where(later).heads(np.full(len(kept), _NEXT))
            plain = _together(known, others, counts)
            both = _reciprocal(plain, known) + _reciprocal(linked[kept], known)
            found[moment].append((ndcg(plain, targets, known), ndcg(both, targets, known)))
    outcome: Gains = {}
    for moment, parts in found.items():
        without, both = (np.concatenate(one) for one in zip(*parts, strict=True))
        gain = PairedGain.between(both, without)
        means = [float(one.mean()) if len(one) else 0.0 for one in (without, both)]
        outcome[moment] = (gain, means[0], means[1])
    return outcome


def served_up_to(gains: Mapping[int, PairedGain]) -> int:
    """Return the number of own events up to which every gain is proven; -1 for none."""
    limit = -1
    for moment in sorted(gains):
        if not gains[moment].beyond_noise:
            break
        limit = moment
    return limit


def ndcg(scores: Floats, targets: Ragged, exclude: Ragged | None = None) -> NDArray[np.float64]:
    """Return ndcg@10 of each row of scores of all items, float64 (n,)."""
    best = top_k(scores.copy(), TOP, exclude)
    return NdcgScorer(best.index, targets).gains(best.score)


def _without(scores: Floats, exclude: Ragged | None) -> Floats:
    if exclude is None:
        return scores
    scores = scores.copy()
    scores[exclude.row_of, exclude.values] = -np.inf
    return scores


def _reciprocal(scores: Floats, exclude: Ragged) -> Floats:
    """Return 1 / (60 + rank) of each item in its row; 0 for those that are excluded."""
    order = np.argsort(-_without(scores, exclude), axis=1, kind="stable")
    votes = np.empty(scores.shape, dtype=np.float32)
    places = (1.0 / (_RRF + np.arange(1, scores.shape[1] + 1))).astype(np.float32)
    np.put_along_axis(votes, order, np.broadcast_to(places, scores.shape), axis=1)
    return votes


def _together(known: Ragged, others: Any, counts: NDArray[np.float64]) -> Floats:
    """Return the summed cosine of each item to the known ones, then popularity, (n, n_items)."""
    from scipy.sparse import csr_matrix

    shape = (len(known), others.shape[1])
    ones = np.ones(len(known.values), dtype=np.float32)
    rows = csr_matrix((ones, known.values, known.indptr), shape=shape)
    scale = (1.0 / np.sqrt(np.maximum(counts, 1.0))).astype(np.float32)
    sums: Floats = ((rows.multiply(scale).tocsr() @ others.T) @ others).toarray() * scale
    popular = (counts / (counts.max(initial=0.0) + 1.0)).astype(np.float32)
    sums += np.float32(1e-4) * popular
    return sums


def _without_rows(matrix: Any, rows: NDArray[np.int64]) -> Any:
    """Return a CSR matrix in which some rows are empty."""
    kept = np.ones(matrix.shape[0], dtype=bool)
    kept[rows] = False
    return matrix[np.flatnonzero(kept)]
