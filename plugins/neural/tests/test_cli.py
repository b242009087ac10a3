"""A neural source from the command line: a pipeline file, a fit, a list, a new item."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from crossrec.cli import main
from crossrec.plugins.registry import load_registry
from crossrec_text.tiny_model import save_tiny_model

ROWS = 40


def called(*words: str, workspace: Path) -> Result:
    done = CliRunner().invoke(main, [*words, "-w", str(workspace)])
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Return a workspace with films of two kinds; people watch every second one, in order."""
    kinds = (("Love", "Romance"), ("Space", "Sci-Fi"))
    items = [f"m{at},{kinds[at % 2][0]} story {at},{kinds[at % 2][1]}" for at in range(ROWS)]
    events = [
        f"u{user},m{(user + 2 * step) % ROWS},{1_700_000_000 + 3600 * step + user}"
        for user in range(80)
        for step in range(1, 9)
    ]
    (tmp_path / "items.csv").write_text("\n".join(["movieId,title,genres", *items, ""]))
    (tmp_path / "events.csv").write_text("\n".join(["user_id,movieId,time", *events, ""]))
    training = "{ epochs = 20, batch_size = 16, learning_rate = 0.01 }"
    settings = f"{{ embedding_size = 16, training = {training} }}"
    source = f'{{ name = "rnn", settings = {settings} }}'
    (tmp_path / "pipeline.toml").write_text(f'encoder = ""\nsources = [{source}]\n')
    files = ("--items", str(tmp_path / "items.csv"), "--events", str(tmp_path / "events.csv"))
    called("ingest", "video", *files, workspace=tmp_path / "films")
    return tmp_path


@pytest.mark.skipif(
    "rnn" not in {one.name for one in load_registry().all("candidate_generators")},
    reason="crossrec-neural is not installed",
)
def test_fit_and_recommend(films: Path) -> None:
    workspace, pipeline = films / "films", str(films / "pipeline.toml")
    fit = called("fit", "video", "--pipeline", pipeline, "--json", workspace=workspace)
    report = json.loads(fit.stdout)
    assert not report["failed"]
    assert len(report["reports"]["rnn"]["epochs"]) <= 20
    assert report["reports"]["rnn"]["refitted"], "the fit on all events chose no epoch anew"
    slate = json.loads(
        called(
            "recommend", "video", "--user", "u1", "-k", "5", "--json", workspace=workspace
        ).stdout
    )
    assert not slate["degraded"]
    assert slate["items"][0]["title"] == "Space story 19"
    history = ("--history", "m0,m2,m4")
    slate = json.loads(
        called("recommend", "video", *history, "-k", "3", "--json", workspace=workspace).stdout
    )
    assert slate["items"][0]["title"] == "Love story 6"


@pytest.mark.skipif(
    "transformer" not in {one.name for one in load_registry().all("encoders")},
    reason="crossrec-text is not installed",
)
def test_a_text_encoder_that_learns_reads_new_items(films: Path) -> None:
    """Its settings are those of the pipeline; a later item is read with what it learnt."""
    words = ["Love", "Space", "story", "Romance", "Sci", "Fi", "-", *map(str, range(ROWS))]
    model = save_tiny_model(films / "model", words)
    training = "{ epochs = 2, batch_size = 16 }"
    settings = f"{{ embedding_size = 16, inputs = {{ text_layers = 1 }}, training = {training} }}"
    pipeline = films / "learning.toml"
    pipeline.write_text(
        f'encoder = "transformer"\nencoder_settings = {{ model = "{model}" }}\n'
        f'sources = [{{ name = "rnn", settings = {settings} }}]\n'
    )
    workspace = films / "films"
    done = called("fit", "video", "--pipeline", str(pipeline), "--json", workspace=workspace)
    report = json.loads(done.stdout)
    assert not report["failed"], report["failed"]
    new = films / "new.csv"
    new.write_text("movieId,title,genres\nm99,Love story 7,Romance\n")
    called("ingest", "video", "--items", str(new), workspace=workspace)
    command = ["recommend", "video", "--history", "m0,m2", "-k", str(ROWS), "--json"]
    slate = json.loads(called(*command, workspace=workspace).stdout)
    assert not slate["degraded"]
    assert "m99" in {item["item_id"] for item in slate["items"]}
    model.rename(films / "elsewhere")
    new.write_text("movieId,title,genres\nm98,Love story 5,Romance\n")
    called("ingest", "video", "--items", str(new), workspace=workspace)
    slate = json.loads(called(*command, workspace=workspace).stdout)
    (missing,) = slate["degraded"]
    assert missing["component"] == "new items"
    assert "there is no model folder" in missing["error"]
    assert "m98" not in {item["item_id"] for item in slate["items"]}


@pytest.mark.skipif(
    "rnn" not in {one.name for one in load_registry().all("candidate_generators")},
    reason="crossrec-neural is not installed",
)
def test_the_users_table_reaches_fit_and_request(films: Path) -> None:
    """Who comes from the north goes on by two, who comes from the south by six."""
    workspace = films / "places"
    rows = [
        f"u{user},m{(user + stride * step) % ROWS},{1_700_000_000 + 3600 * step}"
        for user in range(160)
        for stride in (2 if user // ROWS % 2 else 6,)
        for step in range(1, 4)
    ]
    users = [f"u{user},{'north' if user // ROWS % 2 else 'south'}" for user in range(160)]
    new = ["new1,north", "new2,south"]
    (films / "more.csv").write_text("\n".join(["user_id,movieId,time", *rows, ""]))
    (films / "users.csv").write_text("\n".join(["user_id,place", *users, *new, ""]))
    files = ("--items", "items.csv", "--events", "more.csv", "--users", "users.csv")
    paths = [str(films / one) if one.endswith("csv") else one for one in files]
    called("ingest", "video", *paths, workspace=workspace)
    training = "{ epochs = 100, learning_rate = 0.02, batch_size = 16, validation_share = 0 }"
    settings = f"{{ embedding_size = 16, dropout = 0, training = {training}, INPUTS }}"
    source = f'encoder = ""\nsources = [{{ name = "rnn", settings = {settings} }}]\n'
    pipeline = films / "place.toml"
    pipeline.write_text(source.replace("INPUTS", 'inputs = { user_fields = ["place"] }'))
    called("fit", "video", "--pipeline", str(pipeline), workspace=workspace)

    def first(user: str) -> str:
        words = ("recommend", "video", "--user", user, "--history", "m4", "-k", "1", "--json")
        return str(json.loads(called(*words, workspace=workspace).stdout)["items"][0]["item_id"])

    assert (first("new1"), first("new2")) == ("m6", "m10")
    pipeline.write_text(source.replace("INPUTS", 'inputs = { user_fields = ["town"] }'))
    words = ["fit", "video", "--pipeline", str(pipeline), "-w", str(workspace)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "no user has a 'town'; there are: place" in done.output
