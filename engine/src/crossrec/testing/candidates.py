"""Conformance of candidate generators."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.data.events import Events
from crossrec.errors import CrossrecError, NotFittedError
from crossrec.numeric.ragged import Ragged
from crossrec.plugins.registration import resolve
from crossrec.testing import toy as toys
from crossrec.testing.answers import check_candidates, check_equal, check_same
from crossrec.testing.base import RUN, through_disk
from crossrec.testing.estimates import EstimateTests
from crossrec.testing.source_pretraining import PretrainingTests
from crossrec.testing.source_refits import RefitTests
from crossrec.testing.toy import Toy

CLOCKS = pytest.mark.parametrize("clock", [True, False], ids=["clock", "order"])
TOYS = pytest.mark.parametrize("name", ["checkerboard", "shop"])


class CandidateGeneratorTests(RefitTests, PretrainingTests, EstimateTests, kit=True):
    """What every candidate generator must do.

    Attributes
    ----------
    personalised : bool
        False for sources that recommend the same items to all users, such as popularity.
    by_events : bool
        False for sources that look at items only (texts, prices): they need not rank the withheld
        item first, but an item of its group.
    needs_clock: bool
        True for sources that have nothing to say where events have no times, and say so by no
        candidates.
    data : callable or None
        A toy of the source's own, ``clock → Toy``, where the checkerboard and the shop lack what it
        reads: `crossrec.testing.larder` for what is due again.
    """

    personalised: ClassVar[bool] = True
    by_events: ClassVar[bool] = True
    needs_clock: ClassVar[bool] = False
    data: ClassVar[Callable[..., Toy] | None] = None

    def toy(self, name: str = "checkerboard", *, clock: bool = True) -> Toy:
        """Return a toy with the vectors that this source reads."""
        data = type(self).data
        return super().toy(name, clock=clock) if data is None else self.prepared(data(clock=clock))

    def generate(self, source: Any, toy: Toy, queries: QueryBatch, k: int = 10) -> Candidates:
        """Generate candidates and check their contract."""
        found: Candidates = source.generate(queries, k)
        check_candidates(found, queries, k, toy.dataset.n_items)
        return found

    @CLOCKS
    def test_the_right_answer_comes_first(self, clock: bool) -> None:
        """On the checkerboard, the withheld item comes first for every user."""
        toy = self.toy(clock=clock)
        found = self.generate(self.fitted(toy), toy, toy.queries)
        self.right(found, toy)

    def right(self, found: Candidates, toy: Toy) -> None:
        """Assert that the first candidate is the right one."""
        if not self.personalised:
            return  # all items of the checkerboard are equally popular
        if self.needs_clock and not toy.dataset.has_clock:
            assert (found.index == PAD).all(), "`needs_clock` is wrong for this source"
            return
        assert found.index.shape[1], "no candidates at all"
        first = found.index[:, 0]
        if self.by_events:
            np.testing.assert_array_equal(first, toy.withheld)
        else:
            assert (first != PAD).all(), "a user has no candidates"
            np.testing.assert_array_equal(toy.groups[first], toy.groups[toy.withheld])

    @CLOCKS
    def test_a_new_user_is_a_history(self, clock: bool) -> None:
        """An unknown user with a history is served like any other."""
        toy = self.toy(clock=clock)
        unknown = replace(toy.queries, users=np.full(len(toy.queries), -1))
        found = self.generate(self.fitted(toy), toy, unknown)
        self.right(found, toy)

    def test_personal_or_not_as_declared(self) -> None:
        """Two different histories get different candidates exactly where `personalised` is set."""
        toy = self.toy()
        nothing: list[list[int]] = [[], []]
        queries = toys.batch([[0, 2, 4, 6], [1, 3, 5, 7]], toy.queries, exclude=nothing)
        if type(self).data is not None:  # times, or fields, are what counts
            queries = toy.queries.take(np.array([0, 1]))
        found = self.generate(self.fitted(toy), toy, queries)
        same = np.array_equal(found.index[0], found.index[1])
        assert same != self.personalised, "`personalised` is wrong for this source"

    @TOYS
    @CLOCKS
    def test_every_query_gets_a_valid_answer(self, name: str, clock: bool) -> None:
        """Known and unknown users, empty and unusual histories, any exclusions."""
        toy = self.toy(name, clock=clock)
        source = self.fitted(toy)
        n_items = toy.dataset.n_items
        everything = list(range(n_items))
        histories = [[], [n_items - 2], [n_items - 1], [0, 0, 0], everything, everything * 3]
        queries = toys.batch(histories, toy.queries)
        unrestricted = toys.batch(histories, toy.queries, exclude=[[] for _ in histories])
        for k in (1, 3, n_items, 10 * n_items):
            self.generate(source, toy, toy.queries, k)
            self.generate(source, toy, queries, k)
            self.generate(source, toy, unrestricted, k)
        empty = replace(toy.queries, history=Ragged.empty(len(toy.queries)))
        self.generate(source, toy, empty)

    def test_no_queries_no_rows(self) -> None:
        """An empty batch yields no rows."""
        toy = self.toy("shop")
        none = toy.queries.take(np.zeros(0, dtype=np.int64))
        assert len(self.generate(self.fitted(toy), toy, none)) == 0

    @TOYS
    def test_all_excluded_leaves_nothing(self, name: str) -> None:
        """With every item excluded there are no candidates, and no placeholders either."""
        toy = self.toy(name)
        n, n_items = len(toy.queries), toy.dataset.n_items
        everything = Ragged.from_rows([np.arange(n_items)] * n)
        found = self.generate(self.fitted(toy), toy, replace(toy.queries, exclude=everything))
        assert (found.index == PAD).all()

    @TOYS
    def test_excluded_items_are_never_returned(self, name: str) -> None:
        """Excluded items are not returned, whether they are in the history or not."""
        toy = self.toy(name)
        source = self.fitted(toy)
        rng = np.random.default_rng(3)
        n, n_items = len(toy.queries), toy.dataset.n_items
        for share in (0.1, 0.5, 0.9):
            rows = [np.flatnonzero(rng.random(n_items) < share) for _ in range(n)]
            queries = replace(toy.queries, exclude=Ragged.from_rows(rows))
            self.generate(source, toy, queries, n_items)

    @TOYS
    def test_fewer_are_the_best_of_more(self, name: str) -> None:
        """The best 3 are the first 3 of the best 10."""
        toy = self.toy(name)
        source = self.fitted(toy)
        few, many = (self.generate(source, toy, toy.queries, k) for k in (3, 10))
        first = Candidates(many.index[:, :3], many.score[:, :3])
        check_same(few, first)

    @TOYS
    def test_batch_equals_single(self, name: str) -> None:
        """A query gets the same candidates alone and in a batch."""
        toy = self.toy(name)
        source = self.fitted(toy)
        together = self.generate(source, toy, toy.queries)
        alone = [
            self.generate(source, toy, toy.queries.take(np.array([row])))
            for row in range(len(toy.queries))
        ]
        check_same(together, Candidates.stack(alone))

    @TOYS
    def test_save_and_load(self, name: str, tmp_path: Path) -> None:
        """After a round trip through an artifact on disk, the results are the same."""
        toy = self.toy(name)
        source = self.fitted(toy)
        restored = self.build()
        restored.restore(through_disk(source.state(), tmp_path), toy.dataset.catalog)
        before = self.generate(source, toy, toy.queries)
        check_same(before, self.generate(restored, toy, toy.queries))
        if "score" in self.registration().capabilities:
            index = np.tile(np.arange(toy.dataset.n_items), (len(toy.queries), 1))
            ours, theirs = (s.score(toy.queries, index) for s in (source, restored))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        if "explain" in self.registration().capabilities:
            query, items = toy.queries.take(np.array([0])), before.row(0)
            assert restored.explain(query, items) == source.explain(query, items)

    @TOYS
    def test_one_seed_one_result(self, name: str) -> None:
        """Two fits with the same seed give the same candidates."""
        toy = self.toy(name)
        check_equal(*(self.generate(self.fitted(toy), toy, toy.queries) for _ in range(2)))

    def test_a_second_fit_starts_anew(self) -> None:
        """Nothing remains of the fit before."""
        first, second = self.toy("shop"), self.toy("checkerboard")
        source = self.fitted(first)
        source.fit(second.dataset, RUN)
        found = self.generate(source, second, second.queries)
        check_same(found, self.generate(self.fitted(second), second, second.queries))

    def test_an_unfitted_source_raises(self) -> None:
        """Before its fit, a source raises NotFittedError."""
        with pytest.raises(NotFittedError):
            self.build().generate(self.toy().queries, 3)

    def test_no_events_no_crash(self) -> None:
        """Without a single event, a source serves what it can or raises a CrossrecError."""
        toy = self.toy("shop")
        nothing = replace(toy, dataset=toy.dataset.with_events(Events.empty()))
        try:
            source = self.fitted(nothing)
        except CrossrecError:
            return
        self.generate(source, nothing, toys.batch([[], [0], [11]], nothing.queries))

    def test_the_default_settings_are_the_defaults(self) -> None:
        """Built without arguments, the source has the default configuration."""
        registration = self.registration()
        if registration.config is None:
            pytest.skip("has no settings")
        if self.settings:
            assert resolve(registration.factory)() is not None
            return
        toy = self.toy("shop")
        plain = resolve(registration.factory)()
        plain.fit(toy.dataset, RUN)
        fitted = self.fitted(toy)
        check_equal(*(self.generate(source, toy, toy.queries) for source in (plain, fitted)))

    @TOYS
    def test_score_agrees_with_generate(self, name: str) -> None:
        """`score` gives an item the score that `generate` gave it, in any order of the items."""
        self.able("score")
        toy = self.toy(name)
        source = self.fitted(toy)
        found = self.generate(source, toy, toy.queries, toy.dataset.n_items)
        scores = source.score(toy.queries, found.index)
        assert scores.dtype == np.float32
        assert scores.shape == found.index.shape
        real = found.index != PAD
        np.testing.assert_allclose(scores[real], found.score[real], rtol=1e-3, atol=1e-5)
        assert np.isnan(scores[~real]).all(), "padding has a score"
        reversed_ = source.score(toy.queries, np.ascontiguousarray(found.index[:, ::-1]))
        np.testing.assert_allclose(reversed_[:, ::-1], scores, rtol=1e-3, atol=1e-5)

    def test_score_takes_any_shape(self) -> None:
        """Scores stay aligned with no candidates, one column or no queries."""
        self.able("score")
        toy = self.toy("shop")
        source = self.fitted(toy)
        n = len(toy.queries)
        for index in (np.zeros((n, 0), np.int64), np.full((n, 4), PAD), np.zeros((n, 1), np.int64)):
            scores = source.score(toy.queries, index)
            assert scores.shape == index.shape
            assert not np.isinf(scores).any()
        none = toy.queries.take(np.zeros(0, dtype=np.int64))
        assert source.score(none, np.zeros((0, 3), np.int64)).shape == (0, 3)

    def test_a_new_item_is_a_candidate_at_once(self) -> None:
        """A new item with a text like those of the history is found without a fit."""
        self.able("add_items")
        if type(self).data is not None:
            pytest.skip("reads no texts: its own tests say which new items it finds")
        toy = self.toy()
        n_items = toy.dataset.n_items
        source = self.grown(self.fitted(toy), toy, [1, 0])
        queries = toys.batch([[0, 2, 4], [1, 3, 5]], toy.queries)
        found = source.generate(queries, n_items)
        check_candidates(found, queries, n_items, n_items + 2)
        for row, own in enumerate((n_items + 1, n_items)):
            assert own in found.row(row), f"the new item that matches history {row} is not found"
        if "score" in self.registration().capabilities:
            scores = source.score(queries, np.array([[n_items + 1], [n_items]]))
            assert np.isfinite(scores).all()

    @TOYS
    def test_new_items_work_like_all_others(self, name: str, tmp_path: Path) -> None:
        """In histories, exclusions and explanations, and through an artifact."""
        self.able("add_items")
        toy = self.toy(name)
        n_all = toy.dataset.n_items + 2
        longer = toys.with_items_like(toy, [0, toy.dataset.n_items - 1])
        source = self.grown(self.fitted(toy), toy, [0, toy.dataset.n_items - 1])
        histories = [[], [n_all - 1], [0, n_all - 2], list(range(n_all))]
        without: list[list[int]] = [[] for _ in histories]
        for exclude in (None, without, [[n_all - 2]] * len(histories)):
            queries = toys.batch(histories, toy.queries, exclude=exclude)
            found = source.generate(queries, n_all)
            check_candidates(found, queries, n_all, n_all)
        if "explain" in self.registration().capabilities:
            query = queries.take(np.array([2]))
            assert len(source.explain(query, np.arange(n_all))) == n_all
        restored = self.build()
        restored.restore(through_disk(source.state(), tmp_path), longer.catalog)
        check_same(found, restored.generate(queries, n_all))

    @TOYS
    def test_new_items_leave_the_serving_source_alone(self, name: str) -> None:
        """`add_items` on a shallow copy leaves the original as it is; no items change nothing."""
        self.able("add_items")
        toy = self.toy(name)
        source = self.fitted(toy)
        before = self.generate(source, toy, toy.queries)
        self.grown(source, toy, [0, 1, 2])
        check_equal(self.generate(source, toy, toy.queries), before)
        check_same(self.generate(self.grown(source, toy, []), toy, toy.queries), before)

    @staticmethod
    def grown(source: Any, toy: Toy, like: list[int]) -> Any:
        """Return a copy of the source with new items, each a copy of one of the toy's."""
        longer = copy(source)
        longer.add_items(toys.with_items_like(toy, like))
        return longer

    @TOYS
    def test_evidence_is_real(self, name: str) -> None:
        """`explain` names only items of the history, strongest first, with a phrase."""
        self.able("explain")
        toy = self.toy(name)
        source = self.fitted(toy)
        named = 0
        for row in range(len(toy.queries)):
            query = toy.queries.take(np.array([row]))
            items = self.generate(source, toy, query).row(0)
            evidence = source.explain(query, items)
            assert len(evidence) == len(items)
            for one in evidence:
                named += self._real(one, query)
        assert named, "no candidate has any evidence"

    def _real(self, evidence: Evidence | None, query: QueryBatch) -> bool:
        """Check one piece of evidence; return whether there is one."""
        if evidence is None:
            return False
        assert evidence.phrase.strip()
        assert len(evidence.history) == len(evidence.strengths)
        others = set(evidence.history) - set(query.history.row(0).tolist())
        assert not others, f"evidence names items {others}, which are not in the history"
        assert len(set(evidence.history)) == len(evidence.history)
        assert all(isinstance(item, int) for item in evidence.history)
        assert list(evidence.strengths) == sorted(evidence.strengths, reverse=True)
        return True

    def test_no_items_no_evidence(self) -> None:
        """No items have no evidence, and an unknown item or an empty history raises nothing."""
        self.able("explain")
        toy = self.toy("shop")
        source = self.fitted(toy)
        query = toy.queries.take(np.array([0]))
        assert source.explain(query, np.zeros(0, np.int64)) == []
        assert len(source.explain(query, np.arange(toy.dataset.n_items))) == toy.dataset.n_items
        empty = toys.batch([[]], toy.queries)
        for one in source.explain(empty, np.array([0, 11])):
            assert one is None or one.history == ()

    def test_a_text_finds_the_items_that_it_describes(self) -> None:
        """Of the words of an item's text nothing is as near as an item that has all of them."""
        self.able("score_text")
        catalog = self.toy("shop").dataset.catalog
        texts = Catalog.of_texts(["cast iron pan 28 cm", "qqqq zzzz", "Claw hammer"])
        near = self.fitted(self.toy("shop")).score_text(texts, {})
        assert near.shape == (3, len(catalog))
        assert np.isfinite(near).all()
        best = [catalog.titles[at] for at in near.argmax(axis=1).tolist()]
        assert (best[0], best[2]) == ("Cast iron pan 28 cm", "Claw hammer 450 g")
        assert (near[1] <= 0).all(), "words that no item has are near to none"

    @TOYS
    def test_vectors_have_length_one_or_none(self, name: str) -> None:
        """A source with vectors has a row of length 1 or 0 for each item, or none at all."""
        self.able("vectors")
        toy = self.toy(name)
        rows = self.fitted(toy).vectors()
        if rows is None:
            return
        assert len(rows) == toy.dataset.n_items
        lengths = np.linalg.norm(rows, axis=1)
        assert (np.isclose(lengths, 1.0, atol=1e-4) | (lengths == 0)).all()
