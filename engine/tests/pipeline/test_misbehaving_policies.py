"""Policies that break their word: their work is not half used, and the answer says who did it."""

import dataclasses

import numpy as np
import pytest
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.run import RunOptions
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.misbehaving import check_slate, inserting, pool_with, ruled
from crossrec.testing.requests import TOY, ask, user_with, with_parts


@pytest.fixture(scope="module")
def pipeline(registry, make_shop, make_config):
    config = make_config("popular", "together")
    return fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())


def test_a_policy_may_insert_what_the_catalog_holds(pipeline):
    plain = ask(pipeline, history=("i0",), k=3)
    slate = ask(ruled(pipeline, inserting(7)), history=("i0",), k=3)
    first = slate.items[0]
    assert (first.item_id, first.index, first.title) == ("i7", 7, "item 7")
    assert first.reasons[0].text.startswith(("popular", "often together"))
    assert slate.item_ids[1:] == plain.item_ids[:2]
    assert slate.degraded == ()
    (change,) = slate.changes
    assert (change.policy, change.item_id, change.why) == ("p0", "i7", "paid")
    check_slate(slate, 3)


BOUGHT, BANNED, EXCLUDED = 1, 3, 5


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (inserting(99), "it returned what is no item of the catalog"),
        (inserting(-1), "it returned what is no item of the catalog"),
        (inserting(BANNED), "it returned an item that is excluded for this user"),
        (inserting(BOUGHT), "it returned an item that is excluded for this user"),
        (inserting(EXCLUDED), "it returned an item that is excluded for this user"),
        (lambda r: pool_with(r, [2, 4, 2]), "it returned an item twice"),
        (lambda r: pool_with(r, r.index[1:]), "it dropped or inserted 1 items without a change"),
        (lambda r: pool_with(r, r.index[:0]), "it dropped or inserted 17 items without a change"),
        (
            lambda r: pool_with(r, r.index[2:], PolicyChange(int(r.index[0]), "dropped", "x")),
            "it dropped or inserted 1 items without a change",
        ),
        (
            lambda r: pool_with(r, r.index, score=np.full(len(r), np.nan)),
            "it returned scores that are not finite",
        ),
        (
            lambda r: pool_with(r, r.index, propensity=np.zeros(len(r))),
            "it returned propensities outside of (0, 1]",
        ),
        (
            lambda r: pool_with(r, r.index, propensity=np.full(len(r), np.nan)),
            "it returned propensities outside of (0, 1]",
        ),
        (
            lambda r: pool_with(r, r.index.astype(float)),
            "it returned what is no item of the catalog",
        ),
        (
            lambda r: pool_with(r, r.index, PolicyChange(99, "moved", "x")),
            "it recorded what is no change of an item of the catalog",
        ),
        (
            lambda r: pool_with(r, r.index, PolicyChange(2, "moved", "x", None)),
            "it recorded what is no change of an item of the catalog",
        ),
        (
            lambda r: pool_with(r, r.index, "because"),
            "it recorded what is no change of an item of the catalog",
        ),
        (lambda r: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda r: pool_with(r, [[2]]), "ValueError: index, score and propensity must be flat"),
    ],
)
def test_a_policy_that_breaks_its_word_is_left_out_of_that_answer(pipeline, change, complaint):
    """Its work is not half used: the others go on from what was there before it."""
    user = user_with(liked=("i1",), disliked=("i3",), user_id="u1")
    fields = {"user_id": "u1", "exclude": ("i5",), "k": 6}
    plain = ask(ruled(pipeline, inserting(7)), user, **fields)
    slate = ask(ruled(pipeline, change, inserting(7)), user, **fields)
    check_slate(slate, 6, never=("i5", "i3", "i1"))
    assert slate.item_ids == plain.item_ids
    assert [c.policy for c in slate.changes] == ["p1"]
    (degraded,) = slate.degraded
    assert degraded.component == "p0"
    assert degraded.error.startswith(complaint)


def test_the_changes_of_the_policies_before_must_stay(pipeline):
    def forgetful(ranked):
        return Ranked(ranked.index, ranked.score, ranked.propensity)

    slate = ask(ruled(pipeline, inserting(7), forgetful), history=("i0",), k=3)
    assert slate.item_ids[0] == "i7"
    assert [c.policy for c in slate.changes] == ["p0"]
    assert [d.component for d in slate.degraded] == ["p1"]
    assert slate.degraded[0].error == "it dropped the changes of the policies before it"


def test_a_policy_cannot_sign_with_the_name_of_another(pipeline):
    def signing(ranked):
        return pool_with(ranked, ranked.index, PolicyChange(2, "moved", "x", policy="availability"))

    slate = ask(ruled(pipeline, signing), history=("i0",), k=3)
    assert [c.policy for c in slate.changes] == ["p0"]


def test_a_familiar_item_may_be_put_in_front_and_a_given_one_too(pipeline):
    """What nothing but the rule for known items keeps back bars no policy."""
    user = user_with(viewed=("i4",), user_id="u1")
    slate = ask(ruled(pipeline, inserting(4)), user, user_id="u1", k=3)
    assert slate.item_ids[0] == "i4"
    assert slate.degraded == ()


@pytest.mark.parametrize("value", [None, (), "slate", [1, 2]])
def test_a_policy_that_returns_no_pool_is_left_out(pipeline, value):
    slate = ask(ruled(pipeline, lambda ranked: value), history=("i0",))
    assert slate.item_ids == ask(pipeline, history=("i0",)).item_ids
    assert "not Ranked" in slate.degraded[0].error


def test_a_policy_that_empties_the_pool_says_so(pipeline):
    slate = ask(ruled(pipeline, dropping_all_but()), history=("i0",))
    assert slate.items == ()
    assert slate.short_because.startswith("only 0 of 10")
    assert slate.short_because.endswith("policies dropped 19")


def dropping_all_but(*kept):
    def change(ranked):
        return ranked.without(~np.isin(ranked.index, kept), "hidden")

    return change


def test_a_policy_sees_the_whole_pool_once_however_short_the_list(make_shop, pipeline):
    """With k = 1 too: the only item that it lets pass may be the last of the catalog."""
    many = fit_many(pipeline, make_shop(n_items=400))
    last = int(many.fallback[-1])
    seen = []

    def picky(ranked):
        seen.append(len(ranked))
        return dropping_all_but(last)(ranked)

    slate = ask(ruled(many, picky), history=("i0",), k=1)
    assert slate.item_ids == (many.catalog.items.id(last),)
    assert seen == [399]
    none = ask(ruled(many, dropping_all_but()), history=("i0",), k=1)
    assert none.items == ()
    assert none.short_because.endswith("policies dropped 399")


def test_chance_is_the_same_for_one_request_and_another_for_the_next(pipeline):
    drawn = []

    class Draws:
        def apply(self, ranked, context):
            drawn.append(context.rng.random(3).tolist())
            return ranked

    rolling = with_parts(pipeline, policies={"a": Draws(), "b": Draws()})
    for _ in range(2):
        ask(rolling, history=("i0",))
    assert len({tuple(one) for one in drawn}) == 4


def test_propensities_of_a_policy_reach_the_answer(pipeline):
    def explore(ranked):
        return pool_with(ranked, ranked.index, propensity=np.full(len(ranked), 0.25))

    slate = ask(ruled(pipeline, explore), history=("i0",), k=2)
    assert [item.propensity for item in slate.items] == [0.25, 0.25]
    assert slate.to_dict()["items"][0]["propensity"] == 0.25


def fit_many(pipeline, data):
    """The same sources over a larger catalog."""
    sources = {label: type(source)() for label, source in pipeline.sources.items()}
    for source in sources.values():
        source.fit(data, RunOptions())
    return dataclasses.replace(
        pipeline,
        catalog=data.catalog,
        sources=sources,
        people=data.item_people,
        fallback=np.argsort(-data.item_evidence, kind="stable"),
    )
