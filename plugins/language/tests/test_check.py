"""``crossrec language check``: says what would really be called, and what answers instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from crossrec.cli.root import CrossrecGroup
from crossrec.errors import UsageError
from crossrec.plugins.registry import load_registry
from crossrec.workspace import Workspace
from crossrec_language.calls.caller import Caller, Outcome, Task
from crossrec_language.calls.chosen import Choice, caller_for
from crossrec_language.commands.options import settings_of
from crossrec_language.features.registered import FEATURES, Feature, checked, has_failed
from crossrec_language.testing import server
from crossrec_language.testing.models import ScriptedModel
from pydantic import BaseModel


class Yes(BaseModel):
    yes: bool


TASK = Task("toy", "Say yes.", Yes(yes=True))


def says_yes(caller: Caller) -> Outcome[Yes]:
    return caller.call(TASK, {})


def breaks(caller: Caller) -> Outcome[Yes]:
    raise RuntimeError("boom")


HERE = __name__


def feature(name: str, test: Any) -> Feature:
    return Feature(name, "toy", "templates", test)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(CrossrecGroup(name="crossrec"), ["language", *arguments])


def test_a_feature_whose_model_answers_uses_it() -> None:
    (one,) = checked(Caller(ScriptedModel('{"yes": true}')), (feature("toy", says_yes),))
    assert one.called
    assert one.works
    assert one.uses == "scripted"
    assert not has_failed([one])


def test_a_feature_whose_model_fails_says_what_it_does_instead() -> None:
    (one,) = checked(Caller(ScriptedModel("no")), (feature("toy", says_yes),))
    assert one.called
    assert not one.works
    assert one.uses == "templates"
    assert "twice" in one.problem
    assert has_failed([one])


def test_without_a_model_nothing_has_failed() -> None:
    (one,) = checked(Caller(), (feature("toy", says_yes),))
    assert not one.called
    assert one.uses == "templates"
    assert not has_failed([one])


def test_a_self_test_that_raises_stops_no_other() -> None:
    model = Caller(ScriptedModel('{"yes": true}'))
    first, second = checked(model, (feature("a", breaks), feature("b", says_yes)))
    assert "boom" in first.problem
    assert second.works


def test_every_feature_has_a_self_test_that_can_be_called() -> None:
    for one in checked(Caller(), FEATURES):
        assert not one.called
        assert "failed" not in one.problem, one


def test_the_command_without_a_model(tmp_path: Path) -> None:
    done = run("check", "-w", str(tmp_path / "none"))
    assert done.exit_code == 0, done.output
    assert "model: template" in done.output


def test_the_command_names_a_model_that_fails(tmp_path: Path) -> None:
    with server.serving(server.failing(401)) as served:
        done = run(
            "check", "-w", str(tmp_path / "none"), "--model", "endpoint", "--set",
            f"url={served.url}", "--set", "model=toy", "--json",
        )  # fmt: skip
    rows = json.loads(done.stdout)
    assert {row["feature"] for row in rows} == {one.name for one in FEATURES}
    assert all("HTTP 401" in row["problem"] for row in rows)
    assert all(not row["works"] for row in rows)
    assert done.exit_code == (1 if rows else 0)


def test_the_workspace_chooses_the_model(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "shop")
    settings = '{ url = "http://localhost:1/v1", model = "m" }'
    text = f'[language_model]\nname = "endpoint"\nsettings = {settings}\n'
    (workspace.path / "crossrec.toml").write_text(text, encoding="utf-8")
    registry = load_registry()
    again = Workspace.open(workspace.path)
    assert caller_for(registry, again).name == "m at localhost:1"
    assert caller_for(registry, again, Choice("template")).model is None
    other = caller_for(registry, again, Choice(settings={"model": "n"}))
    assert other.name == "n at localhost:1"


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing"):
        caller_for(load_registry(), None, Choice("nothing"))


def test_templates_have_no_settings() -> None:
    with pytest.raises(UsageError, match="calls no model"):
        caller_for(load_registry(), None, Choice("template", {"folder": "x"}))


def test_settings_are_read_as_toml_or_text() -> None:
    found = settings_of(("a=1", "b=true", "url=http://x/v1", 'c="q"', "d = [1, 2]"))
    assert found == {"a": 1, "b": True, "url": "http://x/v1", "c": "q", "d": [1, 2]}
    for bad in ("a", "=1"):
        with pytest.raises(UsageError, match="KEY=VALUE"):
            settings_of((bad,))
