"""Bad input at fit, recommend and evaluate: one clear line, the right exit code, nothing lost."""

import fcntl
import json
import os

import pytest
from click.testing import CliRunner
from crossrec.cli import main

PIPELINE = 'encoder = ""\n[[sources]]\nname = "popularity"\n[[sources]]\nname = "item-knn"\n'


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def complaint(result, code):
    """Return the one line on stderr."""
    assert result.exit_code == code, result.output + result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    assert result.stdout == ""
    return lines[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    rows = [
        f"u{u},i{(u * 3 + j * 2) % 9},{1_700_000_000 + 60 * (u * 5 + j)}"
        for u in range(20)
        for j in range(5)
    ]
    (folder / "e.csv").write_text("user_id,item_id,time\n" + "\n".join(rows) + "\n")
    (folder / "p.toml").write_text(PIPELINE)
    assert (
        call("ingest", "ecommerce", "--events", folder / "e.csv", "-w", folder / "ws").exit_code
        == 0
    )
    fitted = call("fit", "ecommerce", "--pipeline", folder / "p.toml", "-w", folder / "ws")
    assert fitted.exit_code == 0, fitted.output + fitted.stderr
    return folder


def test_unknown_scenario_names_the_nearest(folder):
    line = complaint(call("recommend", "ecomerce", "--user", "u1", "-w", folder / "ws"), 2)
    assert "ecommerce" in line


def test_unknown_scenario_says_what_to_install(folder, monkeypatch):
    monkeypatch.setenv("CROSSREC_PLUGINS", "ecommerce,text,collaborative")
    line = complaint(call("fit", "music", "-w", folder / "ws"), 2)
    assert "crossrec-music" in line


@pytest.mark.parametrize("k", [0, -4])
def test_k_below_one(folder, k):
    line = complaint(
        call("recommend", "ecommerce", "--user", "u1", "-k", k, "-w", folder / "ws"), 2
    )
    assert "k must be 1 or more" in line


def test_k_larger_than_the_catalog(folder):
    result = call(
        "recommend", "ecommerce", "--user", "u1", "-k", 1000, "--json", "-w", folder / "ws"
    )
    slate = json.loads(result.stdout)
    assert 0 < len(slate["items"]) < 9
    assert "the catalog has 9 items" in slate["short_because"]


def test_unknown_user_falls_back_and_says_so(folder):
    result = call("recommend", "ecommerce", "--user", "nobody", "-w", folder / "ws", "-k", 3)
    assert result.exit_code == 0
    assert "note: user 'nobody' is unknown" in result.stdout


@pytest.mark.parametrize("user", ["a b", "a/b/../c", "q\"uo'te", "😀", "x" * 10_000, ""])
def test_strange_user_ids_are_just_unknown(folder, user):
    result = call("recommend", "ecommerce", "--user", user, "--json", "-w", folder / "ws", "-k", 3)
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["items"]) == 3


@pytest.mark.parametrize("command", ["fit", "recommend", "evaluate"])
def test_no_workspace(tmp_path, command):
    line = complaint(call(command, "ecommerce", "-w", tmp_path / "none"), 1)
    assert "there is no workspace" in line
    assert "crossrec ingest" in line
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["fit", "recommend", "evaluate"])
def test_a_folder_that_is_no_workspace(tmp_path, command):
    (tmp_path / "letter.txt").write_text("dear …")
    line = complaint(call(command, "ecommerce", "-w", tmp_path), 1)
    assert "is not a crossrec workspace" in line
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_not_fitted_yet(folder, tmp_path):
    call("ingest", "ecommerce", "--events", folder / "e.csv", "-w", tmp_path / "ws")
    line = complaint(call("recommend", "ecommerce", "--user", "u1", "-w", tmp_path / "ws"), 1)
    assert "crossrec fit ecommerce" in line


def test_nothing_ingested_for_this_scenario(folder):
    assert "crossrec ingest video" in complaint(call("fit", "video", "-w", folder / "ws"), 1)


def test_a_workspace_in_use(folder):
    lock = os.open(folder / "ws" / ".lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        line = complaint(call("fit", "ecommerce", "-w", folder / "ws", "--wait", 0), 1)
        assert "in use by another process" in line
        reading = call("recommend", "ecommerce", "--user", "u1", "-w", folder / "ws")
        assert reading.exit_code == 0
    finally:
        os.close(lock)


def test_a_damaged_artifact_is_refused_and_a_new_fit_mends_it(folder):
    versions = [p for p in (folder / "ws/artifacts/ecommerce").iterdir() if p.is_dir()]
    newest = max(versions, key=lambda path: path.name)
    victim = max(newest.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    line = complaint(call("recommend", "ecommerce", "--user", "u1", "-w", folder / "ws"), 1)
    assert "damaged" in line
    assert (
        call("fit", "ecommerce", "--pipeline", folder / "p.toml", "-w", folder / "ws").exit_code
        == 0
    )
    assert call("recommend", "ecommerce", "--user", "u1", "-w", folder / "ws").exit_code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sources = [", "not valid TOML"),
        ('[[sources]]\nname = "eese"\n', "ease"),
        ('[[sources]]\nname = "ease"\n[sources.settings]\nregg = 3\n', "no setting 'regg'"),
        ('[[sources]]\nname = "ease"\n[sources.settings]\nreg = -3\n', "reg"),
        ("candidates = 0\n", "candidates"),
    ],
)
def test_bad_pipeline_files(folder, tmp_path, text, says):
    (tmp_path / "own.toml").write_text(text)
    before = call("recommend", "ecommerce", "--user", "u1", "-w", folder / "ws").stdout
    line = complaint(
        call("fit", "ecommerce", "--pipeline", tmp_path / "own.toml", "-w", folder / "ws"), 2
    )
    assert says in line
    assert call("recommend", "ecommerce", "--user", "u1", "-w", folder / "ws").stdout == before


def test_item_together_with_user_and_history(folder):
    """A user may stand beside an item; a history may not."""
    words = ("recommend", "ecommerce", "--item", "i1", "-w", folder / "ws")
    assert call(*words, "--user", "u1").exit_code == 0
    assert "history" in complaint(call(*words, "--history", "i2"), 2)


def test_unknown_surface_names_what_there_is(folder):
    result = call(
        "recommend", "ecommerce", "--user", "u1", "--surface", "foyer", "-w", folder / "ws"
    )
    assert "recommended_for_you" in complaint(result, 2)


def test_unknown_item_to_explain(folder):
    line = complaint(call("explain", "ecommerce", "i999", "--user", "u1", "-w", folder / "ws"), 2)
    assert "i999" in line


def test_unknown_model_to_evaluate(folder):
    result = call(
        "evaluate",
        "ecommerce",
        "--models",
        "eese",
        "--pipeline",
        folder / "p.toml",
        "-w",
        folder / "ws",
    )
    assert "eese" in complaint(result, 2)


def test_negative_events_alone_are_events_but_nothing_to_find(tmp_path):
    rows = "\n".join(f"u{user},i{user % 3},remove_from_cart" for user in range(9))
    (tmp_path / "e.csv").write_text(f"user_id,item_id,event_type\n{rows}\n")
    ingested = call("ingest", "ecommerce", "--events", tmp_path / "e.csv", "-w", tmp_path / "ws")
    assert ingested.exit_code == 0
    line = complaint(call("evaluate", "ecommerce", "-w", tmp_path / "ws"), 1)
    assert "none of the 9 events" in line
