"""``crossrec transfer`` from files to curves: real stores, a real backbone, no encoder."""

from __future__ import annotations

import builtins
import json

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.testing.titled_shops import installed_shops, write_shop


def write(folder, name: str, seed: int) -> tuple[str, str]:
    """Items of five kinds that their titles name, and users who keep to one kind."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(60) % 5
    titles = [f"{name}kind{one} {rng.integers(10, 99)}" for one in kind]
    histories = []
    for _ in range(90):
        own = np.flatnonzero(kind == rng.integers(5))
        histories.append(rng.choice(own, 5, replace=False))
    return write_shop(folder, name, titles, histories)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Call the command line in this process, with three shops and the backbone installed."""
    folder = tmp_path_factory.mktemp("shops")

    def call(*arguments: str):
        where = ("-w", str(folder / "workspace"))
        return CliRunner().invoke(main, [*arguments, *where], prog_name="crossrec")

    names, pipeline = ("old", "new", "empty"), 'sources = [{name = "popularity"}]\n'
    with installed_shops(folder, names, pipeline, beside=("builtin", "backbone")):
        for seed, name in enumerate(("old", "new")):
            items, events = write(folder, name, seed)
            done = call("ingest", name, "--items", items, "--events", events)
            assert done.exit_code == 0, done.output
        yield lambda *arguments: call("transfer", "--threads", "1", *arguments)


CALL = ("--to", "new", "--from", "old", "--events", "0,100", "--seeds", "2", "--users", "40")


def test_json_is_what_was_agreed(run):
    done = run(*CALL, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["target"], report["sources"], report["users"]) == ("new", ["old"], 40)
    assert report["candidates"] == "unseen"
    assert report["protocol"].startswith("leave-one-out")
    assert {(p["events"], p["seed"]) for p in report["points"]} == {
        (level, seed) for level in (0, 100) for seed in (0, 1)
    }
    for point in report["points"]:
        for metric in ("recall@10", "ndcg@10"):
            low, high = point["ci95"][metric]
            assert 0 <= low <= point["metrics"][metric] <= high <= 1
    assert {v["against"] for v in report["verdicts"]} >= {"without-pretraining", "content", "ease"}
    assert {v["verdict"] for v in report["verdicts"]} <= {"helps", "no difference", "hurts"}
    full = {p["events"]: p for p in report["points"] if p["method"] == "crossrec"}
    assert [full[level]["regime"] for level in (0, 100)] == ["Z0", "Z1"]
    # Seven items of the own kind are unseen, and the titles name the kind.
    assert full[0]["metrics"]["recall@10"] > 0.9


def test_tables_verdicts_and_notes_for_people(run):
    done = run(*CALL)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "new, pretrained on old: 40 test users, leave-one-out, full ranking, unseen candidates"
    )
    assert lines[lines.index("recall@10") + 1].split() == ["EVENTS", "0", "(Z0)", "100"]
    ease = next(line for line in lines if line.startswith("ease "))
    assert ease.split()[1] == "–"
    at = lines.index("verdicts on crossrec, ndcg@10")
    assert lines[at + 1].split()[0] == "AGAINST"
    assert lines[at + 2].startswith("without-pretraining")
    assert any(line.startswith("note: Z0 knows nothing of the target") for line in lines)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_picture(run, tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"curves.{suffix}"
    done = run(*CALL, "--plot", str(path))
    assert done.exit_code == 0, done.output
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in content
    assert len(content) > 5_000


def test_a_picture_without_matplotlib_says_what_to_install(run, tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest, **named):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    done = run(*CALL, "--plot", str(tmp_path / "curves.svg"))
    assert done.exit_code == 1
    assert done.stderr == "Error: --plot needs matplotlib: pip install 'crossrec-backbone[plot]'\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "new"), "scenarios to learn from, or a backbone"),
        (("--to", "new", "--from", "old,new"), "is the target and can be no source"),
        (("--to", "new", "--from", "older"), "older"),
        (("--to", "new", "--backbone", "nobody"), "there is no backbone 'nobody'"),
        (("--to", "new", "--from", "old", "--backbone", "x"), "use one of them"),
        (("--to", "new", "--from", "old", "--events", "many"), "--events takes numbers"),
        (("--to", "new", "--from", "old", "--seeds", "0"), "--seeds must be 1 or more"),
        (("--to", "new", "--from", "old", "--users", "0"), "--users must be 1 or more"),
        (("--to", "new", "--from", "old", "--plot", "curves.gif"), "--plot takes a file ending"),
        (("--to", "new", "--from", "empty"), "scenario 'empty' has no events"),
        (("--to", "new", "--from", "old", "--events", "9999"), "--events all, or fewer"),
    ],
)
def test_errors_are_one_line_that_says_what_to_do(run, arguments, message):
    done = run(*arguments)
    assert done.exit_code in (1, 2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not isinstance(done.exception, AssertionError)
