"""``crossrec demo`` over small scenarios: what it prints and keeps, and which of them fail."""

import json

import numpy as np
import pytest
from crossrec.cli.demo import _typical_user
from crossrec.ingest.frames import Frames


def broken(seed):
    raise OSError("the sample is missing")


@pytest.fixture
def demo(workshop, make_workshop, workshop_tables):
    def demo(*options, **demos):
        workshop.use(make_workshop(**(demos or {"tools": workshop_tables})))
        return workshop("demo", *options)

    yield demo
    workshop.use(make_workshop(tools=workshop_tables))


def test_it_prints_recommendations_with_reasons_and_a_table_of_metrics(demo):
    done = demo()
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "tools: generated tools (40 users, 12 items, 200 events)" in lines
    at = next(i for i, line in enumerate(lines) if line.startswith("5 recommendations for user u"))
    assert lines[at + 1].split() == ["#", "TITLE", "WHY"]
    for place, line in enumerate(lines[at + 2 : at + 7], 1):
        assert line.startswith(f"{place}  tool no. ")
        assert len(line.split("  ")) >= 3
    at = next(i for i, line in enumerate(lines) if line.startswith("SCENARIO"))
    assert lines[at].split() == ["SCENARIO", "MODEL", "RECALL@10", "NDCG@10"]
    models = [line.split()[1] for line in lines[at + 1 :] if line]
    assert models == ["together", "counts", "pipeline", "popularity", "repeat-last"]
    assert "workspace is kept" not in done.stdout


def test_json_is_one_entry_a_scenario(demo):
    done = demo("--json")
    assert done.exit_code == 0, done.output
    (one,) = json.loads(done.stdout)
    assert set(one) == {"scenario", "data", "recommendations", "evaluation"}
    assert one["scenario"] == one["recommendations"]["scenario"] == "tools"
    assert len(one["recommendations"]["items"]) == 5
    assert all(item["reasons"] for item in one["recommendations"]["items"])
    found = {row["model"]: row["metrics"] for row in one["evaluation"]["results"]}
    assert found["together"]["recall@10"] >= found["popularity"]["recall@10"]
    assert one["evaluation"]["protocol"] == "temporal"


def test_the_same_seed_shows_the_same(demo):
    def shown(*options):
        (one,) = json.loads(demo("--json", *options).stdout)
        return [item["item_id"] for item in one["recommendations"]["items"]], [
            row["metrics"] for row in one["evaluation"]["results"]
        ]

    assert shown() == shown("--seed", "0")
    assert shown() != shown("--seed", "1")


def test_a_kept_workspace_answers_the_call_that_is_shown(demo, workshop, tmp_path):
    where = tmp_path / "a b"
    done = demo("--into", str(where))
    assert done.exit_code == 0, done.output
    call = done.stdout.strip().splitlines()[-1].removeprefix("The workspace is kept: ")
    import shlex

    words = shlex.split(call)
    assert words[:3] == ["crossrec", "recommend", "tools"]
    answer = workshop(*words[1:])
    assert answer.exit_code == 0, answer.output
    assert "TITLE" in answer.stdout


def test_scenarios_come_in_the_order_of_the_tour_then_others(demo, workshop_tables):
    done = demo("--json", zoo=workshop_tables, music=workshop_tables, ecommerce=workshop_tables)
    assert [one["scenario"] for one in json.loads(done.stdout)] == ["ecommerce", "music", "zoo"]


def test_scenarios_without_demo_data_are_left_out(demo, workshop_tables):
    done = demo("--json", tools=workshop_tables, bare=None)
    assert [one["scenario"] for one in json.loads(done.stdout)] == ["tools"]


def test_the_error_without_any_scenario_names_what_to_install(demo):
    done = demo(bare=None)
    assert done.exit_code == 1
    assert "run `crossrec install crossrec-ecommerce`" in done.stderr


def dislikes(tables):
    return lambda seed: tables(seed, positive=False)


@pytest.mark.parametrize("as_json", [True, False])
def test_one_broken_scenario_does_not_hide_the_others(demo, workshop_tables, as_json):
    options = ("--json",) if as_json else ()
    done = demo(*options, ecommerce=broken, tools=workshop_tables)
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: the demo failed in 1 scenario(s): ecommerce: OSError: the sample is missing\n"
    )
    if as_json:
        assert [one["scenario"] for one in json.loads(done.stdout)] == ["tools"]
    else:
        assert "tools: generated tools" in done.stdout


def test_data_without_positive_events_are_reported(demo, workshop_tables):
    done = demo(
        tools=dislikes(workshop_tables),
        empty=lambda seed: Frames(items=workshop_tables(0).items, note="no events"),
    )
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "the demo failed in 2 scenario(s)" in done.stderr
    assert done.stderr.count("hold no positive event") == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("lengths", "user"),
    [([0, 0, 7, 5, 6], 4), ([3], 0), ([0, 4], 1), ([1, 2, 2], 2), ([9, 5, 5, 5, 5], 3)],
)
def test_a_typical_user_has_a_history_of_the_usual_length(lengths, user):
    assert _typical_user(np.array(lengths)) == user
