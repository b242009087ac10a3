from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.components.run import RunOptions
from crossrec.errors import WorkspaceError
from crossrec.store.vector_cache import VectorCache, entries
from crossrec.workspace import Workspace
from crossrec_text import plugin


@pytest.fixture
def cli() -> click.Group:
    group = click.Group("crossrec")
    plugin.register_commands(cli=group)
    return group


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "shop")


def call(cli: click.Group, *arguments: object) -> str:
    result = CliRunner().invoke(cli, ["vectors", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def fill(workspace: Workspace) -> None:
    vectors = np.ones((3, 256), dtype=np.float32)
    VectorCache(workspace.cache, "mini@1 mean 64 float32").put(["a", "b", "c"], vectors)
    VectorCache(workspace.cache, "other@2 cls 64 float32").put(["a"], vectors[:1])


def test_it_shows_model_count_and_size(cli, workspace):
    fill(workspace)
    first, second = call(cli, "-w", workspace.path).splitlines()
    assert first.split() == ["3", "vectors", "0.0", "MiB", "mini@1", "mean", "64", "float32"]
    assert second.split()[0] == "1"


def test_it_prints_json(cli, workspace):
    fill(workspace)
    printed = json.loads(call(cli, "-w", workspace.path, "--json"))
    assert printed[0] == {"model": "mini@1 mean 64 float32", "vectors": 3, "size": 3072}


def test_an_empty_cache_is_one_line_on_how_it_fills(cli, workspace):
    assert "a fit with an encoder such as `transformer`" in call(cli, "-w", workspace.path)
    assert json.loads(call(cli, "-w", workspace.path, "--json")) == []


def test_clear_forgets(cli, workspace):
    fill(workspace)
    assert call(cli, "-w", workspace.path, "--clear") == "forgot 4 vectors\n"
    assert entries(workspace.cache) == []
    assert json.loads(call(cli, "-w", workspace.path, "--clear", "--json")) == {"cleared": 0}


def test_the_workspace_comes_from_the_environment_too(cli, workspace, monkeypatch):
    fill(workspace)
    monkeypatch.setenv("CROSSREC_WORKSPACE", str(workspace.path))
    assert "mini@1" in call(cli)


def test_no_workspace_is_one_clear_line(cli, tmp_path):
    with pytest.raises(WorkspaceError, match="no workspace at"):
        call(cli, "-w", tmp_path / "nowhere")


def test_distilled_vectors_are_shown_and_forgotten_too(cli, workspace, tiny_model, catalog_of):
    pytest.importorskip("torch")
    from crossrec_text.packaged.settings import StaticConfig
    from crossrec_text.packaged.static import StaticEncoder

    fill(workspace)
    run = RunOptions(threads=1, cache=workspace.cache)
    StaticEncoder(StaticConfig(model=str(tiny_model))).encode(catalog_of(["red nail"]), run)
    (workspace.cache / "static-unfinished-1").mkdir()
    shown = call(cli, "-w", workspace.path).splitlines()
    assert len(shown) == 3
    assert shown[2].split()[0] == "17"
    assert "static-" in shown[2]
    assert call(cli, "-w", workspace.path, "--clear") == "forgot 21 vectors\n"
    assert not list(workspace.cache.glob("static-*"))
    assert json.loads(call(cli, "-w", workspace.path, "--json")) == []
