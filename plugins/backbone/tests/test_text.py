from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import DataError
from crossrec.numeric.projection import Projection
from crossrec.numeric.sparse import keep_top, largest, top_entries
from crossrec_backbone.relations.config import GraphConfig, TextConfig
from crossrec_backbone.relations.text import TEXT_RELATIONS, TextRelations
from crossrec_backbone.relations.text_graph import similarity_block, text_graph
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix

CONFIG = TextConfig(encoder="enc")


def relations_of(dataset: Dataset, config: TextConfig = CONFIG) -> TextRelations:
    return TextRelations.fit(dataset.catalog, dataset.vectors, config)


def similarity(relations: TextRelations, name: str) -> np.ndarray:
    factor = relations.factor(name)
    product = factor @ factor.T
    return product if name in relations.dense else product.toarray()


def titled(*titles: str) -> Catalog:
    n = len(titles)
    ids = Vocabulary([f"i{i}" for i in range(n)])
    return Catalog(ids, titles, titles, ((),) * n, ("",) * n, np.ones(n, dtype=bool))


def test_all_relations_are_there(shop) -> None:
    relations = relations_of(shop())
    assert relations.names == TEXT_RELATIONS
    for name in relations.names:
        np.testing.assert_allclose(np.diag(similarity(relations, name)), 1.0, atol=1e-5)
        assert relations.spread[name] > 0


def test_each_relation_holds_what_it_is_of(shop) -> None:
    dataset = shop()
    relations = relations_of(dataset)
    same_brand = np.equal.outer(*[np.array(dataset.catalog.creators)] * 2)
    np.testing.assert_allclose(similarity(relations, "creator"), same_brand, atol=1e-6)
    kind = np.arange(40) % 4
    same_kind = np.equal.outer(kind, kind) & ~np.eye(40, dtype=bool)
    for name in (
        "title_dense",
        "text_dense",
        "title_words",
        "text_words",
        "title_grams",
        "categories",
    ):
        scores = similarity(relations, name)
        assert scores[same_kind].mean() > scores[~np.equal.outer(kind, kind)].mean() + 0.2


def test_what_all_items_share_is_no_relation(shop) -> None:
    dataset = shop()
    n = dataset.n_items
    flat = replace(dataset.catalog, categories=(("tools",),) * n, creators=("",) * n)
    relations = TextRelations.fit(flat, {}, CONFIG)
    assert "categories" not in relations.names
    assert "creator" not in relations.names
    assert not relations.dense


def test_a_single_pair_of_items_spreads_nothing() -> None:
    catalog = titled("sanding roll coarse", "sanding disc fine")
    rows = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    assert TextRelations.fit(catalog, {"enc": rows}, CONFIG).names == ()


def test_without_vectors_only_words_relate(shop) -> None:
    relations = relations_of(shop(vectors=False))
    assert relations.names == ("title_words", "text_words", "title_grams", "categories", "creator")


def test_without_title_vectors_the_title_is_lexical_only(shop) -> None:
    dataset = shop()
    relations = TextRelations.fit(dataset.catalog, {"enc": dataset.vectors["enc"]}, CONFIG)
    assert set(relations.dense) == {"text_dense"}


def test_whitening_by_hand() -> None:
    rng = np.random.default_rng(0)
    raw = (rng.normal(size=(500, 4)) * [8, 2, 1, 0.5] + 3).astype(np.float32)
    plain = Projection.fit(raw, 0.0).rows(raw)
    centred = raw - raw.mean(axis=0)
    expected = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(plain @ plain.T, expected @ expected.T, atol=1e-4)
    white = centred @ Projection.fit(raw, 1.0).axes
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(4), atol=1e-2)
    half = centred @ Projection.fit(raw, 0.5).axes
    spread = np.sqrt(np.linalg.eigvalsh(np.cov(half.T, bias=True)))
    own = np.sqrt(np.linalg.eigvalsh(np.cov(centred.T, bias=True)))
    np.testing.assert_allclose(spread, np.sqrt(own), rtol=1e-3)


def test_empty_and_broken_vectors_relate_to_nothing(shop) -> None:
    dataset = shop()
    raw = dataset.vectors["enc"].copy()
    raw[3], raw[5, 2], raw[7, 0] = 0.0, np.nan, np.inf
    relations = TextRelations.fit(dataset.catalog, {"enc": raw}, CONFIG)
    rows = relations.dense["text_dense"]
    assert np.isfinite(rows).all()
    for item in (3, 5, 7):
        assert not rows[item].any()
    assert np.linalg.norm(rows[4]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_vectors_that_are_all_empty_are_no_relation(shop, value: float) -> None:
    dataset = shop()
    nothing = np.full((dataset.n_items, 16), value, dtype=np.float32)
    assert "text_dense" not in TextRelations.fit(dataset.catalog, {"enc": nothing}, CONFIG).names


def test_vectors_of_another_width_are_refused(shop) -> None:
    dataset = shop()
    relations = relations_of(dataset)
    narrow = {name: rows[:, :8] for name, rows in dataset.vectors.items()}
    with pytest.raises(DataError, match=r"8 wide.*16.*fit again"):
        relations.extended(dataset.catalog, narrow)


@pytest.mark.parametrize("titles", [(), ("only one",), ("", "", "")])
def test_catalogues_without_any_relation(titles: tuple[str, ...]) -> None:
    relations = TextRelations.fit(titled(*titles), {}, CONFIG)
    assert relations.names == ()
    graph, _ = text_graph(relations, GraphConfig())
    assert graph.shape == (len(titles), len(titles))
    assert graph.nnz == 0


def test_an_item_without_text_relates_to_nothing() -> None:
    relations = TextRelations.fit(titled("sanding roll", "", "sanding disc", "glue"), {}, CONFIG)
    assert not similarity(relations, "text_words")[1].any()
    graph, _ = text_graph(relations, GraphConfig())
    assert graph[1].nnz == 0
    assert not graph[:, [1]].nnz


def test_the_order_of_the_catalogue_does_not_matter(shop) -> None:
    order = np.random.default_rng(1).permutation(40)
    plain, turned = relations_of(shop()), relations_of(shop(order=order))
    for name in TEXT_RELATIONS:
        expected = similarity(plain, name)[np.ix_(order, order)]
        np.testing.assert_allclose(similarity(turned, name), expected, atol=1e-4)
        assert turned.spread[name] == pytest.approx(plain.spread[name], rel=1e-3)


def test_state_brings_back_the_same(shop) -> None:
    relations = relations_of(shop())
    state = relations.state()
    assert all(array.dtype != object for array in state.arrays.values())
    back = TextRelations.restored(State(dict(state.arrays), dict(state.values)))
    assert back.names == relations.names
    assert back.spread == relations.spread
    for name in relations.names:
        np.testing.assert_array_equal(similarity(back, name), similarity(relations, name))


def test_new_items_are_related_at_once(shop) -> None:
    dataset = shop(n_items=40)
    whole = relations_of(dataset)
    first = 36
    head = Catalog(
        Vocabulary(dataset.catalog.items.ids[:first]),
        *(getattr(dataset.catalog, name)[:first] for name in ("titles", "texts", "categories")),
        dataset.catalog.creators[:first],
        dataset.catalog.known[:first],
    )
    short = TextRelations.fit(
        head, {name: rows[:first] for name, rows in dataset.vectors.items()}, CONFIG
    )
    longer = short.extended(dataset.catalog, dataset.vectors)
    assert longer.n_items == 40
    for name in TEXT_RELATIONS:
        scores = similarity(longer, name)
        np.testing.assert_allclose(scores[:first, :first], similarity(short, name), atol=1e-5)
        wide = similarity(whole, name)[first:, :first]
        assert np.corrcoef(scores[first:, :first].ravel(), wide.ravel())[0, 1] > 0.9


def test_new_items_without_vectors_keep_their_words(shop) -> None:
    dataset = shop()
    relations = relations_of(dataset)
    again = relations.extended(dataset.catalog, {})
    assert again.dense["text_dense"].shape == relations.dense["text_dense"].shape
    np.testing.assert_array_equal(again.dense["text_dense"], relations.dense["text_dense"])


def test_the_graph_by_hand(shop) -> None:
    relations = relations_of(shop())
    config = GraphConfig(neighbours=5, power=2.0, mass=0.3)
    weights, nearness = text_graph(relations, config)
    graph = weights.toarray()
    scores = similarity_block(relations, np.arange(40))
    np.testing.assert_allclose(
        scores,
        np.mean(
            [
                np.maximum(similarity(relations, name), 0)
                for name in ("text_words", "title_grams", "text_dense", "title_dense")
            ],
            0,
        ),
        atol=1e-5,
    )
    np.fill_diagonal(scores, 0)
    for i in range(40):
        best = np.argsort(-scores[i])[:5]
        expected = np.zeros(40)
        expected[best] = scores[i, best] ** 2 / (scores[i, best] ** 2).sum() * 0.3
        np.testing.assert_allclose(graph[i], expected, atol=1e-5)
        assert nearness[i] == pytest.approx(np.sort(scores[i])[-10:].mean(), abs=1e-5)


def test_the_shortlist_loses_little_and_all_of_it_nothing(shop) -> None:
    relations = relations_of(shop())
    exact, _ = text_graph(relations, GraphConfig(neighbours=5))
    short = GraphConfig(neighbours=5, exact_up_to=0, shortlist=39)
    listed = text_graph(relations, short)[0].toarray()
    agree = (listed > 0) & (exact.toarray() > 0)
    assert agree.sum() >= 0.97 * exact.nnz
    np.testing.assert_allclose(listed[agree], exact.toarray()[agree], rtol=0.1, atol=1e-4)
    few, _ = text_graph(relations, short.model_copy(update={"shortlist": 10}))
    assert ((few.toarray() > 0) & (exact.toarray() > 0)).sum() > 0.6 * exact.nnz


def test_rows_can_be_made_from_one_item_on(shop) -> None:
    relations = relations_of(shop())
    whole, rest = (text_graph(relations, GraphConfig(), start)[0] for start in (0, 30))
    assert rest[:30].nnz == 0
    np.testing.assert_array_equal(rest[30:].toarray(), whole[30:].toarray())


def test_top_entries_are_the_largest_in_size() -> None:
    block = np.array([[0.5, -3.0, 0.0, 1.0], [0, 0, 0, 2.0]], dtype=np.float32)
    row, column, value = top_entries(block, 2)
    assert row.tolist() == [0, 0, 1]
    assert column.tolist() == [1, 3, 3]
    assert value.tolist() == [-3.0, 1.0, 2.0]
    assert len(top_entries(block, 9)[0]) == 4


@given(
    hnp.arrays(np.float32, st.integers(0, 30), elements=st.sampled_from([0, 0, 1, 2, 2.5, 3])),
    st.integers(0, 35),
    st.integers(0, 50),
)
def test_largest_are_those_of_a_sort(sizes, k, turn) -> None:
    places = largest(sizes, k, turn)
    assert (np.diff(places) > 0).all()
    above = np.sort(sizes[sizes > 0])[::-1]
    np.testing.assert_array_equal(np.sort(sizes[places])[::-1], above[:k])


def test_ties_are_shared_out_evenly() -> None:
    block = np.ones((12, 12), dtype=np.float32)
    _, column, _ = top_entries(block, 3)
    assert np.bincount(column, minlength=12).tolist() == [3] * 12
    assert largest(block[0], 3).tolist() == [0, 4, 8]


def test_keep_top_is_per_row_and_leaves_short_rows_alone() -> None:
    matrix = csr_matrix(np.array([[5.0, -9, 1, 7], [0, 2, 0, 0], [0, 0, 0, 0]]))
    kept = keep_top(matrix, 2)
    assert kept.toarray().tolist() == [[0, -9, 0, 7], [0, 2, 0, 0], [0, 0, 0, 0]]
    assert keep_top(matrix, 4).nnz == matrix.nnz
