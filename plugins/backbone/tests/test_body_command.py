"""Bodies from the command line: pretrained on two shops, listed, copied, and a fit from them.

The titles of the shops are angles, which a small encoder reads. People of all three go on by a
quarter of a turn; no item, title or person is common.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from crossrec import hookimpl
from crossrec.artifacts import read_pretrained, write_pretrained
from crossrec.cli import main
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.plugins.registry import load_registry
from crossrec.testing.rings import QUARTER, path
from crossrec.testing.titled_shops import installed_shops, write_shop

neural = pytest.importorskip("crossrec_neural.settings")

N_ITEMS = 60
SHOPS = {"old": 120, "older": 60, "new": 12, "nameless": 30}
TRAINING = {"epochs": 12, "steps": 60, "batch_size": 32, "learning_rate": 0.01}


class Small(neural.TransformerSettings):  # type: ignore[name-defined, misc]
    """A transformer that is trained in a second."""

    embedding_size: int = 8
    training: neural.TrainingSettings = neural.TrainingSettings(**TRAINING)  # type: ignore[name-defined]


class Angles:
    """Reads a title as an angle."""

    def encode(self, catalog: Catalog, run: RunOptions) -> np.ndarray:
        rows = np.zeros((len(catalog), 4), dtype=np.float32)
        for row, title in zip(rows, catalog.texts, strict=True):
            if title:
                row[0], row[1] = np.cos(float(title)), np.sin(float(title))
        return rows


def shops_plugin() -> types.ModuleType:
    plugin = types.ModuleType("shops_plugin")

    @hookimpl
    def register_encoders(register: Any) -> None:
        register("transformer", Angles, summary="angles")

    @hookimpl
    def register_candidate_generators(register: Any) -> None:
        register(
            "transformer",
            "crossrec_neural.sources.registered:TransformerSource",
            config=Small,
            capabilities={"score", "add_items", "estimate", "report", "pretrain"},
            summary="a small transformer",
        )

    for hook in (register_encoders, register_candidate_generators):
        setattr(plugin, hook.__name__, hook)
    return plugin


def write(folder: Path, name: str, seed: int) -> tuple[str, str]:
    """Write 60 items, and the paths of some people, and return the two files."""
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, N_ITEMS))
    titles = ["" if name == "nameless" else f"{value:.4f}" for value in angle]
    return write_shop(folder, name, titles, (path(angle, QUARTER, rng) for _ in range(SHOPS[name])))


class Shops:
    """The command line with the shops, in one workspace."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"

    def __call__(self, *words: object) -> Result:
        where = ("-w", str(self.workspace))
        return CliRunner().invoke(main, [*map(str, words), *where], prog_name="crossrec")

    def done(self, *words: object) -> Result:
        found = self(*words)
        assert found.exit_code == 0, found.output
        return found


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    folder = tmp_path_factory.mktemp("shops")
    pipeline = 'encoder = "transformer"\nsources = [{name = "popularity"}]\n'
    call, beside = Shops(folder), ("builtin", "backbone", "collaborative")
    with installed_shops(folder, tuple(SHOPS), pipeline, beside=beside, plugin=shops_plugin()):
        for seed, name in enumerate(SHOPS):
            items, events = write(folder, name, seed)
            call.done("ingest", name, "--items", items, "--events", events)
        names = ("--scenarios", "old, older", "--name", "rings", "--threads", 1)
        made = call.done("pretrain", "--body", "transformer", *names)
        assert "rings: a body of the source transformer" in made.stdout
        assert "older: ndcg@10 0." in made.stdout
        assert "next: crossrec fit SCENARIO --backbone rings" in made.stdout
        yield call


def test_the_card_says_what_it_was_made_from(shops: Shops) -> None:
    card, _ = read_pretrained(shops.workspace / "backbones" / "rings")
    assert card["source"] == "transformer"
    assert [one["name"] for one in card["sources"]] == ["old", "older"]
    assert [one["events"] for one in card["sources"]] == [720, 360]
    assert card["training"]["ndcg@10"]["old"]["as a new scenario"] > 0.2
    assert not (shops.workspace / "cache" / "pretrain" / "body-rings").exists()


def test_a_fit_starts_from_it(shops: Shops) -> None:
    """Twelve people are too few to learn from: what is served is the rule of the others."""
    fit = json.loads(shops.done("fit", "new", "--backbone", "rings", "--json").stdout)
    assert not fit["failed"]
    start = fit["reports"]["transformer"]["start"]
    assert (start["body"], start["serves"], start["users"]) == ("rings", "pretrained", 0)
    answered = shops.done("recommend", "new", "--history", "new10", "-k", "5", "--json")
    slate = json.loads(answered.stdout)
    assert not slate["degraded"]
    titles = (shops.workspace.parent / "new-items.csv").read_text().splitlines()
    own = float(titles[11].partition(",")[2])
    away = [
        float(np.angle(np.exp(1j * (float(item["title"]) - own - QUARTER))))
        for item in slate["items"]
    ]
    assert np.mean(np.abs(away) < 0.8) >= 0.6
    shown = shops.done("fit", "new", "--backbone", "rings").stdout
    assert "transformer: pretrained body rings (old, older): serves as it is" in shown


def test_it_is_listed_shown_and_copied(shops: Shops, tmp_path: Path) -> None:
    listed = json.loads(shops.done("backbones", "list", "--json").stdout)
    sources = {one["name"]: one["source"] for one in listed}
    assert sources["rings"] == "transformer"
    assert sources["four-scenarios"] == "backbone"
    assert "transformer" in shops.done("backbones", "list").stdout
    shown = shops.done("backbones", "show", "rings").stdout
    assert "rings: a body of the source transformer" in shown
    assert "older" in shown
    assert "as a new scenario" in shown
    assert "limit: reads texts by the encoder" in shown
    card = json.loads(shops.done("backbones", "show", "rings", "--json").stdout)
    assert card["source"] == "transformer"
    out = tmp_path / "out"
    shops.done("backbones", "export", "rings", out)
    shops.done("backbones", "import", out, "--name", "copy")
    kept = shops.workspace / "backbones"
    one, two = (read_pretrained(kept / name) for name in ("rings", "copy"))
    assert one[0] == two[0]
    for name, array in one[1].arrays.items():
        np.testing.assert_array_equal(array, two[1].arrays[name])
    again = shops("backbones", "import", out, "--name", "copy")
    assert "there is a backbone 'copy' already" in str(again.output)


def test_a_damaged_one_is_neither_copied_nor_served(shops: Shops, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shops.done("backbones", "export", "rings", out)
    weights = out / "state.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    done = shops("backbones", "import", out, "--name", "bad")
    assert done.exit_code != 0
    assert "checksum differs" in done.output + str(done.exception)
    (out / "card.json").write_text("{")
    done = shops("fit", "new", "--backbone", out)
    assert "is damaged: get the backbone again" in done.output + str(done.exception)
    kept = shops.workspace / "backbones" / "broken"
    kept.mkdir()
    (kept / "card.json").write_text("{")
    listed = shops.done("backbones", "list")
    assert "broken" in listed.stdout
    assert "is damaged" in listed.stderr
    (kept / "card.json").unlink()
    kept.rmdir()


def test_a_body_is_no_backbone_of_relations(shops: Shops, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.toml"
    file.write_text('sources = [{name = "backbone", settings = {backbone = "rings"}}]\n')
    done = shops("fit", "new", "--pipeline", file)
    text = done.output + str(done.exception)
    assert "rings is pretrained for the source 'transformer', not for 'backbone'" in text


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--scenarios", "old", "--name", "x"), "two scenarios or more"),
        (("--scenarios", "old,old", "--name", "x"), "name each scenario once"),
        (("--scenarios", "old,nowhere", "--name", "x"), "nowhere"),
        (("--scenarios", "old,nameless", "--name", "x"), "nameless: no texts that tell items"),
        (("--scenarios", "old,older", "--name", "../x"), "cannot name a backbone"),
        (("--scenarios", "old,older", "--name", "x", "--adapt-encoder"), "leave it out"),
        (("--scenarios", "old,older", "--name", "x", "--device", "gone"), "device 'gone'"),
    ],
)
def test_wrong_calls_are_one_clear_line(shops: Shops, words: tuple[str, ...], what: str) -> None:
    done = shops("pretrain", "--body", "transformer", *words)
    assert done.exit_code != 0
    assert what in done.output + str(done.exception)
    assert not (shops.workspace / "backbones" / "x").exists()


def test_an_unknown_body_names_those_that_are_there(shops: Shops) -> None:
    done = shops("pretrain", "--body", "gru", "--scenarios", "old,older", "--name", "x")
    text = done.output + str(done.exception)
    assert "no source 'gru' can be pretrained (those that can: transformer)" in text


class TestTransfer:
    CALL = ("transfer", "--to", "new", "--events", "0,40", "--seeds", 1, "--threads", 1)

    def test_a_body_is_measured_beside_the_backbone(self, shops: Shops) -> None:
        """By name; the rule of the other shops is worth much here, and words are worth nothing."""
        words = ("--backbone", "without-scientific", "--body", "rings")
        report = json.loads(shops.done(*self.CALL, *words, "--json").stdout)
        mean = {(one["method"], one["events"]): one["metrics"] for one in report["means"]}
        for level in (0, 40):
            assert mean["body", level]["ndcg@10"] > 0.15
        assert mean["body-without-pretraining", 0]["ndcg@10"] < 0.05
        (pair,) = (
            one for one in report["verdicts"] if one["method"] == "body" and one["events"] == 0
        )
        assert pair["against"] == "body-without-pretraining"
        assert pair["difference"] > 0.1
        full = {one["against"] for one in report["verdicts"] if one["method"] == "crossrec"}
        assert {"body", "body-without-pretraining", "without-pretraining"} < full
        regimes = {
            one["events"]: one["regime"] for one in report["means"] if one["method"] == "body"
        }
        assert regimes == {0: "Z0", 40: "Z1"}  # too few people to hold any out: nothing is trained
        bodies = report["budgets"][1]["bodies"]
        assert bodies["body"]["report"]["start"]["serves"] == "pretrained"
        assert len(bodies["body-without-pretraining"]["report"]["epochs"]) > 0

    def test_tables_for_people_and_a_stopped_run_goes_on(self, shops: Shops) -> None:
        """The second call reads what the first one kept."""
        words = ("--backbone", "without-scientific", "--body", "rings")
        kept = shops.workspace / "cache" / "transfer"
        before = {path.name for path in kept.iterdir()}
        shown = shops.done(*self.CALL, *words).stdout
        assert {path.name for path in kept.iterdir()} == before
        lines = shown.splitlines()
        at = lines.index("verdicts on body, ndcg@10")
        assert lines[at + 2].split()[0] == "body-without-pretraining"
        assert any(line.split()[:1] == ["body"] for line in lines)

    def test_other_weights_are_other_figures(self, shops: Shops, tmp_path: Path) -> None:
        """The name of a body says nothing of what it holds."""
        from crossrec_backbone.transfer import MeasuredBody

        card, state = read_pretrained(shops.workspace / "backbones" / "rings")
        arrays = {name: 2 * np.array(array) for name, array in state.arrays.items()}
        write_pretrained(tmp_path / "rings", card, replace(state, arrays=arrays))
        source = load_registry().get("candidate_generators", "transformer")
        folders = shops.workspace / "backbones" / "rings", tmp_path / "rings"
        one, other = (MeasuredBody(source, folder).identity() for folder in folders)
        assert one != other
        assert one == MeasuredBody(source, folders[0]).identity()

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (("--from", "old,older", "--body", "gru"), "no source 'gru' can be pretrained"),
            (("--backbone", "without-scientific", "--body", "x"), "no backbone 'x'"),
            (
                ("--backbone", "without-scientific", "--body", "four-scenarios"),
                "is a backbone of relations: name it after --backbone",
            ),
            (("--backbone", "rings"), "pretrained for the source 'transformer'"),
            (("--from", "old", "--body", "transformer"), "two scenarios or more"),
        ],
    )
    def test_wrong_bodies_are_one_clear_line(
        self, shops: Shops, words: tuple[str, ...], what: str
    ) -> None:
        done = shops(*self.CALL, *words)
        assert done.exit_code != 0
        assert what in done.output

    def test_a_body_that_saw_the_target_is_refused(self, shops: Shops) -> None:
        words = ("--to", "old", "--backbone", "without-scientific", "--body", "rings")
        done = shops("transfer", "--events", "0", *words)
        assert done.exit_code != 0
        assert "pretrained on 'old', the target" in done.output
