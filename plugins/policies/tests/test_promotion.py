"""`promotion`: what stands in promoted places, under which label, and what never does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.policies import Availability
from crossrec.components.ranked import Ranked
from crossrec.components.wording import in_english
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.slots.promotion import Promotion, PromotionConfig
from hypothesis import given
from hypothesis import strategies as st

ROWS: list[dict[str, Any]] = [{"campaign": "summer" if at in (7, 12) else "x"} for at in range(15)]


def promoted(pool: int | list[int] = 10, k: int = 10, **given_settings: Any) -> Ranked:
    policy = Promotion(PromotionConfig(**given_settings))
    return policy.apply(pool_of(pool), request_on(ROWS, k=k))


def test_items_by_id_at_their_slots_with_a_label() -> None:
    after = promoted(items=("i12", "i8"), slots=(2, 4), label="advertisement")
    assert after.index.tolist() == [0, 8, 1, 12, 2, 3, 4, 5, 6, 7, 9], "the better one first"
    assert in_short(after.changes) == [(8, "moved", "promoted"), (12, "inserted", "promoted")]
    assert after.changes[0].values == {"label": "advertisement", "to": 2}
    assert in_english("promoted", after.changes[0].values) == "promoted: advertisement"
    assert after.propensity.tolist() == [1.0] * 11


def test_items_by_a_field() -> None:
    after = promoted(field="campaign", values=("SUMMER",), slots=(1, 2))
    assert after.index[:3].tolist() == [7, 12, 0]


def test_a_share_of_the_places() -> None:
    assert promoted(items=("i12",), share=0.1).index[9] == 12
    assert promoted(items=("i12", "i13"), share=0.2).index[[4, 9]].tolist() == [12, 13]


def test_what_stands_there_by_itself_is_not_labelled() -> None:
    assert promoted(items=("i1",), slots=(3,)).changes == ()
    assert promoted(items=("i2",), slots=(3,)).index.tolist() == list(range(10))
    both = promoted(items=("i1", "i12"), slots=(3, 5))
    assert in_short(both.changes) == [(12, "inserted", "promoted")]
    assert both.index[4] == 12


def test_never_what_is_barred_or_cannot_be_had() -> None:
    rows: list[dict[str, Any]] = [{"title": "x"}, {"is_hidden": True}, {"title": "y"}, {}]
    context = request_on(rows, barred=np.array([3]), rules=(Availability().bars,))
    policy = Promotion(PromotionConfig(items=("i1", "i3", "nobody", "i2"), slots=(1, 2, 3)))
    after = policy.apply(pool_of([0]), context)
    assert after.index.tolist() == [2, 0]


def test_without_promoted_items_nothing_happens() -> None:
    pool = pool_of(5)
    for empty in ({}, {"items": ("gone",)}, {"field": "price", "values": ("1",)}):
        config = PromotionConfig(slots=(1,), **empty)
        assert Promotion(config).apply(pool, request_on(ROWS)) is pool


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"items": ("a",), "field": "b", "values": ("c",)}, "not both"),
        ({"field": "b"}, "belong together"),
        ({"values": ("b",)}, "belong together"),
        ({"slots": (0,)}, "slots"),
    ],
)
def test_settings_are_checked(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PromotionConfig(**wrong)


@given(
    st.lists(st.integers(0, 14), unique=True, max_size=5),
    st.lists(st.integers(1, 12), unique=True, min_size=1, max_size=5),
    st.integers(0, 12),
)
def test_every_promoted_item_is_labelled_or_was_there(
    items: list[int], slots: list[int], n: int
) -> None:
    after = promoted(n, items=tuple(f"i{at}" for at in items), slots=tuple(slots))
    labelled = {change.item for change in after.changes}
    assert labelled <= set(items)
    assert len(labelled) <= sum(slot <= 10 for slot in slots)
    assert set(after.index.tolist()) == {*range(n), *labelled}
    others = [item for item in after.index.tolist() if item not in labelled]
    assert others == sorted(others)
    for change in after.changes:
        place = after.index.tolist().index(change.item)
        assert place <= change.values["to"] - 1
