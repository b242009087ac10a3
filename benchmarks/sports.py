"""Texts alone against models of texts and pictures, on the split of their published table.

Command: ``python benchmarks/sports.py --cache FOLDER``. Needs the research data sets in
``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing. Writes
``results/sports.json``.

Amazon 2014 Sports & Outdoors, 5-core; a random 8:1:1 of each user's events, as MMRec splits, and
ranking over all items but those of the training part. Settings are chosen on the validation tenth,
the test tenth is read once. The texts are key phrases of about five words; no picture is read.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import absent, datasets, write_result
from numpy.typing import NDArray

if TYPE_CHECKING:
    from crossrec.components.query import QueryBatch
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.numeric.ragged import Ragged

K = 20
#: Recall@20 and ndcg@20 of MMRec's table (enoche/MMRec at e775373, ``reports``), where known.
PUBLISHED = {
    "LightGCN": (0.0864, 0.0387),
    "VBPR": (0.0856, None),
    "BM3": (0.0980, None),
    "FREEDOM": (0.1089, 0.0481),
}
#: λ of the closed form, and the weight of events against texts.
REGS, KAPPAS = (20.0, 40.0, 80.0), (200.0, 300.0, 400.0, 600.0, 800.0)
#: An order that a random split leaves holes in says nothing: all items of a history count alike.
ORDERLESS = {"history": {"decay": 1.0}}
ENCODER = "transformer"


@dataclass(frozen=True)
class Parts:
    """A random split of each user's items: rows of training, validation and test."""

    train: Ragged
    validation: Ragged
    test: Ragged


def sizes(count: int) -> tuple[int, int, int]:
    """Return how many of a user's items are for training, validation and test.

    A tenth each for the last two, rounded down, but one where there are two left for training.
    """
    tenth = int(0.1 * count)
    rest = count - 2 * tenth
    parts = [tenth, tenth]
    for at in (1, 0):  # the test part first
        if rest > 1 and 0 < 0.1 * count < 1:
            parts[at] += 1
            rest -= 1
    return rest, parts[0], parts[1]


def split(rows: Sequence[Sequence[int]], seed: int) -> Parts:
    """Deal out each user's items at random; what is for training keeps its order."""
    from crossrec.numeric.ragged import Ragged

    rng = np.random.default_rng(seed)
    dealt: tuple[list[list[int]], ...] = ([], [], [])
    for row in rows:
        order = rng.permutation(len(row))
        first, second, _ = sizes(len(row))
        bounds = (0, first, first + second, len(row))
        for part, (start, stop) in zip(dealt, zip(bounds, bounds[1:])):
            part.append([row[at] for at in np.sort(order[start:stop])])
    return Parts(*(Ragged.from_rows(part) for part in dealt))


def read(folder: Path) -> tuple[Catalog, list[list[int]]]:
    """Return the items with their phrases, and each user's items."""
    from crossrec.data.catalog import Catalog
    from crossrec.data.vocabulary import Vocabulary

    with gzip.open(folder / "items.tsv.gz", "rt", encoding="utf-8") as file:
        lines = [line.split("\t") for line in file.read().splitlines()[1:]]
    with gzip.open(folder / "sequences.txt.gz", "rt", encoding="utf-8") as file:
        words = [line.split()[1:] for line in file.read().splitlines()]
    places = {line[0]: at for at, line in enumerate(lines)}
    texts, n = tuple(line[1] for line in lines), len(lines)
    catalog = Catalog(
        Vocabulary(places), texts, texts, ((),) * n, ("",) * n, np.ones(n, dtype=bool)
    )
    return catalog, [[places[word] for word in row] for row in words]


def dataset(catalog: Catalog, train: Ragged) -> Dataset:
    """Return the training part."""
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary

    events = Events.from_columns(train.row_of, train.values)
    users = Vocabulary([str(user) for user in range(len(train))])
    return Dataset.build(users, catalog, events, has_clock=False)


def queries(train: Ragged, users: NDArray[np.int64]) -> QueryBatch:
    """Return users with their training items, which are no candidates."""
    from crossrec.components.query import QueryBatch
    from crossrec.numeric.ragged import Ragged

    rows = Ragged.from_rows([train.row(user).tolist() for user in users])
    return QueryBatch.from_histories(rows, exclude=rows)


def figures(lists: NDArray[np.int64], wanted: Sequence[NDArray[np.int64]]) -> dict[str, float]:
    """Return recall@20 and ndcg@20, means over users.

    Parameters
    ----------
    lists : int64 array, shape (n, 20)
        Best first, PAD where a list is short.
    wanted : sequence of int64 arrays, n of them, none empty
    """
    discount = 1.0 / np.log2(np.arange(2, K + 2))
    recall, ndcg = np.zeros(len(wanted)), np.zeros(len(wanted))
    for row, (found, targets) in enumerate(zip(lists, wanted, strict=True)):
        hits = np.isin(found, targets)
        recall[row] = hits.sum() / len(targets)
        ndcg[row] = hits @ discount[: len(found)] / discount[: min(len(targets), K)].sum()
    return {f"recall@{K}": float(recall.mean()), f"ndcg@{K}": float(ndcg.mean())}


def lists_of(source: Any, batch: QueryBatch, block: int = 512) -> NDArray[np.int64]:
    """Return the best 20 of each query."""
    parts = [source.generate(batch.take(rows), K).index for rows in batch.blocks(block)]
    return np.concatenate(parts).astype(np.int64)


def built(name: str, settings: dict[str, Any]) -> Any:
    from crossrec.plugins.registry import load_registry

    return load_registry().get("candidate_generators", name).build(settings)


def chosen(data: Dataset, parts: Parts, users: NDArray[np.int64], threads: int) -> dict[str, Any]:
    """Try all settings on validation users; return the best with every figure."""
    from crossrec.components.run import RunOptions

    batch = queries(parts.train, users)
    wanted = [parts.validation.row(user) for user in users]
    tried: list[dict[str, Any]] = []
    for reg in REGS:
        source = built("text-behaviour", settings_of(reg))
        source.fit(data, RunOptions(threads=threads))
        for kappa in KAPPAS:
            source.kappa = kappa
            tried.append({"reg": reg, "kappa": kappa, **figures(lists_of(source, batch), wanted)})
            print(tried[-1], flush=True)
    return {"tried": tried, "best": max(tried, key=lambda one: one[f"recall@{K}"])}


def settings_of(reg: float, kappa: float = 400.0) -> dict[str, Any]:
    """Return the settings of `text-behaviour` that all trials share, with two of their own."""
    prior = {"reg": reg, "proximity": 1.0, "exact_up_to": 5000}
    return {**ORDERLESS, "prior": prior, "consensus": {"kappa": kappa}, "choose_kappa": False}


def main() -> None:
    from crossrec.components.run import RunOptions
    from crossrec.components.vectors import title_name, with_encoded
    from crossrec.plugins.registry import load_registry

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--users", type=int, default=3000, help="validation users")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if absent():
        return
    place = datasets()
    assert place is not None
    catalog, rows = read(place / "amazon14-sports")
    parts = split(rows, seed=0)
    run = RunOptions(cache=options.cache / "vectors", threads=options.threads)
    encoder = load_registry().get("encoders", ENCODER).build()
    data = with_encoded(dataset(catalog, parts.train), encoder, run, ENCODER, title_name(ENCODER))
    drawn = np.random.default_rng(1).permutation(len(rows))[: options.users]
    choice = chosen(data, parts, np.sort(drawn), options.threads)
    best = choice["best"]
    tested = np.flatnonzero(parts.test.lengths > 0)
    batch, wanted = queries(parts.train, tested), [parts.test.row(user) for user in tested]
    models = {
        "texts and events": built("text-behaviour", settings_of(best["reg"], best["kappa"])),
        "events, texts as their prior": built(
            "prior-ease", {**ORDERLESS, "prior": settings_of(best["reg"])["prior"]}
        ),
        "texts": built("content", ORDERLESS),
    }
    results = {}
    for name, source in models.items():
        source.fit(data, run)
        results[name] = figures(lists_of(source, batch), wanted)
        print(name, results[name], flush=True)
    counts = {"users": len(rows), "items": len(catalog), "events": int(sum(map(len, rows)))}
    published = {
        name: {f"recall@{K}": recall, f"ndcg@{K}": ndcg}
        for name, (recall, ndcg) in PUBLISHED.items()
    }
    write_result(
        "sports",
        {
            **counts,
            "tested": len(tested),
            "choice": choice,
            "test": results,
            "published": published,
        },
    )


if __name__ == "__main__":
    main()
