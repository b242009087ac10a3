"""Backbones of installed distributions: found, named, listed; a broken one stops nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.backbone import library
from crossrec.backbone.evidence import COLUMNS
from crossrec.backbone.examples import Groups
from crossrec.backbone.library import Entry, Survey, export, find, keep, open_named, survey
from crossrec.backbone.model import GENERAL, Backbone, load_backbone
from crossrec.backbone.ranker import RankerConfig, fit_ranker
from crossrec.cli.backbones import backbones
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import ArtifactError, UsageError
from crossrec.pipeline.beginning import begin
from crossrec.pipeline.config import PipelineConfig

CARD = {
    "sources": [
        {"name": "s", "family": "f", "items": 1, "users": 2, "events": 3, "licence": "CC0"},
    ],
    "leave_one_out": {"metric": "ndcg@10", "results": {"s": {"0": {"closed form": 0.25}}}},
    "limits": ["knows little"],
    "about": "a small one",
}


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    """A real head, fitted on noise."""
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(30, 12, len(COLUMNS))).astype(np.float32)
    index = np.tile(np.arange(12), (30, 1))
    groups = Groups(index, columns, rng.integers(0, 12, 30))
    config = RankerConfig(rounds=2, leaves=3, min_leaf=5)
    return Backbone({GENERAL: fit_ranker(groups, config, RunOptions(threads=1))}, CARD)


@pytest.fixture
def site(tmp_path, monkeypatch) -> Iterator[Path]:
    """A folder of installed packages, before all others."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for path in folder.iterdir():
        sys.modules.pop(path.name, None)  # the next test has others of these names


def install(site: Path, name: str, entry: str, code: str = "") -> Path:
    """Install a distribution as pip would lay it out; return the folder of its package."""
    module = name.replace("-", "_")
    (site / module).mkdir()
    (site / module / "__init__.py").write_text(code)
    info = site / f"{module}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{library.GROUP}]\n{entry}\n")
    return site / module


FUNCTION = (
    "from pathlib import Path\n\ndef folder():\n    return Path(__file__).parent / 'models'\n"
)


def brought(folder: Path | None, *origins: str) -> list[tuple[str, str]]:
    """Return (reference, origin) of what these origins bring; the environment may have more."""
    return [(one.reference, one.origin) for one in survey(folder).found if one.origin in origins]


def test_a_function_or_a_path_leads_to_the_folder(backbone, site) -> None:
    one = install(site, "box-one", "lib1-a = box_one:folder", FUNCTION)
    keep("lib1-a", backbone, one / "models")
    keep("lib1-b", backbone, one / "models")
    two = install(
        site, "box-two", "none-of-them = box_two:HERE", f"HERE = {str(site / 'box_two')!r}"
    )
    keep("lib2-a", backbone, two)
    (two / "no_backbone").mkdir()
    assert brought(None, "box-one", "box-two") == [
        ("lib1-a", "box-one"),
        ("lib1-b", "box-one"),
        ("lib2-a", "box-two"),
    ]
    meant = {one.name: one.default for one in survey(None).found if one.origin.startswith("box")}
    assert meant == {"lib1-a": True, "lib1-b": False, "lib2-a": False}
    assert find("lib1-b", None) == one / "models" / "lib1-b"
    loaded = open_named("lib2-a", None)
    assert loaded is not None
    assert loaded.heads[GENERAL].text == backbone.heads[GENERAL].text


@pytest.mark.parametrize(
    ("entry", "code", "what"),
    [
        ("x = bad_box:folder", "raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("x = bad_box:folder", "def folder(): raise OSError('gone')", "OSError: gone"),
        ("x = bad_box:folder", "raise SystemExit(3)", "SystemExit: 3"),
        ("x = bad_box:folder", "", "AttributeError"),
        ("x = bad_box.not_there:folder", "", "ModuleNotFoundError"),
        ("x = bad_box:folder", "folder = None", "leads to no folder"),
        ("x = bad_box:folder", "def folder(): return '/not/there'", "leads to no folder"),
        ("x = bad_box", "", "leads to no folder"),
    ],
)
def test_a_broken_one_is_named_and_stops_nothing(backbone, site, entry, code, what) -> None:
    install(site, "bad-box", entry, code)
    good = install(site, "good-box", "x = good_box:folder", FUNCTION)
    keep("good", backbone, good / "models")
    seen = survey(None)
    assert [(one.origin, what in one.error) for one in seen.broken if "box" in one.origin] == [
        ("bad-box", True)
    ]
    assert ("good", "good-box") in brought(None, "good-box")
    with pytest.raises(UsageError, match="bad-box is broken") as raised:
        find("another", None)
    assert "pip install crossrec-backbones" in str(raised.value)


def test_an_unreadable_list_of_one_distribution_hides_no_other(backbone, site, monkeypatch) -> None:
    good = install(site, "good-box", "x = good_box:folder", FUNCTION)
    keep("good", backbone, good / "models")
    install(site, "crossrec-torn", "x = crossrec_torn:folder")
    real = metadata.PathDistribution.entry_points.fget

    def torn(distribution):
        if distribution.name == "crossrec-torn":
            raise ValueError("a line that is none")
        return real(distribution)

    monkeypatch.setattr(metadata.PathDistribution, "entry_points", property(torn))
    assert ("good", "good-box") in brought(None, "good-box")
    told = {one.origin: one.error for one in survey(None).broken}
    assert told["crossrec-torn"] == "its entry points cannot be read: a line that is none"


def test_one_name_twice_the_workspace_comes_first_then_the_alphabet(
    backbone, site, tmp_path
) -> None:
    home = tmp_path / "home"
    for name in ("box-b", "box-a"):
        module = name.replace("-", "_")
        keep("twin", backbone, install(site, name, f"twin = {module}:folder", FUNCTION) / "models")
    origins = ("box-a", "box-b", "workspace")
    assert brought(home, *origins) == [("twin", "box-a"), ("box-b:twin", "box-b")]
    assert find("twin", home).parts[-3] == "box_a"
    assert find("box-b:twin", home).parts[-3] == "box_b"
    assert find("box-a:twin", home).parts[-3] == "box_a", "the full name always works"
    keep("twin", backbone, home)
    assert brought(home, *origins) == [
        ("twin", "workspace"),
        ("box-a:twin", "box-a"),
        ("box-b:twin", "box-b"),
    ]
    assert find("twin", home) == home / "twin"


def test_out_of_a_distribution_and_into_a_workspace(backbone, site, tmp_path) -> None:
    box = install(site, "box-one", "x = box_one:folder", FUNCTION)
    keep("mine", backbone, box / "models")
    export("box-one:mine", None, tmp_path / "out")
    assert load_backbone(tmp_path / "out").card == CARD
    head = next((box / "models" / "mine" / "heads").iterdir())
    head.write_text(head.read_text() + " ")
    with pytest.raises(ArtifactError, match="checksum"):
        open_named("mine", None)


def test_the_commands_tell_origin_default_and_damage(backbone, site, tmp_path) -> None:
    box = install(site, "box-one", "first = box_one:folder", FUNCTION)
    keep("first", backbone, box / "models")
    install(site, "bad-box", "x = bad_box:folder", "raise RuntimeError('no luck')")
    keep("mine", backbone, tmp_path / "w" / "backbones")

    def call(*arguments: str):
        done = CliRunner().invoke(backbones, [*arguments, "-w", str(tmp_path / "w")])
        assert done.exit_code == 0, done.output
        return done

    listed = call("list", "--json")
    assert "bad-box is broken: RuntimeError: no luck" in listed.stderr
    told = {one["name"]: one for one in json.loads(listed.stdout)}
    assert told["mine"]["origin"] == "workspace"
    assert not told["mine"]["default"]
    assert told["first"]["origin"] == "box-one"
    assert Path(told["first"]["path"]) == box / "models" / "first"
    lines = call("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "FROM", "DEFAULT", "PATH"]
    assert any(line.split()[:2] == ["first", "box-one"] for line in lines)
    shown = call("show", "first").stdout
    assert "about: a small one" in shown
    assert "0.2500" in shown
    assert "nan" not in shown, "what was not measured is a dash"
    call("export", "first", str(tmp_path / "out"))
    assert load_backbone(tmp_path / "out").card == CARD


def of(name: str, **told: bool) -> Entry:
    return Entry(name, Path(name), "box", **told)


def test_exactly_one_default_counts() -> None:
    assert Survey((), ()).default is None
    one = Survey((of("a"), of("b", default=True)), ())
    assert one.default == one.found[1]
    assert Survey((of("a", default=True), of("b", default=True)), ()).default is None


PLAIN = PipelineConfig.model_validate({"encoder": "enc", "sources": [{"name": "content"}]})


def without_events(dataset: Dataset) -> Dataset:
    from crossrec.data.events import Events

    return dataset.with_events(Events.empty())


@pytest.mark.parametrize(
    ("found", "events", "own", "added", "note"),
    [
        ((), False, False, "", ""),
        ((of("a"),), False, False, "", "backbones at hand: a; `crossrec fit shop --backbone"),
        ((of("a", default=True),), False, False, "a", "no events yet: the backbone a of box"),
        ((of("a", default=True),), True, False, "", "backbones at hand: a;"),
        ((of("a", default=True),), False, True, "", "backbones at hand: a;"),
        ((of("a"), of("a", default=True, hidden=True)), False, False, "box:a", "box:a of box"),
    ],
)
def test_what_a_fit_begins_with(
    shop, tmp_path, monkeypatch, found, events, own, added, note
) -> None:
    monkeypatch.setattr("crossrec.pipeline.beginning.survey", lambda folder: Survey(found, ()))
    dataset = shop() if events else without_events(shop())
    config, notes = begin(PLAIN, dataset, "shop", tmp_path, own=own)
    if not added:
        assert config == PLAIN
    else:
        assert [source.name for source in config.sources] == ["backbone", "content"]
        assert config.sources[0].settings["backbone"] == added
        assert config.sources[0].settings["family"] == "shop"
        assert config.title_vectors
    assert len(notes) == bool(note)
    assert note in "".join(notes)


def test_a_pipeline_with_a_backbone_of_its_own_is_left_alone(shop, tmp_path) -> None:
    own = PipelineConfig.model_validate({"sources": [{"name": "backbone"}]})
    assert begin(own, without_events(shop()), "shop", tmp_path, own=False) == (own, [])
