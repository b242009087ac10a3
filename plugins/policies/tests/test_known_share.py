"""The policy `known_share`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.user_state import UserState
from crossrec.components.wording import in_english
from crossrec.data.user_events import UserEvents
from crossrec.testing.policy_requests import in_short, pool_of, request_on
from crossrec_policies.slots.known_share import KnownShare, KnownShareConfig, mixed
from hypothesis import given
from hypothesis import strategies as st


def test_seven_of_ten_are_known() -> None:
    known = np.array([False] * 10 + [True] * 20)
    order = mixed(known, 0.7, 10)
    assert known[order].sum() == 7
    assert order[known[order]].tolist() == list(range(10, 17)), "in their order"
    assert order[~known[order]].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("share", "first"), [(0.0, False), (1.0, True)])
def test_all_of_one_kind_and_then_the_other(share: float, first: bool) -> None:
    known = np.array([True, False, True, False])
    order = mixed(known, share, 4)
    assert known[order].tolist() == [first, first, not first, not first]


def test_one_kind_fills_up_for_the_other() -> None:
    assert mixed(np.array([False, False, False]), 0.7, 3).tolist() == [0, 1, 2]
    assert mixed(np.array([True, False, False, False]), 0.7, 4).tolist() == [0, 1, 2, 3]


@given(st.lists(st.booleans(), max_size=40), st.floats(0, 1), st.integers(0, 50))
def test_every_first_part_has_the_share(flags: list[bool], share: float, n: int) -> None:
    known = np.array(flags, dtype=bool)
    order = mixed(known, share, n)
    assert len(order) == min(n, len(known))
    assert len(set(order.tolist())) == len(order)
    for kind in (True, False):
        places = order[known[order] == kind]
        assert (np.diff(places) > 0).all()
    for end in range(1, len(order) + 1):
        own = int(known[order[:end]].sum())
        both_left = own < known.sum() and end - own < (~known).sum()
        if both_left:
            assert abs(own - share * end) <= 1.0


def test_the_history_of_the_user_is_what_is_known() -> None:
    """Items 0 to 3 of the pool are new, 4 to 9 are of the history."""
    context = request_on([{} for _ in range(10)], k=10)
    ids = context.items.catalog.items.ids[4:]
    n = len(ids)
    past = UserEvents(
        tuple(ids), np.zeros(n, dtype=np.int64), np.full(n, np.nan),
        np.ones(n, dtype=np.float32), np.arange(n, dtype=np.float64),
    )  # fmt: skip
    context = replace(context, user=UserState("u", past))
    after = KnownShare(KnownShareConfig(share=0.5)).apply(pool_of(10), context)
    assert after.index.tolist() == [0, 4, 1, 5, 2, 6, 3, 7, 8, 9]
    assert in_short(after.changes) == [(at, "moved", "share_of_known") for at in (1, 2, 3)]
    assert in_english("share_of_known", after.changes[0].values) == (
        "put off for the share of known items: it is new"
    )
    stranger = replace(context, user=UserState())
    assert KnownShare().apply(pool_of(10), stranger).changes == ()
