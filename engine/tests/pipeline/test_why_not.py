"""Why an item is not in a list: every cause, from a real request on the toy shop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.query import Query
from crossrec.components.ranked import PolicyChange
from crossrec.components.run import RunOptions
from crossrec.components.user_state import UserState
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.request import traced
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.why_not import why_not
from crossrec.testing.misbehaving import inserting, ruled
from crossrec.testing.requests import TOY, serve, user_with


def reason_for(item, pipeline, user=None, serving=None, **fields):
    query = Query(**{"k": 3, **fields})
    serving = serving or serve(pipeline)
    trace = traced(serving, query, user or UserState(), "user", explain=False)
    found = why_not(serving, trace, pipeline.catalog.items.index(item), query, TOY)
    assert (found.item_id in trace.slate.item_ids) == (found.outcome == "shown")
    return found, trace


def test_it_is_shown(pipeline):
    _, trace = reason_for("i0", pipeline)
    first = trace.slate.item_ids[0]
    found, _ = reason_for(first, pipeline)
    assert (found.outcome, found.place, found.ranked) == ("shown", 1, 1)
    assert found.why == "it is shown, at place 1"
    assert found.title == f"item {first[1:]}"


def test_outranked_by_how_much(pipeline):
    _, trace = reason_for("i0", pipeline)
    ids = pipeline.catalog.items
    fifth = ids.id(int(trace.ranked.index[4]))
    found, _ = reason_for(fifth, pipeline)
    assert (found.outcome, found.place, found.ranked) == ("outranked", 5, 5)
    score = trace.ranked.score
    assert found.behind == pytest.approx(score[2] - score[4], abs=1e-6)
    assert found.why.startswith(f"place 5 of {len(trace.final)}, and 3 are shown; its score is ")
    assert set(found.sources) == set(trace.pool.sources)
    assert any(found.sources.values())


def test_consumed_disliked_excluded_and_deleted(pipeline):
    user = user_with(liked=("i2",), disliked=("i4",))
    assert reason_for("i2", pipeline, user)[0].why == "consumed: an event of type buy"
    assert reason_for("i4", pipeline, user)[0].why == "disliked: an event of type dislike"
    assert reason_for("i6", pipeline, exclude=("i6",))[0].why == "the request excludes it"
    gone = replace(serve(pipeline), deleted=np.array([8]))
    found, _ = reason_for("i8", pipeline, serving=gone)
    assert (found.outcome, found.why) == ("excluded", "it was deleted since the fit")
    assert found.place is None


def test_dropped_by_which_rule(pipeline):
    def drop(ranked):
        return ranked.without(ranked.index == 7, "out_of_stock")

    found, _ = reason_for("i7", ruled(pipeline, drop))
    assert found.outcome == "dropped"
    assert found.why == "the policy p0 dropped it: out of stock"
    assert [(one.policy, one.code) for one in found.changes] == [("p0", "out_of_stock")]
    assert found.ranked is not None
    assert found.to_dict()["changes"] == [
        {"policy": "p0", "action": "dropped", "code": "out_of_stock", "why": "out of stock"}
    ]


def test_moved_by_which_rule(pipeline):
    _, trace = reason_for("i0", pipeline)
    first = int(trace.ranked.index[0])

    def last(ranked):
        order = np.argsort(ranked.index == first, kind="stable")
        return ranked.take(order, PolicyChange(first, "moved", "too_much"))

    found, _ = reason_for(pipeline.catalog.items.id(first), ruled(pipeline, last))
    assert (found.outcome, found.ranked, found.behind) == ("outranked", 1, None)
    assert "the ranker had it at place 1; moved by p0" in found.why


def test_pushed_out_by_what_a_policy_put_in(pipeline):
    _, trace = reason_for("i0", pipeline)
    third = pipeline.catalog.items.id(int(trace.ranked.index[2]))
    other = int(trace.ranked.index[9])
    found, _ = reason_for(third, ruled(pipeline, inserting(other)))
    assert (found.outcome, found.place, found.ranked) == ("outranked", 4, 3)
    assert "moved by policies before it" in found.why


@pytest.fixture(scope="module")
def lonely(registry, make_shop, make_config):
    """Nothing fills a list: only what people had together with the history is there."""
    config = make_config("together", surfaces={"user": {"fallback": []}})
    return fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())


def test_no_source_proposed_it(lonely):
    user = user_with(viewed=("i0",))
    found, trace = reason_for("i1", lonely, user)
    assert (found.outcome, found.place, found.ranked, found.behind) == (
        "not_retrieved", None, None, None,
    )  # fmt: skip
    assert found.sources == {"together": None}
    n = len(trace.ranked)
    assert found.why.startswith(f"no source proposed it among the {int(trace.pool.valid.sum())} ")
    assert f"up to {n} items" in found.why
    even, _ = reason_for(lonely.catalog.items.id(int(trace.final.index[4])), lonely, user)
    assert even.outcome == "outranked"
    assert even.sources["together"] == even.ranked


def test_what_only_fills_the_list(registry, make_shop, make_config):
    config = make_config("together", surfaces={"user": {"fallback": ["most_popular"]}})
    filled = fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())
    found, _ = reason_for("i1", filled, user_with(viewed=("i0",)))
    assert found.outcome == "outranked"
    assert found.why.endswith("no source proposed it: it only fills the list")


def test_every_item_has_an_answer_that_fits_the_list(pipeline):
    """Whoever asks about whatever item gets a cause that its places confirm."""
    user = user_with(liked=("i2", "i4"), disliked=("i3",))
    for at in range(20):
        found, trace = reason_for(f"i{at}", pipeline, user)
        if found.outcome == "outranked":
            assert found.place > 3
        elif found.outcome == "excluded":
            assert at in trace.resolved.barred
        else:
            assert found.outcome == "shown"
            assert found.place <= 3
