"""Fields of the users table as categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.eligibility import ALL, queries_of
from crossrec.components.query import QueryBatch
from crossrec.data.profiles import LONGEST, profile_columns, profile_value
from crossrec.data.splits import leave_one_out
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.kept_fits import fingerprint
from crossrec.testing import toy
from hypothesis import given
from hypothesis import strategies as st

USERS = Vocabulary(["a", "b", "c"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("DE", "DE"),
        (" de ", "de"),
        (25, "25"),
        (25.0, "25"),
        (0.5, "0.5"),
        (True, "True"),
        (float("nan"), ""),
        (float("inf"), ""),
        (None, ""),
        (["x"], ""),
        ({"x": 1}, ""),
        ("x" * LONGEST, "x" * LONGEST),
        ("x" * (LONGEST + 1), ""),
    ],
)
def test_a_category_is_a_number_or_a_short_text(field: Any, value: str) -> None:
    assert profile_value(field) == value


def test_columns_number_the_values_of_each_field() -> None:
    records = {"b": {"country": "DE", "age": 7}, "a": {"country": "FR"}, "gone": {"country": "IT"}}
    columns = profile_columns(USERS, records)
    assert set(columns) == {"country", "age"}
    assert columns["country"].values == ("DE", "FR")
    np.testing.assert_array_equal(columns["country"].numbers, [1, 0, -1])
    assert columns["country"].numbers.dtype == np.int32
    assert columns["country"].of(np.array([2, 0, 0])).tolist() == ["", "FR", "FR"]
    assert columns["age"].of(np.arange(3)).tolist() == ["", "7", ""]


def test_a_field_without_any_category_is_no_column() -> None:
    assert profile_columns(USERS, {"a": {"friends": ["b", "c"], "bio": "x" * 100}}) == {}
    assert profile_columns(USERS, {}) == {}


@given(st.lists(st.sampled_from(["", "x", "y", "a longer value"]), min_size=1, max_size=12))
def test_every_value_comes_back(values: list[str]) -> None:
    users = Vocabulary(f"u{at}" for at in range(len(values)))
    columns = profile_columns(users, {f"u{at}": {"f": one} for at, one in enumerate(values)})
    if not any(values):
        assert columns == {}
        return
    assert columns["f"].of(np.arange(len(values))).tolist() == values


def test_a_batch_keeps_profiles_beside_its_queries() -> None:
    batch = QueryBatch(
        users=np.array([0, -1]),
        history=Ragged.from_rows([[1], [2]]),
        exclude=Ragged.empty(2),
        profile={"country": np.array(["DE", ""])},
    )
    assert batch.take(np.array([1, 0, 0])).profile["country"].tolist() == ["", "DE", "DE"]
    assert batch.related().profile["country"].tolist() == ["DE", ""]
    with pytest.raises(ValueError, match="read-only"):
        batch.profile["country"][0] = "FR"


def with_country(dataset: Any, country: str) -> Any:
    from dataclasses import replace

    records = {id_: {"country": country} for id_ in dataset.users.ids[::2]}
    return replace(dataset, profiles=profile_columns(dataset.users, records))


def test_queries_of_an_evaluation_know_the_profiles() -> None:
    dataset = with_country(toy.checkerboard(40).dataset, "DE")
    split = leave_one_out(dataset)
    batch = queries_of(split.test, split.train, ALL)
    expected = ["DE" if user % 2 == 0 else "" for user in split.test.users.tolist()]
    assert batch.profile["country"].tolist() == expected


def test_other_profiles_are_other_data() -> None:
    dataset = toy.checkerboard(40).dataset
    prints = {fingerprint(with_country(dataset, name)) for name in ("DE", "FR")}
    assert len(prints | {fingerprint(dataset)}) == 3
