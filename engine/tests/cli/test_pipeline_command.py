"""``crossrec pipeline``: what serves, as a file with comments; other rules without a fit."""

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
    call.folder, call.anywhere = folder, workshop
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


@pytest.fixture
def fitted(shop):
    """A workspace of two sources to which rules are applied, beside the one above."""
    folder = shop.folder / "rules"
    folder.mkdir(exist_ok=True)

    def call(*words):
        return shop.anywhere(*words, "-w", folder / "ws")

    if not (folder / "ws").exists():
        assert call("ingest", "tools", "--events", shop.folder / "events.csv").exit_code == 0
        assert call("fit", "tools").exit_code == 0
    call.folder = folder
    return call


def test_a_dry_run_shows_and_writes_nothing(fitted):
    path = fitted.folder / "short.toml"
    path.write_text("[surfaces.bench]\nk = 2\nfallback = []\n")
    done = fitted("pipeline", "apply", "tools", path, "--dry-run", "--users", "7")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "rules that differ: surfaces.bench.k, surfaces.bench.fallback"
    assert lines[1].startswith("surface bench: 7 of 7 lists would change (100%), mean overlap@2 0.")
    assert any(line.split()[1:] == ["leaves", "outranked"] for line in lines)
    assert sum("to out" in line for line in lines) >= 14
    report = json.loads(
        fitted("pipeline", "apply", "tools", path, "--dry-run", "--user", "u1", "--json").stdout
    )
    assert [one["subject"] for one in report["lists"]] == ["u1"]
    assert report["share"] == 1.0
    assert len(report["lists"][0]["after"]) == 2
    again = fitted("recommend", "tools", "--user", "u1", "--json")
    shown = [item["item_id"] for item in json.loads(again.stdout)["items"]]
    assert shown == report["lists"][0]["before"]


def test_rules_are_applied_and_the_next_list_obeys(fitted):
    path = fitted.folder / "rules.toml"
    path.write_text("[surfaces.bench]\nk = 3\n[surfaces.alike]\nfallback = []\n")
    done = fitted("pipeline", "apply", "tools", path)
    assert done.exit_code == 0, done.output
    rules = "surfaces.bench.k, surfaces.alike.fallback"
    assert done.stdout == f"tools serves by other rules: {rules}\n"
    slate = json.loads(fitted("recommend", "tools", "--user", "u1", "--json").stdout)
    assert len(slate["items"]) == 3
    again = fitted("pipeline", "apply", "tools", path)
    assert again.stdout == "tools serves by these rules already\n"
    again = fitted("pipeline", "apply", "tools", path, "--dry-run")
    assert again.stdout == "tools serves by these rules already\n"
    assert json.loads(fitted("pipeline", "apply", "tools", path, "--json").stdout) == {
        "scenario": "tools", "rules": []
    }  # fmt: skip


def test_what_needs_a_fit_is_one_line_and_exit_code_2(fitted):
    path = fitted.folder / "beyond.toml"
    path.write_text("candidates = 5\n")
    done = fitted("pipeline", "apply", "tools", path)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: {path}: candidates differs from what serves, and that needs a fit: run "
        f"`crossrec fit tools --pipeline {path}`, or leave the key out\n"
    )
    done = fitted("pipeline", "apply", "tools", path, "--surface", "bench")
    assert done.exit_code == 2
    assert "--dry-run" in done.stderr
