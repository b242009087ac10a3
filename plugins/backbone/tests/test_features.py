from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.state import State
from crossrec.data.events import Events
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.ranking.features import COLUMN_NAMES, COLUMNS, compute, joined
from crossrec_backbone.relations.behaviour import BEHAVIOUR_RELATIONS
from crossrec_backbone.relations.pairs import BehaviourPairs, TextPairs
from crossrec_backbone.relations.scores import (
    behaviour_scores,
    consensus_weights,
    decayed_history,
    text_scores,
    weighted_history,
)
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics, TextSide
from crossrec_backbone.relations.text import TEXT_RELATIONS, TextRelations
from crossrec_backbone.relations.text_graph import text_graph

HISTORIES = [[0, 4, 8], [5], [3, 3, 7, 11], list(range(0, 30, 3)), []]


def batch(rows: list[list[int]] = HISTORIES) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(rows))


def candidates(n: int, m: int = 12, seed: int = 0, n_items: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([np.sort(rng.choice(n_items, m, replace=False)) for _ in range(n)])


def column(table: np.ndarray, name: str) -> np.ndarray:
    return table[..., COLUMN_NAMES.index(name)]


def whole(factor: object) -> np.ndarray:
    product = factor @ factor.T  # type: ignore[operator]
    return product if isinstance(product, np.ndarray) else product.toarray()


def test_columns_are_described_once_each() -> None:
    assert len(set(COLUMN_NAMES)) == len(COLUMNS)
    assert not {"user", "item", "id"} & set(COLUMN_NAMES)
    for one in COLUMNS:
        assert one.description
        assert one.family in {"text", "behaviour", "closed form", "item", "history"}


def test_text_pairs_are_the_products_of_the_factors(shop) -> None:
    dataset = shop()
    relations = TextRelations.fit(dataset.catalog, dataset.vectors, BackboneConfig().text)
    for given in (relations, TextRelations.fit(dataset.catalog, {}, BackboneConfig().text)):
        pairs = TextPairs(given)
        items, history = np.array([1, 5, 9, 30, 2]), np.array([7, 7, 0])
        block = pairs.pairs(items, history)
        assert block.shape == (len(given.names), 3, 5)
        for at, name in enumerate(pairs.names):
            expected = whole(given.factor(name))[np.ix_(history, items)]
            np.testing.assert_allclose(block[at], expected, atol=1e-5)


def test_blocks_of_several_queries_are_the_pairs_of_each(shop) -> None:
    dataset = shop()
    relations = TextRelations.fit(dataset.catalog, dataset.vectors, BackboneConfig().text)
    items = [np.array([1, 5, 9]), np.array([30]), np.zeros(0, np.int64), np.array([4, 8])]
    histories = [np.array([7, 0]), np.zeros(0, np.int64), np.array([3]), np.array([2])]
    for given in (relations, TextRelations.fit(dataset.catalog, {}, BackboneConfig().text)):
        pairs = TextPairs(given)
        together = pairs.blocks(items, histories)
        assert [block.shape[1:] for block in together] == [(2, 3), (0, 1), (1, 0), (1, 2)]
        for block, candidates_, history in zip(together, items, histories, strict=True):
            assert np.array_equal(block, pairs.pairs(candidates_, history))
    assert pairs.blocks([], []) == []


def test_behaviour_pairs_are_the_entries_of_the_matrices(shop, config) -> None:
    behaviour = Statistics.fit(shop(), config).behaviour
    pairs = BehaviourPairs(behaviour)
    items, history = np.array([1, 5, 9, 30, 2]), np.array([4, 4, 0])
    block = pairs.pairs(items, history)
    for at, name in enumerate(pairs.names):
        matrix = behaviour.joint if name == "joint" else behaviour.relations[name]
        np.testing.assert_array_equal(block[at], matrix.toarray()[np.ix_(history, items)])


def test_the_decayed_history_sums_and_is_cut(config) -> None:
    settings = config.history.model_copy(update={"decay": 0.5, "limit": 3})
    rows = decayed_history(batch([[0, 1, 2, 3], [2, 2], []]), 5, settings).toarray()
    assert rows[0].tolist() == pytest.approx([0, 0.25, 0.5, 1, 0])
    assert rows[1].tolist() == pytest.approx([0, 0, 1.5, 0, 0])
    assert not rows[2].any()
    flat = config.history.model_copy(update={"decay": 1.0})
    assert decayed_history(batch([[0, 1, 2]]), 5, flat).toarray()[0].tolist() == [1, 1, 1, 0, 0]
    weighted = weighted_history(batch([[4, 0, 1, 2, 3], [2]]), 5, settings)
    assert weighted.of(0).tolist() == [0.25, 0.5, 1.0]
    assert weighted.of(1).tolist() == [1.0]
    assert weighted.items.row(0).tolist() == [1, 2, 3]


def test_the_consensus_by_hand(shop, config) -> None:
    dataset = shop()
    relations = TextRelations.fit(dataset.catalog, dataset.vectors, config.text)
    scores = text_scores(relations, batch(), config.consensus, config.history)
    for row, history in enumerate(HISTORIES):
        expected = np.zeros(40)
        for name, (a, b) in config.consensus.weights.items():
            if not history:
                continue
            pairs = whole(relations.factor(name))
            weights = config.history.decay ** np.arange(len(history))[::-1]
            length = np.sqrt(weights @ pairs[np.ix_(history, history)] @ weights)
            expected += a * (weights @ pairs[history]) / length / relations.spread[name]
            expected += b * pairs[history[-1]] / relations.spread[name]
        np.testing.assert_allclose(scores[row], expected, atol=1e-4)


def test_missing_relations_give_their_weight_away(shop, config) -> None:
    dataset = shop(vectors=False)
    relations = TextRelations.fit(dataset.catalog, {}, config.text)
    weights = consensus_weights(relations, config.consensus.weights)
    assert set(weights) == {"text_words", "title_grams"}
    total = sum(a + b for a, b in weights.values())
    assert total == pytest.approx(sum(a + b for a, b in config.consensus.weights.values()))
    assert weights["text_words"][0] == pytest.approx(2 * weights["text_words"][1])


def test_the_columns_are_those_of_the_dense_scores(shop, config) -> None:
    statistics = Statistics.fit(shop(), config)
    queries, index = batch(), candidates(len(HISTORIES))
    table = compute(statistics, queries, index)
    relations, events = statistics.text.relations, statistics.behaviour
    filled = slice(0, len(HISTORIES) - 1)

    def check(name: str, dense: np.ndarray) -> None:
        expected = np.take_along_axis(dense, index, axis=1)
        np.testing.assert_allclose(column(table, name)[filled], expected[filled], atol=2e-4)

    consensus = text_scores(relations, queries, config.consensus, config.history)
    check("text_consensus", consensus)
    behaved = behaviour_scores(events.relations["prior_ease"], queries, config.history)
    check("prior_ease.decayed", behaved)
    check("text_behaviour", consensus + config.consensus.kappa * behaved)
    for name in BEHAVIOUR_RELATIONS:
        dense = events.relations[name].toarray()
        last = np.array([dense[rows[-1]] if rows else dense[0] * 0 for rows in HISTORIES])
        check(f"{name}.last", last)
        check(
            f"{name}.nearest", np.array([dense[r].max(0) if r else last[0] * 0 for r in HISTORIES])
        )
    for name in TEXT_RELATIONS:
        dense = whole(relations.factor(name)) / relations.spread[name]
        check(f"{name}.nearest", np.array([dense[r].max(0) if r else dense[0] for r in HISTORIES]))
        check(f"{name}.last", np.array([dense[r[-1]] if r else dense[0] for r in HISTORIES]))
    counts = events.joint.toarray()
    check("joint.sum", np.log1p([counts[r].sum(0) if r else counts[0] for r in HISTORIES]))
    check("popularity", np.tile(np.log1p(events.popularity), (len(HISTORIES), 1)))


def test_places_and_gaps(shop, config) -> None:
    table = compute(Statistics.fit(shop(), config), batch([[0, 4]]), candidates(1))
    for name in ("text_consensus", "text_behaviour"):
        scores = column(table, name)[0]
        place = np.exp(column(table, f"{name}.rank")[0]) - 1
        np.testing.assert_allclose(place, [(scores > s).sum() for s in scores], atol=1e-4)
        np.testing.assert_allclose(column(table, f"{name}.gap")[0], scores - scores.max())


def test_two_sets_of_candidates_are_joined_as_if_computed_together(shop, config) -> None:
    statistics = Statistics.fit(shop(), config)
    index = candidates(len(HISTORIES), 20)
    index[1, 17:] = PAD
    first, second = index[:, :12], index[:, 12:]
    both = joined(*(compute(statistics, batch(), part) for part in (first, second)))
    together = compute(statistics, batch(), index)
    np.testing.assert_allclose(both, together, rtol=1e-5, atol=1e-5)
    nothing = np.zeros((len(HISTORIES), 0), dtype=np.int64)
    alone = joined(compute(statistics, batch(), first), compute(statistics, batch(), nothing))
    np.testing.assert_array_equal(alone, compute(statistics, batch(), first))


def test_what_is_known_of_a_history(shop, config) -> None:
    dataset = shop()
    events = dataset.events.take(dataset.events.items != 0)
    statistics = Statistics.fit(dataset.with_events(events), config)
    table = compute(statistics, batch([[0, 4], []]), candidates(2))
    assert (column(table, "history.known")[0] == 0.5).all()
    mean = statistics.behaviour.popularity[[0, 4]].mean()
    np.testing.assert_allclose(column(table, "history.evidence")[0], np.log1p(mean), rtol=1e-5)
    np.testing.assert_allclose(column(table, "history.length")[0], np.log(3), rtol=1e-5)
    similar = whole(statistics.text.relations.factor("text_words"))[4, 0]
    np.testing.assert_allclose(column(table, "history.coherence")[0], similar, rtol=1e-4)
    assert (column(table, "history.length")[1] == 0).all()
    assert np.isnan(column(table, "text_consensus")[1]).all()
    assert np.isfinite(column(table, "popularity")[1]).all()


def test_padding_is_not_a_number_and_moves_nothing(shop, config) -> None:
    statistics = Statistics.fit(shop(), config)
    index = candidates(len(HISTORIES))
    padded = np.concatenate([index, np.full((len(index), 3), PAD)], axis=1)
    table, wide = (compute(statistics, batch(), at) for at in (index, padded))
    np.testing.assert_array_equal(wide[:, : index.shape[1]], table)
    assert np.isnan(wide[:, index.shape[1] :]).all()
    assert compute(statistics, batch(), np.zeros((5, 0), np.int64)).shape == (5, 0, len(COLUMNS))


def test_batch_equals_single(shop, config) -> None:
    statistics = Statistics.fit(shop(), config)
    queries, index = batch(), candidates(len(HISTORIES))
    together = compute(statistics, queries, index)
    for row in range(len(HISTORIES)):
        alone = compute(statistics, queries.take(np.array([row])), index[[row]])
        np.testing.assert_array_equal(alone[0], together[row])


def test_the_order_of_the_catalogue_does_not_matter(shop, config) -> None:
    order = np.random.default_rng(2).permutation(40)
    place = np.argsort(order)
    plain = Statistics.fit(shop(), config)
    turned = Statistics.fit(shop(order=order), config)
    index = candidates(len(HISTORIES))
    moved = batch([[int(place[i]) for i in row] for row in HISTORIES])
    left = compute(plain, batch(), index)
    right = compute(turned, moved, place[index])
    for name in COLUMN_NAMES:
        if not name.endswith(".rank"):  # equal scores up to rounding may change places
            np.testing.assert_allclose(column(right, name), column(left, name), atol=5e-3)


def test_without_events_only_the_graph_relates_by_behaviour(shop, config) -> None:
    dataset = shop().with_events(Events.empty())
    statistics = Statistics.fit(dataset, config)
    table = compute(statistics, batch(), candidates(len(HISTORIES)))
    filled = slice(0, 4)
    for name in ("co_occurrence", "transitions", "ease", "smoothed"):
        assert (column(table, f"{name}.decayed")[filled] == 0).all()
    graph = statistics.text.graph.toarray()
    last = np.array([graph[row[-1]] for row in HISTORIES[:4]])
    expected = np.take_along_axis(last, candidates(5)[filled], axis=1)
    np.testing.assert_allclose(column(table, "prior_ease.last")[filled], expected, atol=1e-6)


def test_absent_relations_are_not_a_number(shop, config) -> None:
    statistics = Statistics.fit(shop(vectors=False), config)
    table = compute(statistics, batch(), candidates(len(HISTORIES)))
    for name in ("title_dense.decayed", "text_dense.nearest", "history.nearest_to_last"):
        assert np.isnan(column(table, name)).all()
    assert np.isfinite(column(table, "text_consensus")[:4]).all()


def test_state_brings_back_the_same_columns(shop, config) -> None:
    statistics = Statistics.fit(shop(), config)
    state = statistics.state()
    back = Statistics.restored(State(dict(state.arrays), dict(state.values)))
    index = candidates(len(HISTORIES))
    np.testing.assert_array_equal(
        compute(back, batch(), index), compute(statistics, batch(), index)
    )


def test_text_is_built_once_for_a_catalogue(shop, config) -> None:
    dataset = shop()
    first = TextSide.fit(dataset, config)
    again = TextSide.fit(dataset.with_events(Events.empty()), config)
    assert again.graph is first.graph
    other = dataset.with_vectors("enc", dataset.vectors["enc"][::-1].copy())
    assert TextSide.fit(other, config).relations is not first.relations


def test_new_items_are_served_without_training(shop, config) -> None:
    short, whole_shop = shop(n_items=36), shop(n_items=40)
    statistics = Statistics.fit(short, config)
    longer = statistics.extended(whole_shop)
    assert longer.n_items == 40
    table = compute(longer, batch([[0, 4]]), np.array([[36, 37, 38, 39]]))
    scores = column(table, "text_consensus")[0]
    assert scores.argmax() == 0, "item 36 is of the kind of items 0 and 4"
    assert (column(table, "popularity") == 0).all()
    graph = longer.text.graph
    assert graph.shape == (40, 40)
    assert graph[36].nnz > 0


def test_hubness_is_standardised_nearness(shop, config) -> None:
    side = TextSide.fit(shop(), config)
    assert side.hubness.mean() == pytest.approx(0, abs=1e-5)
    assert side.hubness.std() == pytest.approx(1, abs=1e-4)
    _, nearness = text_graph(side.relations, config.graph)
    assert np.corrcoef(nearness, side.hubness)[0, 1] > 0.9999
