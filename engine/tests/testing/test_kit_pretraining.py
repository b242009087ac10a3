"""The kit passes a source that honestly pretrains, and finds each of the faults in others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from crossrec.artifacts import read_pretrained
from crossrec.components.protocols import SourceReport
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.source_pretraining import Pretrained
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.pipeline.pretrained import find_pretrained
from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests
from crossrec.testing.toy_sources import Popular


class StartConfig(Settings):
    """Settings of the source below."""

    pretrained: str = ""


class Prior(Popular):
    """Counts events; those of other scenarios, by their mean, come before the first."""

    def __init__(self, config: StartConfig | None = None) -> None:
        super().__init__()
        self.config = config or StartConfig()

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        super().fit(dataset, run)
        if self.config.pretrained:
            _, state = read_pretrained(find_pretrained(self.config.pretrained, run.pretrained))
            self.counts = self.learnt() + np.float32(state.arrays["mean"][0])

    def pretrain(self, datasets: Mapping[str, Dataset], run: RunOptions) -> Pretrained:
        mean = np.mean([dataset.item_counts.mean() for dataset in datasets.values()])
        state = State({"mean": np.array([mean], dtype=np.float32)}, {"scenarios": list(datasets)})
        return Pretrained(state, SourceReport({"mean": float(mean)}, (f"mean {mean:.2f}",)))


class Drifts(Prior):
    calls = 0

    def pretrain(self, datasets: Mapping[str, Dataset], run: RunOptions) -> Pretrained:
        type(self).calls += 1
        made = super().pretrain(datasets, run)
        return Pretrained(State({"mean": made.state.arrays["mean"] + self.calls}), made.report)


class FitsItself(Prior):
    def pretrain(self, datasets: Mapping[str, Dataset], run: RunOptions) -> Pretrained:
        self.fit(next(iter(datasets.values())), run)
        return super().pretrain(datasets, run)


class SaysNothing(Prior):
    def pretrain(self, datasets: Mapping[str, Dataset], run: RunOptions) -> Pretrained:
        return Pretrained(super().pretrain(datasets, run).state, SourceReport({}, ()))


class TakesAnyName(Prior):
    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        Popular.fit(self, dataset, run)


class Forgets(Prior):
    """What it started from is not in its state."""

    def state(self) -> State:
        return State({"counts": np.zeros_like(self.learnt())})


def kit_for(factory: type) -> CandidateGeneratorTests:
    able = frozenset({"pretrain"})
    registration = Registration(
        "candidate_generators", "one", factory, StartConfig, able, "counts with a prior"
    )
    kit: CandidateGeneratorTests = type(
        "TestOne", (CandidateGeneratorTests,), {"registered": registration}
    )()
    return kit


def run_all(kit: CandidateGeneratorTests, folder: Path) -> None:
    kit.test_a_source_starts_from_what_others_learnt(folder)
    kit.test_one_seed_one_pretraining()
    kit.test_pretraining_fits_nothing()
    kit.test_what_is_not_there_cannot_be_started_from()


def test_an_honest_source_passes(tmp_path: Path) -> None:
    run_all(kit_for(Prior), tmp_path)


@pytest.mark.parametrize("factory", [Drifts, FitsItself, SaysNothing, TakesAnyName, Forgets])
def test_each_fault_is_found(factory: type, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run_all(kit_for(factory), tmp_path)


def test_sources_that_cannot_are_skipped(tmp_path: Path) -> None:
    registration = Registration("candidate_generators", "one", Popular, summary="counts")
    kit = type("TestOne", (CandidateGeneratorTests,), {"registered": registration})()
    with pytest.raises(pytest.skip.Exception, match="cannot pretrain"):
        kit.test_one_seed_one_pretraining()
