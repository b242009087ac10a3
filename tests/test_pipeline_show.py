"""``crossrec pipeline show`` of every installed scenario: a pipeline file that a fit takes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from crossrec.cli import main
from crossrec.plugins.registry import load_registry

SCENARIOS = sorted(one.name for one in load_registry().all("scenarios"))


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], prog_name="crossrec")


def shown(*words: object) -> str:
    done = call("pipeline", "show", *words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_shown_is_taken_as_it_is(scenario: str, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(shown(scenario), encoding="utf-8")
    again = shown(scenario, "--pipeline", own)
    assert tomllib.loads(again) == tomllib.loads(own.read_text(encoding="utf-8"))
    assert shown(scenario, "--pipeline", own, "--json") == shown(scenario, "--json")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_key_says_what_it_means(scenario: str) -> None:
    lines = shown(scenario).splitlines()
    bare = [
        line
        for before, line in zip(lines, lines[1:], strict=False)
        if " = " in line and not line.startswith("#") and not before.startswith("# ")
    ]
    assert bare == []


def test_the_users_keys_stand_in_it(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'candidates = 50\n[[sources]]\nname = "ease"\nsettings = { reg = 7.0 }\n'
        "[surfaces.similar_items]\nk = 3\n"
    )
    text = shown("ecommerce", "--pipeline", own)
    assert text.startswith("# The pipeline of ecommerce, with the keys of")
    values: dict[str, Any] = tomllib.loads(text)
    assert values["candidates"] == 50
    (source,) = values["sources"]
    assert source["settings"]["reg"] == 7.0
    assert source["settings"]["dense_items"] == 10_000, "defaults of components are written out"
    assert values["surfaces"]["similar_items"]["k"] == 3
    assert values["surfaces"]["similar_items"]["sources"] == ["ease"]
    found = json.loads(shown("ecommerce", "--pipeline", own, "--json"))
    assert (found["scenario"], found["main"]) == ("ecommerce", "recommended_for_you")
    assert found["pipeline"]["surfaces"]["similar_items"]["k"] == 3


def test_misspelt_settings_are_one_line(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('sources = [{ name = "ease", settings = { regg = 7.0 } }]\n')
    done = call("pipeline", "show", "ecommerce", "--pipeline", own)
    assert done.exit_code == 2
    assert "regg" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert call("pipeline", "show", "ecomerce").exit_code == 2
