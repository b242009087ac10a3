from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from crossrec.errors import WorkspaceError
from crossrec.store.vector_cache import FILE, VectorCache, clear, connected, entries, text_hash
from hypothesis import given, settings
from hypothesis import strategies as st


def vectors(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32)


def test_what_is_put_comes_back_bit_for_bit(tmp_path):
    cache, given_ = VectorCache(tmp_path, "m"), vectors(3)
    cache.put(["a", "b", "ü 🎧"], given_)
    found = cache.get(["ü 🎧", "unknown", "a"])
    assert sorted(found) == [0, 2]
    np.testing.assert_array_equal(found[0], given_[2])
    np.testing.assert_array_equal(found[2], given_[0])


def test_models_are_kept_apart(tmp_path):
    VectorCache(tmp_path, "one").put(["a"], vectors(1))
    assert VectorCache(tmp_path, "two").get(["a"]) == {}


def test_an_empty_or_missing_cache_finds_nothing(tmp_path):
    assert VectorCache(tmp_path / "new", "m").get(["a", "b"]) == {}
    assert VectorCache(tmp_path / "new", "m").get([]) == {}


def test_more_texts_than_one_select_takes(tmp_path):
    cache, texts = VectorCache(tmp_path, "m"), [f"text {at}" for at in range(1234)]
    given_ = vectors(len(texts))
    cache.put(texts, given_)
    found = cache.get(texts)
    np.testing.assert_array_equal(np.stack([found[at] for at in range(len(texts))]), given_)


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(max_size=40), unique=True, max_size=12))
def test_any_text_is_a_key(texts, tmp_path_factory):
    cache = VectorCache(tmp_path_factory.mktemp("cache"), "m")
    given_ = vectors(len(texts))
    cache.put(texts, given_)
    found = cache.get(texts)
    assert sorted(found) == list(range(len(texts)))
    for at, vector in found.items():
        np.testing.assert_array_equal(vector, given_[at])


def test_unlike_texts_have_unlike_hashes():
    texts = ["a", "a ", "A", "\u00e1", "a\u0301", "", "\ud800"]
    assert len({text_hash(text) for text in texts}) == len(texts)
    assert all(len(text_hash(text)) == 32 for text in texts)


def test_a_damaged_file_is_made_anew(tmp_path, caplog):
    (tmp_path / FILE).write_bytes(b"this is not a database, whatever its name says" * 50)
    cache = VectorCache(tmp_path, "m")
    assert cache.get(["a"]) == {}
    assert "damaged" in caplog.text
    cache.put(["a"], vectors(1))
    assert sorted(cache.get(["a"])) == [0]


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file" / "cache", "m")
    cache.put(["a"], vectors(1))
    assert cache.get(["a"]) == {}
    assert "left out" in caplog.text


def test_a_failing_put_leaves_nothing_half_done(tmp_path):
    cache = VectorCache(tmp_path, "m")
    with pytest.raises(ValueError, match="zip"):
        cache.put(["a", "b", "c"], vectors(2))
    assert cache.get(["a", "b"]) == {}
    cache.put(["a"], vectors(1))
    assert sorted(cache.get(["a", "b"])) == [0]


WRITER = """
import sys, numpy as np
from pathlib import Path
from crossrec.store.vector_cache import VectorCache
cache = VectorCache(Path(sys.argv[1]), "m")
start, count = int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
for batch in range(start, start + count):
    texts = [f"{batch}/{at}" for at in range(50)]
    cache.put(texts, np.full((50, 4), batch, dtype=np.float32))
"""


def writer(folder: Path, start: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(start), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_the_same_time(tmp_path):
    running = [writer(tmp_path, start, 10) for start in (0, 10)]
    assert [process.wait(60) for process in running] == [0, 0]
    cache = VectorCache(tmp_path, "m")
    for batch in range(20):
        found = cache.get([f"{batch}/{at}" for at in range(50)])
        assert len(found) == 50
        assert all((vector == batch).all() for vector in found.values())
    for process in running:
        process.stdout.close()


def test_a_killed_writer_leaves_whole_batches(tmp_path):
    process = writer(tmp_path, 0, 100_000)
    process.stdout.readline()
    deadline = time.monotonic() + 30
    cache = VectorCache(tmp_path, "m")
    while len(cache.get([f"3/{at}" for at in range(50)])) < 50:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with connected(tmp_path / FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        total = connection.execute("SELECT COUNT(*) FROM vectors").fetchone()[0]
    assert total >= 200
    assert total % 50 == 0
    cache.put(["after"], vectors(1))
    assert sorted(cache.get(["after"])) == [0]


def test_entries_list_what_is_kept_and_clear_forgets_it(tmp_path):
    assert entries(tmp_path) == []
    assert clear(tmp_path) == 0
    VectorCache(tmp_path, "b").put(["x"], vectors(1))
    VectorCache(tmp_path, "a").put(["x", "y"], vectors(2))
    kept = entries(tmp_path)
    assert [(e.model, e.vectors, e.size) for e in kept] == [("a", 2, 32), ("b", 1, 16)]
    assert clear(tmp_path) == 3
    assert entries(tmp_path) == []
    assert VectorCache(tmp_path, "a").get(["x"]) == {}


def test_a_damaged_file_is_named_and_can_be_cleared(tmp_path):
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(WorkspaceError, match="vectors --clear"):
        entries(tmp_path)
    assert clear(tmp_path) == 0
    assert not (tmp_path / FILE).exists()


def test_the_file_is_plain_sqlite_with_little_endian_floats(tmp_path):
    VectorCache(tmp_path, "m").put(["a"], np.array([[1.0, 2.0]], dtype=np.float32))
    connection = sqlite3.connect(tmp_path / FILE)
    (blob,) = connection.execute("SELECT vector FROM vectors").fetchone()
    connection.close()
    assert blob == b"\x00\x00\x80?\x00\x00\x00@"
