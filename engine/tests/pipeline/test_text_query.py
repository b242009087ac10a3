"""A text beside the history: what it finds, what it weighs, and what it is read with."""

import dataclasses
import time

import numpy as np
import pytest
from crossrec.components.query import Query
from crossrec.components.run import RunOptions
from crossrec.components.user_state import UserState
from crossrec.errors import UsageError
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.request import answer_batch
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.text_query import LONGEST, WEIGHT, WEIGHT_ALONE, TextQuery, read_text
from crossrec.testing.requests import TOY, ask, resolved, serve, user_with, with_every_source
from crossrec.testing.toy_sources import Popular


class Reader(Popular):
    """Reads texts: an item is as near as it has words of them, and vectors where there are any."""

    able = frozenset({"explain", "score_text"})
    error = None
    vectors = {}  # noqa: RUF012

    def fit(self, dataset, run):
        super().fit(dataset, run)
        self.titles = [set(title.split()) for title in dataset.catalog.titles]

    def score_text(self, texts, vectors):
        if self.error is not None:
            raise self.error
        type(self).vectors = vectors
        rows = [[len(set(text.split()) & title) for title in self.titles] for text in texts.texts]
        return np.array(rows, dtype=np.float32) - 1  # all titles have the word "item"


class Lengths:
    """An encoder: the length of a text, beside 1."""

    calls = 0

    def encode(self, catalog, run):
        type(self).calls += 1
        rows = np.array([[len(text), 1.0] for text in catalog.texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Ranks(Lengths):
    """An encoder whose vectors depend on the company."""

    def encode(self, catalog, run):
        rows = np.arange(len(catalog), dtype=np.float32)[::-1, None] + 1.0
        return np.concatenate([rows, np.ones_like(rows)], axis=1)


class Missing(Lengths):
    """An encoder without its library."""

    def encode(self, catalog, run):
        raise ImportError("no torch here")


@pytest.fixture(scope="module")
def reading(make_registry, make_config, make_shop):
    """Fit a pipeline that reads texts, by an encoder or without one."""
    registry = make_registry(
        candidate_generators={"reader": Reader},
        encoders={"lengths": Lengths, "ranks": Ranks, "missing": Missing},
    )

    def fitted(*sources, encoder=""):
        config = make_config(*sources, encoder=encoder, item_sources=["together"])
        resolved = resolve_pipeline(config, registry)
        done = fit_pipeline(TOY, make_shop(), resolved, RunOptions())
        return with_every_source(done, make_shop())

    return fitted


@pytest.fixture(scope="module")
def pipeline(reading):
    return reading("reader", "together")


def test_a_text_brings_what_it_describes_to_the_front(pipeline):
    plain = ask(pipeline, history=("i0", "i2"), k=5)
    assert "i7" not in plain.item_ids, "an odd item for an even history"
    slate = ask(pipeline, history=("i0", "i2"), text="item 7", k=5)
    assert slate.item_ids[0] == "i7"
    assert slate.degraded == ()
    assert all(int(one[1:]) % 2 == 0 for one in slate.item_ids[1:]), "the history still counts"


def test_the_item_says_that_the_text_put_it_there(pipeline):
    slate = ask(pipeline, history=("i0", "i2"), text="item 7", k=5)
    first = slate.items[0].reasons[0]
    assert (first.source, first.text) == ("text", "fits the words “item 7”")
    assert all(one.source != "text" for item in slate.items[1:] for one in item.reasons)
    assert all(item.reasons for item in slate.items)


def test_a_long_text_is_cut_in_the_reason():
    near = np.zeros(3, dtype=np.float32)
    reason = TextQuery("“word” " * 40, near).reason
    assert len(reason.text) < 100
    assert reason.text.count("“") == 1


def test_a_text_alone_is_a_query(pipeline):
    slate = ask(pipeline, history=(), text="item 7", k=5)
    assert slate.item_ids[0] == "i7"
    assert len(slate.items) == 5


def test_what_is_excluded_stays_out_whatever_the_text_says(pipeline):
    for text in ("item 7", "item 4"):
        slate = ask(pipeline, user_with(("i4",), ("i7",)), text=text, k=20)
        assert "i4" not in slate.item_ids
        assert "i7" not in slate.item_ids
    assert "i7" not in ask(pipeline, history=("i0",), exclude=("i7",), text="item 7").item_ids


def test_a_filter_holds_for_what_the_text_finds(pipeline):
    slate = ask(pipeline, history=("i0",), text="item 7", filter="title <> 'item 7'")
    assert "i7" not in slate.item_ids


def test_an_empty_text_changes_nothing(pipeline):
    plain = ask(pipeline, history=("i0",))
    assert ask(pipeline, history=("i0",), text=" \n").item_ids == plain.item_ids


def test_words_that_no_item_has_change_nothing(pipeline):
    plain = ask(pipeline, history=("i0",), k=20)
    assert ask(pipeline, history=("i0",), text="zebra", k=20).item_ids == plain.item_ids


def test_a_long_text_is_refused(pipeline):
    with pytest.raises(UsageError, match="too long"):
        ask(pipeline, text="x" * (LONGEST + 1))


def test_a_pipeline_that_reads_no_text_says_so(reading):
    slate = ask(reading("popular", "together"), history=("i0",), text="item 7")
    assert len(slate.items) == 10
    assert "no source of this pipeline reads texts" in slate.degraded[0].error


def test_a_source_that_fails_is_named_and_the_rest_answers(pipeline, monkeypatch):
    monkeypatch.setattr(Reader, "error", ValueError("no reading today"))
    slate = ask(pipeline, history=("i0",), text="item 7")
    assert [(one.component, one.error) for one in slate.degraded] == [
        ("text", "ValueError: no reading today")
    ]
    assert slate.item_ids == ask(pipeline, history=("i0",)).item_ids


@pytest.mark.parametrize("rows", [np.zeros((2, 20)), np.zeros((1, 99)), np.zeros(20), "text"])
def test_scores_of_another_shape_are_named(pipeline, monkeypatch, rows):
    monkeypatch.setattr(Reader, "score_text", lambda self, texts, vectors: rows)
    slate = ask(pipeline, history=("i0",), text="item 7")
    assert slate.degraded[0].component == "text"


def test_scores_that_are_no_numbers_count_as_none(pipeline, monkeypatch):
    rows = np.full((1, 20), np.nan, dtype=np.float32)
    rows[0, 7] = 1.0
    monkeypatch.setattr(Reader, "score_text", lambda self, texts, vectors: rows)
    assert ask(pipeline, history=("i0",), text="x").item_ids[0] == "i7"


def test_scores_of_fewer_items_are_those_of_the_first(pipeline, monkeypatch):
    """New items, that the source has not taken in, come behind."""
    monkeypatch.setattr(Reader, "score_text", lambda self, texts, vectors: np.ones((1, 5)))
    found = read_text(pipeline, Query(text="x"))
    assert found.near.tolist() == [1.0] * 5 + [0.0] * 15


def test_the_encoder_of_the_pipeline_reads_the_text(reading):
    fitted = reading("reader", "together", encoder="lengths")
    assert ask(fitted, history=("i0",), text="item 7").degraded == ()
    (rows,) = Reader.vectors.values()
    assert list(Reader.vectors) == ["lengths"]
    assert rows[0, 0] / rows[0, 1] == pytest.approx(6)


def test_an_encoder_that_needs_the_catalogue_is_left_out(reading):
    slate = ask(reading("reader", "together", encoder="ranks"), history=("i0",), text="item 7")
    assert "depend on the whole catalog" in slate.degraded[0].error
    assert Reader.vectors == {}
    assert slate.item_ids[0] == "i7", "words alone found it"


def test_an_encoder_that_fails_is_named(reading):
    slate = ask(reading("reader", "together", encoder="missing"), history=("i0",), text="item 7")
    assert "no torch here: texts are read by their words alone" in slate.degraded[0].error
    assert slate.item_ids[0] == "i7"


def test_a_slow_source_is_late(reading, monkeypatch):
    pipeline = reading("reader", "together")  # its own: it stays busy for a while

    def slowly(self, texts, vectors):
        time.sleep(0.3)
        return np.ones((1, 20))

    monkeypatch.setattr(Reader, "score_text", slowly)
    quick = pipeline.config.model_copy(update={"time_limit": 0.05})
    hurried = dataclasses.replace(
        pipeline, resolved=dataclasses.replace(pipeline.resolved, config=quick)
    )
    assert "longer than 0.05 s" in read_text(hurried, Query(text="x")).degraded[0].error


def test_requests_of_a_batch_have_their_own_texts(pipeline):
    texts = ("item 7", "", "item 9")
    requests = [(Query(text=text, k=3), UserState(None)) for text in texts]
    slates = answer_batch(serve(pipeline), requests, "user")
    assert slates[0].item_ids[0] == "i7"
    assert slates[2].item_ids[0] == "i9"
    assert slates[1].item_ids == ask(pipeline, k=3).item_ids


def test_a_pool_without_an_order_stands_behind_what_the_text_finds(pipeline):
    query = Query(text="item 7")
    served = pipeline.main
    batch = resolved(pipeline, history=("i0",)).batch
    pool, scores, _ = pipeline.scored_pool(served, batch)
    without = pool.index[0] != 7
    pool = dataclasses.replace(
        pool, **{name: getattr(pool, name)[:, without] for name in ("index", "scores", "ranks")}
    )
    text = read_text(pipeline, query)
    wider, mixed = text.joined(pool, np.ones((1, without.sum()), dtype=np.float32), batch, 10)
    assert wider.index[0].tolist() == sorted({*pool.index[0].tolist(), 7})
    assert wider.index[0][mixed[0].argmax()] == 7
    assert mixed.max() == pytest.approx(text.weight(batch))


def test_the_text_weighs_more_where_nothing_else_is_known(pipeline):
    assert 0 < WEIGHT < WEIGHT_ALONE <= 1


def test_a_list_about_an_item_takes_a_text_too(pipeline):
    slate = ask(pipeline, item_ids=("i0",), text="item 7", k=3)
    assert slate.item_ids[0] == "i7"
