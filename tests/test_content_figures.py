"""The figures that the content source reaches on Amazon Scientific, leave-one-out, full ranking."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.numeric.ragged import Ragged
from crossrec.testing.texts import text_dataset
from crossrec_backbone.sources.content import ContentConfig, ContentSource
from crossrec_text.transformer import TransformerEncoder

DATASETS = Path(
    os.environ.get("CROSSREC_DATASETS") or Path(__file__).parents[2] / "shared" / "datasets"
)
FOLDER = DATASETS / "amazon18-scientific-unisrec"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the Amazon Scientific data"),
]


def lines(name: str) -> list[str]:
    with gzip.open(FOLDER / f"Scientific.{name}.gz", "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.strip()]


@pytest.fixture(scope="module")
def scientific():
    asins = [line.split("\t")[0] for line in lines("item2index")]
    texts = dict(line.split("\t", 1) for line in lines("text")[1:])
    fields = {row["asin"]: row["title"] for row in map(json.loads, lines("fields_joined.jsonl"))}
    titles = [
        fields.get(asin) or re.split(r"\.? Industrial & Scientific", texts[asin])[0]
        for asin in asins
    ]
    rows = [line.split("\t") for line in lines("test.inter")[1:]]
    history = Ragged.from_rows([[int(item) for item in row[1].split()] for row in rows])
    targets = np.array([int(row[2]) for row in rows])
    return titles, [texts[asin].strip() for asin in asins], history, targets


def figures(source, queries, targets) -> tuple[float, float]:
    found = source.generate(queries, 10).index
    hits = found == targets[:, None]
    gain = (hits / np.log2(np.arange(found.shape[1]) + 2)).sum(axis=1)
    return float(hits.any(axis=1).mean()), float(gain.mean())


def test_words_alone(scientific):
    titles, texts, history, targets = scientific
    assert (len(texts), len(targets)) == (4385, 8442)
    source = ContentSource(ContentConfig(text={"encoder": ""}))
    source.fit(text_dataset(texts, titles), RunOptions())
    some = np.arange(0, len(targets), 8)
    recall, ndcg = figures(source, _queries(history.take(some), None), targets[some])
    assert recall > 0.105
    assert ndcg > 0.068


@pytest.mark.slow
def test_vectors_and_words_under_both_candidate_rules(scientific):
    titles, texts, history, targets = scientific
    dataset = text_dataset(texts, titles)
    vectors = TransformerEncoder().encode(dataset.catalog, RunOptions())
    source = ContentSource()
    source.fit(dataset.with_vectors("transformer", vectors), RunOptions())
    recall, ndcg = figures(source, _queries(history, None), targets)
    assert recall >= 0.121
    assert ndcg >= 0.079
    recall, ndcg = figures(source, _queries(history, Ragged.empty(len(targets))), targets)
    assert recall >= 0.107
    assert ndcg >= 0.068


def _queries(history, exclude):
    from crossrec.components.query import QueryBatch

    return QueryBatch.from_histories(history, exclude=exclude)
