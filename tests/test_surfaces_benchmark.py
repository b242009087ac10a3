"""The benchmarks of surfaces, their data and their tables, without the research data sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crossrec.ingest import ingest_frames
from crossrec.plugins.registry import load_registry
from crossrec.testing.scripts import imported
from crossrec.workspace import Workspace
from surface_tables import surface_table, times_table

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def surfaces() -> Iterator[Any]:
    """Return benchmarks/surfaces.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", "surfaces", "real_sets", "common") as script:
        yield script


@pytest.fixture(scope="module")
def latency() -> Iterator[Any]:
    """Return benchmarks/surface_latency.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", "surface_latency", "common", "generated_shop") as script:
        yield script


def row(model: str, value: float, **lists: float | None) -> dict[str, Any]:
    metrics = {"recall@10": value, "ndcg@10": value / 2, **lists}
    ci95 = {name: [metrics[name] - 0.01, metrics[name] + 0.01] for name in ("recall@10", "ndcg@10")}
    return {"model": model, "baseline": bool(not lists), "metrics": metrics, "ci95": ci95}


def pair(against: str, metric: str, verdict: str, model: str = "radio") -> dict[str, Any]:
    return {"model": model, "against": against, "metric": metric, "verdict": verdict}


LISTS = {
    "hit@10": 0.5, "filled@10": 1.0, "coverage@10": 0.25, "diversity@10": None,
    "new_items@10": 0.0, "creator_gini@10": 0.75,
}  # fmt: skip
RADIO: dict[str, Any] = {
    "surface": "radio",
    "input": "item",
    "question": "from the first item of a day to the next of it, at most 10",
    "reason": "2 of 90 lists are empty, most often: only 0 of 10",
    "report": {
        "users": 90,
        "results": [row("radio", 0.2, **LISTS), row("popularity", 0.1), row("same people", 0.3)],
        "comparisons": [
            pair("popularity", "recall@10", "better"),
            pair("popularity", "ndcg@10", "no difference"),
            pair("same people", "recall@10", "worse"),
            pair("same people", "ndcg@10", "worse"),
        ],
        "notes": ["3 of 9 targets are no candidates"],
    },
}
AGAIN = {
    "surface": "on_repeat",
    "input": "user",
    "question": "what a user takes again after the cut; 7% of the test users do",
    "reason": "",
    "report": {
        "users": 6,
        "results": [row("on_repeat", 0.4, **LISTS), row("popularity", 0.1), row("repeat-last", 0)],
        "comparisons": [],
        "notes": [],
    },
}
CHARTS = {
    **RADIO,
    "surface": "charts",
    "input": "nothing",
    "reason": "",
    "report": {
        "users": 90,
        "results": [row("charts", 0.2, **LISTS), row("popularity", 0.1)],
        "comparisons": [pair("popularity", "recall@10", "better", "charts")],
        "notes": [],
    },
}
NONE = {**RADIO, "surface": "live", "report": None, "reason": "no field"}
SET = {
    "set": "tunes", "scenario": "music", "all_users": 1200, "items": 3400, "events": 56_000,
    "protocol": "temporal", "k": 10, "users": 100, "surfaces": [RADIO, AGAIN, CHARTS, NONE],
    "notes": ["the window is the last 9.0 days"],
}  # fmt: skip


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_has_a_row_a_surface_with_its_baselines_and_verdicts() -> None:
    text = surface_table({"sets": [SET]}, "tunes")
    lines = text.splitlines()
    assert lines[0].startswith(
        "**tunes**, music: 1,200 users, 3,400 items, 56,000 events; temporal"
    )
    assert lines[0].endswith("100 test users; the window is the last 9.0 days")
    assert cells(lines[2])[:5] == ["surface", "queries", "recall@10", "popularity", "similarity"]
    assert cells(lines[4])[:8] == [
        "`radio`", "90", "**0.2000** ± 0.0100", "0.1000 +", "0.3000 −",
        "**0.1000** ± 0.0100", "0.0500", "0.1500 −",
    ]  # fmt: skip
    assert cells(lines[4])[8:] == ["0.500", "1.000", "0.250", "–", "0.000", "0.750"]


def test_baselines_that_are_others_or_missing_are_said() -> None:
    lines = surface_table({"sets": [SET]}, "tunes").splitlines()
    assert cells(lines[5])[4] == "repeat-last 0.0000"
    assert cells(lines[6])[:5] == ["`charts`", "90", "**0.2000** ± 0.0100", "0.1000 +", "–"]


def test_what_is_not_measured_and_what_has_to_be_known_stands_below() -> None:
    text = surface_table({"sets": [SET]}, "tunes")
    assert "* `live` is not measured: no field\n" in text
    assert "* `radio`: 3 of 9 targets are no candidates\n" in text
    assert "* `radio`: 2 of 90 lists are empty, most often: only 0 of 10\n" in text
    assert "* `on_repeat`: what a user takes again after the cut; 7% of the test users do\n" in text


def test_a_set_that_was_not_measured_has_no_table() -> None:
    assert surface_table({}, "tunes") == ""
    assert surface_table({"sets": [SET]}, "films") == ""


def test_times_have_a_row_a_surface_and_say_what_they_were_measured_on() -> None:
    radio = {"p50_ms": 4.44, "p99_ms": 9.9, "cpu_p50_ms": 4.0, "items": 10.0, "dropped": 1.5}
    music = {"load": 0.5, "surfaces": {"radio": radio}, "lists_per_second": {"radio": 1234.5}}
    measured = {
        "command": "python x", "machine": {"cores": 2, "machine": "x86"}, "items": 20_000,
        "requests": 300, "p50_limit_ms": 10.0, "p99_limit_ms": 30.0,
        "least_lists_per_second": 500.0, "scenarios": {"music": music},
    }  # fmt: skip
    text = times_table(measured)
    row = cells(text.splitlines()[2])
    assert row == ["music", "`radio`", "4.4", "9.9", "4.0", "10.0", "1.5"]
    assert "limits: p50 10 ms, p99 30 ms" in text
    assert "load 0.5 to 0.5" in text
    assert "(at least 500): 1,234 of `radio` (music)" in text
    assert times_table({}) == ""


def test_of_the_paired_tests_those_of_the_surface_are_kept(surfaces: Any) -> None:
    whole = json.loads(json.dumps(SET))
    whole["surfaces"][0]["report"]["comparisons"].append(
        {"model": "popularity", "against": "same people", "metric": "ndcg@10", "verdict": "better"}
    )
    whole["surfaces"][0]["report"]["results"][0]["segments"] = {}
    found = surfaces.compact(whole)
    assert found["surfaces"][0]["report"]["comparisons"] == RADIO["report"]["comparisons"]
    assert set(found["surfaces"][0]["report"]["results"][0]) == {
        "model", "baseline", "metrics", "ci95",
    }  # fmt: skip
    assert found["surfaces"][3] == NONE
    assert surface_table({"sets": [found]}, "tunes") == surface_table({"sets": [SET]}, "tunes")


def test_sets_that_are_finished_are_written_down(
    surfaces: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surfaces, "DONE", tmp_path / "done")
    monkeypatch.setattr(surfaces, "RESULTS", tmp_path)
    surfaces.write_whole(surfaces.outcome_path("uci", validation=False), json.dumps(SET))
    surfaces.write_whole(surfaces.outcome_path("lastfm", validation=True), json.dumps(SET))
    surfaces.written()
    found = json.loads((tmp_path / "surfaces.json").read_text(encoding="utf-8"))
    assert found["sets"] == [SET]
    assert found["command"] == "python benchmarks/surfaces.py"


def test_every_set_is_known(surfaces: Any) -> None:
    assert {surfaces.SETS[name].scenario for name in surfaces.NAMES} == {
        "video", "music", "ecommerce", "social",
    }  # fmt: skip


def test_without_the_sets_nothing_is_measured(
    surfaces: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CROSSREC_DATASETS", str(tmp_path / "nowhere"))
    monkeypatch.setattr("sys.argv", ["surfaces.py"])
    monkeypatch.setattr(surfaces, "DONE", tmp_path)
    assert surfaces.main() == 0
    assert "nothing was measured" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ecommerce", "video", "music", "social"])
def test_the_generated_tables_are_read_without_a_bad_row(
    latency: Any, name: str, tmp_path: Path
) -> None:
    """All events and fields are those of the scenario; what policies read is declared."""
    frames = latency.generated(name, 90, 25)
    known = load_registry().scenario(name)
    workspace = Workspace.create(tmp_path / "ws")
    report = ingest_frames(workspace, known, frames)
    assert report.n_bad == 0, report.lines()
    dataset = workspace.dataset(known)
    assert dataset.n_items == 90
    assert len(dataset.events) == len(frames.events) > 100
    read = set(frames.items.columns) - {"item_id"}
    assert {field for field in read if known.items.field(field) is None} <= {"created_at"}


def test_all_scenarios_have_the_same_texts(latency: Any, tmp_path: Path) -> None:
    """So that these are encoded once for all of them."""
    texts = []
    for name in latency.SCENARIOS:
        known = load_registry().scenario(name)
        workspace = Workspace.create(tmp_path / name)
        ingest_frames(workspace, known, latency.generated(name, 60, 5))
        texts.append(workspace.dataset(known).catalog.texts)
    assert texts[0] == texts[1] == texts[2] == texts[3]
    assert len(set(texts[0])) == 60


@pytest.mark.parametrize("input_", ["user", "item", "items", "session", "nothing"])
def test_requests_bring_what_the_input_needs(latency: Any, input_: str) -> None:
    make = latency.request_maker(input_, ["u1", "u2"], ["i1", "i2", "i3"], 0)
    for arguments in (make(), make()):
        assert arguments.get("user_id", "u1") in ("u1", "u2")
        assert len(arguments.get("item_ids", ())) == {"item": 1, "items": 5}.get(input_, 0)
        assert len(arguments.get("session", ())) == (5 if input_ == "session" else 0)
        assert ("user_id" in arguments) == (input_ != "nothing")


def test_an_input_that_nobody_knows_is_left_out(latency: Any) -> None:
    assert latency.request_maker("weather", ["u1"], ["i1"], 0) is None


def test_the_same_seed_makes_the_same_requests(latency: Any) -> None:
    one, other = (latency.request_maker("items", ["u1"], ["i1", "i2"], 7) for _ in range(2))
    assert [one() for _ in range(5)] == [other() for _ in range(5)]
