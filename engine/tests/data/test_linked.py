"""Linked histories as data: aligned, immutable, and found by user."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.linked import LinkedHistories, linked_id
from crossrec.data.splits import before
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.kept_fits import fingerprint
from hypothesis import given
from hypothesis import strategies as st

ITEMS = Catalog.of_texts(["a", "b", "c", "d"])


def linked_of(rows):
    """Linked histories from a mapping of user to items."""
    users = sorted(rows)
    return LinkedHistories(
        ITEMS,
        np.array(users, dtype=np.int64),
        Ragged.from_rows([rows[user] for user in users]),
        len(users),
    )


def dataset():
    users, items = np.array([0, 0, 1]), np.array([0, 1, 2])
    return Dataset.build(
        Vocabulary(["u", "v"]), ITEMS, Events.from_columns(users, items), has_clock=False
    )


@given(
    rows=st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 3), max_size=4), max_size=6),
    wanted=st.lists(st.integers(-1, 12), max_size=8),
)
def test_each_user_gets_the_own_history(rows, wanted):
    found = linked_of(rows).of_users(np.array(wanted, dtype=np.int64))
    assert [found.row(at).tolist() for at in range(len(found))] == [
        rows.get(user, []) for user in wanted
    ]


def test_nothing_of_it_can_be_changed():
    linked = linked_of({0: [1, 2]}).with_vectors("text", np.eye(4, dtype=np.float32))
    for array in (linked.users, linked.histories.values, linked.vectors["text"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7


def test_further_vectors_leave_the_others():
    one = np.eye(4, dtype=np.float32)
    linked = linked_of({0: [1]}).with_vectors("a", one).with_vectors("b", one * 2)
    np.testing.assert_array_equal(linked.vectors["a"], one)
    np.testing.assert_array_equal(linked.vectors["b"], one * 2)
    assert linked_of({0: [1]}).vectors == {}


def test_ids_of_two_scenarios_do_not_meet():
    assert linked_id("video", "7") != linked_id("music", "7")
    assert linked_id("video", "a/b").partition("/")[2] == "a/b"


def test_a_dataset_keeps_it_over_cuts_and_other_events():
    whole = replace(dataset(), linked=linked_of({0: [1]}))
    assert whole.with_events(whole.events.take(np.array([0]))).linked is whole.linked
    assert before(whole, 1.0).linked is whole.linked
    assert dataset().linked is None


def test_a_digest_sees_every_part_of_it():
    plain = dataset()
    linked = linked_of({0: [1], 1: [2]})
    others = [
        linked_of({0: [1]}),
        linked_of({0: [1], 1: [3]}),
        linked_of({0: [1, 2], 1: []}),
        linked.with_vectors("text", np.eye(4, dtype=np.float32)),
        replace(linked, catalog=ITEMS.with_texts(["x"] * 4), users=np.array([1, 2])),
        replace(linked, catalog=replace(ITEMS, titles=("t",) * 4)),
    ]
    digests = [fingerprint(plain), fingerprint(replace(plain, linked=linked))]
    digests += [fingerprint(replace(plain, linked=other)) for other in others]
    assert len(set(digests)) == len(digests)
    assert fingerprint(replace(plain, linked=linked_of({0: [1], 1: [2]}))) == digests[1]
