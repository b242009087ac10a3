"""A catalogue, no events, no configuration: sensible answers at minute one, in every scenario."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import crossrec_backbone
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.plugins.registry import load_registry
from crossrec_backbone.pretrained.model import MANIFEST

SCENARIOS = ("ecommerce", "video", "music", "social")
#: Four things, each in words of its own, so that only the meaning and the category are shared.
KINDS = {
    "kettle": ("copper kettle", "steel teapot", "enamel kettle", "tea pot with whistle"),
    "lamp": ("reading lamp", "desk light", "bedside lamp", "led light for the desk"),
    "boots": ("hiking boots", "leather shoes", "trail boots", "walking shoes for the mountains"),
    "guitar": ("acoustic guitar", "classical guitar", "travel guitar", "six string guitar"),
}
SHIPPED = sorted(Path(crossrec_backbone.__file__).parent.glob(f"models/*/{MANIFEST}"))


BOX = """from pathlib import Path
from crossrec import hookimpl

def folder():
    return Path(__file__).parent / "models" / "boxed"

@hookimpl
def register_pretrained(register):
    register("boxed", folder, capabilities={"default"})
"""


def call(*arguments: object) -> str:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output + done.stderr
    return done.stdout


def write_items(path: Path) -> None:
    rows = [
        f"{kind}{i},{title} {number}"
        for number, i in enumerate(range(6))
        for kind, titles in KINDS.items()
        for title in [titles[i % len(titles)]]
    ]
    path.write_text("\n".join(["item_id,title", *rows, ""]))


def kinds(slate: dict) -> list[str]:
    return [item["item_id"].rstrip("0123456789") for item in slate["items"]]


def recommend(home: Path, scenario: str, history: str, k: int = 4) -> dict:
    arguments = ("recommend", scenario, "--history", history, "-k", k, "-w", home, "--json")
    return json.loads(call(*arguments))


@pytest.mark.skipif(not SHIPPED, reason="no backbone is shipped yet")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_items_alone_then_answers(scenario: str, tmp_path: Path) -> None:
    write_items(tmp_path / "items.csv")
    home = tmp_path / "ws"
    call("ingest", scenario, "--items", tmp_path / "items.csv", "-w", home)
    printed = call("fit", scenario, "-w", home)
    assert "the backbone four-scenarios of crossrec-backbone is among the sources" in printed
    for kind in KINDS:
        slate = recommend(home, scenario, f"{kind}0,{kind}1")
        assert kinds(slate)[:3] == [kind] * 3, slate
        assert not slate["degraded"]
        assert all(item["reasons"] for item in slate["items"])
    mixed = kinds(recommend(home, scenario, "kettle0,guitar1", 6))
    assert {"kettle", "guitar"} <= set(mixed), "both sides of a taste are there"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A backbone pretrained on a small shop, and the shop's workspace."""
    folder = tmp_path_factory.mktemp("trained")
    write_items(folder / "items.csv")
    lines = ["user_id,item_id,event_type,time"]
    for user in range(60):
        kind = list(KINDS)[user % 4]
        lines += [f"u{user},{kind}{(user + i) % 6},purchase,{1_700_000_000 + i}" for i in range(5)]
    (folder / "events.csv").write_text("\n".join([*lines, ""]))
    given = ("--items", folder / "items.csv", "--events", folder / "events.csv")
    call("ingest", "ecommerce", *given, "-w", folder / "ws")
    call("pretrain", "--scenarios", "ecommerce", "--name", "boxed", "-w", folder / "ws")
    return folder


@pytest.fixture
def box(trained, tmp_path, monkeypatch) -> str:
    """A distribution that brings it as the default, and is the only one that is installed."""
    package = tmp_path / "site" / "a_box_of_backbones"
    call("backbones", "export", "boxed", package / "models" / "boxed", "-w", trained / "ws")
    (package / "__init__.py").write_text(BOX)
    info = package.parent / "a_box_of_backbones-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: a-box\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[crossrec]\nboxed = a_box_of_backbones\n")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr("crossrec_backbone.plugin.register_pretrained", None)
    load_registry(fresh=True)
    yield "boxed"
    monkeypatch.undo()
    sys.modules.pop("a_box_of_backbones", None)
    load_registry(fresh=True)


def test_an_installed_default_serves_where_there_are_no_events(box, tmp_path) -> None:
    write_items(tmp_path / "items.csv")
    home = tmp_path / "ws"
    call("ingest", "video", "--items", tmp_path / "items.csv", "-w", home)
    report = json.loads(call("fit", "video", "-w", home, "--json"))
    assert "the backbone boxed of a-box is among the sources" in report["notes"][0]
    assert "backbone" in report["fit_seconds"]
    assert report["failed"] == {}
    assert kinds(recommend(home, "video", "lamp0,lamp1")) == ["lamp"] * 4
    without = json.loads(call("fit", "video", "--no-backbone", "-w", home, "--json"))
    assert "backbone" not in without["fit_seconds"]
    assert not any("backbone" in note for note in without["notes"])
    named = json.loads(call("fit", "video", "--backbone", "a-box:boxed", "-w", home, "--json"))
    assert "backbone" in named["fit_seconds"]
    own = tmp_path / "own.toml"
    own.write_text('[[sources]]\nname = "content"\n')
    report = json.loads(call("fit", "video", "--pipeline", own, "-w", home, "--json"))
    assert list(report["fit_seconds"]) == ["content"], "what the user wrote is what is fitted"


def test_where_there_are_events_it_is_among_the_sources_too(box, trained) -> None:
    report = json.loads(call("fit", "ecommerce", "-w", trained / "ws", "--json"))
    assert "the backbone a-box:boxed of a-box is among the sources" in report["notes"][0]
    assert "backbone" in report["reports"]
    own = trained / "own.toml"
    own.write_text('[[sources]]\nname = "content"\n')
    printed = call("fit", "ecommerce", "--pipeline", own, "-w", trained / "ws")
    wanted = "backbones at hand: boxed, a-box:boxed; `crossrec fit ecommerce --backbone NAME`"
    assert wanted in printed


def test_a_damaged_default_is_named_and_the_rest_serves(box, tmp_path) -> None:
    import a_box_of_backbones

    head = next(a_box_of_backbones.folder().glob("heads/*.txt"))
    head.write_text("torn")
    write_items(tmp_path / "items.csv")
    home = tmp_path / "ws"
    call("ingest", "music", "--items", tmp_path / "items.csv", "-w", home)
    report = json.loads(call("fit", "music", "-w", home, "--json"))
    assert "checksum" in report["failed"]["backbone"]
    assert kinds(recommend(home, "music", "boots0,boots1")) == ["boots"] * 4


def test_both_options_at_once_are_refused(tmp_path) -> None:
    done = CliRunner().invoke(
        main, ["fit", "video", "--backbone", "x", "--no-backbone", "-w", str(tmp_path)]
    )
    assert done.exit_code == 2
    assert "use one of them" in done.stderr
