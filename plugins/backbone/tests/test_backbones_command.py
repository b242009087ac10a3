"""``crossrec pretrain`` and ``crossrec backbones``: from a workspace to a folder and back."""

from __future__ import annotations

import json
import types

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from crossrec import hookimpl
from crossrec.components.run import RunOptions
from crossrec.errors import CrossrecError
from crossrec.ingest import ingest_frames
from crossrec.ingest.frames import Frames
from crossrec.plugins import registry as registry_module
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registry import Registry
from crossrec.testing.titled_shops import titled_shop
from crossrec.workspace import Workspace
from crossrec_backbone.commands.backbones import backbones
from crossrec_backbone.commands.pretrain import pretrain
from crossrec_backbone.pretrained.model import MANIFEST, load_backbone
from crossrec_backbone.pretraining import workspace as service
from crossrec_backbone.pretraining.low_data_tasks import LowDataConfig
from crossrec_backbone.pretraining.pretrain import PretrainConfig
from crossrec_backbone.pretraining.workspace import scenario_dataset
from crossrec_backbone.ranking.trees import RankerConfig
from crossrec_backbone.relations.config import TextConfig
from crossrec_backbone.relations.statistics import BackboneConfig

SETTINGS = PretrainConfig(
    backbone=BackboneConfig(text=TextConfig(encoder="none here")),
    tasks=LowDataConfig(levels=(0, 100)),
    ranker=RankerConfig(rounds=5, leaves=4, min_leaf=10),
    positives=20,
)


@hookimpl
def register_scenarios(register):
    register("chess", lambda: titled_shop("chess"), summary="openings")
    register("cards", lambda: titled_shop("cards"), summary="tricks")


@pytest.fixture
def home(tmp_path, shop, monkeypatch):
    """A workspace with events of two scenarios; nothing else is installed."""
    plugin = types.ModuleType("games_plugin")
    plugin.register_scenarios = register_scenarios
    found = [find_plugins()[0], FoundPlugin("games", "crossrec-games", "1", lambda: plugin)]
    registry = Registry(load_plugins(found, strict=True))
    monkeypatch.setattr(registry_module, "load_registry", lambda **options: registry)
    monkeypatch.setattr(
        service, "PretrainConfig", lambda **changes: SETTINGS.model_copy(update=changes)
    )
    workspace = Workspace.create(tmp_path / "w")
    for number, name in enumerate(("chess", "cards")):
        dataset = shop(seed=number, vectors=False)
        ids = dataset.catalog.items.ids
        items = pd.DataFrame({"item_id": ids, "title": dataset.catalog.titles})
        done = dataset.interactions
        events = pd.DataFrame(
            {"user_id": done.users, "item_id": [ids[int(item)] for item in done.items]}
        )
        ingest_frames(workspace, titled_shop(name), Frames(items=items, events=events))
    workspace.close()
    return tmp_path / "w"


def call(command: click.Command, *arguments: object):
    return CliRunner().invoke(command, [str(one) for one in arguments])


def test_from_events_to_a_named_backbone(home, tmp_path) -> None:
    done = call(pretrain, "--scenarios", "chess, cards", "--name", "games", "-w", home)
    assert done.exit_code == 0, done.output
    assert "games: 3 heads (general, chess, cards)" in done.stdout
    assert "fit SCENARIO --backbone games" in done.stdout
    backbone = load_backbone(home / "backbones" / "games")
    assert [one["family"] for one in backbone.card["sources"]] == ["chess", "cards"]
    assert set(backbone.card["leave_one_out"]["results"]) == {"chess", "cards"}
    listed = json.loads(call(backbones, "list", "-w", home, "--json").stdout)
    own = [one["name"] for one in listed if one["origin"] == "workspace"]
    assert own == ["games"], "beside those that installed distributions bring"
    shown = call(backbones, "show", "games", "-w", home)
    assert "chess" in shown.stdout
    assert "limit: " in shown.stdout
    card = json.loads(call(backbones, "show", "games", "-w", home, "--json").stdout)
    assert card["heads"] == ["general", "chess", "cards"]
    out = tmp_path / "out"
    assert call(backbones, "export", "games", out, "-w", home).exit_code == 0
    assert (out / MANIFEST).is_file()
    other = tmp_path / "other"
    done = call(backbones, "import", out, "--name", "theirs", "-w", other)
    assert done.exit_code == 0, done.output
    assert load_backbone(other / "backbones" / "theirs").card == backbone.card


def test_json_of_pretraining_and_the_same_seed_the_same_backbone(home) -> None:
    fixed = ("--scenarios", "chess", "-w", home, "--json", "--threads", 1, "--no-measure")
    made = [json.loads(call(pretrain, "--name", name, *fixed).stdout) for name in ("one", "two")]
    assert made[0]["card"] == made[1]["card"]
    assert made[0]["card"]["leave_one_out"]["results"] == {}
    texts = [
        load_backbone(home / "backbones" / name).heads["general"].text for name in ("one", "two")
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--scenarios", "chess", "--name", "../up"), "cannot name a backbone"),
        (("--scenarios", "chess,dice", "--name", "x"), "dice"),
        (("--scenarios", " , ", "--name", "x"), "one or more sources"),
        (("--scenarios", "chess,chess", "--name", "x"), "name of its own"),
    ],
)
def test_wrong_calls_are_one_clear_line(home, arguments, what: str) -> None:
    done = call(pretrain, *arguments, "-w", home)
    assert isinstance(done.exception, CrossrecError)
    assert what in str(done.exception)
    assert not (home / "backbones").exists()


def test_an_empty_list_says_what_to_do(tmp_path) -> None:
    done = call(backbones, "list", "-w", tmp_path)
    assert done.exit_code == 0
    assert done.stdout.startswith("no backbones") or "NAME" in done.stdout


def test_a_name_that_is_not_there(tmp_path) -> None:
    done = call(backbones, "show", "nothing", "-w", tmp_path)
    assert isinstance(done.exception, CrossrecError)
    assert "nothing" in str(done.exception)


def test_vectors_come_from_the_encoder_of_the_settings(shop) -> None:
    class Encoder:
        def encode(self, catalog, run):
            return np.full((len(catalog), 2), len(catalog.texts[0]), dtype=np.float32)

    class Known:
        name = "enc"

        def build(self):
            return Encoder()

    dataset = shop(vectors=False)
    registry = types.SimpleNamespace(
        all=lambda kind: [Known()],
        get=lambda kind, name: Known() if name == "enc" else None,
        scenario=lambda name: name,
    )
    workspace = types.SimpleNamespace(dataset=lambda scenario: dataset)
    encoded, plain = (
        scenario_dataset(workspace, "shop", TextConfig(encoder=name), registry, RunOptions())
        for name in ("enc", "none here")
    )
    assert set(encoded.vectors) == {"enc", "enc:title"}
    assert encoded.vectors["enc"][0, 0] == len(dataset.catalog.texts[0])
    assert encoded.vectors["enc:title"][0, 0] == len(dataset.catalog.titles[0])
    assert plain is dataset
