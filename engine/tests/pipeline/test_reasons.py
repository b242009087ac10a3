"""Reasons: who is wanted, in which order, and what is said."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Pool
from crossrec.components.evidence import Evidence
from crossrec.components.fusion import BestSource, WeightedFusion
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.reasons import contributions, evidence_of, explain_items, in_words
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY, ask, with_every_source

NAN = np.nan


def pool(scores, ranks, mean=None, std=None):
    """One query over items 10, 11, … with a table items × sources of scores and ranks."""
    scores, ranks = np.array([scores], np.float32), np.array([ranks])
    n_sources = scores.shape[2]
    return Pool(
        np.arange(10, 10 + scores.shape[1])[None, :],
        scores,
        ranks,
        tuple("abcdef"[:n_sources]),
        np.zeros((1, n_sources), np.float32) if mean is None else np.array([mean], np.float32),
        np.ones((1, n_sources), np.float32) if std is None else np.array([std], np.float32),
    )


class Tells:
    """A source that knows a phrase for some items, and who wanted for what."""

    def __init__(self, *known, history=()):
        self.known, self.history, self.wanted = known, history, []

    def explain(self, queries, index):
        self.wanted += index.tolist()
        return [Evidence("it says", self.history) if i in self.known else None for i in index]


@pytest.fixture(scope="module")
def fitted(registry, make_shop, make_config):
    resolved = resolve_pipeline(make_config("popular", "together"), registry)
    return with_every_source(fit_pipeline(TOY, make_shop(), resolved, RunOptions()), make_shop())


def with_sources(fitted, **sources):
    able = {name: frozenset({"explain"}) for name in sources}
    return dataclasses.replace(fitted, sources=sources, capabilities=able)


QUERY = QueryBatch.from_histories(Ragged.from_rows([[0, 4]]))


def test_z_scores_are_the_account_of_a_ranker_without_one():
    got = contributions(pool([[3.0, NAN], [1.0, 5.0]], [[0, -1], [1, 0]], [1, 4], [2, 1]), None)
    assert got[0].tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_source_that_did_not_propose_an_item_counts_for_half():
    got = contributions(pool([[3.0, 3.0]], [[0, -1]]), BestSource())
    assert got[0].tolist() == [[3.0, 1.5]]


def test_weighted_fusion_gives_its_own_account():
    fusion = WeightedFusion()
    fusion.weights = {"a": 0.25, "b": 2.0}
    got = contributions(pool([[2.0, 1.0]], [[0, 0]]), fusion)
    assert got[0].tolist() == [[0.5, 2.0]]


def test_an_account_of_a_wrong_shape_is_not_used():
    class Wrong:
        def contributions(self, pool):
            return np.zeros((1, 1))

    assert contributions(pool([[2.0, 1.0]], [[0, 0]]), Wrong())[0].tolist() == [[2.0, 1.0]]


def test_the_strongest_source_speaks_first_and_two_are_enough(fitted):
    sources = {name: Tells(10, 11) for name in "abcd"}
    pipeline = with_sources(fitted, **sources)
    table = pool([[1.0, 4.0, 3.0, 2.0], [9.0, 1.0, 1.0, 8.0]], [[0] * 4, [0] * 4])
    found = explain_items(pipeline, QUERY, table, None, [10, 11])
    assert [r.source for r in found[10]] == ["b", "c"]
    assert [r.source for r in found[11]] == ["a", "d"]


def test_the_next_source_speaks_where_one_has_nothing_to_say(fitted):
    pipeline = with_sources(fitted, a=Tells(), b=Tells(10), c=Tells(10))
    found = explain_items(pipeline, QUERY, pool([[3.0, 2.0, 1.0]], [[0, 0, 0]]), None, [10])
    assert [r.source for r in found[10]] == ["b", "c"]


def test_a_source_that_did_nothing_for_an_item_is_not_queried_for_it(fitted):
    a, b, c = Tells(10, 11), Tells(10, 11), Tells(10, 11)
    pipeline = with_sources(fitted, a=a, b=b, c=c)
    table = pool([[2.0, -1.0, NAN], [NAN, 3.0, 0.0]], [[0, 1, -1], [-1, 0, 1]])
    found = explain_items(pipeline, QUERY, table, None, [10, 11])
    assert (a.wanted, b.wanted, c.wanted) == ([10], [11], [])
    assert {item: [r.source for r in reasons] for item, reasons in found.items()} == {
        10: ["a"],
        11: ["b"],
    }


def test_items_that_no_source_proposed_have_no_reasons_here(fitted):
    pipeline = with_sources(fitted, a=Tells(10))
    table = pool([[2.0]], [[0]])
    assert set(explain_items(pipeline, QUERY, table, None, [10, 19])) == {10}
    padded = dataclasses.replace(table, index=np.array([[PAD]]))
    assert explain_items(pipeline, QUERY, padded, None, [10]) == {}
    assert explain_items(pipeline, QUERY, Pool.empty(1), None, [10]) == {}


def test_a_source_that_cannot_explain_is_never_queried(fitted):
    source = Tells(10)
    pipeline = dataclasses.replace(
        fitted, sources={"a": source}, capabilities={"a": frozenset({"score"})}
    )
    assert evidence_of(pipeline, QUERY, {"a": [10]}) == {}
    assert source.wanted == []


def test_words_name_two_history_items_and_their_ids(fitted):
    reason = in_words("knn", Evidence("often with", (4, 0, 2)), fitted.catalog)
    assert reason.text == "often with “item 4” and “item 0”"
    assert reason.history == ("i4", "i0")
    assert in_words("pop", Evidence("popular: 3 events"), fitted.catalog).text == (
        "popular: 3 events"
    )


def test_an_item_without_a_title_is_called_by_its_id(fitted):
    bare = dataclasses.replace(fitted.catalog, titles=("",) * 20)
    assert in_words("knn", Evidence("like", (4,)), bare).text == "like “i4”"


def test_evidence_is_real_on_a_real_answer(fitted, make_shop):
    """Whatever is said to stand together with the history does so in somebody's events."""
    data = make_shop()
    together = data.matrix(binary=True)
    counts = (together.T @ together).toarray()
    slate = ask(fitted, history=("i3", "i9"), k=12)
    shown = 0
    for item in slate.items:
        assert 1 <= len(item.reasons) <= 2
        for reason in item.reasons:
            if reason.source == "together":
                shown += 1
                for named in reason.history:
                    assert named in ("i3", "i9")
                    assert counts[fitted.catalog.items.index(named), item.index] > 0
            else:
                assert reason.text == f"popular: {fitted.people[item.index]} events"
    assert shown >= 8


def test_the_strongest_history_item_is_named_first(fitted, make_shop):
    matrix = make_shop().matrix(binary=True)
    counts = (matrix.T @ matrix).toarray()
    slate = ask(fitted, history=("i3", "i9"), k=8)
    for item in slate.items:
        for reason in item.reasons:
            if len(reason.history) == 2:
                first, second = (fitted.catalog.items.index(h) for h in reason.history)
                assert counts[first, item.index] >= counts[second, item.index]


def test_no_reasons_unless_requested(fitted):
    slate = ask(fitted, history=("i3",), explain=False)
    assert all(item.reasons == () for item in slate.items)
    shown = ask(fitted, history=("i3",))
    assert shown.item_ids == slate.item_ids


def test_an_item_that_nobody_has_chosen_says_so(fitted):
    quiet = dataclasses.replace(fitted, people=np.zeros(20, np.int64), sources={}, capabilities={})
    slate = ask(quiet, history=())
    texts = {r.text for i in slate.items for r in i.reasons}
    assert texts == {"from the catalog, nobody has chosen it yet"}


def test_a_popular_item_says_how_many_people_have_chosen_it(fitted):
    people = np.arange(20)
    quiet = dataclasses.replace(fitted, people=people, sources={}, capabilities={})
    slate = ask(quiet, history=(), k=20)
    said = {item.index: item.reasons[0] for item in slate.items}
    assert said[1].text == "popular: 1 person"
    assert said[7].text == "popular: 7 people"
    assert said[7].values == {"people": 7}
    assert said[0].values == {}


def test_reasons_carry_their_numbers(fitted):
    evidence = Evidence("popular: 3 events", values={"events": np.float32(3), "share": 0.5})
    values = in_words("pop", evidence, fitted.catalog).values
    assert values == {"events": 3, "share": 0.5}
    assert {type(value) for value in values.values()} == {float}
