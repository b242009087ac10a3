"""Ready vectors from files and columns, and the shuffled control."""

from __future__ import annotations

import json

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError, DataError, UsageError
from crossrec.testing import EncoderTests
from crossrec_media.settings import ShuffledConfig, VectorsConfig
from crossrec_media.tiny import with_vector_column
from crossrec_media.vectors.given import GivenVectors
from crossrec_media.vectors.shuffled import ShuffledVectors, shuffled_rows
from hypothesis import given
from hypothesis import strategies as st

RUN = RunOptions(seed=3)


class TestGivenVectors(EncoderTests):
    component = "vectors"
    settings = {"column": "vector"}  # noqa: RUF012 - read-only
    content = staticmethod(with_vector_column)


def encode(catalog, **settings):
    return GivenVectors(VectorsConfig(**settings)).encode(catalog, RUN)


def test_a_npy_goes_by_its_list_of_ids(tmp_path, catalog_of) -> None:
    rows = np.array([[0, 2], [3, 4], [9, 9]], dtype=np.float16)
    np.save(tmp_path / "f.npy", rows, allow_pickle=False)
    files = {"file": str(tmp_path / "f.npy"), "ids": str(tmp_path / "ids.csv")}
    (tmp_path / "ids.csv").write_text("row,item_id\n0,c\n1,a\n2,unknown\n")
    rows = encode(catalog_of("x", "y", "z"), **files)
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [0, 1]], atol=1e-6)
    (tmp_path / "ids.csv").write_text("c\na\nunknown\n")
    np.testing.assert_array_equal(encode(catalog_of("x", "y", "z"), **files), rows)


def test_a_parquet_file_has_both(tmp_path, catalog_of) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table({"item_id": ["b", "a"], "vector": [[1.0, 0.0], [0.0, 5.0]], "more": [1, 2]})
    parquet.write_table(table, tmp_path / "f.parquet")
    rows = encode(catalog_of("x", "y"), file=str(tmp_path / "f.parquet"))
    np.testing.assert_allclose(rows, [[0, 1], [1, 0]])
    ragged = pa.table({"item_id": ["b", "a"], "vector": [[1.0], [0.0, 5.0]]})
    parquet.write_table(ragged, tmp_path / "g.parquet")
    with pytest.raises(DataError, match="one width"):
        encode(catalog_of("x"), file=str(tmp_path / "g.parquet"))


def test_columns_hold_lists_or_their_text(catalog_of, caplog) -> None:
    values = [[3, 4], "0 2", "[0, 2]", "3;4", "1 2 3", "abc", None, [float("nan"), 1.0]]
    rows = encode(catalog_of(*"abcdefgh", v=values), column="v")
    np.testing.assert_allclose(rows[:4], [[0.6, 0.8], [0, 1], [0, 1], [0.6, 0.8]], atol=1e-6)
    assert not rows[4:].any()
    line = "vectors: 3 of 7 files are left out: 2 no list of numbers (f), 1 not 2 wide (e)"
    assert caplog.messages == [line]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "either a file or a column"),
        ({"file": "f.npy", "column": "v"}, "either a file or a column"),
        ({"file": "nowhere.npy"}, "no file of vectors"),
        ({"file": "FOLDER/f.npy"}, "has no item ids"),
        ({"file": "FOLDER/f.npy", "ids": "FOLDER/none"}, "no file of item ids"),
        ({"file": "FOLDER/f.npy", "ids": "FOLDER/two.csv"}, "none called item_id"),
        ({"file": "FOLDER/two.csv"}, "not from two.csv"),
        ({"column": "cover"}, "no column 'cover'"),
    ],
)
def test_what_is_missing_is_named(tmp_path, catalog_of, settings, message) -> None:
    np.save(tmp_path / "f.npy", np.ones((2, 2)), allow_pickle=False)
    (tmp_path / "two.csv").write_text("a,b\n1,2\n")
    settings = {key: value.replace("FOLDER", str(tmp_path)) for key, value in settings.items()}
    with pytest.raises(ConfigError, match=message):
        encode(catalog_of("x"), **settings)


def test_arrays_that_do_not_fit_are_refused(tmp_path, catalog_of) -> None:
    (tmp_path / "ids").write_text("a\nb\n")
    files = {"file": str(tmp_path / "f.npy"), "ids": str(tmp_path / "ids")}
    for array in (np.ones((3, 2)), np.ones(2), np.array([["x"], ["y"]])):
        np.save(tmp_path / "f.npy", array, allow_pickle=False)
        with pytest.raises(DataError, match="one row for each of the 2 ids"):
            encode(catalog_of("x"), **files)
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"
    head = head.ljust(117) + b"\n"  # objects, which only a pickle could hold
    (tmp_path / "f.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    with pytest.raises(DataError, match="no array of numbers"):
        encode(catalog_of("x"), **files)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 5))
def test_shuffling_keeps_the_rows_and_who_has_one(filled, seed) -> None:
    vectors = np.where(np.array(filled)[:, None], np.arange(1, len(filled) + 1)[:, None], 0)
    dealt = shuffled_rows(vectors.astype(np.float32), seed)
    assert sorted(dealt.ravel()) == sorted(vectors.ravel())
    np.testing.assert_array_equal(dealt.any(axis=1), filled)
    np.testing.assert_array_equal(dealt, shuffled_rows(vectors.astype(np.float32), seed))


def test_the_control_moves_nearly_all_rows() -> None:
    rows = np.arange(1, 1001, dtype=np.float32)[:, None]
    assert (shuffled_rows(rows, 0) == rows).mean() < 0.01
    assert (shuffled_rows(rows, 0) != shuffled_rows(rows, 1)).any()


class TestShuffled:
    """A control breaks on purpose what the conformance kit wants: near items are of one group."""

    component = "shuffled"

    def test_it_holds_the_other_encoders_rows(self, catalog_of) -> None:
        column = [json.dumps([number + 1, 1]) for number in range(8)]
        catalog = catalog_of(*"abcdefgh", v=column)
        config = ShuffledConfig(encoder="vectors", settings={"column": "v"})
        rows, plain = ShuffledVectors(config).encode(catalog, RUN), encode(catalog, column="v")
        assert sorted(map(tuple, rows)) == sorted(map(tuple, plain))
        assert not np.array_equal(rows, plain)

    def test_it_needs_an_encoder(self, catalog_of) -> None:
        with pytest.raises(ConfigError, match="name the encoder"):
            ShuffledVectors(ShuffledConfig()).encode(catalog_of("x"), RUN)
        with pytest.raises(UsageError, match="nowhere"):
            ShuffledVectors(ShuffledConfig(encoder="nowhere")).encode(catalog_of("x"), RUN)
