"""The planner is a pure function: estimates in, a plan out."""

from dataclasses import replace

import pytest
from crossrec.components.cost import Cost
from crossrec.errors import CapacityError
from crossrec.pipeline.budget import parse_budget
from crossrec.pipeline.plan import ENCODING_SECONDS, MARGIN, PlannedPart, make_plan
from hypothesis import given
from hypothesis import strategies as st

GIB = 2**30


def part(label, seconds, memory=0, kind="source", **shared):
    return PlannedPart(label, kind, Cost(seconds, memory, shared), {f"fitting {label}": seconds})


def planned(parts, budget="standard", memory=4 * GIB, surfaces=()):
    return make_plan(lambda effort: parts, parse_budget(budget), memory, surfaces)


def names(parts):
    return [one.label for one in parts]


def test_without_a_limit_of_time_everything_stays():
    parts = [part("ease", 1e6), part("popularity", 1)]
    for budget in ("standard", "thorough"):
        plan = planned(parts, budget)
        assert names(plan.kept) == ["ease", "popularity"]
        assert plan.effort == budget
        assert plan.total.total == 1e6 + 1
        assert plan.notes == []


def test_a_standard_fit_encodes_for_some_minutes_at_most():
    slow = part("transformer", ENCODING_SECONDS + 60, kind="encoder")
    source = part("popularity", 1)
    plan = planned([slow, source])
    assert names(plan.kept) == ["popularity"]
    assert plan.notes == [
        "encoder transformer is left out: it takes about 11 min and a standard fit encodes for "
        "10 min at most (--budget thorough encodes everything, and later fits find it in the "
        "cache): texts are compared by their words alone"
    ]
    assert names(planned([slow, source], "thorough").kept) == ["transformer", "popularity"]
    assert names(planned([slow, source], "60").kept) == ["transformer", "popularity"]
    soon = part("transformer", ENCODING_SECONDS, kind="encoder")
    assert names(planned([soon, source]).kept) == ["transformer", "popularity"]


def test_what_alone_needs_too_much_memory_is_left_out_and_named():
    plan = planned([part("ease", 1, int(9.2 * GIB)), part("popularity", 1, 100)])
    assert plan.notes == [
        "ease is left out: it needs about 9.2 GiB and 4 GiB are allowed (--memory)"
    ]
    assert plan.total.memory == 100


def test_memory_that_allows_no_source_is_an_error_that_names_the_least():
    with pytest.raises(CapacityError, match="4 GiB .* none .* knn needs the least, about 5 GiB"):
        planned([part("ease", 1, 9 * GIB), part("knn", 1, 5 * GIB)])


def test_quick_leaves_out_the_dearest_until_the_rest_fits():
    parts = [part("a", 30), part("b", 50), part("c", 10), part("rest", 5, kind="rest")]
    plan = planned(parts, "quick")
    assert plan.effort == "quick"
    assert names(plan.left_out) == ["b"]
    assert plan.notes == [
        "b is left out: it takes about 50 s and 60 s are allowed in all (--budget quick)"
    ]


def test_the_encoder_is_left_out_where_it_is_the_dearest():
    plan = planned([part("texts", 300, kind="encoder"), part("content", 5)], "quick")
    assert names(plan.kept) == ["content"]
    assert plan.notes == [
        "encoder texts is left out: it takes about 5 min and 60 s are allowed in all "
        "(--budget quick): texts are compared by their words alone"
    ]


def test_the_last_source_stays_whatever_it_takes():
    plan = planned([part("texts", 100, kind="encoder"), part("a", 500), part("b", 400)], "quick")
    assert names(plan.kept) == ["b"]


def test_the_only_source_of_a_surface_is_needed():
    parts = [part("similar", 100), part("a", 50), part("b", 10)]
    plan = planned(parts, "quick", surfaces=[("similar",), ("a", "b")])
    assert names(plan.kept) == ["similar", "b"]


def test_a_source_that_leads_is_left_out_only_where_it_cannot_fit():
    def leader(seconds):
        return replace(part("leader", seconds), leads=True)

    others = [part("a", 20), part("b", 10), part("rest", 5, kind="rest")]
    assert names(planned([leader(30), *others], "quick").kept) == ["leader", "b", "rest"]
    assert names(planned([leader(39), *others], "quick").kept) == ["leader", "rest"]
    assert names(planned([leader(41), *others], "quick").kept) == ["a", "b", "rest"]


def test_what_has_no_estimate_stays_and_counts_nothing():
    plan = planned([PlannedPart("foreign", "source"), part("a", 100), part("b", 10)], "quick")
    assert names(plan.kept) == ["foreign", "b"]
    assert plan.to_dict()["parts"][0] == {
        "name": "foreign",
        "kind": "source",
        "seconds": None,
        "memory": None,
        "left_out": None,
        "why": None,
    }


def test_minutes_take_the_highest_effort_that_fits():
    seconds = {"thorough": 400.0, "standard": 200.0, "quick": 20.0}

    def parts_at(effort):
        return [part("a", seconds[effort]), part("b", 1)]

    efforts = {m: make_plan(parts_at, parse_budget(m), GIB).effort for m in ("1", "5", "9")}
    assert efforts == {"1": "quick", "5": "standard", "9": "thorough"}


def test_minutes_leave_out_the_dearest_where_no_effort_fits():
    plan = planned([part("a", 100), part("b", 10)], "1m")
    assert plan.effort == "quick"
    assert plan.notes == [
        "a is left out: it takes about 1 min 40 s and 60 s are allowed in all (--budget 1m)"
    ]


def test_shared_work_counts_once_and_where_it_is_first_needed():
    parts = [part("content", 1, texts=20.0), part("graph", 2, texts=20.0, solve=5.0)]
    plan = planned(parts)
    assert plan.total.total == 28
    assert plan.seconds == [21, 7]
    assert plan.stages == {"fitting content": 21, "fitting graph": 7}


def test_leaving_out_one_of_two_that_share_saves_only_its_own_work():
    parts = [part("content", 1, texts=40.0), part("graph", 2, texts=40.0), part("ease", 30)]
    assert names(planned(parts, "quick").kept) == ["content", "graph"]


def test_json_has_everything():
    plan = planned([part("a", 1.23456, 10), part("big", 1, 5 * GIB)], "5m")
    assert plan.to_dict() == {
        "budget": "5m",
        "effort": "thorough",
        "seconds": 1.23,
        "seconds_limit": 300.0,
        "memory": 10,
        "memory_limit": 4 * GIB,
        "parts": [
            {
                "name": "a",
                "kind": "source",
                "seconds": 1.23,
                "memory": 10,
                "left_out": None,
                "why": None,
            },
            {
                "name": "big",
                "kind": "source",
                "seconds": 1,
                "memory": 5 * GIB,
                "left_out": "it needs about 5 GiB and 4 GiB are allowed (--memory)",
                "why": None,
            },
        ],
    }


COSTS = st.lists(
    st.tuples(st.floats(0, 200), st.integers(0, 8 * GIB), st.floats(0, 30)), min_size=1, max_size=7
)


@given(COSTS, st.sampled_from(["quick", "1m", "3m", "standard"]))
def test_a_plan_keeps_within_its_limits_or_keeps_one_source(costs, budget):
    parts = [part(f"s{i}", s, m, texts=shared) for i, (s, m, shared) in enumerate(costs)]
    try:
        plan = planned(parts, budget)
    except CapacityError:
        assert all(memory > 4 * GIB for _, memory, _ in costs)
        return
    assert plan.kept
    assert names(plan.parts) == names(parts)
    assert plan.total.memory <= plan.memory_limit
    limit = plan.budget.seconds
    assert limit is None or len(plan.kept) == 1 or plan.total.total <= MARGIN * limit
    assert sum(plan.stages.values()) == pytest.approx(plan.total.total)
