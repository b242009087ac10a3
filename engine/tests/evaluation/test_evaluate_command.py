"""``crossrec evaluate`` from files to figures: a real store, real sources, the real pipeline."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec import hookimpl
from crossrec.cli import main
from crossrec.components.history import weigh
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.plugins import registry as registry_module
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registry import Registry
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface

PIPELINE = """
sources = [{name = "together"}, {name = "counts"}]
"""


class Together:
    """Co-occurrence counts."""

    def fit(self, dataset, run):
        matrix = dataset.matrix(binary=True)
        self.counts = (matrix.T @ matrix).toarray().astype(np.float32)
        np.fill_diagonal(self.counts, 0)

    def generate(self, queries, k):
        scores = weigh(queries, len(self.counts)).matrix @ self.counts
        return top_k(np.asarray(scores, np.float32), k, queries.exclude, minimum=0.0)

    def state(self):
        return State({"counts": self.counts})

    def restore(self, state, catalog):
        self.counts = state.arrays["counts"]


class Counts(Together):
    """Popularity."""

    def fit(self, dataset, run):
        self.counts = dataset.item_counts.astype(np.float32)

    def generate(self, queries, k):
        scores = np.tile(self.counts, (len(queries), 1))
        return top_k(scores, k, queries.exclude, minimum=0.0)


def chess() -> Scenario:
    return Scenario(
        name="chess",
        summary="openings",
        events=(EventType("play"),),
        items=ItemSchema((ItemField("title"),), "{title}", categories=""),
        surfaces=(Surface("home"),),
        pipeline="chess_resources:pipeline.toml",
        default_event="play",
        main_surface="home",
    )


@hookimpl
def register_scenarios(register):
    register("chess", chess, summary="openings")


@hookimpl
def register_candidate_generators(register):
    register("together", Together, summary="co-occurrence")
    register("counts", Counts, summary="popularity")


def write_events(path: Path, *, clock: bool) -> None:
    """120 users of two colours, seven of their colour's ten items each, in a random order."""
    rng = np.random.default_rng(0)
    rows = [
        (user, item)
        for user in range(120)
        for item in rng.permutation(np.arange(user % 2, 20, 2))[:7]
    ]
    order = np.sort(rng.permutation(len(rows)))
    when = rng.permutation(len(rows))
    header = "user_id,item_id" + (",time" if clock else "")
    lines = [
        f"u{rows[i][0]},i{rows[i][1]}" + (f",{1_700_000_000 + 60 * when[i]}" if clock else "")
        for i in order
    ]
    path.write_text("\n".join([header, *lines]) + "\n")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Call the command line in this process, with the plugin above and nothing else installed."""
    folder = tmp_path_factory.mktemp("chess")
    resources = folder / "chess_resources"
    resources.mkdir()
    (resources / "__init__.py").write_text("")
    (resources / "pipeline.toml").write_text(PIPELINE)
    plugin = types.ModuleType("chess_plugin")
    plugin.register_scenarios = register_scenarios
    plugin.register_candidate_generators = register_candidate_generators
    found = [find_plugins()[0], FoundPlugin("chess", "crossrec-chess", "1", lambda: plugin)]
    registry = Registry(load_plugins(found, strict=True))

    def call(*arguments: str):
        return CliRunner().invoke(main, list(arguments), prog_name="crossrec")

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(registry_module, "load_registry", lambda **options: registry)
        for name, clock in (("timed", True), ("ordered", False)):
            events = folder / f"{name}.csv"
            write_events(events, clock=clock)
            done = call("ingest", "chess", "--events", str(events), "-w", str(folder / name))
            assert done.exit_code == 0, done.output
        yield lambda where, *more: call("evaluate", "chess", "-w", str(folder / where), *more)
    sys.modules.pop("chess_resources", None)


def test_json_is_as_documented(run):
    done = run("ordered", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["scenario"] == "chess"
    assert report["protocol"] == "leave-one-out"
    assert report["candidates"] == "served"
    assert report["users"] == 120
    names = [row["model"] for row in report["results"]]
    assert names == ["together", "counts", "pipeline", "popularity", "repeat-last"]
    for row in report["results"]:
        assert row["fit_seconds"] >= 0
        for name in ("recall@10", "ndcg@10", "mrr@10", "recall@50", "ndcg@50", "mrr@50"):
            low, high = row["ci95"][name]
            assert 0 <= low <= row["metrics"][name] <= high <= 1
    found = {row["model"]: row["metrics"] for row in report["results"]}
    # Four items of the own colour are unseen, and only co-occurrence knows the colours.
    assert found["together"]["recall@10"] == 1.0
    assert found["pipeline"]["ndcg@10"] >= 0.9 * found["together"]["ndcg@10"]
    assert found["counts"]["mrr@10"] == pytest.approx(found["popularity"]["mrr@10"], abs=0.05)
    assert found["popularity"]["mrr@10"] < found["together"]["mrr@10"]
    assert found["repeat-last"]["recall@50"] == 0


def test_temporal_is_the_default_where_there_is_a_time(run):
    report = json.loads(run("timed", "--json").stdout)
    assert report["protocol"] == "temporal"
    assert 0 < report["users"] <= 120
    assert not any("leaves" in note or "cut off" in note for note in report["notes"])
    forced = json.loads(run("timed", "--json", "--protocol", "leave-one-out").stdout)
    assert forced["protocol"] == "leave-one-out"
    assert any("the temporal protocol does not leak" in note for note in forced["notes"])


def test_temporal_without_a_clock_names_the_other_protocol(run):
    done = run("ordered", "--protocol", "temporal")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "use --protocol leave-one-out" in done.stderr


def test_tables_and_notes_for_people(run):
    done = run("ordered", "--users", "40", "--refit")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("chess: leave-one-out, served candidates, 40 users")
    assert lines[1].split()[:4] == ["MODEL", "RECALL@10", "NDCG@10", "MRR@10"]
    assert [line.split("  ")[0] for line in lines[2:7]] == [
        "together",
        "counts",
        "pipeline",
        "popularity *",
        "repeat-last *",
    ]
    assert any(line.startswith("pipeline is … than …") for line in lines)
    assert "note: models were fitted again on training and validation before the test" in lines
    assert "note: a sample of the test users, seed 0" in lines


def test_only_the_models_that_were_named_and_the_baselines(run):
    report = json.loads(run("ordered", "--json", "--models", "together, pipeline").stdout)
    names = [row["model"] for row in report["results"]]
    assert names == ["together", "pipeline", "popularity", "repeat-last"]


def test_where_nobody_comes_back_served_and_unseen_give_the_same_figures(run):
    """A play consumes nothing, but of these people nobody plays an opening twice."""
    served, unseen = (
        json.loads(run("ordered", "--json", "--models", "together", "--candidates", one).stdout)
        for one in ("served", "unseen")
    )
    assert (served["candidates"], unseen["candidates"]) == ("served", "unseen")
    for one, other in zip(served["results"], unseen["results"]):
        assert one["metrics"] == other["metrics"]


def test_all_candidates_bring_the_history_back(run):
    report = json.loads(run("ordered", "--json", "--candidates", "all").stdout)
    assert report["candidates"] == "all"
    found = {row["model"]: row for row in report["results"]}
    assert found["together"]["metrics"]["recall@10"] == 1.0
    assert found["repeat-last"]["metrics"]["coverage@10"] > 0
    assert found["repeat-last"]["segments"]["targets"]["new"]["users"] == 120


def test_folds_test_every_user_once(run):
    report = json.loads(run("timed", "--json", "--folds", "3", "--models", "together").stdout)
    assert report["protocol"] == "cross-validation"
    assert report["users"] == 120


def test_the_same_seed_gives_the_same_figures(run):
    first, again = (
        json.loads(run("ordered", "--json", "--users", "30", "--seed", "5").stdout)
        for _ in range(2)
    )
    for one, other in zip(first["results"], again["results"]):
        assert one["metrics"] == other["metrics"]
        assert one["ci95"] == other["ci95"]
    other = json.loads(run("ordered", "--json", "--users", "30", "--seed", "6").stdout)
    assert other["results"][0]["metrics"] != first["results"][0]["metrics"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--models", "nobody"), "no model 'nobody'"),
        (("--models", " , "), "--models needs at least one name"),
        (("--users", "0"), "number of users must be 1 or more"),
        (("--folds", "1"), "folds must be between 2 and"),
        (("--folds", "3", "--protocol", "temporal"), "leave --protocol out"),
        (("--protocol", "random"), "'random'"),
        (("--candidates", "some"), "'some'"),
        (("--pipeline", "nowhere.toml"), "no pipeline file nowhere.toml"),
    ],
)
def test_wrong_options_get_one_line_and_exit_code_2(run, options, message):
    done = run("ordered", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_workspace_is_needed_and_events_in_it(run, tmp_path):
    done = run(str(tmp_path / "nowhere"))
    assert done.exit_code == 1
    assert "there is no workspace at" in done.stderr
    from crossrec.workspace import Workspace

    Workspace.create(tmp_path / "empty").close()
    done = run(str(tmp_path / "empty"))
    assert done.exit_code == 1
    assert done.stderr == "Error: scenario 'chess' has no events: run `crossrec ingest chess`\n"
