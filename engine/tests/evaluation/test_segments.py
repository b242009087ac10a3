"""Hot, warm and cold users and items; repeat and new targets."""

from __future__ import annotations

import numpy as np
from crossrec.data.splits import Targets
from crossrec.evaluation.segments import OFTEN, segments_of
from crossrec.numeric.ragged import Ragged
from hypothesis import given
from hypothesis import strategies as st

RowsOfItems = st.lists(st.lists(st.integers(0, 5), max_size=5), min_size=3, max_size=3)


def named(targets: Targets, fitted) -> dict[str, list[bool]]:
    return {f"{s.group}.{s.name}": s.counted.tolist() for s in segments_of(targets, fitted)}


def test_every_segment_by_hand(make_dataset):
    # Item 0 is seen ten times, item 1 once, item 2 never; user 0 trains, users 1 and 2 do not.
    fitted = make_dataset([(0, 0)] * OFTEN + [(0, 1)], n_users=3, n_items=4)
    targets = Targets(
        np.array([0, 1, 2]),
        Ragged.from_rows([[0, 1], [1], []]),
        Ragged.from_rows([[0, 2], [1], [2, 0]]),
        np.zeros(3),
    )
    assert named(targets, fitted) == {
        "users.hot": [True, True, False, False, False],
        "users.warm": [False, False, True, False, False],
        "users.cold": [False, False, False, True, True],
        "items.hot": [True, False, False, False, True],
        "items.warm": [False, False, True, False, False],
        "items.cold": [False, True, False, True, False],
        "targets.repeat": [True, False, True, False, False],
        "targets.new": [False, True, False, True, True],
    }


def test_a_user_with_dislikes_only_is_not_hot(make_dataset):
    fitted = make_dataset([(0, 0, 0, -1), (1, 0, 1, 1)], n_items=2)
    targets = Targets(np.array([0]), Ragged.empty(1), Ragged.from_rows([[1]]), np.zeros(1))
    assert named(targets, fitted)["users.cold"] == [True]


@given(RowsOfItems, RowsOfItems)
def test_groups_are_disjoint_and_cover_every_target(history, wanted):
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary

    ids = Vocabulary(f"i{i}" for i in range(6))
    catalog = Catalog(ids, ("",) * 6, ("",) * 6, ((),) * 6, ("",) * 6, np.ones(6, dtype=bool))
    past = Ragged.from_rows(history[:2])
    fitted = Dataset.build(
        Vocabulary(["a", "b", "c"]),
        catalog,
        Events.from_columns(past.row_of, past.values),
        has_clock=False,
    )
    rows = Ragged.from_rows(wanted)
    targets = Targets(np.arange(3), Ragged.from_rows(history), rows, np.zeros(3))
    groups: dict[str, list[np.ndarray]] = {}
    for segment in segments_of(targets, fitted):
        groups.setdefault(segment.group, []).append(segment.counted)
    assert set(groups) == {"users", "items", "targets"}
    for masks in groups.values():
        assert (np.sum(masks, axis=0) == 1).all()
