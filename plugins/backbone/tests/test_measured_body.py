"""A body beside the backbone, by a source whose arithmetic can be checked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from crossrec.artifacts import read_pretrained, write_pretrained
from crossrec.components.candidates import Candidates
from crossrec.components.protocols import SourceReport
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.source_pretraining import Pretrained
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.dataset import Dataset
from crossrec.errors import ArtifactError, UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.pretrained import find_pretrained
from crossrec.plugins.registration import Registration
from crossrec.testing import toy
from crossrec_backbone.pretrained.library import Body, export, keep, load, open_named, take_in
from crossrec_backbone.pretrained.model import Backbone
from crossrec_backbone.pretraining.body import body_source, learnt
from crossrec_backbone.transfer.bodies import BODY, BODY_ALONE, MeasuredBody, body_places


class ShiftSettings(Settings):
    """Settings of the source below."""

    encoder: str = "enc"
    pretrained: str = ""
    step: int = 1


class Shift:
    """After item `i` comes ``i + step``; a pretrained step takes the place of its own."""

    def __init__(self, config: ShiftSettings) -> None:
        self.config = config

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        self.n_items, self.step = dataset.n_items, self.config.step
        self.epochs = [{"loss": 0.0}] * (len(dataset.interactions) > 0)
        if self.config.pretrained:
            _, state = read_pretrained(find_pretrained(self.config.pretrained, run.pretrained))
            self.step = int(state.arrays["step"][0])

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        last = queries.history.values[queries.history.indptr[1:] - 1]
        away = (np.arange(self.n_items) - last[:, None] - self.step) % self.n_items
        return top_k(-away.astype(np.float32), k, queries.exclude)

    def report(self) -> SourceReport:
        return SourceReport({"epochs": self.epochs, "step": self.step}, ())

    def pretrain(self, datasets: Mapping[str, Dataset], run: RunOptions) -> Pretrained:
        run.progress("learning", 0, 1)
        step = np.array([len(datasets)], dtype=np.int64)
        return Pretrained(State({"step": step}, {}), SourceReport({"step": 2}, ("a line",)))


def shift(*able: str) -> Registration:
    capabilities = frozenset(able or ("report", "pretrain"))
    return Registration("candidate_generators", "shift", Shift, ShiftSettings, capabilities)


SETS = {name: toy.checkerboard(size).dataset for name, size in (("a", 40), ("b", 24))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a body that learnt to go on by two."""
    body, lines = learnt(shift(), SETS, RunOptions(), {"step": 7}, {"a": "CC0"})
    assert lines == ("a line",)
    return keep("steps", body, tmp_path / "home")


def queries(*histories: list[int]) -> QueryBatch:
    return QueryBatch.from_histories(Ragged.from_rows(histories))


class TestPlaces:
    def test_with_and_without_by_hand(self, folder: Path) -> None:
        """The body goes on by 2; alone the source goes on by 7."""
        body = MeasuredBody.at(shift(), folder)
        targets = np.array([2, 7, 3, 39])
        found = body_places(body, SETS["a"], queries([0], [0], [0], [39]), targets, RunOptions())
        assert found.of[BODY].tolist() == [0, 5, 1, np.inf]
        assert found.of[BODY_ALONE].tolist() == [np.inf, 0, np.inf, np.inf]
        assert found.learnt[BODY] == {
            "trained": True,
            "report": {"epochs": [{"loss": 0}], "step": 2},
        }
        assert found.learnt[BODY_ALONE]["report"]["step"] == 7

    def test_what_is_excluded_is_no_candidate(self, folder: Path) -> None:
        body = MeasuredBody.at(shift(), folder)
        open_ = replace(queries([0]), exclude=Ragged.from_rows([[2, 3]]))
        found = body_places(body, SETS["a"], open_, np.array([4]), RunOptions())
        assert found.of[BODY].tolist() == [0]

    def test_ties_share_their_places(self, folder: Path) -> None:
        class Ties(Shift):
            def generate(self, queries: QueryBatch, k: int) -> Candidates:
                return top_k(np.zeros((len(queries), self.n_items), np.float32), k, queries.exclude)

        source = replace(shift(), factory=Ties)
        body = MeasuredBody.at(source, folder)
        found = body_places(body, SETS["a"], queries([9]), np.array([3]), RunOptions())
        assert found.of[BODY].tolist() == [9.5]  # among the 20 that are looked at

    def test_a_source_without_a_report_is_measured_too(self, folder: Path) -> None:
        body = MeasuredBody.at(shift("pretrain"), folder)
        found = body_places(body, SETS["a"], queries([0]), np.array([2]), RunOptions())
        assert found.learnt[BODY] == {"trained": True, "report": {}}

    def test_nothing_is_trained_without_events(self, folder: Path) -> None:
        none = SETS["a"].with_events(SETS["a"].events.take(np.zeros(0, dtype=np.int64)))
        body = MeasuredBody.at(shift(), folder)
        found = body_places(body, none, queries([0]), np.array([2]), RunOptions())
        assert [found.learnt[name]["trained"] for name in (BODY, BODY_ALONE)] == [False, False]
        assert found.of[BODY].tolist() == [0]

    def test_many_queries_are_read_in_blocks(self, folder: Path) -> None:
        body = MeasuredBody.at(shift(), folder)
        rows = [[item % 40] for item in range(1_100)]
        targets = np.array([(item + 2) % 40 for item in range(1_100)])
        found = body_places(body, SETS["a"], queries(*rows), targets, RunOptions())
        assert not found.of[BODY].any()


class TestMeasuredBody:
    def test_it_knows_what_it_saw_and_how_it_was_made(self, folder: Path) -> None:
        body = MeasuredBody.at(shift(), folder)
        assert body.sources == ["a", "b"]
        assert dict(body.settings) == {"encoder": "transformer", "step": 7}
        other = MeasuredBody.at(shift(), folder, {"step": 9})
        assert other.settings["step"] == 9
        assert body.identity() != other.identity()
        assert body.identity() == MeasuredBody.at(shift(), folder).identity()

    def test_the_training_of_the_body_is_not_that_of_the_target(self, tmp_path: Path) -> None:
        card = {
            "source": "shift",
            "sources": [],
            "settings": {"step": 3, "training": {"epochs": 1}},
        }
        write_pretrained(tmp_path / "one", card, State({"step": np.array([2])}))
        assert dict(MeasuredBody.at(shift(), tmp_path / "one").settings) == {"step": 3}

    def test_a_damaged_one_is_one_line(self, folder: Path) -> None:
        (folder / "values.json").write_text("{ }")
        with pytest.raises(ArtifactError, match="is damaged"):
            MeasuredBody.at(shift(), folder)


class TestLibrary:
    """Both kinds lie in one place, and each is checked by what reads it."""

    def test_a_card_says_what_it_was_made_from(self, folder: Path) -> None:
        body = load(folder)
        assert isinstance(body, Body)
        rows = {row["name"]: row for row in body.card["sources"]}
        assert rows["a"] == {
            "name": "a", "items": 40, "users": 40, "events": 760, "licence": "CC0",
        }  # fmt: skip
        assert rows["b"]["licence"] == "unknown"
        assert body.card["training"] == {"step": 2}
        assert body.state.arrays["step"].tolist() == [2]

    def test_out_and_in_again(self, folder: Path, tmp_path: Path) -> None:
        export(folder, tmp_path / "out")
        inside = take_in(tmp_path / "out", "theirs", tmp_path / "other")
        assert inside == tmp_path / "other" / "theirs"
        one, two = load(folder), load(inside)
        assert isinstance(two, Body)
        assert two.card == one.card
        with pytest.raises(UsageError, match="there is a backbone 'theirs' already"):
            take_in(tmp_path / "out", "theirs", tmp_path / "other")

    def test_one_kind_may_replace_the_other(
        self, folder: Path, backbone: Backbone, tmp_path: Path
    ) -> None:
        body = load(folder)
        for one, kind in ((backbone, Backbone), (body, Body), (backbone, Backbone)):
            path = keep("name", one, tmp_path / "home")
            assert isinstance(load(path), kind)
        assert not (path / "pretrained.json").exists()

    def test_a_body_is_not_opened_as_a_backbone(self, folder: Path) -> None:
        with pytest.raises(UsageError, match="pretrained for the source 'shift'.*--body"):
            open_named("steps", {"steps": folder})
        assert open_named("", {"steps": folder}) is None


class TestWhoCan:
    def registry(self, *names: str) -> Any:
        found = [replace(shift(), name=name) for name in names]
        plain = Registration("candidate_generators", "ease", Shift)
        return SimpleNamespace(all=lambda kind: [plain, *found])

    def test_by_its_name_or_that_of_its_body(self) -> None:
        registry = self.registry("transformer", "rnn")
        assert body_source("transformer", registry).name == "transformer"
        assert body_source("gru", registry).name == "rnn"
        assert body_source("rnn", registry).name == "rnn"

    @pytest.mark.parametrize("name", ["ease", "", "nothing"])
    def test_others_are_refused_with_those_that_can(self, name: str) -> None:
        with pytest.raises(UsageError, match=r"can be pretrained \(those that can: rnn\)"):
            body_source(name, self.registry("rnn"))
        with pytest.raises(UsageError, match=r"\(those that can: none\); `crossrec install"):
            body_source(name, self.registry())
