"""Both towers outside: a ranking from the files and plain products is that of the source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import ArtifactError, NotFittedError
from crossrec.numeric.ragged import Ragged
from crossrec.testing import toy
from crossrec.testing.base import through_disk
from crossrec_neural.settings import TwoTowerSettings
from crossrec_neural.sources.registered import TwoTowerSource
from safetensors.numpy import load_file

HISTORIES = [[0], [2, 4, 6], [1, 3], [24]]
TRAINING: dict[str, Any] = {"epochs": 3, "steps": 1, "batch_size": 32}


def fitted(shop: Dataset, run: RunOptions, **more: Any) -> TwoTowerSource:
    made = TwoTowerSource(TwoTowerSettings(embedding_size=8, training=TRAINING, **more))  # type: ignore[arg-type]
    made.fit(shop, run)
    return made


def unrestricted(histories: list[list[int]]) -> QueryBatch:
    """Return queries that exclude nothing but what the source itself leaves out."""
    rows = Ragged.from_rows(histories)
    return QueryBatch.from_histories(rows, exclude=Ragged.empty(len(histories)))


@pytest.mark.parametrize(
    "loss", [{}, {"cosine": False, "name": "bce"}, {"temperature": 0.5}], ids=str
)
def test_products_of_what_is_written_give_the_ranking(
    loss: dict[str, Any], shop: Dataset, run: RunOptions, tmp_path: Path
) -> None:
    made = fitted(shop, run, loss=loss)
    towers = made.towers(shop.catalog)
    towers.save(tmp_path / "towers")
    items = load_file(tmp_path / "towers" / "items.safetensors")["items"]
    ids = json.loads((tmp_path / "towers" / "ids.json").read_text(encoding="utf-8"))
    assert items.dtype == np.float32
    named = [[f"i{item}" for item in history] for history in HISTORIES]
    scores = towers.users(named) @ items.T
    found = made.generate(unrestricted(HISTORIES), 5)
    for row, history in enumerate(named):
        able = [at for at, one in enumerate(ids) if one not in history]
        order = sorted(able, key=lambda at: -scores[row, at])[:5]
        assert [ids[at] for at in order] == [f"i{item}" for item in found.index[row].tolist()]
        np.testing.assert_allclose(scores[row, order], found.score[row], rtol=1e-4, atol=1e-5)
    assert PAD not in found.index


def test_a_stored_source_has_the_same_towers(
    shop: Dataset, run: RunOptions, tmp_path: Path
) -> None:
    made, stored = fitted(shop, run), TwoTowerSource()
    stored.restore(through_disk(made.state(), tmp_path), shop.catalog)
    one, other = made.towers(shop.catalog), stored.towers(shop.catalog)
    assert one.ids == other.ids
    np.testing.assert_allclose(other.items, one.items, atol=1e-6)
    histories = [["i0", "i2"], ["i5"]]
    np.testing.assert_allclose(other.users(histories), one.users(histories), atol=1e-5)


def test_items_that_came_later_are_among_them(run: RunOptions) -> None:
    """The new item has the text of another, and the same vector but for what was learnt of it."""
    data = toy.checkerboard(20).with_vectors("transformer")
    made = fitted(data.dataset, run, inputs={"ids": False})
    longer = toy.with_items_like(data, [3])
    before = made.towers(data.dataset.catalog)
    made.add_items(longer)
    after = made.towers(longer.catalog)
    assert after.ids == (*before.ids, "new 0")
    np.testing.assert_allclose(after.items[20], after.items[3], atol=1e-5)


def test_who_has_no_readable_history_has_the_zero_vector(shop: Dataset, run: RunOptions) -> None:
    towers = fitted(shop, run).towers(shop.catalog)
    vectors = towers.users([[], ["nothing", "of", "this"], ["i0"], ["i0", "unknown"]])
    assert not vectors[:2].any()
    assert vectors[2].any()
    np.testing.assert_allclose(vectors[3], vectors[2], atol=1e-6)
    assert towers.users([]).shape == (0, 8)


def test_items_of_which_nothing_is_known_are_no_candidates(shop: Dataset, run: RunOptions) -> None:
    vectors = np.array(shop.vectors["transformer"])
    vectors[24:] = 0.0
    bare = shop.with_vectors("transformer", vectors)
    made = fitted(bare, run, inputs={"tags": False})
    assert made.towers(bare.catalog).ids == tuple(f"i{at}" for at in range(24))


def test_a_folder_of_something_else_stays_as_it_is(
    shop: Dataset, run: RunOptions, tmp_path: Path
) -> None:
    towers = fitted(shop, run).towers(shop.catalog)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("kept")
    with pytest.raises(ArtifactError, match="holds something else: name another folder"):
        towers.save(tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "kept"
    for _ in range(2):  # its own is replaced
        towers.save(tmp_path / "towers")
    assert {path.name for path in (tmp_path / "towers").iterdir()} == {
        "items.safetensors",
        "ids.json",
    }


def test_without_a_fit_there_are_none(shop: Dataset) -> None:
    with pytest.raises(NotFittedError):
        TwoTowerSource().towers(shop.catalog)
