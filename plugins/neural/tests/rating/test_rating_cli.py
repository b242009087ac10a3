"""Ratings from the command line: reviews in a file, a fit, predictions, an evaluation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from crossrec import Engine
from crossrec.cli import main
from crossrec.components.candidates import Pool
from crossrec.components.query import QueryBatch
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.features import add_features
from crossrec.plugins.registry import load_registry

pytestmark = pytest.mark.skipif(
    "rating" not in {one.name for one in load_registry().all("features")},
    reason="crossrec-neural is not installed",
)
KINDS = (("love", "romance", "kiss"), ("space", "rocket", "laser"))
HEADER = "user_id,movieId,event,time,value,review"


def called(*words: str, workspace: Path, code: int = 0) -> Result:
    done = CliRunner().invoke(main, [*words, "-w", str(workspace)])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with films of two kinds, rated and reviewed by fans of one of them."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(1)
    items = [f"m{at},{' '.join(KINDS[at % 2])} {at},{KINDS[at % 2][0]}" for at in range(20)]
    events = []
    for user in range(60):
        for step, film in enumerate(rng.permutation(20)[:6].tolist()):
            good = film % 2 == user % 2
            stars = int(rng.integers(4, 6) if good else rng.integers(1, 3))
            said = f"{'superb' if good else 'awful'} {KINDS[user % 2][step % 3]} {user}"
            events.append(
                f"u{user},m{film},rating,{1_700_000_000 + 90_000 * step + user},{stars},{said}"
            )
    (folder / "items.csv").write_text("\n".join(["movieId,title,genres", *items, ""]))
    (folder / "events.csv").write_text("\n".join([HEADER, *events, ""]))
    (folder / "pipeline.toml").write_text(
        'encoder = "tfidf-svd"\nsources = ["popularity"]\n'
        'features = [{ name = "rating", settings = { encoder = "tfidf-svd" } }]\n'
    )
    files = ("--items", str(folder / "items.csv"), "--events", str(folder / "events.csv"))
    done = called("ingest", "video", *files, workspace=folder / "ws")
    assert "review" in done.output
    pipeline = ("--pipeline", str(folder / "pipeline.toml"))
    called("fit", "video", *pipeline, "--json", workspace=folder / "ws")
    return folder


def test_items_are_rated_for_a_user_and_for_a_history(films: Path) -> None:
    words = ("rate", "video", "--item", "m2", "--item", "m3", "--json")
    answer = json.loads(called(*words, "--user", "u4", workspace=films / "ws").stdout)
    ratings = {one["item_id"]: one["rating"] for one in answer["ratings"]}
    assert ratings["m2"] > ratings["m3"] + 1.0, "an even user likes even films"
    assert answer["unit"] == "stars from 0.5 to 5"
    other = json.loads(called(*words, "--history", "m1,m5,m7", workspace=films / "ws").stdout)
    assert other["path"] == "given history"
    assert all(0.5 <= one["rating"] <= 5.0 for one in other["ratings"])


def test_a_table_for_people(films: Path) -> None:
    shown = called("rate", "video", "--user", "u4", "--item", "m2", workspace=films / "ws").output
    assert "RATING" in shown
    assert "love romance kiss 2" in shown
    assert "stars from 0.5 to 5; stored history" in shown


def test_a_text_needs_an_encoder_that_reads_it_alone(films: Path) -> None:
    words = ("rate", "video", "--user", "u4", "--text", "love and romance")
    done = called(*words, workspace=films / "ws", code=1)
    assert "cannot be encoded: its vectors depend on the whole catalog" in done.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "name what to rate: --item ID or --text TEXT"),
        (("--item", "odd"), 2, "item 'odd' is not in the fitted catalog of 'video'"),
        (("--text", " "), 2, "the text is empty"),
    ],
)
def test_bad_calls_get_one_line(films: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = called("rate", "video", "--user", "u4", *words, workspace=films / "ws", code=code)
    assert said in done.output
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_evaluation_of_ratings(films: Path) -> None:
    words = ("evaluate", "video", "--task", "rating", "--pipeline", str(films / "pipeline.toml"))
    report = json.loads(called(*words, "--json", workspace=films / "ws").stdout)
    names = [row["model"] for row in report["results"]]
    assert names == [
        "global-mean", "user-item-bias", "matrix-factorisation", "rating", "rating (no reviews)",
        "rating (shuffled reviews)",
    ]  # fmt: skip
    assert report["failed"] == []
    rows = {row["model"]: row for row in report["results"]}
    assert rows["rating"]["metrics"]["mse"] < 0.7 * rows["user-item-bias"]["metrics"]["mse"]
    assert rows["rating"]["metrics"]["auc"] > 0.9
    low, high = rows["rating"]["ci95"]["mse"]
    assert low < rows["rating"]["metrics"]["mse"] < high
    assert sum(report["sizes"][part] for part in ("train", "validation", "test")) == 360


def test_an_evaluation_for_people_says_what_reviews_are_worth(films: Path) -> None:
    words = ("evaluate", "video", "--task", "rating", "--models", "rating")
    pipeline = ("--pipeline", str(films / "pipeline.toml"), "--protocol", "leave-one-out")
    shown = called(*words, *pipeline, workspace=films / "ws").output
    assert "video: leave-one-out, 60 ratings of 60 users" in shown
    assert "AUC OF LIKING" in shown
    assert "rating (no reviews)" in shown
    assert "matrix-factorisation" not in shown
    assert "reviews" in shown.split("less is better")[1]


@pytest.mark.parametrize(
    "option",
    [("--candidates", "all"), ("--users", "5"), ("--folds", "3"), ("--refit",), ("--no-backbone",)],
)
def test_options_of_ranking_are_refused(films: Path, option: tuple[str, ...]) -> None:
    words = ("evaluate", "video", "--task", "rating", *option)
    done = called(*words, workspace=films / "ws", code=2)
    assert f"{option[0]} is about ranking" in done.output


def test_no_ratings_no_evaluation_of_them(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("movieId,title\nm1,One\n")
    (tmp_path / "events.csv").write_text("user_id,movieId,event,time\nu1,m1,watch,1700000000\n")
    files = ("--items", str(tmp_path / "items.csv"), "--events", str(tmp_path / "events.csv"))
    called("ingest", "video", *files, workspace=tmp_path / "ws")
    done = called("evaluate", "video", "--task", "rating", workspace=tmp_path / "ws", code=1)
    assert "has no events with a rating" in done.output


def test_a_forgotten_user_is_out_of_store_and_artifact(films: Path, tmp_path: Path) -> None:
    copied = tmp_path / "ws"
    shutil.copytree(films / "ws", copied)
    done = called("forget", "--user", "u59", "--json", workspace=copied)
    receipt = json.loads(done.stdout)
    assert receipt["artifacts"]["video"]["sources"]["features rating"] == "forgotten"
    answer = called("rate", "video", "--user", "u59", "--item", "m2", workspace=copied).output
    assert "is unknown" in answer


def test_the_predicted_rating_is_a_column_for_rankers(films: Path, tmp_path: Path) -> None:
    text = (films / "pipeline.toml").read_text()
    (tmp_path / "linear.toml").write_text(f'ranker = "linear"\n{text}')
    shutil.copytree(films / "ws", tmp_path / "ws")
    with Engine.open(tmp_path / "ws", background=False) as engine:
        pipeline = engine.fit("video", pipeline_file=tmp_path / "linear.toml")
        serving = engine.serving("video")
    assert not pipeline.report["failed"]
    assert "linear" in json.dumps(pipeline.report["gate"]), "no ranker read the column"
    index = np.array([[0, 1, -1]])
    queries = QueryBatch.from_histories(Ragged.from_rows([[2, 4]]), users=np.array([4]))
    blank = np.full((1, 3, 1), np.nan, dtype=np.float32)
    pool = Pool(index, blank, np.full((1, 3, 1), -1), ("popularity",), blank[:, 0], blank[:, 0])
    pool, degraded = add_features(pool, pipeline.features, queries, serving.items)
    assert (pool.columns, degraded) == (("rating.predicted",), [])
    rated = pipeline.features["rating"].rate(queries, index)
    np.testing.assert_array_equal(pool.features[..., 0], rated)
    assert not np.isnan(rated[0, :2]).any()
