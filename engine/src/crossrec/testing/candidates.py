"""Conformance of candidate generators."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from crossrec.components.candidates import PAD, Candidates
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.data.events import Events
from crossrec.errors import CrossrecError, NotFittedError
from crossrec.numeric.ragged import Ragged
from crossrec.plugins.registration import resolve
from crossrec.testing import toy as toys
from crossrec.testing.answers import check_candidates, check_equal, check_same
from crossrec.testing.base import RUN, Conformance, through_disk
from crossrec.testing.toy import Toy

CLOCKS = pytest.mark.parametrize("clock", [True, False], ids=["clock", "order"])
TOYS = pytest.mark.parametrize("name", ["checkerboard", "shop"])


class CandidateGeneratorTests(Conformance, kit=True):
    """What every candidate generator must do.

    Attributes
    ----------
    personalised : bool
        False for sources that propose the same to everybody, such as popularity.
    by_events : bool
        False for sources that look at items only (texts, prices): they are not asked to bring back
        what is withheld, but items of the same group.
    """

    kind: ClassVar[str] = "candidate_generators"
    personalised: ClassVar[bool] = True
    by_events: ClassVar[bool] = True

    def toy(self, name: str = "checkerboard", *, clock: bool = True) -> Toy:
        """Return a toy with the vectors that this source reads."""
        make = toys.checkerboard if name == "checkerboard" else toys.shop
        return self.prepared(make(clock=clock))

    def fitted(self, toy: Toy) -> Any:
        """Return a new source fitted on the toy."""
        source = self.build()
        source.fit(toy.dataset, RUN)
        return source

    def ask(self, source: Any, toy: Toy, queries: QueryBatch, k: int = 10) -> Candidates:
        """Ask and check the contract of the answer."""
        found: Candidates = source.generate(queries, k)
        check_candidates(found, queries, k, toy.dataset.n_items)
        return found

    @CLOCKS
    def test_the_right_answer_comes_first(self, clock: bool) -> None:
        """On the checkerboard the withheld item comes first, for every user."""
        toy = self.toy(clock=clock)
        found = self.ask(self.fitted(toy), toy, toy.queries)
        self.right(found, toy)

    def right(self, found: Candidates, toy: Toy) -> None:
        """Assert that the first candidate is the one it must be."""
        if not self.personalised:
            return  # every item of the checkerboard is as popular as every other
        assert found.index.shape[1], "no candidates at all"
        first = found.index[:, 0]
        if self.by_events:
            np.testing.assert_array_equal(first, toy.withheld)
        else:
            assert (first != PAD).all(), "no candidate for some user"
            np.testing.assert_array_equal(toy.groups[first], toy.groups[toy.withheld])

    @CLOCKS
    def test_a_new_user_is_a_history(self, clock: bool) -> None:
        """A user who is unknown, but brings a history, is served like everybody."""
        toy = self.toy(clock=clock)
        stranger = replace(toy.queries, users=np.full(len(toy.queries), -1))
        found = self.ask(self.fitted(toy), toy, stranger)
        self.right(found, toy)

    def test_personal_or_not_as_declared(self) -> None:
        """`personalised` says the truth: two unlike histories get unlike answers, or the same."""
        toy = self.toy()
        nothing: list[list[int]] = [[], []]
        queries = toys.batch([[0, 2, 4, 6], [1, 3, 5, 7]], toy.queries, exclude=nothing)
        found = self.ask(self.fitted(toy), toy, queries)
        same = np.array_equal(found.index[0], found.index[1])
        assert same != self.personalised, "set `personalised` to what the source is"

    @TOYS
    @CLOCKS
    def test_every_query_gets_a_valid_answer(self, name: str, clock: bool) -> None:
        """Known and unknown users, empty and odd histories, whatever is excluded."""
        toy = self.toy(name, clock=clock)
        source = self.fitted(toy)
        n_items = toy.dataset.n_items
        everything = list(range(n_items))
        histories = [[], [n_items - 2], [n_items - 1], [0, 0, 0], everything, everything * 3]
        queries = toys.batch(histories, toy.queries)
        free = toys.batch(histories, toy.queries, exclude=[[] for _ in histories])
        for k in (1, 3, n_items, 10 * n_items):
            self.ask(source, toy, toy.queries, k)
            self.ask(source, toy, queries, k)
            self.ask(source, toy, free, k)
        empty = replace(toy.queries, history=Ragged.empty(len(toy.queries)))
        self.ask(source, toy, empty)

    def test_no_query_no_answer(self) -> None:
        """A batch of no queries has an answer of no rows."""
        toy = self.toy("shop")
        none = toy.queries.take(np.zeros(0, dtype=np.int64))
        assert len(self.ask(self.fitted(toy), toy, none)) == 0

    @TOYS
    def test_all_excluded_leaves_nothing(self, name: str) -> None:
        """Where every item is excluded there is no candidate, and no placeholder either."""
        toy = self.toy(name)
        n, n_items = len(toy.queries), toy.dataset.n_items
        everything = Ragged.from_rows([np.arange(n_items)] * n)
        found = self.ask(self.fitted(toy), toy, replace(toy.queries, exclude=everything))
        assert (found.index == PAD).all()

    @TOYS
    def test_excluded_items_never_come_back(self, name: str) -> None:
        """Whatever is excluded, inside the history or outside, stays away."""
        toy = self.toy(name)
        source = self.fitted(toy)
        rng = np.random.default_rng(3)
        n, n_items = len(toy.queries), toy.dataset.n_items
        for share in (0.1, 0.5, 0.9):
            rows = [np.flatnonzero(rng.random(n_items) < share) for _ in range(n)]
            queries = replace(toy.queries, exclude=Ragged.from_rows(rows))
            self.ask(source, toy, queries, n_items)

    @TOYS
    def test_fewer_are_the_best_of_more(self, name: str) -> None:
        """The best 3 are the first 3 of the best 10."""
        toy = self.toy(name)
        source = self.fitted(toy)
        few, many = (self.ask(source, toy, toy.queries, k) for k in (3, 10))
        first = Candidates(many.index[:, :3], many.score[:, :3])
        check_same(few, first)

    @TOYS
    def test_batch_equals_single(self, name: str) -> None:
        """A query gets the same answer alone and among others."""
        toy = self.toy(name)
        source = self.fitted(toy)
        together = self.ask(source, toy, toy.queries)
        alone = [
            self.ask(source, toy, toy.queries.take(np.array([row])))
            for row in range(len(toy.queries))
        ]
        check_same(together, Candidates.stack(alone))

    @TOYS
    def test_save_and_load(self, name: str, tmp_path: Path) -> None:
        """After a way through an artifact on disk the answers are the same."""
        toy = self.toy(name)
        source = self.fitted(toy)
        restored = self.build()
        restored.restore(through_disk(source.state(), tmp_path), toy.dataset.catalog)
        before = self.ask(source, toy, toy.queries)
        check_same(before, self.ask(restored, toy, toy.queries))
        if "score" in self.registration().capabilities:
            index = np.tile(np.arange(toy.dataset.n_items), (len(toy.queries), 1))
            ours, theirs = (s.score(toy.queries, index) for s in (source, restored))
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        if "explain" in self.registration().capabilities:
            query, items = toy.queries.take(np.array([0])), before.row(0)
            assert restored.explain(query, items) == source.explain(query, items)

    @TOYS
    def test_one_seed_one_answer(self, name: str) -> None:
        """Two fits with the same seed give the same answers."""
        toy = self.toy(name)
        check_equal(*(self.ask(self.fitted(toy), toy, toy.queries) for _ in range(2)))

    def test_a_second_fit_starts_anew(self) -> None:
        """What was fitted before leaves no trace."""
        first, second = self.toy("shop"), self.toy("checkerboard")
        source = self.fitted(first)
        source.fit(second.dataset, RUN)
        found = self.ask(source, second, second.queries)
        check_same(found, self.ask(self.fitted(second), second, second.queries))

    def test_nothing_before_the_fit(self) -> None:
        """Asked before it was fitted, a source says so."""
        with pytest.raises(NotFittedError):
            self.build().generate(self.toy().queries, 3)

    def test_no_events_no_crash(self) -> None:
        """Without a single event a source answers what it can, or refuses in one clear line."""
        toy = self.toy("shop")
        nothing = replace(toy, dataset=toy.dataset.with_events(Events.empty()))
        try:
            source = self.fitted(nothing)
        except CrossrecError:
            return
        self.ask(source, nothing, toys.batch([[], [0], [11]], nothing.queries))

    def test_the_default_settings_are_the_defaults(self) -> None:
        """The class built without arguments is the one built with the default configuration."""
        registration = self.registration()
        if registration.config is None:
            pytest.skip("has no settings")
        if self.settings:
            assert resolve(registration.factory)() is not None
            return
        toy = self.toy("shop")
        plain = resolve(registration.factory)()
        plain.fit(toy.dataset, RUN)
        check_equal(self.ask(plain, toy, toy.queries), self.ask(self.fitted(toy), toy, toy.queries))

    @TOYS
    def test_score_agrees_with_generate(self, name: str) -> None:
        """`score` gives an item what `generate` gave it, in whatever order it is asked."""
        self.able("score")
        toy = self.toy(name)
        source = self.fitted(toy)
        found = self.ask(source, toy, toy.queries, toy.dataset.n_items)
        scores = source.score(toy.queries, found.index)
        assert scores.dtype == np.float32
        assert scores.shape == found.index.shape
        there = found.index != PAD
        np.testing.assert_allclose(scores[there], found.score[there], rtol=1e-3, atol=1e-5)
        assert np.isnan(scores[~there]).all(), "a score where there is no item"
        turned = source.score(toy.queries, np.ascontiguousarray(found.index[:, ::-1]))
        np.testing.assert_allclose(turned[:, ::-1], scores, rtol=1e-3, atol=1e-5)

    def test_score_takes_any_shape(self) -> None:
        """No candidates, one column, no queries: scores stay aligned."""
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
        """An item that reads like those of the history can be proposed without a fit."""
        self.able("add_items")
        toy = self.toy()
        n_items = toy.dataset.n_items
        source = self.grown(self.fitted(toy), toy, [1, 0])
        queries = toys.batch([[0, 2, 4], [1, 3, 5]], toy.queries)
        found = source.generate(queries, n_items)
        check_candidates(found, queries, n_items, n_items + 2)
        for row, own in enumerate((n_items + 1, n_items)):
            assert own in found.row(row), f"the new item like items {row}, {row + 2} is not found"
        if "score" in self.registration().capabilities:
            scores = source.score(queries, np.array([[n_items + 1], [n_items]]))
            assert np.isfinite(scores).all()

    @TOYS
    def test_new_items_are_items_like_others(self, name: str, tmp_path: Path) -> None:
        """In histories, excluded, asked about, and on the way through an artifact."""
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
    def test_new_items_leave_the_source_that_serves_alone(self, name: str) -> None:
        """`add_items` of a shallow copy changes nothing in the original, and none adds nothing."""
        self.able("add_items")
        toy = self.toy(name)
        source = self.fitted(toy)
        before = self.ask(source, toy, toy.queries)
        self.grown(source, toy, [0, 1, 2])
        check_equal(self.ask(source, toy, toy.queries), before)
        check_same(self.ask(self.grown(source, toy, []), toy, toy.queries), before)

    @staticmethod
    def grown(source: Any, toy: Toy, like: list[int]) -> Any:
        """Return a copy of the source that took in new items, each like one of the toy's."""
        longer = copy(source)
        longer.add_items(toys.with_items_like(toy, like))
        return longer

    @TOYS
    def test_evidence_is_real(self, name: str) -> None:
        """`explain` names items of the history only, strongest first, in words."""
        self.able("explain")
        toy = self.toy(name)
        source = self.fitted(toy)
        named = 0
        for row in range(len(toy.queries)):
            query = toy.queries.take(np.array([row]))
            items = self.ask(source, toy, query).row(0)
            evidence = source.explain(query, items)
            assert len(evidence) == len(items)
            for one in evidence:
                named += self._real(one, query)
        assert named, "not one candidate has any evidence"

    def _real(self, evidence: Evidence | None, query: QueryBatch) -> bool:
        """Check one piece of evidence; return whether there is any."""
        if evidence is None:
            return False
        assert evidence.phrase.strip()
        assert len(evidence.history) == len(evidence.strengths)
        strange = set(evidence.history) - set(query.history.row(0).tolist())
        assert not strange, f"evidence names {strange}, which is not in the history"
        assert len(set(evidence.history)) == len(evidence.history)
        assert all(isinstance(item, int) for item in evidence.history)
        assert list(evidence.strengths) == sorted(evidence.strengths, reverse=True)
        return True

    def test_evidence_of_nothing_is_nothing(self) -> None:
        """No items, no evidence; an item of which the source knows nothing does no harm."""
        self.able("explain")
        toy = self.toy("shop")
        source = self.fitted(toy)
        query = toy.queries.take(np.array([0]))
        assert source.explain(query, np.zeros(0, np.int64)) == []
        assert len(source.explain(query, np.arange(toy.dataset.n_items))) == toy.dataset.n_items
        silent = toys.batch([[]], toy.queries)
        for one in source.explain(silent, np.array([0, 11])):
            assert one is None or one.history == ()
