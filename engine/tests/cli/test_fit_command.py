"""``crossrec fit``: the plan that comes first, its limits, and what the report says of them."""

import json

import pytest
from crossrec.components.cost import Cost
from crossrec.testing.toy_sources import Popular, Together, registry_of
from crossrec.workspace import Workspace

GIB = 2**30


class Estimated(Popular):
    """Popular, with an estimate."""

    able = frozenset({"explain", "estimate"})
    seconds, memory = 1.0, 3 * 2**20
    efforts = 1.0

    def estimate(self, size, run):
        factor = {"quick": 0.1, "standard": 1.0, "thorough": 10.0}[run.effort]
        return Cost(self.seconds * factor**self.efforts, self.memory)


class Heavy(Estimated):
    memory = int(9.2 * GIB)


class Slow(Estimated):
    seconds = 200.0

    def fit(self, dataset, run):
        raise AssertionError("it was to be left out")


class Works(Estimated):
    """More effort, more work; it remembers with which it was fitted."""

    seconds = 100.0

    def fit(self, dataset, run):
        super().fit(dataset, run)
        self.counts = self.counts + {"quick": 1, "standard": 2, "thorough": 3}[run.effort]


class Nonsense(Estimated):
    seconds = float("nan")


class Raises(Estimated):
    def estimate(self, size, run):
        raise ValueError("no idea")


SOURCES = {
    "cheap": Estimated,
    "heavy": Heavy,
    "slow": Slow,
    "works": Works,
    "nonsense": Nonsense,
    "raises": Raises,
    "together": Together,
}


@pytest.fixture
def shop(workshop, workshop_tables, make_workshop, tmp_path):
    """Return a function that fits a small scenario with the sources that it is given."""
    scenarios = make_workshop(tools=workshop_tables)
    tools = scenarios.get("scenarios", "tools").build()
    workshop.use(registry_of(scenarios={"tools": lambda: tools}, candidate_generators=SOURCES))
    frames = workshop_tables(0)
    frames.items.to_csv(tmp_path / "items.csv", index=False)
    frames.events.to_csv(tmp_path / "events.csv", index=False)
    files = ("--items", tmp_path / "items.csv", "--events", tmp_path / "events.csv")
    done = workshop("ingest", "tools", *files, "-w", tmp_path / "ws")
    assert done.exit_code == 0, done.output

    own = tmp_path / "own.toml"

    def fit(*options, sources=("cheap",), thorough=()):
        tables = [f'{{ name = "{name}", effort = "quick" }}' for name in sources]
        tables += [f'{{ name = "{name}", effort = "thorough" }}' for name in thorough]
        own.write_text(f"sources = [{', '.join(tables)}]\n")
        return workshop("fit", "tools", "--pipeline", own, "-w", tmp_path / "ws", *options)

    def evaluate(*options):
        return workshop("evaluate", "tools", "--pipeline", own, "-w", tmp_path / "ws", *options)

    fit.evaluate = evaluate
    fit.workspace = tmp_path / "ws"
    yield fit
    workshop.use(scenarios)


def words(line):
    return " ".join(line.split())


def test_the_plan_comes_first_on_stderr(shop):
    done = shop("--memory", "4GiB", sources=("cheap", "together"))
    assert done.exit_code == 0, done.output
    lines = [words(line) for line in done.stderr.splitlines()]
    assert lines[0] == "tools: plan of a standard fit, with up to 4 GiB of memory"
    assert lines[1] == "PART ABOUT MEMORY"
    assert lines[2] == "cheap 2.0 s 3 MiB"
    assert lines[3] == "together no estimate"
    assert lines[4].startswith("choosing the ranker under 0.1 s")
    assert lines[5] == "total 2.0 s 3 MiB"
    assert done.stdout.startswith("tools: fitted on 200 events")


def test_the_plan_alone_does_nothing(shop):
    done = shop("--plan", "--memory", "4GiB", sources=("slow", "heavy", "cheap"))
    assert done.exit_code == 0, done.output
    assert "heavy" in done.stdout
    assert "left out: it needs about 9.2 GiB and 4 GiB are allowed (--memory)" in done.stdout
    assert "fitted" not in done.stdout
    assert not list((shop.workspace / "artifacts").iterdir())
    assert list((shop.workspace / "cache").iterdir()) == []


def test_the_plan_waits_for_no_lock(shop):
    with Workspace.open(shop.workspace).writing():
        assert shop("--plan", "--wait", "0").exit_code == 0


def test_the_plan_alone_as_json(shop):
    done = shop("--plan", "--json", "--budget", "quick", sources=("works", "cheap"))
    content = json.loads(done.stdout)
    assert content["scenario"] == "tools"
    assert content["plan"]["effort"] == "quick"
    assert [part["name"] for part in content["plan"]["parts"]] == [
        "works",
        "cheap",
        "choosing the ranker",
    ]
    assert content["notes"] == []


def test_what_needs_too_much_memory_is_left_out_and_named(shop):
    done = shop("--json", "--memory", "4GiB", sources=("heavy", "cheap"))
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    why = "it needs about 9.2 GiB and 4 GiB are allowed (--memory)"
    assert report["notes"] == [f"heavy is left out: {why}"]
    assert list(report["fit_seconds"]) == ["cheap"]
    assert report["plan"]["parts"][0]["left_out"] == why
    assert report["plan"]["memory_limit"] == 4 * GIB
    shown = shop("--memory", "4GiB", sources=("heavy", "cheap"))
    assert f"note: heavy is left out: {why}" in shown.stdout


def test_what_takes_too_long_is_left_out_of_a_budget_of_minutes(shop):
    done = shop("--json", "--budget", "0.5", sources=("slow", "cheap"))
    report = json.loads(done.stdout)
    assert report["plan"]["effort"] == "quick"
    assert report["notes"] == [
        "slow is left out: it takes about 40 s and 30 s are allowed in all (--budget 0.5m)"
    ]
    assert json.loads(shop("--json", sources=("cheap",)).stdout)["notes"] == []


@pytest.mark.parametrize(
    ("budget", "added"), [("quick", 1), ("standard", 2), ("thorough", 3), ("5", 2), ("60m", 3)]
)
def test_sources_are_fitted_with_the_effort_of_the_plan(shop, budget, added):
    from crossrec.pipeline.engine import Engine

    done = shop("--json", "--budget", budget, sources=("works",))
    assert done.exit_code == 0, done.output
    source = Engine.open(shop.workspace).pipeline("tools").sources["works"]
    plain = Popular()
    plain.fit(Engine.open(shop.workspace).workspace.dataset(workshop_scenario()), None)
    assert (source.counts - plain.counts == added).all()


def workshop_scenario():
    from crossrec.plugins.registry import load_registry

    return load_registry().scenario("tools")


def test_a_source_that_wants_more_effort_is_left_out_and_named(shop):
    done = shop("--json", "--memory", "4GiB", thorough=("heavy", "works"))
    report = json.loads(done.stdout)
    why = "a standard fit does not try it (--budget thorough does)"
    assert report["notes"] == [f"heavy is left out: {why}", f"works is left out: {why}"]
    assert list(report["fit_seconds"]) == ["cheap"]
    assert report["plan"]["seconds"] < 10  # what is left out costs nothing


@pytest.mark.parametrize(
    ("budget", "fitted"),
    [("quick", ["cheap"]), ("thorough", ["cheap", "works"]), ("5", ["cheap"]), ("99m", None)],
)
def test_a_thorough_fit_tries_what_others_leave_out(shop, budget, fitted):
    done = shop("--json", "--budget", budget, thorough=("works",))
    assert done.exit_code == 0, done.output
    assert list(json.loads(done.stdout)["fit_seconds"]) == (fitted or ["cheap", "works"])


def test_an_evaluation_tries_what_a_fit_of_its_effort_does(shop):
    shop("--plan", thorough=("works",))
    options = ("--json", "--protocol", "leave-one-out")
    for effort, more in (("standard", set()), ("thorough", {"works"})):
        done = shop.evaluate(*options, "--budget", effort)
        assert done.exit_code == 0, done.output
        models = {one["model"] for one in json.loads(done.stdout)["results"]}
        assert models == {"cheap", "pipeline", "popularity", "repeat-last"} | more


def test_sources_that_all_want_more_effort_are_one_line(shop):
    for done in (shop(sources=(), thorough=("cheap",)), shop.evaluate()):
        assert done.exit_code == 2
        assert done.stderr.splitlines()[-1] == (
            "Error: every source wants more effort than standard: use --budget thorough, or lower "
            "`effort` in the pipeline file"
        )


def test_the_artifact_of_a_reduced_pipeline_serves(shop, workshop):
    shop("--memory", "4GiB", sources=("heavy", "cheap"))
    done = workshop("recommend", "tools", "--user", "u1", "-w", shop.workspace)
    assert done.exit_code == 0, done.output
    assert "heavy" not in workshop("pipeline", "show", "tools", "-w", shop.workspace).stdout


@pytest.mark.parametrize("source", ["nonsense", "raises"])
def test_an_estimate_that_is_none_stops_nothing(shop, source):
    done = shop("--budget", "quick", sources=(source, "cheap"))
    assert done.exit_code == 0, done.output
    assert f"{source} no estimate" in [words(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--budget", "fast"), "quick, standard, thorough or a number of minutes"),
        (("--budget", "0"), "quick, standard, thorough or a number of minutes"),
        (("--memory", "4"), "such as 4GiB"),
        (("--memory", "lots"), "such as 4GiB"),
    ],
)
def test_a_bad_limit_is_one_line_and_changes_nothing(shop, options, says):
    done = shop(*options)
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list((shop.workspace / "artifacts").iterdir())


def test_memory_for_no_source_is_one_line(shop):
    done = shop("--memory", "1KiB")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert "cheap needs the least, about 3 MiB: raise --memory" in line
