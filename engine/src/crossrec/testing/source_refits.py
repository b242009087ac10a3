"""Conformance of sources that are fitted again without choosing anew."""

from __future__ import annotations

from copy import copy
from pathlib import Path

import numpy as np

from crossrec.testing.answers import check_equal
from crossrec.testing.base import RUN, through_disk
from crossrec.testing.source_updates import EACH, UpdateTests


class RefitTests(UpdateTests, kit=True):
    """What holds for the capability ``refit``; skipped without it."""

    @EACH
    def test_a_refit_on_the_same_events_changes_no_answer(self, name: str, tmp_path: Path) -> None:
        """Also of a source that was stored in between."""
        self.able("refit")
        toy = self.toy(name)
        source = self.fitted(toy)
        again, restored = copy(source), self.build()
        again.refit(toy.dataset, RUN)
        self._same(again, source, toy)
        restored.restore(through_disk(source.state(), tmp_path), toy.dataset.catalog)
        restored.refit(toy.dataset, RUN)
        self._same(restored, source, toy)

    def test_a_refit_learns_the_new_events(self) -> None:
        """Items without events at the fit come first for those who should get them."""
        self.able("refit")
        toy = self.toy()
        dataset, everything = toy.dataset, toy.dataset.n_items
        new = np.isin(dataset.events.items, [0, 1])
        source = self.fitted_on(dataset.with_events(dataset.events.take(~new)))
        before = source.generate(toy.queries, everything)
        refitted = copy(source)
        refitted.refit(dataset, RUN)
        check_equal(source.generate(toy.queries, everything), before)
        found = refitted.generate(toy.queries, everything)
        for user in np.flatnonzero(np.isin(toy.withheld, [0, 1])):
            assert found.index[user, 0] == toy.withheld[user], "the new events do not count"
