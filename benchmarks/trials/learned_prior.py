"""Tried: a learned prior of the item-item weights in place of the text graph (empirical Bayes).

Command: ``python benchmarks/trials/learned_prior.py --cache FOLDER [--source uci]
[--target scientific]``. Needs the research data sets, as ``benchmarks/transfer.py`` does.

On a rich source the EASE weights of pairs are regressed on their text relations, among text
neighbours and random pairs of well-known items. On the target the expected weight of each pair of
text neighbours becomes P of prior-EASE: as it is, and with its rows scaled to the mass of the text
graph. Targets are the last items but one: the test items are not looked at.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crossrec.components.ndcg import target_gains
from crossrec.components.paired_gain import PairedGain
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.numeric.sparse import block_rows, keep_top
from crossrec_backbone.pretraining.low_data_tasks import (
    LowDataConfig,
    LowDataTask,
    hold_out,
    make_task,
    without_last,
)
from crossrec_backbone.relations.config import GraphConfig, PriorConfig
from crossrec_backbone.relations.pairs import TextPairs
from crossrec_backbone.relations.prior_ease import fit_prior_ease
from crossrec_backbone.relations.scores import behaviour_scores, text_scores
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide
from crossrec_backbone.relations.text import TEXT_RELATIONS
from crossrec_backbone.relations.text_graph import text_graph
from real_sets import Sets

CONFIG = BackboneConfig(prior=PriorConfig(exact_up_to=4_000))
TASKS, RUN = LowDataConfig(queries=3_000), RunOptions(threads=1)
#: Text neighbours that may get a weight, and random items beside them in training.
NEAR, RANDOM = 100, 20
#: Rows of items with fewer histories are too noisy to learn weights from.
KNOWN = 20
Learnt = Callable[[np.ndarray], np.ndarray]


def neighbours(text: TextSide) -> Any:
    """Return the text graph over the `NEAR` nearest, CSR; rows sum to 1."""
    return text_graph(text.relations, GraphConfig(neighbours=NEAR, mass=1.0))[0]


def features(text: TextSide, rows: np.ndarray, columns: np.ndarray, graph: Any) -> np.ndarray:
    """Return the relations of pairs, float32 (pairs, 7 + 4); `rows` ascend.

    Beside the text relations in units of their spread: the share of the row's similarity, the mean
    of the four relations that make the graph, and the hubness of both.
    """
    pairs = TextPairs(text.relations)
    out = np.zeros((len(rows), len(TEXT_RELATIONS) + 4), np.float32)
    at = [TEXT_RELATIONS.index(name) for name in pairs.names]
    spread = np.array([text.relations.spread[name] for name in pairs.names], np.float32)
    starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1], True])
    for first, stop in zip(starts[:-1], starts[1:], strict=True):
        values = pairs.pairs(columns[first:stop], rows[first : first + 1])[:, 0]
        out[first:stop, at] = (values / spread[:, None]).T
    out[:, -4] = np.asarray(graph[rows, columns]).ravel()
    out[:, -3] = out[:, : len(TEXT_RELATIONS)].mean(axis=1)
    out[:, -2], out[:, -1] = text.hubness[rows], text.hubness[columns]
    return out


def learnt(source: Dataset) -> Learnt:
    """Regress the source's EASE weights on the relations of pairs."""
    import lightgbm

    text = TextSide.fit(source, CONFIG)
    ease = fit_prior_ease(source.sequences, text.graph, CONFIG.prior).ease
    graph = neighbours(text)
    known = np.flatnonzero(np.bincount(source.sequences.values, minlength=source.n_items) >= KNOWN)
    rng = np.random.default_rng(RUN.seed)
    rows, columns = [], []
    for item in known:
        near = graph.indices[graph.indptr[item] : graph.indptr[item + 1]]
        other = np.union1d(np.intersect1d(near, known), rng.choice(known, RANDOM))
        columns.append(other[other != item])
        rows.append(np.full(len(columns[-1]), item))
    row, column = np.concatenate(rows), np.concatenate(columns)
    inputs, weight = features(text, row, column, graph), np.asarray(ease[row, column]).ravel()
    settings = {
        "objective": "regression",
        "num_leaves": 15,
        "min_data_in_leaf": 500,
        "learning_rate": 0.05,
        "verbosity": -1,
        "num_threads": 1,
        "seed": RUN.seed,
    }
    model = lightgbm.train(settings, lightgbm.Dataset(inputs, weight), 150)
    print(f"{len(row)} pairs of {len(known)} items, mean weight {weight.mean():.5f}", flush=True)
    return lambda inputs: np.asarray(model.predict(inputs, num_threads=1), np.float32)


def expected(text: TextSide, model: Learnt) -> Any:
    """Return the expected weight of every pair of text neighbours, CSR, none negative."""
    graph = neighbours(text)
    pairs = graph.tocoo()
    weight = np.maximum(model(features(text, pairs.row, pairs.col, graph)), 0.0)
    out = graph.copy()
    out.data = weight.astype(np.float32)
    return keep_top(out, CONFIG.graph.neighbours)


def scaled(graph: Any) -> Any:
    """Return the graph with rows that sum to the configured mass."""
    from scipy.sparse import diags

    total = np.asarray(graph.sum(axis=1)).ravel()
    return (diags(CONFIG.graph.mass / np.maximum(total, 1e-9)) @ graph).tocsr().astype(np.float32)


def measured(text: TextSide, task: LowDataTask, graph: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return ndcg@10 of prior-EASE alone and of A, with `graph` as P."""
    weights = fit_prior_ease(task.sequences, graph, CONFIG.prior).weights
    alone, both = [], []
    for rows in task.queries.blocks(block_rows(text.relations.n_items)):
        queries, targets = task.queries.take(rows), task.targets[rows]
        by_text = text_scores(text.relations, queries, CONFIG.consensus, CONFIG.history)
        by_behaviour = behaviour_scores(weights, queries, CONFIG.history)
        total = by_text + CONFIG.consensus.kappa * by_behaviour
        both.append(target_gains(total, targets, queries.exclude))
        alone.append(target_gains(by_behaviour, targets, queries.exclude))
    return np.concatenate(alone), np.concatenate(both)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors")
    parser.add_argument("--source", default="uci")
    parser.add_argument("--target", default="scientific")
    options = parser.parse_args()
    sets = Sets(options.cache, [options.source])
    model = learnt(sets[options.source])
    target = sets[options.target]
    text = TextSide.fit(target, CONFIG)
    prior = expected(text, model)
    graphs = {"text graph": text.graph, "learned": prior, "learned, scaled": scaled(prior)}
    held = hold_out(without_last(target.sequences, 1))
    print(f"{options.source} → {options.target}: ndcg@10 of prior-EASE alone / of A")
    print(f"| events | {' | '.join(graphs)} | A: learned − text graph | scaled − text graph |")
    print("| --- |" + " --- |" * (len(graphs) + 2))
    for level in (0, 1_000, 10_000, len(held.known.values)):
        task = make_task(held, level, TASKS, RUN.seed)
        tables = {name: measured(text, task, graph) for name, graph in graphs.items()}
        cells = [f"{alone.mean():.4f} / {both.mean():.4f}" for alone, both in tables.values()]
        for name in ("learned", "learned, scaled"):
            gain = PairedGain.between(tables[name][1], tables["text graph"][1])
            cells.append(f"{gain.mean:+.4f} ± {gain.error:.4f}")
        print(f"| {level} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
