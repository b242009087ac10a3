"""Figures on real baskets where they are present."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable

import numpy as np
import pytest
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.testing.files import real_dataset
from crossrec_collaborative.baskets.next_basket import NextBasket

pytestmark = pytest.mark.real


def test_the_next_basket_of_ta_feng(
    pytestconfig: pytest.Config, shop_of: Callable[..., Dataset], ask: Callable[..., QueryBatch]
) -> None:
    """Over all users; a plain count with ties by the global count and global fill has .135."""
    folder = real_dataset("tafeng-baskets", pytestconfig.rootpath)
    users: dict[str, list[tuple[int, list[int]]]] = {}
    with gzip.open(folder / "history.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            items = [int(item) for item in row["items"].split()]
            users.setdefault(row["user"], []).append((int(row["basket"]), items))
    with gzip.open(folder / "future.csv.gz", "rt", encoding="utf-8") as file:
        future = {row["user"]: set(row["items"].split()) for row in csv.DictReader(file)}
    baskets = [[items for _, items in sorted(users[user])] for user in future]
    dataset = shop_of(baskets, 11_997)
    source = NextBasket()
    source.fit(dataset, RunOptions())
    found = source.generate(ask(dataset), 10)
    discount = 1.0 / np.log2(np.arange(2, 12))
    recall, ndcg = [], []
    for row, basket in enumerate(future.values()):
        hits = np.array([str(item) in basket for item in found.row(row).tolist()])
        recall.append(hits.sum() / len(basket))
        ndcg.append(discount[: len(hits)][hits].sum() / discount[: min(10, len(basket))].sum())
    assert len(recall) == 13_858
    assert np.mean(recall) >= 0.155
    assert np.mean(ndcg) >= 0.142
