"""``crossrec evaluate --surface`` from files to figures, through a real store and fit."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.plugins import registry as registry_module
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing.toy_sources import Popular, Together, registry_of

PIPELINE = """
sources = [{name = "together"}, {name = "popular"}]

[surfaces.like_this]
sources = ["together"]
fallback = []

[surfaces.on_sale]
filter = "price < original_price"
"""

FIELDS = {"title": "text", "price": "number", "original_price": "number"}


def kiosk() -> Scenario:
    return Scenario(
        name="kiosk",
        summary="papers",
        events=(EventType("read", consumes="hard"),),
        items=ItemSchema(
            (
                ItemField("title"),
                ItemField("price", "number"),
                ItemField("original_price", "number"),
            ),
            "{title}",
        ),
        surfaces=(Surface("home"), Surface("like_this", "item"), Surface("on_sale")),
        pipeline="measured_kiosk:pipeline.toml",
        default_event="read",
        main_surface="home",
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Call the command on a kiosk of two colours: who reads an even paper reads even ones."""
    folder = tmp_path_factory.mktemp("kiosk")
    resources = folder / "measured_kiosk"
    resources.mkdir()
    (resources / "__init__.py").touch()
    (resources / "pipeline.toml").write_text(PIPELINE)
    lines = ["user_id,item_id,time"]
    for step in range(10):
        for user in range(40):
            item = (2 * (3 * user + step) + user % 2) % 40
            lines.append(f"u{user},i{item},{1_700_000_000 + 7200 * step + user}")
    (folder / "events.csv").write_text("\n".join(lines) + "\n")
    sources = {"together": Together, "popular": Popular}
    registry = registry_of(scenarios={"kiosk": kiosk}, candidate_generators=sources)

    def call(*arguments: str, workspace: Path = folder / "ws"):
        return CliRunner().invoke(main, [*arguments, "-w", str(workspace)], prog_name="crossrec")

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(registry_module, "load_registry", lambda **options: registry)
        done = call("ingest", "kiosk", "--events", str(folder / "events.csv"))
        assert done.exit_code == 0, done.output
        yield lambda *more: call("evaluate", "kiosk", *more)
    sys.modules.pop("measured_kiosk", None)


def test_all_surfaces_or_why_there_are_no_figures(run):
    done = run("--surface", "all", "--json", "--users", "30")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["scenario"], report["protocol"], report["users"]) == ("kiosk", "temporal", 30)
    found = {one["surface"]: one for one in report["surfaces"]}
    assert list(found) == ["home", "like_this", "on_sale"]
    rows = {row["model"]: row["metrics"] for row in found["home"]["report"]["results"]}
    assert list(rows) == ["home", "popularity", "same people"]
    # Ten of the twenty papers of a colour are left, and ten are shown.
    assert rows["home"]["recall@10"] > 0.8 > rows["popularity"]["recall@10"]
    assert "do not meet the filter" in found["on_sale"]["reason"] or (
        "lack what the filter reads" in found["on_sale"]["reason"]
    )
    assert found["like_this"]["report"] is None, "nobody reads two papers on the last evening"
    assert "no test user" in found["like_this"]["reason"]


def test_a_table_for_people(run):
    done = run("--surface", "home, on_sale")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("kiosk: surfaces, temporal, 40 test users")
    assert lines[1].split()[:3] == ["SURFACE", "MODEL", "QUERIES"]
    assert lines[2].split()[:3] == ["home", "(user)", "40"]
    assert [line.split("  ")[0] for line in lines if line.startswith("on_sale")]
    assert "home: what a user takes after the cut" in lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--surface", "shelf"), "no surface 'shelf': it has home, like_this, on_sale"),
        (("--surface", " ,"), "--surface needs at least one name"),
        (("--surface", "home", "--folds", "3"), "--folds is about models"),
        (("--surface", "home", "--models", "popular"), "--models is about models"),
        (("--surface", "home", "--users", "0"), "must be 1 or more"),
        (("--surface", "home", "--task", "rating"), "--surface is about ranking"),
    ],
)
def test_bad_calls_get_one_clear_line(run, arguments, words):
    done = run(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
