"""The benchmark of cold starts, on small data whose answers are known."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.testing.scripts import imported

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
MODULES = ("cold", "real_sets", "common")


@pytest.fixture(scope="module")
def cold() -> Iterator[ModuleType]:
    """Return benchmarks/cold.py, and leave nothing of it behind."""
    with imported(BENCHMARKS, *MODULES) as script:
        yield script


def generated(seed: int = 0) -> Dataset:
    """People who go by maker; the texts and vectors show a colour that nobody minds."""
    rng = np.random.default_rng(seed)
    n, people = 120, 200
    maker, colour = rng.integers(0, 4, n), rng.integers(0, 4, n)
    rows = []
    for one in range(people):
        odds = np.where(maker == one % 4, 1.0, 0.02)
        rows.append(rng.choice(n, 14, replace=False, p=odds / odds.sum()))
    titles = tuple(
        ("red", "green", "blue", "black")[at] + f" thing {i}" for i, at in enumerate(colour)
    )
    catalog = Catalog(
        Vocabulary([f"i{i}" for i in range(n)]),
        titles,
        titles,
        ((),) * n,
        tuple(f"maker {at}" for at in maker),
        np.ones(n, dtype=bool),
    )
    events = Events.from_columns(np.repeat(np.arange(people), 14), np.concatenate(rows))
    names = Vocabulary([f"u{u}" for u in range(people)])
    data = Dataset.build(names, catalog, events, has_clock=False)
    dense = (np.eye(4)[colour] + 0.2 * rng.normal(size=(n, 4))).astype(np.float32)
    return data.with_vectors("transformer", dense).with_vectors("transformer:title", dense)


def test_items_without_events(cold: ModuleType) -> None:
    target = cold.Target("small", None, 20.0)
    report = cold.items_report(generated(), target, seeds=2, users=150)
    methods = report["methods"]
    assert {one["chosen"] for one in report["chosen"]} <= {"kernel", "both"}
    cold_only = {name: figures["cold among cold"] for name, figures in methods.items()}
    among = {name: figures["recall@20"]["mean"] for name, figures in cold_only.items()}
    gain = {name: figures["ndcg@20"]["mean"] for name, figures in cold_only.items()}
    assert gain["kernel"] > 1.3 * gain["text-kNN"]  # of 24 cold items, 20 are always shown
    assert among["kernel"] > among["text-kNN"]
    assert among["ease"] == 0.0
    assert methods["ease"]["cold"]["recall@20"]["mean"] == 0.0
    assert among["crossrec"] == among["crossrec, open"]
    # Among warm items alone nothing changes; in the common list warm makes room, as allowed.
    assert methods["crossrec"]["warm among warm"] == methods["ease"]["warm among warm"]
    assert report["warm lost"]["warm among warm"] == 0.0
    warm = [methods[name]["warm"]["recall@20"]["mean"] for name in ("crossrec", "crossrec, open")]
    assert warm[0] >= warm[1]
    expected = among["crossrec"] / among["text-kNN"]
    assert report["ratio to"]["text-kNN"] == pytest.approx(expected, abs=1e-3)
    assert report["reached"] == (
        min(report["ratio to"].values()) >= 1.5 and max(report["warm lost"].values()) <= 0.005
    )


def test_users_who_are_just_arriving(cold: ModuleType) -> None:
    report = cold.users_report(generated(), cold.Target("small", None, 20.0), seeds=1)
    recall = {
        name: {count: figures["recall@20"]["mean"] for count, figures in counts.items()}
        for name, counts in report["methods"].items()
    }
    served = recall["crossrec (closed form, else popularity)"]
    assert list(served) == ["0", "1", "3", "5", "10"]
    assert served["0"] == recall["popularity"]["0"] > 0
    assert recall["closed form"]["0"] == recall["EASE"]["0"] == 0
    assert recall["text consensus"]["0"] == 0
    for count in ("1", "3", "5", "10"):
        assert served[count] == recall["closed form"][count]
    assert served["10"] > served["0"]
    assert recall["EASE"]["10"] > recall["content"]["10"]


def test_citeulike_is_read_as_bags_of_words(
    cold: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "citeulike-t"
    folder.mkdir()
    files = {
        "vocabulary": "deep\n\nsea\n",
        "mult": "2 0:2 2:1\n2 1:1 2:3\n",
        "users": "2 0 1\n1 1\n",
    }
    for name, text in files.items():
        (folder / f"{name}.dat.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setenv("CROSSREC_DATASETS", str(tmp_path))
    data = cold.citeulike()
    assert data.catalog.texts == ("deep deep sea", "sea sea sea")
    assert [data.sequences.row(user).tolist() for user in range(2)] == [[0, 1], [1]]


def test_intervals_over_seeds(cold: ModuleType) -> None:
    assert cold.spread([0.5]) == {"mean": 0.5}
    assert cold.spread([0.2, 0.2, 0.2])["ci95"] == [0.2, 0.2]
    spread = cold.spread([0.1, 0.2, 0.3])
    half = 4.30 * 0.1 / np.sqrt(3)
    assert spread["mean"] == 0.2
    assert spread["ci95"] == pytest.approx([0.2 - half, 0.2 + half], abs=1e-4)


def test_figures_of_other_targets_stay(cold: ModuleType, tmp_path: Path) -> None:
    for target, value in (("citeulike", 1), ("ml-1m", 2), ("citeulike", 3)):
        cold.write("items", {"target": target, "value": value}, tmp_path)
    cold.write("users", {"target": "uci", "value": 4}, tmp_path)
    written = json.loads((tmp_path / "cold.json").read_text())
    assert [(one["target"], one["value"]) for one in written["items"]] == [
        ("ml-1m", 2),
        ("citeulike", 3),
    ]
    assert [one["value"] for one in written["users"]] == [4]
    assert written["items"][0]["machine"]["cores"] >= 1


def test_without_the_data_sets_it_says_so(
    cold: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CROSSREC_DATASETS", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["cold.py", "--cache", str(tmp_path), "--out", str(tmp_path)])
    assert cold.main() == 0
    assert "nothing was measured" in capsys.readouterr().out
    assert not (tmp_path / "cold.json").exists()
