"""Pretraining: what it makes, that a killed run resumes to the same bytes, and where it is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.data.events import Events
from crossrec.errors import ArtifactError, CrossrecError, UsageError
from crossrec.pipeline.pretrained import find_pretrained, survey_pretrained
from crossrec.plugins.registry import Registry
from crossrec_backbone.pretrained.library import export, keep, open_named, take_in
from crossrec_backbone.pretrained.model import (
    FORMAT,
    GENERAL,
    MANIFEST,
    Backbone,
    bucket_of,
    load_backbone,
    save_backbone,
)
from crossrec_backbone.pretraining import pretrain as module
from crossrec_backbone.pretraining.checkpoint import Checkpoint
from crossrec_backbone.pretraining.low_data_tasks import LowDataConfig
from crossrec_backbone.pretraining.pretrain import PretrainConfig, pretrain
from crossrec_backbone.pretraining.source_examples import WEIGHTS, _best_weight, _weights
from crossrec_backbone.ranking.trees import RankerConfig
from crossrec_backbone.relations.config import GraphConfig, PriorConfig, TextConfig
from crossrec_backbone.relations.statistics import BackboneConfig

RUN = RunOptions(seed=1, threads=1)
CONFIG = PretrainConfig(
    backbone=BackboneConfig(
        text=TextConfig(encoder="enc"), graph=GraphConfig(neighbours=8), prior=PriorConfig(reg=5.0)
    ),
    tasks=LowDataConfig(levels=(0, 100, 1_000)),
    ranker=RankerConfig(rounds=12, leaves=4, min_leaf=20),
    positives=30,
)


@pytest.fixture
def sources(shop) -> list:
    return [
        ("tools", "shops", shop(seed=1)),
        ("parts", "shops", shop(seed=2)),
        ("films", "video", shop(seed=3)),
    ]


def test_a_general_head_and_one_for_each_family(sources) -> None:
    backbone = pretrain(sources, CONFIG, RUN)
    assert list(backbone.heads) == [GENERAL, "shops", "video"]
    texts = {ranker.text for ranker in backbone.heads.values()}
    assert len(texts) == 3
    rows = {one["name"]: one for one in backbone.card["sources"]}
    assert rows["tools"]["levels"][0] == 0
    assert rows["tools"]["examples"] > 0
    assert rows["films"]["family"] == "video"
    json.dumps(backbone.card, allow_nan=False)


def test_the_card_measures_each_source_with_heads_that_never_saw_it(sources) -> None:
    card = pretrain(sources, CONFIG, RUN, licences={"tools": "CC0"}).card
    results = card["leave_one_out"]["results"]
    assert set(results) == {"tools", "parts", "films"}
    assert set(results["tools"]["0"]) == {"closed form", GENERAL, "family"}
    assert set(results["films"]["0"]) == {"closed form", GENERAL}  # the only one of its family
    assert [one["licence"] for one in card["sources"]] == ["CC0", "unknown", "unknown"]
    assert not pretrain(sources, CONFIG.model_copy(update={"leave_one_out": False}), RUN).card[
        "leave_one_out"
    ]["results"]


def test_a_left_out_source_teaches_nothing(sources, shop) -> None:
    """The figures of one source do not move its own held-out head when its events change."""
    other = [*sources[:2], ("films", "video", shop(seed=9))]
    seen = [pretrain(some, CONFIG, RUN, None) for some in (sources, other)]
    assert seen[0].heads["shops"].text == seen[1].heads["shops"].text
    assert seen[0].heads[GENERAL].text != seen[1].heads[GENERAL].text


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("stage", ["collect", "fit_ranker"])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_killed_run_resumes_to_the_same_bytes(
    sources, tmp_path, monkeypatch, stage: str, at: int
) -> None:
    save_backbone(tmp_path / "whole", pretrain(sources, CONFIG, RUN, tmp_path / "a"))
    real, calls = getattr(module, stage), 0

    def dying(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls > at:
            raise KeyboardInterrupt  # as if the process were ended
        return real(*args, **kwargs)

    monkeypatch.setattr(module, stage, dying)
    with pytest.raises(KeyboardInterrupt):
        pretrain(sources, CONFIG, RUN, tmp_path / "b")
    resumed = 0

    def counting(*args, **kwargs):
        nonlocal resumed
        resumed += 1
        return real(*args, **kwargs)

    monkeypatch.setattr(module, stage, counting)
    save_backbone(tmp_path / "resumed", pretrain(sources, CONFIG, RUN, tmp_path / "b"))
    assert folder_bytes(tmp_path / "whole") == folder_bytes(tmp_path / "resumed")
    total = len(list((tmp_path / "a").glob("*.safetensors" if stage == "collect" else "*.json")))
    assert resumed == total - at, "what was computed before the kill is computed again"


def test_a_finished_run_computes_nothing_again(sources, tmp_path, monkeypatch) -> None:
    pretrain(sources, CONFIG, RUN, tmp_path)
    for stage in ("collect", "fit_ranker"):
        monkeypatch.setattr(module, stage, lambda *a, **k: pytest.fail("computed again"))
    pretrain(sources, CONFIG, RUN, tmp_path)


def test_other_data_or_settings_do_not_reuse_a_checkpoint(sources, shop, tmp_path) -> None:
    first = pretrain(sources[:1], CONFIG, RUN, tmp_path)
    changed = pretrain([("tools", "shops", shop(seed=5))], CONFIG, RUN, tmp_path)
    assert first.heads[GENERAL].text != changed.heads[GENERAL].text
    fewer = CONFIG.model_copy(update={"positives": 12})
    assert pretrain(sources[:1], fewer, RUN, tmp_path).card["sources"][0]["examples"] < 90


def test_progress_is_reported(sources) -> None:
    seen: list[tuple[str, int, int]] = []
    pretrain(sources[:1], CONFIG, RunOptions(progress=lambda *one: seen.append(one)))
    assert {message for message, _, _ in seen} >= {"tools: low-data tasks", "fitting heads"}
    assert all(0 <= done <= total for _, done, total in seen)


def test_sources_without_events_or_names_are_refused(shop) -> None:
    empty = shop().with_events(Events.empty())
    with pytest.raises(CrossrecError, match="empty: no user has three events"):
        pretrain([("empty", "x", empty)], CONFIG, RUN)
    with pytest.raises(UsageError, match="name of its own"):
        pretrain([], CONFIG, RUN)
    with pytest.raises(UsageError, match="name of its own"):
        pretrain([("a", "x", shop()), ("a", "x", shop())], CONFIG, RUN)


def test_a_folder_and_back(backbone, tmp_path) -> None:
    save_backbone(tmp_path / "b", backbone)
    again = load_backbone(tmp_path / "b")
    assert {k: v.text for k, v in again.heads.items()} == {
        k: v.text for k, v in backbone.heads.items()
    }
    assert again.card == json.loads(json.dumps(backbone.card))
    names = set(folder_bytes(tmp_path / "b"))
    assert {Path(name).suffix for name in names} == {".json", ".txt"}
    assert {MANIFEST, "card.json"} < names


def test_a_newer_format_is_refused_clearly(backbone, tmp_path) -> None:
    save_backbone(tmp_path / "b", backbone)
    path = tmp_path / "b" / MANIFEST
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "format": FORMAT + 1}))
    with pytest.raises(ArtifactError, match=f"format {FORMAT + 1}.*upgrade crossrec"):
        load_backbone(tmp_path / "b")


@pytest.mark.parametrize("damage", ["head", "card", "manifest", "gone", "outside", "foreign"])
def test_damage_is_found(backbone, tmp_path, damage: str) -> None:
    folder = tmp_path / "b"
    save_backbone(folder, backbone)
    head = next((folder / "heads").iterdir())
    manifest = json.loads((folder / MANIFEST).read_text())
    if damage == "head":
        head.write_text(head.read_text().replace("leaf_value=", "leaf_value=1", 1))
    elif damage == "card":
        (folder / "card.json").write_text("{}")
    elif damage == "manifest":
        (folder / MANIFEST).write_text("{")
    elif damage == "gone":
        head.unlink()
    elif damage == "outside":
        manifest["files"]["../secret"] = "0"
        (folder / MANIFEST).write_text(json.dumps(manifest))
    else:
        (folder / MANIFEST).write_text(json.dumps({**manifest, "kind": "other"}))
    with pytest.raises(ArtifactError):
        load_backbone(folder)


def test_a_folder_of_other_things_is_not_overwritten(backbone, tmp_path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="is no backbone"):
        save_backbone(tmp_path / "b", backbone)
    assert (tmp_path / "b" / "letter.txt").read_text() == "mine"


def test_names_in_the_workspace(backbone, tmp_path) -> None:
    home = tmp_path / "backbones"
    registry = Registry([])
    assert not survey_pretrained(home, registry).found
    keep("mine", backbone, home)
    seen = survey_pretrained(home, registry)
    assert [(one.name, one.origin) for one in seen.found] == [("mine", "workspace")]
    folders = seen.folders()
    assert find_pretrained("mine", folders) == home / "mine"
    loaded = open_named("mine", folders)
    assert loaded is not None
    assert loaded.card == json.loads(json.dumps(backbone.card))
    assert open_named("", folders) is None
    assert find_pretrained(str(home / "mine"), {}) == home / "mine"
    with pytest.raises(UsageError, match=r"no backbone 'other' \(known: mine\b"):
        find_pretrained("other", folders)
    for bad in ("", "../up", ".hidden", "a b"):
        with pytest.raises(UsageError, match="cannot name"):
            keep(bad, backbone, home)


def test_out_and_in_again(backbone, tmp_path) -> None:
    home, other = tmp_path / "one", tmp_path / "two"
    keep("mine", backbone, home)
    export(home / "mine", tmp_path / "out" / "mine")
    with pytest.raises(UsageError, match="exists"):
        export(home / "mine", tmp_path / "out" / "mine")
    take_in(tmp_path / "out" / "mine", "theirs", other)
    assert folder_bytes(home / "mine") == folder_bytes(other / "theirs")
    with pytest.raises(UsageError, match="already"):
        take_in(tmp_path / "out" / "mine", "theirs", other)
    take_in(tmp_path / "out" / "mine", "theirs", other, replace=True)


def test_every_source_counts_the_same(sources) -> None:
    store = Checkpoint(None)
    examples = []
    for (name, family, dataset), positives in zip(sources[:2], (8, 24), strict=True):
        config = CONFIG.model_copy(update={"positives": positives})
        examples += module.examples_of(name, family, dataset, config, RUN, store)
    weights = module._weights(examples)
    owner = np.concatenate([[one.source] * len(one.groups) for one in examples])
    sums = [weights[owner == name].sum() for name in ("tools", "parts")]
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
    assert weights.mean() == pytest.approx(1.0)


def test_the_default_weight_was_measured_on_sources(sources) -> None:
    backbone = pretrain(sources, CONFIG, RUN)
    weights = backbone.card["weights"]
    assert set(weights) == {GENERAL, "family"}
    assert all(weight in WEIGHTS for one in weights.values() for weight in one.values())
    assert backbone.default_head("shops", 0) == ("shops", weights["family"]["0"])
    assert backbone.default_head("music", 0) == (GENERAL, weights[GENERAL]["0"])
    assert backbone.default_head("music", 10**9) == (GENERAL, 1.0), "1 where nothing was measured"
    assert Backbone({}, {}).default_head("shops", 0) == ("", 0.0)


def test_leaving_one_out_fits_on_fewer_examples_but_measures_on_all(sources, tmp_path) -> None:
    few = CONFIG.model_copy(update={"leave_one_out_positives": 12})
    store = Checkpoint(tmp_path)
    whole = module.examples_of("tools", "shops", sources[0][2], few, RUN, store)[0]
    assert len(whole.groups) > 12
    some = whole.sample(12)
    assert len(some.groups) == 12
    assert (some.queries, some.hits) == (whole.queries, whole.hits)
    ends = [int(some.groups.index[at, 0]) for at in (0, -1)]
    assert ends == [int(whole.groups.index[at, 0]) for at in (0, -1)], "from the whole of them"
    assert len(whole.sample(10**6).groups) == len(whole.groups)
    both = [pretrain(sources, config, RUN, checkpoint=tmp_path) for config in (few, CONFIG)]
    heads = [{name: one.text for name, one in made.heads.items()} for made in both]
    assert heads[0] == heads[1], "the heads that are kept see all examples"
    results = [made.card["leave_one_out"]["results"] for made in both]
    assert results[0] != results[1]
    closed = [result["tools"]["0"]["closed form"] for result in results]
    assert closed[0] == closed[1]


def test_the_default_weight_of_a_head_that_does_not_clearly_help_is_0() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.normal(0, 1, (200, len(WEIGHTS))).astype(np.float32) for _ in range(2)]
    for table in noise:
        table[:, 0] = 0.0
        table -= table.mean(axis=0)
    assert _best_weight(noise) == 0.0
    helps = [table + np.array([0, 0.1, 0.9, 0.2], np.float32) for table in noise]
    assert _best_weight(helps) == 1.0
    one_sided = [helps[0], noise[1] - np.array([0, 1, 1, 1], np.float32)]
    assert _best_weight(one_sided) == 0.0, "what one source gains another loses"


def test_a_weight_leans_on_the_amounts_next_to_it() -> None:
    rng = np.random.default_rng(0)
    gain = np.array([0.0, 0.1, 0.3, 0.2], np.float32)

    def table(mean: float) -> np.ndarray:
        noise = rng.normal(0, 1, (200, 1)).astype(np.float32)
        return mean * gain + (noise - noise.mean()) * (gain > 0)

    tables = {
        ("family", "0"): [table(3.0)],
        ("family", "2000"): [table(-0.5)],
        ("family", "20000"): [table(3.0)],
        ("family", "more"): [table(-9.0)],
    }
    weights = _weights(tables)["family"]
    assert weights == {"0": 1.0, "2000": 1.0, "20000": 0.0, "more": 0.0}


@pytest.mark.parametrize(
    ("events", "bucket"),
    [(0, "0"), (1, "2000"), (2_000, "2000"), (20_000, "20000"), (20_001, "more")],
)
def test_amounts_of_events(events: int, bucket: str) -> None:
    assert bucket_of(events) == bucket
