"""Pretrained backbones of installed distributions: found, named; a broken one stops nothing."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crossrec.artifacts import CARD
from crossrec.errors import ArtifactError, UsageError
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.pretrained import (
    PretrainedEntry,
    PretrainedSurvey,
    default_backbone,
    find_pretrained,
    pipeline_to_fit,
    source_of,
    survey_pretrained,
)
from crossrec.plugins.loader import LoadedPlugin
from crossrec.plugins.registration import Registration
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import PluginState
from crossrec.testing.toy_sources import Popular, registry_of

Brings = tuple[str, str, str | Callable[..., Any], frozenset[str]]


def backbone_in(folder: Path) -> Path:
    """Make the least that is a backbone."""
    folder.mkdir(parents=True)
    (folder / CARD).write_text("{}")
    return folder


def brings(origin: str, name: str, factory: Any, *able: str) -> LoadedPlugin:
    """Return a loaded plugin that registers one backbone."""
    one = Registration(
        "pretrained",
        name,
        factory,
        capabilities=frozenset(able),
        plugin=origin,
        distribution=origin,
    )
    return LoadedPlugin(PluginState(origin, origin, "1", "loaded"), (one,))


def names(seen: PretrainedSurvey) -> list[tuple[str, str]]:
    return [(one.reference, one.origin) for one in seen.found]


def test_a_callable_leads_to_the_folder(tmp_path) -> None:
    one, two = backbone_in(tmp_path / "a"), backbone_in(tmp_path / "b")
    registry = Registry(
        [brings("box-one", "a", lambda: one, "default"), brings("box-two", "b", lambda: str(two))]
    )
    seen = survey_pretrained(None, registry)
    assert names(seen) == [("a", "box-one"), ("b", "box-two")]
    assert {one.name: one.default for one in seen.found} == {"a": True, "b": False}
    assert seen.default == seen.found[0]
    assert seen.folders() == {"a": one, "b": two, "box-one:a": one, "box-two:b": two}


def raises(error: BaseException) -> Callable[[], Path]:
    def factory() -> Path:
        raise error

    return factory


@pytest.mark.parametrize(
    ("factory", "what"),
    [
        (raises(RuntimeError("no luck")), "RuntimeError: no luck"),
        (raises(OSError("gone")), "OSError: gone"),
        (raises(SystemExit(3)), "SystemExit: 3"),
        ("not_there_at_all:folder", "cannot be loaded"),
        ("pathlib:no_such_thing", "cannot be loaded"),
        (lambda: None, "leads to no folder"),
        (lambda: "/not/there", "leads to no folder"),
    ],
)
def test_a_broken_one_is_named_and_stops_nothing(tmp_path, factory, what) -> None:
    good = backbone_in(tmp_path / "good")
    registry = Registry([brings("bad-box", "x", factory), brings("good-box", "good", lambda: good)])
    seen = survey_pretrained(None, registry)
    assert [(one.origin, what in one.error) for one in seen.broken] == [("bad-box", True)]
    assert names(seen) == [("good", "good-box")]


def test_one_name_twice_the_workspace_comes_first_then_the_order_of_loading(tmp_path) -> None:
    a, b = backbone_in(tmp_path / "box_a"), backbone_in(tmp_path / "box_b")
    registry = Registry([brings("box-a", "twin", lambda: a), brings("box-b", "twin", lambda: b)])
    home = tmp_path / "home"
    seen = survey_pretrained(home, registry)
    assert names(seen) == [("twin", "box-a"), ("box-b:twin", "box-b")]
    assert seen.folders() == {"twin": a, "box-a:twin": a, "box-b:twin": b}
    mine = backbone_in(home / "twin")
    backbone_in(home / ".unfinished")
    (home / "letters").mkdir()
    seen = survey_pretrained(home, registry)
    assert names(seen) == [("twin", "workspace"), ("box-a:twin", "box-a"), ("box-b:twin", "box-b")]
    assert seen.folders()["twin"] == mine


def of(name: str, **shown: bool) -> PretrainedEntry:
    return PretrainedEntry(name, Path(name), "box", **shown)


def test_exactly_one_default_counts() -> None:
    assert PretrainedSurvey(()).default is None
    one = PretrainedSurvey((of("a"), of("b", default=True)))
    assert one.default == one.found[1]
    assert PretrainedSurvey((of("a", default=True), of("b", default=True))).default is None


PLAIN = PipelineConfig.model_validate({"encoder": "enc", "sources": [{"name": "content"}]})


@pytest.mark.parametrize(
    ("found", "own", "added", "note"),
    [
        ((), False, "", ""),
        ((of("a"),), False, "", "backbones at hand: a; `crossrec fit shop --backbone"),
        ((of("a", default=True),), False, "a", "the backbone a of box is among the sources"),
        ((of("a", default=True),), True, "", "backbones at hand: a;"),
        ((of("a"), of("a", default=True, hidden=True)), False, "box:a", "box:a of box"),
    ],
)
def test_what_a_fit_takes_where_none_is_named(found, own, added, note) -> None:
    config, notes = default_backbone(PLAIN, "shop", PretrainedSurvey(found), own=own)
    if not added:
        assert config == PLAIN
    else:
        assert [source.name for source in config.sources] == ["backbone", "content"]
        assert config.sources[0].settings["backbone"] == added
        assert config.sources[0].settings["family"] == "shop"
        assert config.title_vectors
    assert len(notes) == bool(note)
    assert note in "".join(notes)


def test_a_pipeline_with_a_backbone_of_its_own_is_left_alone() -> None:
    own = PipelineConfig.model_validate({"sources": [{"name": "backbone"}]})
    seen = PretrainedSurvey((of("a", default=True),))
    assert default_backbone(own, "shop", seen, own=False) == (own, [])


def test_a_source_under_the_label_of_the_default_backbone_stays_and_the_note_says_so() -> None:
    labelled = PipelineConfig.model_validate({"sources": [{"name": "ease", "label": "backbone"}]})
    seen = PretrainedSurvey((of("a", default=True),))
    config, (note,) = default_backbone(labelled, "shop", seen, own=False)
    assert config == labelled
    assert note.endswith("the source 'ease' is labelled 'backbone': give it another label")


def test_a_name_or_a_path_leads_to_the_folder(tmp_path) -> None:
    folder = backbone_in(tmp_path / "mine")
    folders = {"known": folder, "box:known": folder}
    assert find_pretrained("box:known", folders) == folder
    assert find_pretrained(str(folder), {}) == folder
    for missing in ("x", str(tmp_path), ""):
        with pytest.raises(UsageError, match=r"no backbone .*\(known: known\)"):
            find_pretrained(missing, folders)


@pytest.mark.parametrize(
    ("card", "source"), [("{}", "backbone"), ('{"source": "transformer"}', "transformer")]
)
def test_the_card_says_which_source_it_belongs_to(tmp_path, card, source) -> None:
    folder = backbone_in(tmp_path / "one")
    (folder / CARD).write_text(card)
    assert source_of(folder) == source


@pytest.mark.parametrize("card", ["", "[1]", "{", "\x00"])
def test_a_damaged_card_is_one_line(tmp_path, card) -> None:
    folder = backbone_in(tmp_path / "one")
    (folder / CARD).write_text(card)
    with pytest.raises(ArtifactError, match="is damaged: get the backbone again"):
        source_of(folder)
    with pytest.raises(ArtifactError, match=r"no backbone in .*: card\.json is missing"):
        source_of(tmp_path)


def test_a_fit_takes_the_source_of_what_is_named(tmp_path, monkeypatch) -> None:
    """A body brings its own source, behind those of the default pipeline."""
    folder = backbone_in(tmp_path / "rings")
    (folder / CARD).write_text('{"source": "rnn"}')
    monkeypatch.setattr("crossrec.pipeline.pretrained.load_config", lambda *_: PLAIN)
    entry = PretrainedEntry("rings", folder, "workspace")
    seen = PretrainedSurvey((entry, of("a", default=True)))
    scenario = types.SimpleNamespace(name="shop")
    config, notes = pipeline_to_fit(scenario, None, "rings", seen)
    assert [source.name for source in config.sources] == ["backbone", "content", "rnn"]
    assert config.sources[-1].settings == {"pretrained": "rings", "encoder": "enc"}
    assert [note.partition(" (")[0] for note in notes] == [
        "the backbone a of box is among the sources"
    ]
    assert pipeline_to_fit(scenario, None, "", seen) == (PLAIN, [])
    with pytest.raises(UsageError, match="no backbone 'x'"):
        pipeline_to_fit(scenario, None, "x", seen)


class Deep(Popular):
    """Popular, for thorough fits."""

    able = frozenset({"thorough"})


@pytest.mark.parametrize(
    ("backbone", "own", "sources"),
    [
        (None, False, ["backbone", "content", "deep"]),
        ("", False, ["content", "deep"]),
        ("a", False, ["backbone", "content", "deep"]),
        ("body", False, ["backbone", "content", "wide", "deep"]),
        ("body", True, ["content", "wide"]),
        ("a", True, ["backbone", "content"]),
        (None, True, ["content"]),
    ],
)
def test_what_joins_a_pipeline(tmp_path, monkeypatch, backbone, own, sources) -> None:
    """A body joins beside the default backbone; a file of the user's gets what was named alone."""
    relations, body = backbone_in(tmp_path / "a"), backbone_in(tmp_path / "body")
    (body / CARD).write_text('{"source": "wide"}')
    found = (
        PretrainedEntry("a", relations, "box", default=True),
        PretrainedEntry("body", body, "workspace"),
    )
    seen = PretrainedSurvey(found, thorough=("deep",))
    monkeypatch.setattr("crossrec.pipeline.pretrained.load_config", lambda scenario, file: PLAIN)
    shop = types.SimpleNamespace(name="shop")
    config, _ = pipeline_to_fit(shop, tmp_path / "own.toml" if own else None, backbone, seen)
    assert [source.name for source in config.sources] == sources


def test_sources_for_thorough_fits_are_found_by_their_capability() -> None:
    registry = registry_of(candidate_generators={"plain": Popular, "deep": Deep})
    assert survey_pretrained(None, registry).thorough == ("deep",)
