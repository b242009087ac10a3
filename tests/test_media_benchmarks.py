"""The benchmarks of modalities: how a random split is dealt, what is counted, what is read."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.testing.scripts import imported
from crossrec.testing.toy import shop
from hypothesis import given
from hypothesis import strategies as st
from media_tables import maps_table, modalities_table, sports_table

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def sports() -> Iterator[Any]:
    with imported(ROOT / "benchmarks", "sports", "common") as script:
        yield script


@pytest.fixture(scope="module")
def modalities() -> Iterator[Any]:
    with imported(ROOT / "benchmarks", "modalities", "real_sets", "common") as script:
        yield script


@pytest.mark.parametrize(
    ("count", "parts"),
    [
        (1, (1, 0, 0)),
        (2, (1, 0, 1)),
        (3, (1, 1, 1)),
        (5, (3, 1, 1)),
        (9, (7, 1, 1)),
        (10, (8, 1, 1)),
        (19, (17, 1, 1)),
        (20, (16, 2, 2)),
        (100, (80, 10, 10)),
    ],
)
def test_a_tenth_is_for_validation_and_one_for_the_test(sports, count, parts) -> None:
    assert sports.sizes(count) == parts


def test_every_item_is_dealt_once_and_training_keeps_its_order(sports) -> None:
    rng = np.random.default_rng(0)
    rows = [rng.permutation(40)[: rng.integers(5, 30)].tolist() for _ in range(50)]
    parts = sports.split(rows, seed=3)
    for user, row in enumerate(rows):
        dealt = [part.row(user).tolist() for part in (parts.train, parts.validation, parts.test)]
        assert sorted(sum(dealt, [])) == sorted(row)
        assert tuple(map(len, dealt)) == sports.sizes(len(row))
        assert [item for item in row if item in dealt[0]] == dealt[0]
    again = sports.split(rows, seed=3)
    np.testing.assert_array_equal(parts.test.values, again.test.values)
    assert (sports.split(rows, seed=4).test.values != parts.test.values).any()


def test_figures_by_hand(sports) -> None:
    lists = np.full((2, 20), PAD, dtype=np.int64)
    lists[0, :3] = [7, 8, 9]
    lists[1, :2] = [1, 2]
    found = sports.figures(lists, [np.array([8, 5]), np.array([3])])
    assert found["recall@20"] == pytest.approx((0.5 + 0) / 2)
    best = 1 + 1 / np.log2(3)
    assert found["ndcg@20"] == pytest.approx((1 / np.log2(3) / best + 0) / 2)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True))
def test_a_perfect_list_has_full_marks(sports, targets) -> None:
    lists = np.full((1, 20), PAD, dtype=np.int64)
    lists[0, : len(targets)] = targets
    found = sports.figures(lists, [np.array(targets)])
    assert found == pytest.approx({"recall@20": 1.0, "ndcg@20": 1.0})


def test_sports_is_read_as_it_lies_there(sports, tmp_path) -> None:
    with gzip.open(tmp_path / "items.tsv.gz", "wt") as file:
        file.write("item\tkey_phrases\tasin\n10\tyoga mat\tB1\n2\tgolf balls\tB2\n")
    with gzip.open(tmp_path / "sequences.txt.gz", "wt") as file:
        file.write("1 2 10\n2 10\n")
    catalog, rows = sports.read(tmp_path)
    assert catalog.texts == ("yoga mat", "golf balls")
    assert rows == [[1, 0], [0]]
    train = sports.split([[1, 0], [0]], seed=0).train
    data = sports.dataset(catalog, train)
    assert len(data.interactions) == 2
    batch = sports.queries(train, np.array([1]))
    assert batch.history.row(0).tolist() == batch.exclude.row(0).tolist() == [0]


def test_the_settings_of_the_trials_can_be_built(sports) -> None:
    source = sports.built("text-behaviour", sports.settings_of(20.0, 300.0))
    assert source.kappa == 300.0
    assert source.config.prior.reg == 20.0
    assert source.config.history.decay == 1.0


def test_a_set_is_restricted_to_some_items(modalities) -> None:
    data = shop().dataset
    kept = set(data.catalog.items.ids[:5])
    few = modalities.restricted(data, kept)
    assert few.catalog.items.ids == data.catalog.items.ids[:5]
    assert len(few.events) == int((data.events.items < 5).sum())
    assert few.users is data.users
    assert few.has_clock == data.has_clock


def test_features_are_given_with_their_ids(modalities, tmp_path) -> None:
    raw = np.arange(6, dtype="<f4").reshape(2, 3)
    for feature in ("feat1CLS", "feat3CLS"):
        (tmp_path / f"Scientific.{feature}.gz").write_bytes(gzip.compress(raw.tobytes()))
    with gzip.open(tmp_path / "Scientific.item2index.gz", "wt") as file:
        file.write("B2\t1\nB1\t0\n")
    text, image = modalities.scientific(tmp_path, tmp_path)
    assert (text.name, image.name) == ("clip text", "clip image")
    assert Path(image.settings["ids"]).read_text() == "B1\nB2\n"
    np.testing.assert_array_equal(np.load(image.settings["file"], allow_pickle=False), raw)


def test_posters_are_given_with_their_films(modalities, tmp_path) -> None:
    with gzip.open(tmp_path / "features.npy.gz", "wb") as file:
        np.save(file, np.ones((2, 4), dtype=np.float16), allow_pickle=False)
    with gzip.open(tmp_path / "ids.csv.gz", "wt") as file:
        file.write("row,item_id\n0,1\n1,267\n")
    (poster,) = modalities.posters(tmp_path, tmp_path)
    assert poster.encoder == "vectors"
    assert modalities.poster_ids(tmp_path) == ["1", "267"]
    assert np.load(poster.settings["file"], allow_pickle=False).dtype == np.float32


def test_every_set_names_what_it_reads(modalities) -> None:
    assert set(modalities.SETS) == {"scientific", "ml-100k"}
    assert set(modalities.BASE) == {"ease", "covisitation", "popularity"}


ROW = {
    "name": "events",
    "metrics": {"recall@10": 0.25, "ndcg@10": 0.125},
    "ci95": {"recall@10": [0.2, 0.3], "ndcg@10": [0.1, 0.15]},
    "weights": {"ease": 0.6, "image": 0.4},
}
REPORT = {
    "users": 1200,
    "items": 300,
    "events": 9000,
    "protocol": "leave-one-out",
    "candidates": "unseen",
    "rows": [ROW, {**ROW, "name": "image alone", "weights": {}}],
    "verdicts": {"image": "no gain is shown"},
    "maps": {
        "image to text": {
            "map": {"items": 280, "percentile": 0.7, "recall": {"1": 0.0, "10": 0.1}},
            "shuffled": {"items": 280, "percentile": 0.5, "recall": {"1": 0.0, "10": 0.03}},
        }
    },
}


def test_the_table_of_a_set_shows_rows_weights_and_verdicts() -> None:
    text = modalities_table("shop", REPORT)
    assert text.startswith("**shop**: 1,200 test users, 300 items, 9,000 events; leave-one-out")
    cells = "| events | 0.2500 (0.200–0.300) | 0.1250 (0.100–0.150) | ease 0.6, image 0.4 |"
    assert cells in text
    assert text.endswith("- image: no gain is shown\n")


def test_the_table_of_maps_has_the_control_beside_each_figure() -> None:
    text = maps_table({"shop": REPORT, "bare": {}})
    assert "| shop: image to text | 280 | 0.700 / 0.500 | 0.100 / 0.030 |" in text
    assert "bare" not in text


def test_the_table_of_sports_has_the_published_figures() -> None:
    figures = {"recall@20": 0.105, "ndcg@20": 0.051}
    text = sports_table(
        {
            "users": 10,
            "items": 20,
            "events": 30,
            "choice": {"best": {"reg": 40.0, "kappa": 400.0, **figures}},
            "test": {"texts and events": figures},
            "published": {"BM3": {"recall@20": 0.098, "ndcg@20": None}},
        }
    )
    assert "| crossrec: texts and events | 0.1050 | 0.0510 |" in text
    assert "| BM3 (published) | 0.0980 | – |" in text
    assert "λ 40, weight of events 400 (recall@20 0.1050 there)" in text
