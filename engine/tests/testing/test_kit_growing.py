"""The kit passes a source that takes in new items and finds each of the faults in that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.history import weigh
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import NotFittedError
from crossrec.plugins.registration import Registration
from crossrec.testing import CandidateGeneratorTests
from crossrec.testing.toy import checkerboard, with_items_like


class SameWords:
    """Items that share words with the history: the smallest source that can grow."""

    def __init__(self) -> None:
        self.words: Any = None

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        self.known = sorted({word for text in dataset.catalog.texts for word in text.split()})
        self.words = self.rows(dataset.catalog)

    def rows(self, catalog: Catalog, start: int = 0) -> Any:
        texts = [set(text.split()) for text in catalog.texts[start:]]
        table = [[word in text for word in self.known] for text in texts]
        return np.array(table, dtype=np.float32).reshape(len(texts), len(self.known))

    def add_items(self, dataset: Dataset) -> None:
        self.words = np.concatenate([self.words, self.rows(dataset.catalog, len(self.words))])

    def scores(self, queries: QueryBatch) -> Any:
        if self.words is None:
            raise NotFittedError("fit first")
        return (weigh(queries, len(self.words), limit=1000).matrix @ self.words) @ self.words.T

    def generate(self, queries: QueryBatch, k: int) -> Candidates:
        return top_k(np.array(self.scores(queries)), k, queries.exclude, minimum=0.0)

    def score(self, queries: QueryBatch, index: Any) -> Any:
        picked = np.take_along_axis(self.scores(queries), np.maximum(index, 0), axis=1)
        return np.where((index == PAD) | (picked <= 0), np.nan, picked).astype(np.float32)

    def state(self) -> State:
        return State({"words": self.words}, {"known": self.known})

    def restore(self, state: State, catalog: Catalog) -> None:
        self.words, self.known = state.arrays["words"], state.values["known"]


def registered(factory: Any) -> Registration:
    able = frozenset({"score", "add_items"})
    return Registration("candidate_generators", "words", factory, None, able, "shared words")


class TestASourceThatGrows(CandidateGeneratorTests):
    registered = registered(SameWords)
    by_events = False


class Deaf(SameWords):
    """Knows the new items' number, and nothing of them."""

    def add_items(self, dataset: Dataset) -> None:
        more = len(dataset.catalog) - len(self.words)
        self.words = np.concatenate([self.words, np.zeros((more, len(self.known)), np.float32)])


class Careless(SameWords):
    """Writes into what the original serves from."""

    def add_items(self, dataset: Dataset) -> None:
        self.words[:] = 1.0 - self.words
        super().add_items(dataset)


class Forgetful(SameWords):
    """Takes the dataset for the whole truth: what was fitted is read from it again."""

    def add_items(self, dataset: Dataset) -> None:
        self.fit(dataset, RunOptions())
        self.words = self.words[:-1]


class Unmoved(SameWords):
    """Says that it can, and does nothing."""

    def add_items(self, dataset: Dataset) -> None:
        pass


def kit(factory: Any) -> CandidateGeneratorTests:
    return type("T", (CandidateGeneratorTests,), {"registered": registered(factory)})()


@pytest.mark.parametrize("fault", [Deaf, Forgetful, Unmoved])
def test_a_new_item_that_is_never_proposed_is_found(fault: Any) -> None:
    with pytest.raises((AssertionError, ValueError, IndexError)):
        kit(fault).test_a_new_item_is_a_candidate_at_once()


def test_writing_into_the_original_is_found() -> None:
    with pytest.raises(AssertionError):
        kit(Careless).test_new_items_leave_the_serving_source_alone("checkerboard")


@pytest.mark.parametrize("fault", [Forgetful, Unmoved])
def test_an_answer_about_other_items_is_found(fault: Any, tmp_path: Any) -> None:
    with pytest.raises((AssertionError, ValueError, IndexError)):
        kit(fault).test_new_items_work_like_all_others("shop", tmp_path)


def test_new_items_read_like_old_ones_and_have_vectors_alone() -> None:
    toy = checkerboard(8).with_vectors("enc")
    longer = with_items_like(toy, [3, 0])
    assert longer.catalog.items.ids[8:] == ["new 0", "new 1"]
    assert longer.catalog.texts[8:] == (toy.dataset.catalog.texts[3], toy.dataset.catalog.texts[0])
    rows = longer.vectors["enc"]
    assert not rows[:8].any()
    np.testing.assert_array_equal(rows[8:], toy.dataset.vectors["enc"][[3, 0]])
    assert len(longer.events) == 0
    assert with_items_like(toy, []).n_items == 8
