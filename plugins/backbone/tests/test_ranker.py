"""The trees: they learn from columns, are the same every time, and survive as text."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.ndcg import target_gains
from crossrec.components.run import RunOptions
from crossrec.errors import ArtifactError, CrossrecError
from crossrec_backbone.pretraining.low_data_tasks import hold_out
from crossrec_backbone.ranking.examples import Groups, collect, joined
from crossrec_backbone.ranking.features import COLUMN_NAMES
from crossrec_backbone.ranking.trees import (
    BinnedGroups,
    RankerConfig,
    TreeRanker,
    direction,
    fit_ranker,
)
from crossrec_backbone.relations.statistics import Statistics

RUN = RunOptions(threads=1)
SMALL = RankerConfig(
    rounds=30, leaves=4, min_leaf=10, column_share=1.0, row_share=1.0, monotone=False
)
INFORMATIVE = COLUMN_NAMES.index("text_words.decayed")


def made(n: int = 60, m: int = 20, seed: int = 0, *, learnable: bool = True) -> Groups:
    """Groups in which the target has the largest value in one column, or a random place."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n, m, len(COLUMN_NAMES))).astype(np.float32)
    place = columns[:, :, INFORMATIVE].argmax(axis=1) if learnable else rng.integers(0, m, n)
    index = np.tile(np.arange(m), (n, 1))
    return Groups(index, columns, place.astype(np.int64))


def test_it_learns_the_informative_column() -> None:
    ranker = fit_ranker(made(), SMALL, RUN)
    fresh = made(seed=1)
    assert target_gains(ranker.scores(fresh.columns), fresh.place).mean() > 0.9
    assert next(iter(ranker.importance())) == "text_words.decayed"
    assert sum(ranker.importance().values()) == pytest.approx(1.0, abs=0.01)


def test_it_learns_nothing_where_there_is_nothing() -> None:
    ranker = fit_ranker(made(learnable=False), SMALL, RUN)
    fresh = made(seed=1, learnable=False)
    chance = np.mean([1 / np.log2(place + 2) for place in range(10)]) / 2
    assert target_gains(ranker.scores(fresh.columns), fresh.place).mean() < chance + 0.1


def test_a_ranker_of_some_groups_learns_from_those_alone() -> None:
    """In the others the target has the smallest value."""
    up, down = made(), made(seed=5)
    place = down.columns[:, :, INFORMATIVE].argmin(axis=1).astype(np.int64)
    both = joined([up, replace(down, place=place)])
    binned = BinnedGroups.of(both, SMALL, RUN)
    fresh = made(seed=1)
    low = fresh.columns[:, :, INFORMATIVE].argmin(axis=1)
    first, second = (binned.fit(RUN, rows) for rows in (np.arange(60), np.arange(60, 120)))
    assert target_gains(first.scores(fresh.columns), fresh.place).mean() > 0.8
    assert target_gains(second.scores(fresh.columns), low).mean() > 0.8
    assert binned.fit(RUN).text == fit_ranker(both, SMALL, RUN).text
    with pytest.raises(CrossrecError, match="too few"):
        binned.fit(RUN, np.arange(5))


def test_one_seed_one_model() -> None:
    config = RankerConfig(rounds=10, leaves=4, min_leaf=10)
    texts = [fit_ranker(made(), config, replace(RUN, seed=seed)).text for seed in (3, 3, 4)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_text_survives_json() -> None:
    ranker = fit_ranker(made(), SMALL, RUN)
    again = TreeRanker.restored(json.loads(json.dumps(ranker.values())))
    columns = made(seed=2).columns
    np.testing.assert_array_equal(ranker.scores(columns), again.scores(columns))
    assert ranker.text.startswith("tree\n")


def test_scores_of_any_shape() -> None:
    ranker = fit_ranker(made(), SMALL, RUN)
    columns = made(seed=2).columns
    together = ranker.scores(columns)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(ranker.scores(columns[3]), together[3])
    assert ranker.scores(columns[:0]).shape == (0, 20)
    assert np.isfinite(ranker.scores(np.full((2, 3, len(COLUMN_NAMES)), np.nan, np.float32))).all()


def test_only_the_chosen_columns_are_read() -> None:
    chosen = ("text_consensus", "text_words.decayed")
    ranker = fit_ranker(made(), SMALL, RUN, columns=chosen)
    columns = made(seed=2).columns
    changed = np.full_like(columns, 9.0)
    for name in chosen:
        changed[:, :, COLUMN_NAMES.index(name)] = columns[:, :, COLUMN_NAMES.index(name)]
    np.testing.assert_array_equal(ranker.scores(columns), ranker.scores(changed))


def test_weights_decide_between_two_truths() -> None:
    """Half of the groups reward one column, half punish it: the heavier half is followed."""
    up, down = made(seed=0), made(seed=1)
    down = replace(down, place=down.columns[:, :, INFORMATIVE].argmin(axis=1).astype(np.int64))
    fresh = made(seed=2)
    both = joined([up, down])
    lowest = fresh.columns[:, :, INFORMATIVE].argmin(axis=1)
    for heavy, better in ((8.0, True), (0.125, False)):
        weights = np.repeat([heavy, 1.0], len(up)).astype(np.float32)
        scores = fit_ranker(both, SMALL, RUN, weights=weights).scores(fresh.columns)
        own, other = (target_gains(scores, place).mean() for place in (fresh.place, lowest))
        assert bool(own > other) is better


def test_padding_is_no_candidate() -> None:
    narrow, wide = made(m=12), made(m=20, seed=1)
    both = joined([narrow, wide])
    assert both.index.shape == (120, 20)
    assert (both.index[:60, 12:] == PAD).all()
    np.testing.assert_array_equal(both.valid.sum(axis=1), np.repeat([12, 20], 60))
    alone, padded = fit_ranker(narrow, SMALL, RUN), fit_ranker(joined([narrow]), SMALL, RUN)
    assert alone.text == padded.text
    cut = both.take(np.arange(60))  # the same groups, with padding behind
    assert fit_ranker(cut, SMALL, RUN).text == alone.text


def test_every_column_has_its_direction() -> None:
    signs = {name: direction(name) for name in COLUMN_NAMES}
    assert (
        signs["text_words.decayed"]
        == signs["prior_ease.last"]
        == signs["text_consensus"]
        == signs["text_behaviour.gap"]
        == 1
    )
    assert signs["joint.sum"] == signs["joint.last"] == 1
    assert signs["text_behaviour.rank"] == signs["prior_ease.rank"] == -1
    open_ = [name for name, sign in signs.items() if not sign]
    assert open_ == [
        "popularity",
        "percentile",
        "late",
        "hubness",
        "history.length",
        "history.known",
        "history.evidence",
        "history.coherence",
        "history.nearest_to_last",
    ]


def test_more_similarity_never_lowers_a_score() -> None:
    turned = made()
    place = turned.columns[:, :, INFORMATIVE].argmin(axis=1).astype(np.int64)
    turned = replace(turned, place=place)  # as if unlike items were the right ones
    columns = made(seed=5).columns[0, :1].repeat(50, axis=0)
    columns[:, INFORMATIVE] = np.linspace(-3, 3, 50)
    steps = {
        monotone: np.diff(
            fit_ranker(turned, SMALL.model_copy(update={"monotone": monotone}), RUN).scores(columns)
        )
        for monotone in (True, False)
    }
    assert (steps[True] >= 0).all()
    assert (steps[False] < 0).any(), "without the constraint the opposite is learnt"


def test_too_few_groups_and_foreign_models_are_refused() -> None:
    with pytest.raises(CrossrecError, match="too few"):
        fit_ranker(made(n=5), SMALL, RUN)
    ranker = fit_ranker(made(), SMALL, RUN)
    with pytest.raises(ArtifactError, match="upgrade crossrec"):
        TreeRanker(ranker.text, ("a column of tomorrow",))
    with pytest.raises(ArtifactError, match="damaged"):
        TreeRanker("no trees", ("text_consensus",))


def test_collect_keeps_what_is_among_the_candidates(shop, config) -> None:
    dataset = shop(n_items=400, n_users=120)
    held = hold_out(dataset.sequences)
    statistics = Statistics.fit(dataset, config, sequences=held.known)
    found = collect(statistics, held.queries, held.targets)
    assert 0 < len(found.groups) == found.hits < len(held.targets)
    rows = np.arange(len(found.groups))
    np.testing.assert_array_equal(
        found.groups.index[rows, found.groups.place], held.targets[found.rows]
    )
    assert found.groups.columns.shape == (*found.groups.index.shape, len(COLUMN_NAMES))
    assert np.isnan(found.groups.columns[~found.groups.valid]).all()
    few = collect(statistics, held.queries, held.targets, limit=7)
    assert (len(few.groups), few.hits) == (7, found.hits)
    assert set(few.rows.tolist()) <= set(found.rows.tolist())
