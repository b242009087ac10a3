"""Backbones of installed distributions: found, named, listed; a broken one stops nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from crossrec.errors import ArtifactError, UsageError
from crossrec.pipeline.pretrained import find_pretrained, survey_pretrained
from crossrec.plugins.loader import LoadedPlugin
from crossrec.plugins.registration import Registration
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import PluginState
from crossrec_backbone.commands.backbones import backbones
from crossrec_backbone.pretrained.library import export, keep, open_named
from crossrec_backbone.pretrained.model import FORMAT, GENERAL, MANIFEST, Backbone, load_backbone

CARD = {
    "sources": [
        {"name": "s", "family": "f", "items": 1, "users": 2, "events": 3, "licence": "CC0"},
    ],
    "leave_one_out": {"metric": "ndcg@10", "results": {"s": {"0": {"closed form": 0.25}}}},
    "limits": ["knows little"],
    "about": "a small one",
}


@pytest.fixture(scope="module")
def backbone(backbone) -> Backbone:
    """The shared backbone with a card of a few lines."""
    return replace(backbone, card=CARD)


@pytest.fixture
def registry(backbone, tmp_path, monkeypatch) -> Registry:
    """A registry of one distribution that brings a backbone, and one that is broken."""
    path = keep("first", backbone, tmp_path / "box")

    def broken() -> Path:
        raise RuntimeError("no luck")

    def brings(origin: str, name: str, factory: Callable[[], Path]) -> LoadedPlugin:
        one = Registration("pretrained", name, factory, plugin=origin, distribution=origin)
        return LoadedPlugin(PluginState(origin, origin, "1", "loaded"), (one,))

    registry = Registry([brings("box-one", "first", lambda: path), brings("bad-box", "x", broken)])
    monkeypatch.setattr("crossrec.plugins.registry.load_registry", lambda: registry)
    return registry


def test_named_ones_are_found_and_loaded(backbone, registry) -> None:
    folders = survey_pretrained(None, registry).folders()
    for name in ("first", "box-one:first"):
        loaded = open_named(name, folders)
        assert loaded is not None
        assert loaded.heads[GENERAL].text == backbone.heads[GENERAL].text
    assert open_named("", folders) is None
    with pytest.raises(UsageError, match=r"no backbone 'another' \(known: first\)"):
        find_pretrained("another", folders)


def test_out_of_a_distribution_and_into_a_workspace(registry, tmp_path) -> None:
    folders = survey_pretrained(None, registry).folders()
    export(folders["box-one:first"], tmp_path / "out")
    assert load_backbone(tmp_path / "out").card == CARD
    head = next((folders["first"] / "heads").iterdir())
    head.write_text(head.read_text() + " ")
    with pytest.raises(ArtifactError, match="checksum"):
        open_named("first", folders)


def test_an_older_or_newer_format_is_refused_in_one_line(backbone, tmp_path) -> None:
    path = keep("old", backbone, tmp_path)
    manifest = json.loads((path / MANIFEST).read_text())
    for other, remedy in ((FORMAT - 1, "pretrain it again"), (FORMAT + 1, "upgrade crossrec")):
        (path / MANIFEST).write_text(json.dumps({**manifest, "format": other}))
        with pytest.raises(ArtifactError, match=f"format {other}, .* reads {FORMAT}: {remedy}"):
            load_backbone(path)


def test_the_commands_show_origin_default_and_damage(backbone, registry, tmp_path) -> None:
    keep("mine", backbone, tmp_path / "w" / "backbones")

    def call(*arguments: str):
        done = CliRunner().invoke(backbones, [*arguments, "-w", str(tmp_path / "w")])
        assert done.exit_code == 0, done.output
        return done

    listed = call("list", "--json")
    assert "bad-box is broken: RuntimeError: no luck" in listed.stderr
    rows = {one["name"]: one for one in json.loads(listed.stdout)}
    assert rows["mine"]["origin"] == "workspace"
    assert not rows["mine"]["default"]
    assert rows["first"]["origin"] == "box-one"
    assert Path(rows["first"]["path"]) == tmp_path / "box" / "first"
    lines = call("list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "SOURCE", "FROM", "DEFAULT", "PATH"]
    assert any(line.split()[:3] == ["first", "backbone", "box-one"] for line in lines)
    shown = call("show", "first").stdout
    assert "about: a small one" in shown
    assert "0.2500" in shown
    assert "nan" not in shown, "what was not measured is a dash"
    call("export", "first", str(tmp_path / "out"))
    assert load_backbone(tmp_path / "out").card == CARD
