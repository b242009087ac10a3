"""Tried: a small set transformer over history tokens in place of the pretrained trees.

Command: ``python benchmarks/trials/set_transformer.py --cache FOLDER [--source beauty]
[--target uci]``. Needs the research data sets, as ``benchmarks/transfer.py`` does.

A token is one history item as one candidate sees it: every text and behaviour relation between the
two, joint histories, age and popularity. Tokens attend to one another, a query made of the
candidate's columns pools them (Lee et al., Set Transformer, 2019), and the output layer starts at
zero, so that training starts from the closed form A. It learns by softmax cross-entropy on one
source and is evaluated on the other, beside LambdaRank trees fitted on the same examples.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crossrec.components.ndcg import target_gains
from crossrec.components.paired_gain import PairedGain
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.numeric.standard import standardised
from crossrec_backbone.pretraining.low_data_tasks import hold_out, levels_of, make_task, windows
from crossrec_backbone.ranking.examples import Groups, collect, joined
from crossrec_backbone.ranking.trees import fit_ranker
from crossrec_backbone.relations.behaviour import BEHAVIOUR_RELATIONS
from crossrec_backbone.relations.statistics import Statistics
from crossrec_backbone.relations.text import TEXT_RELATIONS
from real_sets import Sets
from transfer import pretraining

CONFIG = pretraining()
RUN = RunOptions(threads=1)
#: Candidates that the network reorders, best first by the closed form; history items that it sees.
SHOWN, HISTORY = 100, 20
N_TOKEN = len(TEXT_RELATIONS) + len(BEHAVIOUR_RELATIONS) + 4
WIDTH, HEADS, BATCH = 32, 4, 16


@dataclass(frozen=True, eq=False)
class TokenExamples:
    """Examples of one source at one level, with tokens float16 (n, SHOWN, HISTORY, N_TOKEN)."""

    events: int
    groups: Groups
    tokens: np.ndarray
    share: float

    @property
    def closed(self) -> np.ndarray:
        """The closed form, standardised over the candidates, float32 (n, m)."""
        return standardised(self.groups.column("text_behaviour"), self.groups.valid)


def levels(name: str, sets: Sets, most: int) -> Iterator[TokenExamples]:
    """Make the examples of one source at every level up to `most` events, as pretraining does."""
    dataset, tasks = sets[name], CONFIG.tasks
    held = hold_out(windows(dataset.sequences, tasks, np.random.default_rng(RUN.seed)))
    for events in (one for one in levels_of(len(held.known.values), tasks) if one <= most):
        task = make_task(held, events, tasks, RUN.seed)
        statistics = Statistics.fit(dataset, CONFIG.backbone, sequences=task.sequences)
        found = collect(statistics, task.queries, task.targets, limit=CONFIG.positives)
        shown = tokens(statistics, task.queries.take(found.rows), found.groups.index[:, :SHOWN])
        yield TokenExamples(events, found.groups, shown, found.hits / len(task.targets))


def tokens(statistics: Statistics, queries: QueryBatch, index: np.ndarray) -> np.ndarray:
    """Return what each candidate sees of each history item, latest first; zeros behind."""
    out = np.zeros((*index.shape, HISTORY, N_TOKEN), np.float16)
    text, behaviour = statistics.text_pairs, statistics.behaviour_pairs
    text_at = [TEXT_RELATIONS.index(name) for name in text.names]
    behaviour_at = [BEHAVIOUR_RELATIONS.index(name) for name in behaviour.names[:-1]]
    popularity = np.log1p(statistics.behaviour.popularity)
    for i in range(len(index)):
        history = queries.history.row(i)[-HISTORY:][::-1]
        own = index[i][index[i] >= 0]
        row = out[i, : len(own), : len(history)]
        similar = text.pairs(own, history) / statistics.spreads[:, None, None] / 4
        row[:, :, text_at] = similar.transpose(2, 1, 0)
        counted = behaviour.pairs(own, history)
        row[:, :, [len(TEXT_RELATIONS) + at for at in behaviour_at]] = np.sqrt(
            np.maximum(counted[:-1], 0)
        ).transpose(2, 1, 0)
        row[:, :, -4] = np.log1p(counted[-1]).T
        row[:, :, -3] = popularity[history] / 5
        row[:, :, -2] = 0.8 ** np.arange(len(history))
        row[:, :, -1] = 1.0  # there is a token
    return out


class Network(torch.nn.Module):
    """One block of attention among the tokens, one that pools them, and a head that starts at 0."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.token = torch.nn.Linear(N_TOKEN, WIDTH)
        self.block = torch.nn.TransformerEncoderLayer(
            WIDTH, HEADS, 2 * WIDTH, 0.1, batch_first=True, norm_first=True
        )
        self.column = torch.nn.Linear(columns, WIDTH)
        self.pool = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.hidden = torch.nn.Linear(2 * WIDTH, WIDTH)
        self.out = torch.nn.Linear(WIDTH, 1)
        torch.nn.init.zeros_(self.out.weight)
        torch.nn.init.zeros_(self.out.bias)

    def forward(self, columns: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
        """Return (n, SHOWN) from columns (n, SHOWN, c) and tokens (n, SHOWN, HISTORY, t)."""
        flat = shown.flatten(0, 1)
        absent = flat[:, :, -1] == 0
        absent[:, 0] = False
        states = self.block(self.token(flat), src_key_padding_mask=absent)
        query = torch.relu(self.column(columns)).flatten(0, 1)
        pooled, _ = self.pool(query[:, None], states, states, key_padding_mask=absent)
        both = torch.cat([query, pooled[:, 0]], dim=1)
        scores: torch.Tensor = self.out(torch.relu(self.hidden(both)))
        return scores.reshape(shown.shape[:2])


@dataclass(frozen=True, eq=False)
class Scaler:
    """Columns at mean 0 and spread 1 over the examples of the source."""

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def fit(cls, groups: Groups) -> Scaler:
        """Learn from all candidates of `groups`."""
        rows = groups.columns[groups.valid]
        known = np.nan_to_num(rows)
        return cls(known.mean(axis=0), np.maximum(known.std(axis=0), 1e-3))

    def __call__(self, groups: Groups) -> np.ndarray:
        """Return the columns of the shown candidates, float32."""
        scaled = (np.nan_to_num(groups.columns[:, :SHOWN]) - self.mean) / self.spread
        return np.clip(scaled, -5, 5).astype(np.float32)


def batches(level: TokenExamples, scale: Scaler, order: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """Give columns, tokens, closed form and rows, a batch at a time."""
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        yield (
            torch.from_numpy(scale(level.groups.take(rows))),
            torch.from_numpy(level.tokens[rows].astype(np.float32)),
            torch.from_numpy(np.where(level.groups.valid, level.closed, -1e4)[rows, :SHOWN]),
            rows,
        )


def trained(examples: Sequence[TokenExamples], scale: Scaler, epochs: int, rate: float) -> Network:
    """Fit the network on the examples whose target is among the shown candidates."""
    torch.manual_seed(RUN.seed)
    rng = np.random.default_rng(RUN.seed)
    network = Network(examples[0].groups.columns.shape[2])
    steps = epochs * sum(-(-int((one.groups.place < SHOWN).sum()) // BATCH) for one in examples)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(epochs):
        for at in rng.permutation(len(examples)):
            level = examples[at]
            order = rng.permutation(np.flatnonzero(level.groups.place < SHOWN))
            for columns, shown, closed, rows in batches(level, scale, order):
                place = torch.from_numpy(level.groups.place[rows])
                loss = torch.nn.functional.cross_entropy(closed + network(columns, shown), place)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                schedule.step()
    return network.eval()


def outputs(network: Network, scale: Scaler, level: TokenExamples) -> np.ndarray:
    """Return the network's output, float32 (n, m); 0 for what it is not shown."""
    out = np.zeros(level.groups.index.shape, np.float32)
    with torch.inference_mode():
        for columns, shown, _, rows in batches(level, scale, np.arange(len(level.groups))):
            out[rows, : shown.shape[1]] = network(columns, shown).numpy()
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors")
    parser.add_argument("--source", default="beauty")
    parser.add_argument("--target", default="uci")
    parser.add_argument("--most", type=int, default=10_000, help="levels up to so many events")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sets = Sets(options.cache, [options.source])
    examples = list(levels(options.source, sets, options.most))
    groups = joined([level.groups for level in examples])
    started = time.process_time()
    trees = fit_ranker(groups, CONFIG.ranker, RUN)
    middle = time.process_time()
    scale = Scaler.fit(groups)
    network = trained(examples, scale, options.epochs, options.rate)
    count = sum(parameter.numel() for parameter in network.parameters())
    print(f"{options.source} → {options.target}: {len(groups)} examples, {count} parameters,")
    print(f"trees {middle - started:.0f} s, network {time.process_time() - middle:.0f} s of CPU")
    print("| events | closed form | + trees | + set transformer | trees − it |")
    print("| --- | --- | --- | --- | --- |")
    for level in levels(options.target, sets, options.most):
        closed, own = level.closed, level.groups
        head = standardised(trees.scores(own.columns), own.valid)
        learnt = np.where(own.valid, closed + outputs(network, scale, level), -np.inf)
        tables = [
            target_gains(np.where(own.valid, one, -np.inf), own.place)
            for one in (closed, closed + head, learnt)
        ]
        means = " | ".join(f"{level.share * table.mean():.4f}" for table in tables)
        gain = PairedGain.between(level.share * tables[1], level.share * tables[2])
        print(f"| {level.events} | {means} | {gain.mean:+.4f} ± {gain.error:.4f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
