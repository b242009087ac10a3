"""Whom to follow: edges of two follow graphs that were left out, against popularity.

Command: ``python benchmarks/follows.py``. Needs ``ciaodvd-trust`` and ``hetrec2011-lastfm-2k``
among the research data sets; takes about three minutes. Writes ``results/follows.json``, from which
the table in ``docs/scenarios.md`` is generated.

Of everybody with five follows or more one is left out for the test and one for validation, and the
source ranks all accounts that the person does not follow. Friendships of Last.fm are mutual, so
both directions of one are left out. The settings are chosen on the validation edges of both sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from common import absent, datasets, write_result
from numpy.typing import NDArray

if TYPE_CHECKING:
    from crossrec.components.query import QueryBatch
    from crossrec.data.dataset import Dataset

LENGTH, LEAST, BLOCK = 10, 5, 256
THROUGH, BACK = (0.0, 0.25, 0.5, 1.0), (0.0, 1.0)
Edges = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Edges (person, account) of one graph, int64 (n, 2) each."""

    n_people: int
    train: Edges
    validation: Edges
    test: Edges


def split(edges: Edges, *, mutual: bool, seed: int = 0) -> Split:
    """Return the edges of one person each that are left out, and the others."""
    import pandas as pd

    ids, flat = np.unique(edges, return_inverse=True)
    rows = flat.reshape(-1, 2)[np.random.default_rng(seed).permutation(len(edges))]
    frame = pd.DataFrame(rows, columns=["person", "account"])
    groups = frame.groupby("person")
    place, size = groups.cumcount().to_numpy(), groups["account"].transform("size").to_numpy()
    chosen = size >= LEAST
    held = [rows[chosen & (place == at)] for at in (0, 1)]
    train = rows[~(chosen & (place < 2))]
    if mutual:
        n = len(ids)
        turned = np.concatenate(held)[:, ::-1] @ np.array([n, 1])
        train = train[~np.isin(train @ np.array([n, 1]), turned)]
    return Split(len(ids), train, held[1], held[0])


def graph(parts: Split) -> Dataset:
    """Return the follows as a data set in which each account has one item and its person's id."""
    from dataclasses import replace

    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary
    from crossrec.scenario import EventType, ItemSchema

    names = [f"p{at}" for at in range(parts.n_people)]
    schema = ItemSchema((), "{title}", creator="author")
    records = {name: {"author": name} for name in names}
    catalog = Catalog.from_records(Vocabulary(names), records, schema)
    people, accounts = parts.train.T
    events = Events.from_columns(people, accounts, np.arange(len(people), dtype=np.float64))
    data = Dataset.build(Vocabulary(names), catalog, events, has_clock=False)
    return replace(data, event_types=(EventType("follow", relation="author"),))


def queries(data: Dataset, people: NDArray[np.int64]) -> QueryBatch:
    """Return the follows of some people as queries that exclude them and the people themselves."""
    from crossrec.components.query import QueryBatch
    from crossrec.numeric.ragged import Ragged

    history = data.sequences.take(people)
    own = Ragged.from_rows([[*row, one] for row, one in zip(rows_of(history), people.tolist())])
    return QueryBatch(people, history, own, types=np.zeros(len(history.values), dtype=np.int64))


def rows_of(rows: Any) -> list[list[int]]:
    """Return the rows as lists."""
    return [rows.row(at).tolist() for at in range(len(rows))]


def figures(source: Any, data: Dataset, held: Edges) -> dict[str, float]:
    """Return recall and ndcg of the edges that were left out, in lists of ten."""
    places = np.concatenate([*_places(source, data, held)])
    hit = places >= 0
    gain = np.where(hit, 1.0 / np.log2(2.0 + np.maximum(places, 0)), 0.0)
    return {"recall@10": round(float(hit.mean()), 4), "ndcg@10": round(float(gain.mean()), 4)}


def _places(source: Any, data: Dataset, held: Edges) -> Iterator[NDArray[np.int64]]:
    """Return the place of each edge in the person's list, from 0; -1 for none."""
    for start in range(0, len(held), BLOCK):
        people, accounts = held[start : start + BLOCK].T
        found = source.generate(queries(data, people), LENGTH).index == accounts[:, None]
        yield np.where(found.any(axis=1), found.argmax(axis=1), -1)


def source_of(name: str, data: Dataset, **settings: float) -> Any:
    """Return a source of the registry, fitted."""
    from crossrec.components.run import RunOptions
    from crossrec.plugins.registry import load_registry

    source = load_registry().get("candidate_generators", name).build(settings)
    source.fit(data, RunOptions(threads=1))
    return source


def best_of(trials: dict[str, dict[tuple[float, float], dict[str, float]]]) -> tuple[float, float]:
    """Return the weights with the best mean ndcg@10 over all sets."""
    weights = next(iter(trials.values()))
    return max(weights, key=lambda one: np.mean([trials[name][one]["ndcg@10"] for name in trials]))


def measured(sets: dict[str, Split]) -> dict[str, Any]:
    """Choose the weights on validation edges, and measure on the test edges."""
    data = {name: graph(parts) for name, parts in sets.items()}
    trials = {
        name: {
            (through, back): figures(
                source_of("who-to-follow", data[name], through=through, back=back),
                data[name],
                parts.validation,
            )
            for through in THROUGH
            for back in BACK
        }
        for name, parts in sets.items()
    }
    chosen = dict(zip(("through", "back"), best_of(trials), strict=True))
    found = {}
    for name, parts in sets.items():
        sources = {
            "popularity": source_of("popularity", data[name]),
            "same followers alone": source_of("who-to-follow", data[name], through=0.0, back=0.0),
            "who-to-follow": source_of("who-to-follow", data[name], **chosen),
        }
        test = {label: figures(one, data[name], parts.test) for label, one in sources.items()}
        found[name] = {
            "people": parts.n_people,
            "edges": len(parts.train),
            "left_out": len(parts.test),
            "validation": {f"through {a:g}, back {b:g}": v for (a, b), v in trials[name].items()},
            "test": test,
        }
    return {"chosen": chosen, "sets": found}


def read(name: str) -> Edges:
    """Return the edges of a data set."""
    import pandas as pd

    folder = datasets()
    assert folder is not None
    if name == "ciaodvd":
        table = pd.read_csv(folder / "ciaodvd-trust" / "trust.csv.gz")
    else:
        path = folder / "hetrec2011-lastfm-2k" / "user_friends.dat.gz"
        table = pd.read_csv(path, sep="\t")
    edges: Edges = table.iloc[:, :2].to_numpy(dtype=np.int64)
    return edges


def main() -> None:
    if absent():
        return
    sets = {
        "ciaodvd": split(read("ciaodvd"), mutual=False),
        "lastfm": split(read("lastfm"), mutual=True),
    }
    write_result("follows", measured(sets))


if __name__ == "__main__":
    main()
