from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.run import RunOptions
from crossrec_backbone.sources.content import ContentConfig, ContentSource

TEXTS = [
    "OPI nail lacquer red",
    "steel drill bit set",
    "nail lacquer by OPI, blue",
    "",
    "garden hose 15 m",
    "OPI nail lacquer remover",
    "computer mouse",
    "touchpad",
]

#: Titles without an n-gram in common: what texts have in common are words.
TITLES = ["alpha", "bravo", "charlie", "", "delta", "foxtrot", "golf", "hotel"]


@pytest.fixture(scope="module")
def source(dataset_of) -> ContentSource:
    vectors = np.eye(8, dtype=np.float32)
    vectors[7] = [0, 0, 0, 0, 0, 0, 0.9, 0.4]
    source = ContentSource()
    source.fit(dataset_of(TEXTS, TITLES, vectors), RunOptions())
    return source


def explain(source, queries, *items):
    return source.explain(queries, np.array(items, dtype=np.int64))


def test_shared_words_are_named_in_the_order_of_the_items_text(source, queries_of):
    (evidence,) = explain(source, queries_of([1, 0]), 2)
    assert evidence.phrase == "shares “nail lacquer opi” with"
    assert evidence.history == (0,)
    assert evidence.strengths[0] > 0


def test_every_history_item_named_has_the_words_named(source, queries_of):
    (evidence,) = explain(source, queries_of([5, 1, 0, 6]), 2)
    assert evidence.phrase == "shares “nail lacquer opi” with"
    assert set(evidence.history) == {0, 5}
    assert evidence.history[0] == 0  # the later one counts more
    assert list(evidence.strengths) == sorted(evidence.strengths, reverse=True)


def test_without_shared_words_it_is_similar_text(source, queries_of):
    (evidence,) = explain(source, queries_of([1, 6]), 7)
    assert evidence.phrase == "similar text to"
    assert evidence.history[0] == 6


def test_an_item_is_no_reason_for_itself(source, queries_of):
    (evidence,) = explain(source, queries_of([0, 5], exclude=[[]]), 0)
    assert evidence.history == (5,)


def test_no_text_padding_and_no_history_give_no_evidence(source, queries_of):
    assert explain(source, queries_of([0]), 3, PAD) == [None, None]
    assert explain(source, queries_of([]), 2) == [None]
    assert explain(source, queries_of([3]), 2) == [None]
    assert explain(source, queries_of([0])) == []


def test_nothing_in_common_is_no_evidence(dataset_of, queries_of):
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    source.fit(dataset_of(["nail", "drill", "nail file"]), RunOptions())
    first, second = explain(source, queries_of([0]), 1, 2)
    assert first is None
    assert second is not None
    assert second.history == (0,)


def test_answers_are_aligned_with_the_items(source, queries_of):
    both = explain(source, queries_of([0, 6]), 7, 3, 2)
    assert both[1] is None
    assert both[0].history[0] == 6
    assert both[2].history[0] == 0


def test_taking_the_named_item_away_lowers_the_score(source, queries_of):
    """Evidence is what really put the item there: without it the item falls."""
    queries, without = queries_of([1, 4, 0]), queries_of([1, 4])
    (evidence,) = explain(source, queries, 2)
    assert evidence.history == (0,)
    index = np.array([[2]])
    assert source.score(queries, index)[0, 0] > source.score(without, index)[0, 0] + 0.5


def test_five_history_items_at_most(dataset_of, queries_of):
    texts = [f"nail polish {at}x" for at in range(12)]
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    source.fit(dataset_of([*texts, "hose", "drill"]), RunOptions())
    (evidence,) = explain(source, queries_of(range(11)), 11)
    assert len(evidence.history) == len(evidence.strengths) == 5


def test_the_three_heaviest_of_more_shared_words_are_named(dataset_of, queries_of):
    texts = ["oak desk lamp in red", "desk lamp oak x red", *["in red"] * 9, "hose", "drill"]
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    titles = [chr(97 + at) * 4 for at in range(len(texts))]
    source.fit(dataset_of(texts, titles), RunOptions())
    (evidence,) = explain(source, queries_of([0]), 1)
    assert evidence.phrase == "shares “desk lamp oak” with"


def test_variants_of_one_another_are_a_family(dataset_of, queries_of):
    texts = ["oak desk lamp red", "oak desk lamp blue", "desk fan", "garden hose", "drill"]
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    source.fit(dataset_of(texts), RunOptions())
    lamp, drill = explain(source, queries_of([2, 0]), 1, 4)
    assert (lamp.phrase, lamp.history) == ("same family as", (0,))
    assert drill is None


def test_single_letters_are_not_named(dataset_of, queries_of):
    texts = ["x y z", "x y z", "hose", "drill x"]
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    source.fit(dataset_of(texts), RunOptions())
    (evidence,) = explain(source, queries_of([0]), 1)
    assert evidence.phrase == "similar text to"
    assert evidence.history == (0,)
