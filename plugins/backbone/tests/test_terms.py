from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from crossrec_backbone.relations.terms import (
    Lexicon,
    Terms,
    gram_terms,
    hash_word,
    tag_terms,
    word_terms,
    words,
)
from hypothesis import given, settings
from hypothesis import strategies as st

TEXTS = [
    "Sanding roll 80 grit, adhesive-backed",
    "Sanding ROLL 120 grit",
    "Gorilla glue; glue of the gorilla",
    "",
    "ein Schleifband für Holz",
]
TEXT_LISTS = st.lists(st.text(alphabet="abcdéß 0-.", max_size=24), min_size=1, max_size=8)


def test_words_are_lower_case_and_keep_short_ones() -> None:
    assert words("A 4-1/2 Inch Wheel_x, ÄÖ!") == ["a", "4", "1", "2", "inch", "wheel_x", "äö"]
    assert words("...") == []


def test_a_word_has_the_same_hash_in_every_process() -> None:
    code = "from crossrec_backbone.relations.terms import hash_word; print(hash_word('grit'))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(shown.stdout) == hash_word("grit")


@pytest.mark.parametrize("sublinear", [True, False])
def test_rows_are_those_of_scikit_learn(sublinear: bool) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    theirs = TfidfVectorizer(
        sublinear_tf=sublinear, binary=not sublinear, token_pattern=r"(?u)\b\w+\b"
    ).fit_transform(TEXTS)
    terms = word_terms(TEXTS)
    ours = Lexicon.fit(terms).rows(terms, sublinear=sublinear)
    assert ours.shape == theirs.shape
    expected = (theirs @ theirs.T).toarray()
    np.testing.assert_allclose((ours @ ours.T).toarray(), expected, atol=1e-6)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_grams_are_those_of_scikit_learn(size: int) -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["sanding roll", "rolling sand", "abc sanding", ""]
    counter = CountVectorizer(analyzer="char_wb", ngram_range=(size, size), token_pattern=None).fit(
        texts
    )
    long_enough = [gram for gram in counter.vocabulary_ if len(gram) == size]
    theirs = counter.transform(texts)[:, [counter.vocabulary_[gram] for gram in long_enough]]
    terms = gram_terms(texts, size, size)
    assert len(np.unique(terms.hash)) == len(long_enough)
    document, column = np.unique(terms.hash, return_inverse=True)[1], terms.document
    table = np.zeros((len(texts), len(long_enough)))
    np.add.at(table, (column, document), 1)
    np.testing.assert_array_equal(table @ table.T, (theirs @ theirs.T).toarray())


def test_grams_of_several_sizes_do_not_meet() -> None:
    alone = [set(gram_terms(["sanding"], size, size).hash.tolist()) for size in (3, 4, 5)]
    assert not alone[0] & alone[1]
    assert not alone[1] & alone[2]
    together = set(gram_terms(["sanding"], 3, 5).hash.tolist())
    assert together == alone[0] | alone[1] | alone[2]


def test_grams_do_not_cross_words_or_texts() -> None:
    apart = gram_terms(["ab cd"], 4, 4)
    assert set(apart.hash.tolist()) == set(gram_terms(["cd ab"], 4, 4).hash.tolist())
    assert set(gram_terms(["ab", "cd"], 4, 4).hash.tolist()) == set(apart.hash.tolist())
    assert len(gram_terms(["", ""], 3, 5).hash) == 0


def test_tags_are_whole_and_ignore_case() -> None:
    terms = tag_terms([["Power Tools", "power tools "], [], ["Power"]])
    assert terms.hash[0] == terms.hash[1] != terms.hash[2]
    assert terms.document.tolist() == [0, 0, 2]
    assert terms.n == 3


def test_rare_terms_weigh_more() -> None:
    lexicon = Lexicon.fit(word_terms(["common rare", "common", "common"]))
    at = lexicon.columns(np.array([hash_word("common"), hash_word("rare")], dtype=np.uint64))
    assert lexicon.idf[at[1]] > lexicon.idf[at[0]]
    assert lexicon.idf[at[0]] == pytest.approx(1.0)
    assert lexicon.unseen > lexicon.idf.max()


def test_a_limit_keeps_the_terms_of_most_documents() -> None:
    lexicon = Lexicon.fit(word_terms(["a b c", "a b", "a"]), limit=2)
    kept = lexicon.columns(np.array([hash_word(w) for w in "abc"], dtype=np.uint64))
    assert (kept >= 0).tolist() == [True, True, False]


def test_unknown_terms_lengthen_a_document_and_match_nothing() -> None:
    lexicon = Lexicon.fit(word_terms(["glue", "sand"]))
    pure, mixed, strange = lexicon.rows(word_terms(["glue", "glue zebra", "zebra"])).toarray()
    assert np.linalg.norm(pure) == pytest.approx(1.0)
    assert 0 < np.linalg.norm(mixed) < 1
    assert not strange.any()


def test_nothing_at_all_gives_empty_rows() -> None:
    for texts in ([], ["", "  "]):
        terms = word_terms(texts)
        lexicon = Lexicon.fit(terms)
        assert lexicon.rows(terms).shape == (len(texts), 0)
        assert lexicon.rows(word_terms(["word"])).shape == (1, 0)
        assert lexicon.rarity(["b"]).tolist() == [0.0]


@given(TEXT_LISTS)
@settings(max_examples=60, deadline=None)
def test_rows_have_length_one_or_none(texts: list[str]) -> None:
    for terms in (word_terms(texts), gram_terms(texts, 3, 4)):
        rows = Lexicon.fit(terms).rows(terms)
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        filled = np.bincount(terms.document, minlength=terms.n) > 0
        np.testing.assert_allclose(length, filled.astype(float), atol=1e-5)


@given(TEXT_LISTS, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_texts_does_not_matter(texts: list[str], random: object) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    terms, turned = word_terms(texts), word_terms([texts[i] for i in order])
    first, second = Lexicon.fit(terms), Lexicon.fit(turned)
    np.testing.assert_array_equal(first.hashes, second.hashes)
    rows = first.rows(terms).toarray()[order]
    np.testing.assert_allclose(second.rows(turned).toarray(), rows, atol=1e-6)


def test_rarity_is_the_idf_of_a_word() -> None:
    texts = ["sanding roll grit", "sanding roll wood", "sanding disc grit", "sanding glue"]
    lexicon = Lexicon.fit(word_terms(texts))
    sanding, grit, glue, unknown = lexicon.rarity(["sanding", "grit", "glue", "zebra"]).tolist()
    assert 0.0 == unknown < sanding < grit < glue
    assert lexicon.rarity([]).shape == (0,)


def test_terms_know_how_many_documents_there_are() -> None:
    empty = Terms(np.zeros(0, np.int64), np.zeros(0, np.uint64), 3)
    assert Lexicon.fit(empty).rows(empty).shape == (3, 0)
