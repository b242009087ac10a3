"""Shared policies from the command line: named in a pipeline file, changed for one request."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec import Engine
from crossrec.cli import main
from crossrec.errors import ConfigError, UsageError

PIPELINE = """
encoder = "tfidf-svd"
policies = [
    "availability",
    "rights",
    "rotation",
    { name = "recency_decay", settings = { half_life_days = 10000 } },
    { name = "mmr", settings = { relevance = 1 } },
    { name = "attribute_cap", settings = { most = 2 } },
    { name = "attribute_cap", settings = { field = "categories", most = 5 } },
]

[[sources]]
name = "content"
settings = { text = { encoder = "tfidf-svd" } }

[[sources]]
name = "popularity"
"""
NOW = 1_700_000_000


def write_films(folder: Path) -> None:
    """Sixty films: every second one of one director, every tenth rated R; users like one half."""
    rng = np.random.default_rng(0)
    words = ("harbour night", "desert morning")
    items = ["item_id,title,categories,director,rated,country_rights,available_at"]
    for at in range(60):
        director = "Hitch" if at % 2 else f"D{at % 13}"
        rated = "R" if at % 10 == 0 else "PG"
        rights = "US" if at == 1 else ""
        row = (f"f{at}", f"{words[at % 2]} part {at}", f"g{at % 3}", director, rated, rights)
        items.append(",".join([*row, str(NOW - 86400 * at)]))
    events = ["user_id,item_id,event_type,time,value"]
    for step, user in enumerate(rng.permutation(np.repeat(np.arange(80), 5))):
        item = 2 * rng.integers(0, 30) + 1 - user % 2
        events.append(f"u{user},f{item},click,{NOW - 86400 + step},1")
    users = ["user_id,maturity_limit,country", "u0,PG,DE", "u1,R,US"]
    for name, lines in (("items", items), ("events", events), ("users", users)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "pipeline.toml").write_text(PIPELINE, encoding="utf-8")


def call(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + result.stderr
    return result.stdout if not code else result.stderr


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    write_films(folder)
    files = [f"--{name}={folder / name}.csv" for name in ("items", "events", "users")]
    call("ingest", "video", *files, "-w", folder / "ws")
    call("fit", "video", "--pipeline", folder / "pipeline.toml", "-w", folder / "ws")
    return folder / "ws"


@pytest.fixture(scope="module")
def engine(films: Path) -> Engine:
    return Engine.open(films)


def directors(answer: Any, engine: Engine) -> Counter[str]:
    catalog = engine.pipeline("video").catalog
    return Counter(catalog.creators[item.index] for item in answer.items)


def test_the_file_names_them_and_the_answer_obeys(engine: Engine) -> None:
    slate = engine.recommend("video", "u0", now=NOW)
    assert len(slate.items) == 10
    assert not slate.degraded
    assert max(directors(slate, engine).values()) <= 2
    catalog = engine.pipeline("video").catalog
    genres = Counter(name for one in slate.items for name in catalog.categories[one.index])
    assert max(genres.values()) <= 5
    codes = {(change.policy, change.code) for change in slate.changes}
    assert ("rights", "above_maturity_limit") in codes
    assert ("rights", "no_rights") in codes
    assert ("attribute_cap", "too_many_alike") in codes
    assert all(int(one.item_id[1:]) % 10 for one in slate.items), "R for a limit of PG"


def test_the_vectors_of_a_source_reach_the_policies(engine: Engine) -> None:
    pipeline = engine.pipeline("video")
    rows = pipeline.item_vectors
    assert rows is not None
    assert rows.shape[0] == 60
    free: dict[str, Any] = {"attribute_cap": None, "attribute_cap #2": None}
    plain = engine.recommend("video", "u0", now=NOW, policies=free)
    free["mmr"] = {"relevance": 0.2}
    various = engine.recommend("video", "u0", now=NOW, policies=free)
    of = [np.array([one.index for one in slate.items]) for slate in (plain, various)]
    alike = [float((rows[index] @ rows[index].T).mean()) for index in of]
    assert alike[1] < alike[0]
    assert "more_various" in {change.code for change in various.changes}


def test_one_request_changes_settings_and_leaves_out(engine: Engine) -> None:
    many = engine.recommend("video", "u0", now=NOW, policies={"attribute_cap": None})
    assert max(directors(many, engine).values()) > 2
    one = engine.recommend("video", "u0", now=NOW, policies={"attribute_cap": {"most": 1}})
    assert max(directors(one, engine).values()) == 1
    again = engine.recommend("video", "u0", now=NOW)
    assert max(directors(again, engine).values()) == 2, "the next request has the file's settings"


def test_a_wrong_change_is_an_error_that_says_what_there_is(engine: Engine) -> None:
    with pytest.raises(UsageError, match=r"no policy 'dpp': it has availability, rights, .*file"):
        engine.recommend("video", "u0", policies={"dpp": {"theta": 0.5}})
    with pytest.raises(ConfigError, match="attribute_cap has no setting 'least'"):
        engine.recommend("video", "u0", policies={"attribute_cap": {"least": 1}})


def test_the_log_tells_requests_with_other_settings_apart(films: Path) -> None:
    with Engine.open(films, log=True) as engine:
        engine.recommend("video", "u3")
        engine.recommend("video", "u3", policies={"mmr": {"relevance": 0.5}})
        engine.recommend("video", "u3")
        hashes = [decision.policies for decision in engine.decisions("video", user_id="u3")]
        assert hashes[0] == hashes[2] != hashes[1]
        slate = engine.recommend("video", "u3", policies={"rotation": {"rotation_rate": 1}})
    assert "shown_lately" in {change.code for change in slate.changes}


def test_from_the_command_line(films: Path) -> None:
    def listed(*options: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            call("recommend", "video", "--user", "u0", "--json", "-w", films, *options)
        )
        return found

    plain = listed()
    dropped = {c["item_id"]: c["why"] for c in plain["changes"] if c["action"] == "dropped"}
    assert dropped["f1"] == "no rights in DE"
    assert dropped["f10"].startswith("age rating 17, above the limit of")
    off = listed("--policy", "rights=off", "--policy", "attribute_cap.most=1")
    assert not [c for c in off["changes"] if c["policy"] == "rights"]
    assert len(off["items"]) == 10
    by_genre = listed(
        "--policy", "attribute_cap.field=categories", "--policy", "attribute_cap.most=1"
    )
    first = [c for c in by_genre["changes"] if c["policy"] == "attribute_cap"]
    assert {c["values"]["field"] for c in first} == {"categories"}


def test_why_not(films: Path, engine: Engine) -> None:
    def said(item: str, *options: str) -> str:
        return call("why-not", "video", "--item", item, "--user", "u0", "-w", films, *options)

    shown = engine.recommend("video", "u0").item_ids
    assert "it is shown, at place 2" in said(shown[1])
    assert "the policy rights dropped it: no rights in DE" in said("f1")
    found = json.loads(said("f10", "--json"))
    assert found["outcome"] == "dropped"
    assert set(found["sources"]) == {"content", "popularity"}
    assert found["changes"][0]["policy"] == "rights"
    without = said("f1", "--policy", "rights=off")
    assert "no rights" not in without, "what would become of it without the rule"
    late = next(f"f{at}" for at in range(2, 60) if at % 10 and f"f{at}" not in shown)
    outranked = said(late)
    assert "are shown" in outranked or "consumed" in outranked
    assert "is not in the fitted catalog" in call(
        "why-not", "video", "--item", "gone", "--user", "u0", "-w", films, code=2
    )


def test_why_not_in_python_takes_what_recommend_takes(engine: Engine) -> None:
    slate = engine.recommend("video", item_ids=("f3",), k=4)
    about = engine.why_not("video", "f3", item_ids=("f3",), k=4)
    assert (about.outcome, about.why) == ("excluded", "the list is about it")
    assert about.surface == slate.surface
    again = engine.why_not("video", slate.item_ids[3], item_ids=("f3",), k=4)
    assert again.place == 4


@pytest.mark.parametrize("option", ["mmr", "mmr.relevance", "mmr=on", ".most=1", "=1"])
def test_what_cannot_be_understood_is_an_error_of_usage(films: Path, option: str) -> None:
    said = call("recommend", "video", "--user", "u0", "-w", films, "--policy", option, code=2)
    assert "write NAME.KEY=VALUE, or NAME=off" in said
