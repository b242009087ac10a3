"""What the rules of a surface read of users, and how many of them have it."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec import Engine
from crossrec.expressions import parse_expression
from crossrec.ingest import ingest_files
from crossrec.pipeline.health import examine_scenario


class OfAge:
    """Drops everything for those who are not of age."""

    able = frozenset({"reads"})

    def reads(self, items):
        return ("age", "country")

    def apply(self, ranked, context):
        young = int(context.user.profile.get("age", 99)) < 18
        return ranked.without(np.full(len(ranked), young), "too_young") if young else ranked


@pytest.fixture
def examined(workspace, engine_registry, make_registry, tmp_path):
    """Fit a pipeline with a file, and examine it with these users."""

    def examine(text, users):
        registry = make_registry(
            scenarios={"red": lambda: engine_registry.scenario("red")}, policies={"age": OfAge}
        )
        path = tmp_path / "own.toml"
        path.write_text(text)
        table = tmp_path / "users.csv"
        table.write_text("\n".join(users) + "\n")
        ingest_files(workspace, registry.scenario("red"), users=table)
        engine = Engine(workspace, registry, background=False)
        engine.fit("red", pipeline_file=path)
        return {one.name: one for one in examine_scenario(engine, "red").surfaces}

    return examine


USERS = ["user_id,age,country,plan", "u1,30,DE,", "u2,12,,", "u3,,,plus", "late,,,"]


def test_rules_and_how_many_users_have_what_they_read(examined):
    found = examined(
        'policies = ["age"]\nfilter = "title <> user.country"\n'
        "[surfaces.shelf]\npolicies = []\nboost = \"CASE WHEN user.plan = 'plus' THEN 2 ELSE 1 "
        'END"\n',
        USERS,
    )
    assert found["home"].user_fields == {"country": 1, "age": 2}
    assert found["shelf"].user_fields == {"country": 1, "plan": 1}
    assert found["like-this"].user_fields == {"country": 1, "age": 2}


def test_a_field_that_nobody_has_is_named_too(examined):
    found = examined("filter = \"user.cuontry IS NULL OR title = 'x'\"\n", USERS)
    assert found["home"].user_fields == {"cuontry": 0}


def test_without_such_rules_there_is_nothing_to_say(examined):
    found = examined('filter = "title <> context.title"\n', USERS)
    assert all(one.user_fields == {} for one in found.values())


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("price < 20", ()),
        ("price < user.budget", ("budget",)),
        ("user.a = 'x' OR user.b = 'y' AND NOT user.a = 'z'", ("a", "b")),
        ("context.a = 'x' AND history.b = 'y'", ()),
        (
            "CASE WHEN user.plan = 'plus' THEN 2 ELSE coalesce(user.weight, 1) END",
            ("plan", "weight"),
        ),
        ("genres IN user.favourite_genres", ("favourite_genres",)),
    ],
)
def test_an_expression_names_the_fields_of_users_that_it_reads(text, fields):
    assert parse_expression(text).user_fields == fields
