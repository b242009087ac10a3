"""Declared user fields as inputs: what they add, whom they leave as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.profiles import profile_columns
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import Ragged
from crossrec.testing.base import through_disk
from crossrec.testing.checkpoints import MemoryCheckpoints
from crossrec_neural import settings as given
from crossrec_neural.inputs.histories import Histories, HistorySpace
from crossrec_neural.inputs.profile_table import ProfileTable
from crossrec_neural.inputs.profiles import ProfileSpace
from crossrec_neural.settings import InputSettings
from crossrec_neural.sources import registered
from crossrec_neural.sources.source import NeuralSource
from hypothesis import given as given_values
from hypothesis import settings
from hypothesis import strategies as st

NAMES = ("Transformer", "Rnn", "Cnn", "TwoTower", "Ncf", "Vae")
#: Without validation a fifth of the epochs is trained.
TRAINING = {"epochs": 80, "steps": 1, "batch_size": 32, "learning_rate": 0.05}
READ = {"user_fields": ["country"]}


@pytest.fixture
def countries(shop: Dataset) -> Dataset:
    """Return the shop, in which the country decides: all begin at 0, some go on up, others down.

    Whether somebody is from the one country or the other is all that tells what comes after item 0.
    """
    rows: list[tuple[int, int, float]] = []
    for user in range(shop.n_users):
        step = 2 if user % 2 == 0 else -2
        rows += [(user, at * step % 24, float(at)) for at in range(3)]
    users, items, times = zip(*rows, strict=True)
    records = {
        id_: {"country": ("DE", "FR")[at % 2], "age": 30} for at, id_ in enumerate(shop.users.ids)
    }
    records[shop.users.ids[0]] = {"country": "LU"}
    profiles = profile_columns(shop.users, records)
    dataset = shop.with_events(Events.from_columns(users, items, times))
    return replace(dataset, profiles=profiles)


def source(name: str, inputs: dict[str, Any]) -> NeuralSource:
    cls: Any = getattr(registered, f"{name}Source")
    training = {**TRAINING, "validation_share": 0}
    return cls(cls.settings(embedding_size=8, inputs=inputs, training=training, dropout=0.0))


def query(country: str | None) -> QueryBatch:
    """Return somebody who is unknown to the fit, with item 0 behind them."""
    rows = Ragged.from_rows([[0]])
    batch = QueryBatch.from_histories(rows)
    if country is None:
        return batch
    return replace(batch, profile={"country": np.array([country])})


class TestSpace:
    def test_values_of_two_users_or_more_have_numbers(self, countries: Dataset) -> None:
        space = ProfileSpace.fit("test", countries, ["country", "age"])
        assert space.values == {"country": ("FR", "DE"), "age": ("30",)}
        rows = space.of_users(countries)
        np.testing.assert_array_equal(rows[:3], [[0, 0], [1, 1], [2, 1]])

    def test_queries_have_the_numbers_of_users(self, countries: Dataset) -> None:
        space = ProfileSpace.fit("test", countries, ["age", "country"])
        profile = {name: one.of(np.arange(90)) for name, one in countries.profiles.items()}
        np.testing.assert_array_equal(space.rows(profile, 90), space.of_users(countries))

    def test_what_is_not_known_is_zero(self, countries: Dataset) -> None:
        space = ProfileSpace.fit("test", countries, ["country"])
        values = np.array(["FR", "", "XX"])
        assert space.rows({"country": values}, 3).tolist() == [[1], [0], [0]]
        assert space.rows({}, 2).tolist() == [[0], [0]]
        assert space.of_users(replace(countries, profiles={})).sum() == 0

    def test_no_field_no_column(self, countries: Dataset) -> None:
        assert ProfileSpace.fit("test", countries, []).of_users(countries).shape == (90, 0)

    def test_a_field_that_nobody_has_is_refused(self, countries: Dataset, shop: Dataset) -> None:
        with pytest.raises(ConfigError, match="no user has a 'city'; there are: country, age"):
            ProfileSpace.fit("rnn", countries, ["city"])
        with pytest.raises(ConfigError, match="ingest them with --users"):
            ProfileSpace.fit("rnn", shop, ["city"])

    def test_a_space_comes_back_from_json(self, countries: Dataset) -> None:
        space = HistorySpace.fit("test", countries, InputSettings(user_fields=("country",)))
        assert HistorySpace.restored(space.to_json()) == space


@settings(max_examples=40, deadline=None)
@given_values(
    st.lists(st.sampled_from(["", "x", "y", "z"]), min_size=2, max_size=9),
    st.lists(st.integers(0, 4), min_size=2, max_size=9),
)
def test_every_stretch_has_the_profile_of_its_row(values: list[str], lengths: list[int]) -> None:
    """Rows without events lie between the others; whatever is cut knows whose it is."""
    n = min(len(values), len(lengths))
    users = Vocabulary(f"u{at}" for at in range(n))
    columns = profile_columns(users, {f"u{at}": {"f": values[at]} for at in range(n)})
    known = tuple(dict.fromkeys(one for one in values[:n] if one))
    space = HistorySpace(profile=ProfileSpace({"f": known}))
    numbers = np.array([0 if not one else 1 + known.index(one) for one in values[:n]])
    rows = Ragged.from_rows([list(range(length)) for length in lengths[:n]])
    profile = {name: one.of(np.arange(n)) for name, one in columns.items()}
    histories = Histories.build(rows, space, None, None, space.profile.rows(profile, n))
    filled = np.flatnonzero(rows.lengths > 0)
    batch = histories.cut(rows.indptr[filled + 1] - 1, np.ones(len(filled), dtype=np.int64))
    np.testing.assert_array_equal(batch.profile[:, 0], numbers[filled])
    kept = histories.where(rows.values > 0)
    longer = np.flatnonzero(kept.rows.lengths > 0)
    last = kept.cut(kept.rows.indptr[longer], kept.rows.lengths[longer])
    np.testing.assert_array_equal(last.profile[:, 0], numbers[longer])


def test_windows_have_the_profile_of_their_user(countries: Dataset) -> None:
    space = HistorySpace.fit("test", countries, InputSettings(user_fields=("country",)))
    histories = Histories.of_dataset(countries, space)
    starts = histories.rows.indptr[:-1]
    batch = histories.cut(starts + 1, histories.rows.lengths - 1)
    np.testing.assert_array_equal(batch.profile, space.profile.of_users(countries))
    some = histories.last(2).take(np.array([3, 1]))
    np.testing.assert_array_equal(some.profile, batch.profile[[3, 1]])


def test_a_table_adds_fields_and_starts_at_nothing() -> None:
    table = ProfileTable(ProfileSpace({"a": ("x", "y"), "b": ("z",)}), 4)
    table.start()
    numbers = torch.tensor([[1, 1], [2, 0], [0, 0]])
    assert not table(numbers).any()
    with torch.no_grad():
        for weight in table.parameters():
            weight[1:] += torch.arange(1.0, len(weight))[:, None]
    assert table(numbers)[:, 0].tolist() == [2.0, 2.0, 0.0]


@pytest.mark.parametrize("name", NAMES)
def test_new_users_get_what_people_of_their_country_choose(
    name: str, countries: Dataset, run: RunOptions
) -> None:
    made = source(name, {**READ, "text": False, "tags": False})
    made.fit(countries, run)
    scores = {
        country: made._trained.all_scores(query(country))[0] for country in ("DE", "FR", "XX")
    }
    assert scores["DE"][2] - scores["DE"][22] > 0.1
    assert scores["FR"][22] - scores["FR"][2] > 0.1
    nobody = made._trained.all_scores(query(None))[0]
    np.testing.assert_array_equal(scores["XX"], nobody)


def test_fields_are_read_only_where_they_are_named(countries: Dataset, run: RunOptions) -> None:
    """And a fit that names none is what it is without any users table."""
    made, bare = source("Rnn", {}), source("Rnn", {})
    made.fit(countries, run)
    bare.fit(replace(countries, profiles={}), run)
    np.testing.assert_array_equal(
        made._trained.all_scores(query("DE")), made._trained.all_scores(query("FR"))
    )
    for name, array in made.state().arrays.items():
        np.testing.assert_array_equal(array, bare.state().arrays[name])


def test_an_artifact_reads_them_alike(countries: Dataset, run: RunOptions, tmp_path: Path) -> None:
    made, again = source("TwoTower", READ), source("TwoTower", READ)
    made.fit(countries, run)
    again.restore(through_disk(made.state(), tmp_path), countries.catalog)
    for country in ("DE", "FR", "XX"):
        np.testing.assert_allclose(
            again._trained.all_scores(query(country)),
            made._trained.all_scores(query(country)),
            rtol=1e-5,
        )


def test_a_checkpoint_of_other_profiles_is_left_alone(countries: Dataset, run: RunOptions) -> None:
    memory = MemoryCheckpoints()
    source("Rnn", READ).fit(countries, replace(run, checkpoints=memory))
    records = {id_: {"country": ("FR", "DE")[at % 2]} for at, id_ in enumerate(countries.users.ids)}
    other = replace(countries, profiles=profile_columns(countries.users, records))
    expected, found = source("Rnn", READ), source("Rnn", READ)
    expected.fit(other, run)
    found.fit(other, replace(run, checkpoints=memory))
    for name, array in expected.state().arrays.items():
        np.testing.assert_array_equal(array, found.state().arrays[name])


def test_a_later_event_changes_no_earlier_state(
    countries: Dataset, run: RunOptions, batch_of: Callable[..., QueryBatch]
) -> None:
    """Fields are added at real events only: company and padding change nothing."""
    made = source("Transformer", READ)
    made.fit(countries, run)
    alone = replace(batch_of([[0]]), profile={"country": np.array(["DE"])})
    both = replace(batch_of([[0], [0, 2, 5]]), profile={"country": np.array(["DE", "FR"])})
    np.testing.assert_allclose(
        made._trained.all_scores(both)[0], made._trained.all_scores(alone)[0], atol=1e-5
    )


def test_pretraining_reads_no_fields(countries: Dataset, run: RunOptions) -> None:
    """They are a scenario's own: a body is pretrained without, and a fit from it reads them."""
    small = given.TransformerSettings(
        embedding_size=8, inputs=READ, training={"epochs": 1, "steps": 1}
    )  # type: ignore[arg-type]
    other = replace(countries, profiles={})
    made = registered.TransformerSource(small).pretrain({"a": countries, "b": other}, run)
    assert not any("profile" in name for name in made.state.arrays)
