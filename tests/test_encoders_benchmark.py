"""The benchmark of text encoders: its catalogues, its cells, and what is shown of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.testing import toy
from crossrec.testing.scripts import imported
from encoder_tables import encoder_tables, figure, set_table, speed_table

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    "encoders",
    "common",
    "encoding",
    "encoder_trials",
    "encoder_trials.cells",
    "encoder_trials.pipelines",
    "real_sets",
    "encoder_trials.speed",
    "encoder_trials.translated",
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """Return benchmarks/encoders.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", *MODULES) as script:
        yield script


@pytest.fixture(scope="module")
def translated(bench: Any) -> Any:
    import sys

    return sys.modules["encoder_trials.translated"]


@pytest.fixture(scope="module")
def cells(bench: Any) -> Any:
    import sys

    return sys.modules["encoder_trials.cells"]


def test_every_phrase_of_the_table_is_in_all_languages(translated: Any) -> None:
    words = translated.Words.read()
    phrases = [*words.scenes, *(one for theme in words.subjects.values() for one in theme)]
    assert all(len(phrase) == 3 and all(phrase) for phrase in phrases)
    for language in range(3):
        subjects = [one[language] for theme in words.subjects.values() for one in theme]
        assert len(set(subjects)) == len(subjects), "no subject belongs to two themes"
    chinese = "".join(phrase[translated.CHINESE] for phrase in phrases)
    assert all("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_subjects_of_a_theme_share_no_word(translated: Any) -> None:
    """So that words alone cannot tell what belongs together."""
    for theme in translated.Words.read().subjects.values():
        for language in (translated.ENGLISH, translated.GERMAN):
            words = [word for one in theme for word in one[language].lower().split()]
            assert len(set(words)) == len(words)


def test_a_share_of_the_titles_is_translated(translated: Any) -> None:
    titles = list(translated.Words.read().translations())
    assert translated.translated(titles, translated.GERMAN, 0.0) == titles
    chinese = translated.translated(titles, translated.CHINESE, 1.0)
    assert len(set(chinese)) == len(titles)
    half = translated.translated(titles, translated.GERMAN, 0.5)
    same = np.mean([one == other for one, other in zip(titles, half, strict=True)])
    assert 0.4 < same < 0.6
    assert half == translated.translated(titles, translated.GERMAN, 0.5)
    assert "Wolf im Winter" in translated.translated(titles, translated.GERMAN, 1.0)


def test_people_do_the_same_in_every_language(translated: Any) -> None:
    english, chinese = (
        translated.dataset_in(name, people=40) for name in ("generated-en", "generated-zh")
    )
    np.testing.assert_array_equal(english.interactions.items, chinese.interactions.items)
    np.testing.assert_array_equal(english.interactions.users, chinese.interactions.users)
    assert english.n_items == len(set(english.catalog.texts)) == 960
    assert not set(english.catalog.texts) & set(chinese.catalog.texts)


def test_a_sample_keeps_whole_users_and_their_items(cells: Any) -> None:
    data = toy.checkerboard(40).dataset
    few = cells.sampled(data, 5)
    lengths = few.sequences.lengths
    assert (lengths > 0).sum() == 5
    kept = np.flatnonzero(lengths)
    np.testing.assert_array_equal(lengths[kept], data.sequences.lengths[kept])
    assert (np.bincount(few.interactions.items, minlength=few.n_items) > 0).all()
    user = int(kept[0])
    names = [few.catalog.items.id(item) for item in few.sequences.row(user)]
    assert names == [data.catalog.items.id(item) for item in data.sequences.row(user)]
    assert cells.sampled(data, 10_000) is data


def test_a_cell_measures_validation_items_with_and_without_vectors(
    cells: Any, tmp_path: Path
) -> None:
    pytest.importorskip("crossrec_backbone")
    data = toy.checkerboard(40).dataset
    words = cells.measured(cells.Cell("none", "toy"), data, tmp_path)
    assert set(words["ndcg@10"]) == {"consensus", "content", "text-behaviour"}
    assert words["encoding_cpu_seconds"] == 0
    assert all(len(gains) == words["users"] for gains in words["ndcg@10"].values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(cells.ENCODERS, "latent", ("tfidf-svd", {"embedding_size": 8}))
        vectors = cells.measured(cells.Cell("latent", "toy"), data, tmp_path)
    assert set(vectors["ndcg@10"]) == {*words["ndcg@10"], "vectors alone"}
    assert vectors["recall@10"]["vectors alone"] > 0.3, "groups share their words"
    assert json.loads(json.dumps(vectors)) == vectors


def test_what_is_there_is_not_measured_again(
    bench: Any, cells: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, done = toy.checkerboard(16).dataset, []

    def measured(cell: Any, dataset: Any, cache: Path) -> dict[str, Any]:
        done.append(cell)
        return {"encoder": cell.encoder, "data": cell.data}

    monkeypatch.setattr(bench, "read", lambda name: data)
    monkeypatch.setattr(bench, "measured", measured)
    wanted = [cells.Cell("use", "toy"), cells.Cell("e5", "toy")]
    bench.measure(wanted[:1], tmp_path, again=False)
    bench.measure(wanted, tmp_path, again=False)
    assert done == wanted
    bench.measure(wanted, tmp_path, again=True)
    assert done == [*wanted, *wanted]
    assert bench.kept(wanted[0].path(tmp_path)) == {"encoder": "use", "data": "toy"}
    assert bench.kept(tmp_path / "nothing.json") is None


OUTCOME = {
    "encoder": "use",
    "data": "toy",
    "items": 1234,
    "recall@10": {"consensus": 0.5},
    "ndcg@10": {"consensus": [0.5, 0.1, 0.3, 0.2]},
}


def test_differences_are_paired(bench: Any) -> None:
    before = {**OUTCOME, "encoder": "transformer", "ndcg@10": {"consensus": [0.4, 0.0, 0.2, 0.1]}}
    found = bench.compared(OUTCOME, before)["figures"]["consensus"]
    assert found == {"recall@10": 0.5, "ndcg@10": 0.275, "difference": 0.1, "error": 0.0}
    assert "difference" not in bench.compared(before, before)["figures"]["consensus"]
    assert "difference" not in bench.compared(OUTCOME, None)["figures"]["consensus"]
    assert "ndcg@10" not in bench.compared(OUTCOME, None)


def test_the_collection_has_what_was_measured_in_order(bench: Any, tmp_path: Path) -> None:
    for encoder in ("use", "transformer"):
        values = {**OUTCOME, "data": "generated-zh", "encoder": encoder}
        (tmp_path / f"generated-zh.{encoder}.json").write_text(json.dumps(values))
    found = bench.collected(tmp_path)
    assert found["speed"] is None
    assert [cell["encoder"] for cell in found["cells"]] == ["transformer", "use"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ({"ndcg@10": 0.1}, "0.1000"),
        ({"ndcg@10": 0.1, "difference": 0.002, "error": 0.0015}, "0.1000 (+0.0020 ± 0.0015)"),
        ({"ndcg@10": 0.1, "difference": -0.02, "error": 0.001}, "0.1000 (**-0.0200 ± 0.0010**)"),
    ],
)
def test_figures_are_bold_beyond_noise(value: Any, text: str) -> None:
    assert figure(value) == text


def test_tables() -> None:
    cell = {
        "encoder": "none",
        "data": "toy",
        "items": 1234,
        "events": 10,
        "users": 3,
        "figures": {"consensus": {"ndcg@10": 0.25}},
    }
    shown = set_table([cell])
    assert "| words alone | – | 0.2500 | – |" in shown
    assert "1,234 items" in shown
    speed = {
        "texts": 1000,
        "rounds": 3,
        "encoders": {
            "static": {
                "texts_per_second": 9000.0,
                "ratio": 80.0,
                "weights_mib": None,
                "libraries_mib": 3.5,
            }
        },
    }
    assert "| `static` | 9000.0 | 80.0 | – | 3.5 |" in speed_table(speed)
    assert encoder_tables({"speed": None, "cells": [cell]}, "speed") == ""
    assert encoder_tables({}, "quality") == ""
    assert encoder_tables({"cells": [cell]}, "quality") == shown


def test_default_pipelines_stand_in_a_row_of_their_own_for_each_amount_of_events() -> None:
    figures = {"default pipeline": {"ndcg@10": 0.25}}
    outcomes = [
        {"data": "toy", "events": events, "encoder": encoder, "figures": figures}
        for events, encoder in ((1000, "transformer"), (1000, "none"), (20, "none"))
    ]
    shown = encoder_tables({"pipelines": outcomes}, "pipelines")
    assert "| set | events | `transformer` | words alone |" in shown
    assert "| toy | 1,000 | 0.2500 | 0.2500 |" in shown
    assert "| toy | 20 | – | 0.2500 |" in shown
    assert encoder_tables({}, "pipelines") == ""


def test_few_users_leave_the_catalogue_whole(bench: Any) -> None:
    import sys

    data = toy.checkerboard(40).dataset
    few = sys.modules["encoder_trials.pipelines"].fewer(data, 5)
    assert few.n_items == data.n_items
    assert few.n_users == data.n_users
    assert set(np.unique(few.interactions.users)) == set(range(5))
    np.testing.assert_array_equal(few.sequences.row(3), data.sequences.row(3))
