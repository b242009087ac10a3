"""``crossrec rate`` and ``evaluate --task rating`` with a small rater, from files to lines."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.components.candidates import PAD
from crossrec.components.state import State
from crossrec.plugins import registry as registry_module
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface
from crossrec.testing.toy_sources import Popular, registry_of

HEADER = "user_id,item_id,event,time,value,comment"


class Means:
    """The mean rating of each item."""

    able = frozenset({"rate", "forget"})
    columns = ("mean",)

    def fit(self, dataset, run):
        rows = dataset.ratings
        total = np.bincount(rows.items, rows.ratings, minlength=dataset.n_items)
        self.means = total / np.maximum(np.bincount(rows.items, minlength=dataset.n_items), 1)

    def compute(self, queries, index, items):
        return self.rate(queries, index)[..., None]

    def rate(self, queries, index):
        found = self.means[np.maximum(index, 0)]
        return np.where(index == PAD, np.nan, found).astype(np.float32)

    def rate_texts(self, queries, vectors):
        return np.full((len(queries), len(vectors)), 3.0, dtype=np.float32)

    def forget(self, change):
        pass

    def state(self):
        return State({"means": self.means})

    def restore(self, state, catalog):
        self.means = state.arrays["means"]


class Initials:
    """Whether a text begins with a letter of the first half of the alphabet."""

    def encode(self, catalog, run):
        first = np.array([text[:1].lower() < "n" for text in catalog.texts], dtype=np.float32)
        return np.stack([first, 1 - first], axis=1)


def shop() -> Scenario:
    return Scenario(
        "shop", "books",
        (EventType("buy"), EventType("stars", value="rating", value_range=(0, 10))),
        ItemSchema((ItemField("title"),), "{title}"), (Surface("home"),),
        "rate_resources:pipeline.toml", "buy", "home",
    )  # fmt: skip


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Return a caller of the command line, with a workspace ``ws`` that is ingested and fitted."""
    folder = tmp_path_factory.mktemp("rate")
    package = folder / "rate_resources"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pipeline.toml").write_text('encoder = "initials"\nsources = [{name = "popular"}]\n')
    (folder / "rating.toml").write_text('features = ["means"]\n')
    registry = registry_of(
        scenarios={"shop": shop},
        candidate_generators={"popular": Popular},
        encoders={"initials": Initials},
        features={"means": Means},
    )
    rows = [
        f"u{user},b{book},stars,{1000 + 100 * step + user},{2 * book},said"
        for user in range(20)
        for step in range(4)
        for book in [(user + step) % 5]
    ]
    (folder / "events.csv").write_text("\n".join([HEADER, *rows, ""]))
    items = [f"b{at},{title}" for at, title in enumerate(("Ada", "Bob", "Cid", "Dee", "Eva"))]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items, ""]))

    def called(*words: str, where: str = "ws"):
        return CliRunner().invoke(main, [*map(str, words), "-w", str(folder / where)])

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        # below `load_registry`, which modules have by name from their first import on
        patch.setattr(registry_module, "_registry", lambda subset, strict: registry)
        files = ("--items", folder / "items.csv", "--events", folder / "events.csv")
        for where in ("ws", "plain"):
            assert called("ingest", "shop", *files, where=where).exit_code == 0
        fitted = called("fit", "shop", "--pipeline", folder / "rating.toml")
        assert fitted.exit_code == 0, fitted.output
        assert called("fit", "shop", where="plain").exit_code == 0
        yield called
    sys.modules.pop("rate_resources", None)


def complaint(done, code: int) -> str:
    assert done.exit_code == code, done.output
    (line,) = done.stderr.strip().splitlines()
    return str(line)


def test_the_table_has_ratings_ids_and_titles(call) -> None:
    done = call("rate", "shop", "--user", "u1", "--item", "b3", "--item", "b0", "--text", "New one")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert lines[0] == ["RATING", "ITEM", "TITLE"]
    assert lines[1] == ["6.00", "b3", "Dee"]
    assert lines[2] == ["0.00", "b0", "Ada"]
    assert lines[3] == ["3.00", "text", "New", "one"]
    assert done.output.splitlines()[-1] == "ratings from 0 to 10; stored history"


def test_json_is_what_the_library_returns(call) -> None:
    done = call("rate", "shop", "--history", "b1,b2", "--item", "b4", "--json")
    assert json.loads(done.stdout) == {
        "scenario": "shop",
        "user_id": None,
        "rater": "means",
        "scale": [0.0, 10.0],
        "unit": "ratings from 0 to 10",
        "path": "given history",
        "ratings": [{"item_id": "b4", "title": "Eva", "rating": 8.0}],
        "notes": [],
    }


def test_a_stranger_gets_a_note(call) -> None:
    done = call("rate", "shop", "--user", "nobody", "--item", "b4")
    assert "note: user 'nobody' is unknown" in done.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("shop",), 2, "name what to rate: --item ID or --text TEXT"),
        (("shop", "--item", "b9"), 2, "item 'b9' is not in the fitted catalog of 'shop'"),
        (("shop", "--text", ""), 2, "the text is empty"),
        (("shed", "--item", "b1"), 2, "shed"),
    ],
)
def test_bad_calls(call, words, code, said) -> None:
    assert said in complaint(call("rate", *words), code)


def test_no_rater_in_the_pipeline(call) -> None:
    line = complaint(call("rate", "shop", "--item", "b1", where="plain"), 1)
    assert 'put features = ["rating"] into a pipeline file' in line
    assert "`crossrec fit shop --pipeline FILE`" in line


def test_installed_raters_are_evaluated_though_the_pipeline_has_none(call) -> None:
    done = call("evaluate", "shop", "--task", "rating", "--json", where="plain")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    rows = {row["model"]: row["metrics"] for row in report["results"]}
    assert rows["means"]["mse"] == pytest.approx(0.0, abs=1e-9)
    assert rows["means (no reviews)"] == rows["means"]
    assert rows["global-mean"]["mse"] > 4.0
    assert report["unit"] == "ratings from 0 to 10"


def test_the_evaluation_in_words(call) -> None:
    done = call("evaluate", "shop", "--task", "rating", "--models", "means,global-mean")
    assert done.exit_code == 0, done.output
    assert "shop: temporal, 8 ratings of 8 users" in done.output
    assert "reviews add nothing that shows to means" in done.output
    assert "matrix-factorisation *" not in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--folds", "3"), "--folds is about ranking: leave it out with --task rating"),
        (("--candidates", "served"), "--candidates is about ranking"),
        (("--no-backbone",), "--no-backbone is about ranking"),
        (("--budget", "standard"), "--budget is about ranking"),
        (("--models", "pipeline"), "no model 'pipeline' here: there are global-mean"),
        (("--models", ","), "--models needs at least one name"),
    ],
)
def test_options_that_say_nothing_about_ratings(call, words, said) -> None:
    assert said in complaint(call("evaluate", "shop", "--task", "rating", *words), 2)


def test_ranking_is_what_it_was(call) -> None:
    done = call("evaluate", "shop", "--json")
    assert done.exit_code == 0, done.output
    assert "popular" in {row["model"] for row in json.loads(done.stdout)["results"]}
