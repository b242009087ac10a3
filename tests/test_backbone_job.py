"""What several scenarios teach about a new one, through the command line."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli import main

HALVES = {
    "ecommerce": ("copper kettle", "linen curtain", "purchase"),
    "video": ("space western", "garden mystery", "watch"),
    "music": ("northern choir", "desert guitar", "play"),
}


def call(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output + result.stderr
    return result.stdout


def ingest(folder, scenario, *, events=True):
    """Users keep to one half of the catalogue; titles name the half."""
    first, second, kind = HALVES[scenario]
    rng = np.random.default_rng(len(scenario))
    lines = ["item_id,title"]
    lines += [f"i{i},{(first, second)[i % 2]} number {i}" for i in range(40)]
    (folder / f"{scenario}-items.csv").write_text("\n".join(lines) + "\n")
    command = ["ingest", scenario, "--items", folder / f"{scenario}-items.csv"]
    if events:
        lines = ["user_id,item_id,event_type,time,value"]
        for at, user in enumerate(rng.permutation(np.repeat(np.arange(80), 6))):
            item = 2 * rng.integers(0, 20) + user % 2
            lines.append(f"u{user},i{item},{kind},{1_700_000_000 + 60 * at},1")
        (folder / f"{scenario}-events.csv").write_text("\n".join(lines) + "\n")
        command += ["--events", folder / f"{scenario}-events.csv"]
    call(*command, "-w", folder / "ws")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backbone")
    for scenario in ("ecommerce", "video"):
        ingest(folder, scenario)
    ingest(folder, "music", events=False)
    printed = call(
        "pretrain", "--scenarios", "ecommerce,video", "--name", "base", "-w", folder / "ws"
    )
    assert "crossrec fit SCENARIO --backbone base" in printed
    return folder


def test_the_backbone_is_listed_with_its_sources(folder):
    listed = json.loads(call("backbones", "list", "-w", folder / "ws", "--json"))
    assert [one["name"] for one in listed if one["origin"] == "workspace"] == ["base"]
    shown = call("backbones", "show", "base", "-w", folder / "ws")
    assert "ecommerce" in shown
    assert "video" in shown


def test_a_catalogue_without_events_answers_a_history_at_minute_one(folder):
    call("fit", "music", "--backbone", "base", "-w", folder / "ws")
    slate = json.loads(
        call("recommend", "music", "--history", "i0,i4", "-k", 5, "-w", folder / "ws", "--json")
    )
    assert [int(item["item_id"][1:]) % 2 for item in slate["items"]] == [0] * 5
    assert all(item["reasons"] for item in slate["items"])


def test_a_new_item_joins_the_adapted_backbone_without_a_fit(folder):
    (folder / "late.csv").write_text("item_id,title\ni40,northern choir number 40\n")
    call("ingest", "music", "--items", folder / "late.csv", "-w", folder / "ws")
    arguments = ("--history", "i0,i4", "-k", 30, "-w", folder / "ws", "--json")
    slate = json.loads(call("recommend", "music", *arguments))
    found = [item["item_id"] for item in slate["items"]]
    assert slate["degraded"] == []
    others = [at for at, item_id in enumerate(found) if int(item_id[1:]) % 2]
    assert found.index("i40") < min(others), "it reads like the history, and the others do not"
    report = json.loads(call("doctor", "-w", folder / "ws", "--json"))
    music = next(one for one in report["scenarios"] if one["scenario"] == "music")
    assert music["new_items"]["items"] == 1
    assert "backbone" in music["new_items"]["in"]
    assert "target ranker" in music["reports"]["backbone"]["left_out"]


def test_with_events_the_fit_reports_what_it_learnt(folder):
    out = call("fit", "video", "--backbone", "base", "-w", folder / "ws")
    assert "backbone" in out
    fitted = json.loads(call("fit", "video", "--backbone", "base", "-w", folder / "ws", "--json"))
    assert "backbone" in fitted["fit_seconds"]
    assert fitted["failed"] == {}


def test_an_unknown_backbone_is_one_clear_line(folder):
    result = CliRunner().invoke(
        main, ["fit", "video", "--backbone", "bass", "-w", str(folder / "ws")]
    )
    assert result.exit_code == 2
    assert "bass" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
