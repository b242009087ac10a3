"""Conformance of sources that learn on several scenarios what others start from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossrec.artifacts import write_pretrained
from crossrec.components.run import RunOptions
from crossrec.components.source_pretraining import Pretrained
from crossrec.data.dataset import Dataset
from crossrec.errors import CrossrecError, UsageError
from crossrec.testing import toy as toys
from crossrec.testing.answers import check_candidates, check_equal
from crossrec.testing.base import RUN, through_disk
from crossrec.testing.source_updates import UpdateTests

_NAME = "of others"


class PretrainingTests(UpdateTests, kit=True):
    """What holds for the capability ``pretrain``; skipped without it."""

    def test_a_source_starts_from_what_others_learnt(self, tmp_path: Path) -> None:
        """With or without events; stored, it needs what it started from no longer."""
        self.able("pretrain")
        run = self._at_hand(tmp_path)
        shop = self.toy("shop")
        for dataset in (shop.dataset, _without_events(shop.dataset)):
            source, restored = self._adapting(), self.build()
            source.fit(dataset, run)
            found = source.generate(shop.queries, 5)
            check_candidates(found, shop.queries, 5, dataset.n_items)
            state = through_disk(source.state(), tmp_path / str(len(dataset.events)))
            restored.restore(state, dataset.catalog)
            check_equal(restored.generate(shop.queries, 5), found)

    def test_one_seed_one_pretraining(self) -> None:
        """The same scenarios and seed give the same arrays and values."""
        self.able("pretrain")
        one, two = self._pretrained(), self._pretrained()
        assert dict(one.state.values) == dict(two.state.values)
        assert set(one.state.arrays) == set(two.state.arrays)
        for name, array in one.state.arrays.items():
            np.testing.assert_array_equal(array, two.state.arrays[name])

    def test_pretraining_fits_nothing(self) -> None:
        """The component is as unfitted as before, and the report is of JSON values."""
        self.able("pretrain")
        source = self.build()
        made = source.pretrain(self._scenarios(), RUN)
        assert made.report.lines
        with pytest.raises(CrossrecError):
            source.generate(self.toy("shop").queries, 3)

    def test_what_is_not_there_cannot_be_started_from(self) -> None:
        """A name that leads nowhere is an error that says so."""
        self.able("pretrain")
        with pytest.raises(UsageError, match=_NAME):
            self._adapting().fit(self.toy("shop").dataset, RUN)

    def _scenarios(self) -> dict[str, Dataset]:
        boards = (self.prepared(toys.checkerboard(size)) for size in (40, 24))
        return {f"board {at}": toy.dataset for at, toy in enumerate(boards)}

    def _pretrained(self) -> Pretrained:
        made: Pretrained = self.build().pretrain(self._scenarios(), RUN)
        return made

    def _at_hand(self, folder: Path) -> RunOptions:
        """Return options in which what was pretrained is at hand as `_NAME`."""
        sources = [{"name": name} for name in self._scenarios()]
        card = {"source": self.registration().name, "sources": sources}
        write_pretrained(folder / "kept", card, self._pretrained().state)
        return replace(RUN, pretrained={_NAME: folder / "kept"})

    def _adapting(self) -> Any:
        return self.build({**self.settings, "pretrained": _NAME})


def _without_events(dataset: Dataset) -> Dataset:
    return dataset.with_events(dataset.events.take(np.zeros(len(dataset.events), dtype=bool)))
