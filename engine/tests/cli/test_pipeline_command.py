"""``crossrec pipeline show --fitted``: what serves, as a pipeline file with comments."""

import json
import tomllib

import pytest


@pytest.fixture(scope="module")
def shop(workshop, workshop_tables, tmp_path_factory):
    """The workshop's command line with one fitted workspace, one source of which failed."""
    folder = tmp_path_factory.mktemp("shop")
    frames = workshop_tables(0)
    frames.events.to_csv(folder / "events.csv", index=False)
    own = folder / "own.toml"
    own.write_text('sources = [{name = "together"}, {name = "dear"}]\n[surfaces.alike]\nk = 4\n')

    def call(*words):
        return workshop(*words, "-w", folder / "ws")

    assert call("ingest", "tools", "--events", folder / "events.csv").exit_code == 0
    assert call("fit", "tools", "--pipeline", own).exit_code == 0
    call.folder = folder
    return call


def test_it_names_the_rankers_that_serve_and_the_sources_that_do_not(shop):
    done = shop("pipeline", "show", "tools", "--fitted")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "# The pipeline of tools that serves, fitted on 200 events of 40 users and 12 items."
    )
    assert (
        "# Serves: ranker rrf (no events of this surface to choose by); known items last." in lines
    )
    at = lines.index("# left out by the fit: MemoryError: needs 99 GB")
    assert lines[at + 1] == "[[sources]]"
    values = tomllib.loads(done.stdout)
    assert [source["name"] for source in values["sources"]] == ["together", "dear"]
    assert values["surfaces"]["alike"]["k"] == 4


def test_it_can_be_fitted_again(shop):
    path = shop.folder / "again.toml"
    path.write_text(shop("pipeline", "show", "tools", "--fitted").stdout)
    assert shop("fit", "tools", "--pipeline", path).exit_code == 0
    assert shop("pipeline", "show", "tools", "--fitted").stdout == path.read_text()


def test_json_has_the_same(shop):
    found = json.loads(shop("pipeline", "show", "tools", "--fitted", "--json").stdout)
    assert found["pipeline"]["surfaces"]["alike"]["k"] == 4
    bench, alike = found["fitted"]["surfaces"]
    assert (bench["ranker"], alike["ranker"], bench["missing"]) == (
        "rrf", "rrf", {"dear": "MemoryError: needs 99 GB"},
    )  # fmt: skip
    assert found["fitted"]["failed"] == {"dear": "MemoryError: needs 99 GB"}


def test_the_default_needs_no_workspace(workshop, tmp_path):
    done = workshop("pipeline", "show", "tools", "-w", tmp_path / "none")
    assert done.exit_code == 0, done.output
    assert tomllib.loads(done.stdout)["item_sources"] == ["together"]


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("--fitted", "--pipeline", "x.toml"), "use one of them", 2),
        (("--pipeline", "nowhere.toml"), "there is no pipeline file nowhere.toml", 2),
        (("--fitted", "-w", "nowhere"), "there is no workspace at nowhere", 1),
    ],
)
def test_wrong_calls_are_one_line(workshop, words, message, code):
    done = workshop("pipeline", "show", "tools", *words)
    assert done.exit_code == code, done.output
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_not_fitted_is_said(workshop, tmp_path):
    from crossrec.workspace import Workspace

    Workspace.create(tmp_path / "ws").close()
    done = workshop("pipeline", "show", "tools", "--fitted", "-w", tmp_path / "ws")
    assert done.exit_code == 1
    assert "not fitted yet: run `crossrec fit tools` first" in done.stderr
