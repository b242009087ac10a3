"""Strict cold starts, measured: items without any event, and users who are just arriving.

Item-cold: a share of the items loses all its interactions, half of them for choosing and half for
the test; the interactions of the others are split 8 : 1 : 1. This is the protocol of CLCRec (2021),
ALDI (2023) and LLM-InS (2025), ranked over the whole catalogue; their figures rank cold items among
cold ones only, which is measured beside. Interactions are sets here, without order.

User-cold: users who take no part in the training show their first k interactions; targets are what
they did after the longest of these histories, the same for every k.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from crossrec.components.query import QueryBatch
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.errors import DataError
from crossrec.evaluation import metrics
from crossrec.numeric.ragged import FloatArray, Ragged
from numpy.typing import NDArray

#: Scores of the whole catalogue for some queries, float32 (n, n_items); NaN and -inf are no
#: candidates.
CatalogScorer = Callable[[QueryBatch], FloatArray]
Figures = dict[str, dict[str, float]]
BoolArray = NDArray[np.bool_]
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class WarmAndCold:
    """Targets of one part of the split: one row a user each."""

    warm: Ragged
    cold: Ragged


@dataclass(frozen=True, eq=False)
class ItemCold:
    """A strict split.

    Attributes
    ----------
    train : Dataset
        80 % of the interactions with warm items; cold items have none.
    cold : bool array, shape (n_items,)
    validation, test : WarmAndCold
    """

    train: Dataset
    cold: BoolArray
    validation: WarmAndCold
    test: WarmAndCold


def item_cold(dataset: Dataset, *, share: float = 0.2, seed: int = 0) -> ItemCold:
    """Hold out a share of the items entirely.

    Raises
    ------
    DataError
        If that leaves no cold or no warm interaction.
    """
    rng = np.random.default_rng(seed)
    n = dataset.n_items
    cold = np.zeros(n, dtype=bool)
    cold[rng.permutation(n)[: round(share * n)]] = True
    rows = dataset.sequences.distinct()
    users, items = rows.row_of, rows.values
    drawn, on_cold = rng.random(len(items)), cold[items]
    if not on_cold.any() or on_cold.all():
        raise DataError(
            "too few interactions for cold items: the set needs some with and some without"
        )
    train = ~on_cold & (drawn < 0.8)
    validation = WarmAndCold(
        rows.where(~on_cold & (drawn >= 0.8) & (drawn < 0.9)), rows.where(on_cold & (drawn < 0.5))
    )
    test = WarmAndCold(rows.where(~on_cold & (drawn >= 0.9)), rows.where(on_cold & (drawn >= 0.5)))
    events = Events.from_columns(users[train], items[train])
    return ItemCold(dataset.with_events(events), cold, validation, test)


def measure_items(
    scorers: Mapping[str, CatalogScorer],
    split: ItemCold,
    *,
    part: str = "test",
    k: int = 20,
    users: int | None = None,
) -> dict[str, Figures]:
    """Return recall@k and ndcg@k of each scorer, over users with a history and with targets.

    Known interactions are no candidates: those of the training, and for the test those of the
    validation too.

    Parameters
    ----------
    part : {"validation", "test"}
    users : int, optional
        Only so many users, drawn at random, always the same.

    Returns
    -------
    mapping of scorer to group to metric
        Groups: "overall", "warm" and "cold" over all items, "warm among warm" and "cold among cold"
        over the items of one kind. "recall@k error" is the standard error over users.
    """
    rows = _users(split, part, users)
    wanted = split.test if part == "test" else split.validation
    known = [split.train.sequences]
    known += [split.validation.warm, split.validation.cold] if part == "test" else []
    both = _joined(wanted.warm, wanted.cold)
    groups = {
        "overall": (both, "all"),
        "warm": (wanted.warm, "all"),
        "cold": (wanted.cold, "all"),
        "warm among warm": (wanted.warm, "warm"),
        "cold among cold": (wanted.cold, "cold"),
    }
    out: dict[str, Figures] = {}
    for name, scorer in scorers.items():
        lists = _lists(scorer, rows, split, known, k)
        out[name] = {
            group: _figures(lists[among], targets.take(rows), split.train.n_items, k)
            for group, (targets, among) in groups.items()
        }
    return out


def _users(split: ItemCold, part: str, users: int | None) -> NDArray[np.int64]:
    """Return the test users: those with a history, and with a target of either kind."""
    wanted = split.test if part == "test" else split.validation
    targets = wanted.warm.lengths + wanted.cold.lengths
    rows = np.flatnonzero((targets > 0) & (split.train.sequences.lengths > 0))
    if users is not None and users < len(rows):
        rows = np.sort(np.random.default_rng(0).choice(rows, users, replace=False))
    return rows


def _lists(
    scorer: CatalogScorer, rows: NDArray[np.int64], split: ItemCold, known: list[Ragged], k: int
) -> dict[str, NDArray[np.int64]]:
    """Return the best k items of every user over all items, over warm and over cold ones."""
    kinds = {"all": np.arange(split.train.n_items)}
    kinds |= {"warm": np.flatnonzero(~split.cold), "cold": np.flatnonzero(split.cold)}
    parts: dict[str, list[NDArray[np.int64]]] = {kind: [] for kind in kinds}
    for start in range(0, len(rows), _BLOCK):
        own = rows[start : start + _BLOCK]
        history = split.train.sequences.take(own)
        scores = scorer(QueryBatch.from_histories(history, users=own)).astype(np.float32)
        scores = np.where(np.isnan(scores), -np.inf, scores)
        for seen in known:
            part = seen.take(own)
            scores[part.row_of, part.values] = -np.inf
        for kind, items in kinds.items():
            parts[kind].append(_best(scores[:, items], items, k))
    return {kind: np.concatenate(lists) for kind, lists in parts.items()}


def _best(scores: FloatArray, items: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return the best k items of each row, best first, -1 where there is none."""
    width = min(k, scores.shape[1])
    top = np.argpartition(-scores, width - 1, axis=1)[:, :width]
    best = np.take_along_axis(scores, top, axis=1)
    order = np.argsort(-best, axis=1, kind="stable")
    top, best = np.take_along_axis(top, order, axis=1), np.take_along_axis(best, order, axis=1)
    return np.where(np.isfinite(best), items[top], -1).astype(np.int64)


def _figures(lists: NDArray[np.int64], targets: Ragged, n_items: int, k: int) -> dict[str, float]:
    """Return mean metrics over users with a target."""
    ranks = metrics.target_ranks(lists, targets, n_items)
    found = metrics.recall(ranks, targets, k)
    users = max(int(np.isfinite(found).sum()), 1)
    return {
        f"recall@{k}": float(np.nanmean(found)),
        f"recall@{k} error": float(np.nanstd(found) / np.sqrt(users)),
        f"ndcg@{k}": float(np.nanmean(metrics.ndcg(ranks, targets, k))),
        "users": int((targets.lengths > 0).sum()),
    }


@dataclass(frozen=True, eq=False)
class UserCold:
    """Newcomers.

    Attributes
    ----------
    train : Dataset
        The interactions of everybody else.
    users : int64 array, shape (n,)
    sequences, targets : Ragged, n rows
        The interactions before the targets, oldest first, and the targets.
    """

    train: Dataset
    users: NDArray[np.int64]
    sequences: Ragged
    targets: Ragged


def user_cold(
    dataset: Dataset, *, longest: int = 10, share: float = 0.2, seed: int = 0
) -> UserCold:
    """Hold out a share of the users who did more than `longest` things.

    Raises
    ------
    DataError
        If there is no such user.
    """
    rows = dataset.sequences.distinct()
    able = np.flatnonzero(rows.lengths > longest)
    count = round(share * len(able))
    if not count:
        raise DataError(f"no users with more than {longest} interactions: nothing to hold out")
    held = np.sort(np.random.default_rng(seed).permutation(able)[:count])
    own = rows.take(held)
    heads = own.heads(np.full(len(held), longest))
    everybody = dataset.interactions
    train = dataset.with_events(everybody.take(~np.isin(everybody.users, held)))
    return UserCold(train, held, heads, own.without(heads))


def measure_users(
    scorers: Mapping[str, CatalogScorer],
    split: UserCold,
    *,
    shown: tuple[int, ...] = (0, 1, 3, 5, 10),
    k: int = 10,
) -> dict[str, dict[int, dict[str, float]]]:
    """Return recall@k and ndcg@k of each scorer after each number of interactions.

    What a user has shown is no candidate; the targets are the same for every number.
    """
    out: dict[str, dict[int, dict[str, float]]] = {name: {} for name in scorers}
    for count in shown:
        histories = split.sequences.heads(np.minimum(split.sequences.lengths, count))
        for name, scorer in scorers.items():
            lists = []
            for start in range(0, len(histories), _BLOCK):
                rows = np.arange(start, min(start + _BLOCK, len(histories)))
                queries = QueryBatch.from_histories(histories.take(rows))
                scores = scorer(queries).astype(np.float32)
                scores = np.where(np.isnan(scores), -np.inf, scores)
                scores[queries.exclude.row_of, queries.exclude.values] = -np.inf
                lists.append(_best(scores, np.arange(scores.shape[1]), k))
            shown_lists = np.concatenate(lists)
            out[name][count] = _figures(shown_lists, split.targets, split.train.n_items, k)
    return out


def _joined(one: Ragged, other: Ragged) -> Ragged:
    """Put the rows of two side by side."""
    return Ragged.from_rows([np.concatenate([one.row(i), other.row(i)]) for i in range(len(one))])
