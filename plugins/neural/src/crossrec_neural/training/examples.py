"""What is trained on: windows of histories, in batches of similar length; and what is held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from crossrec.components.candidates import PAD
from crossrec.components.repeats import repeat_rate
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import IntArray, Ragged

from crossrec_neural.inputs.histories import Histories, HistoryBatch, HistorySpace, windows
from crossrec_neural.losses.heads import LabelledEvents
from crossrec_neural.settings import NeuralSettings

#: Users whose last event is held out: at least 20 or none, at least 500 where they are a third of
#: all or less, never more than 5,000.
FEWEST, _LEAST, _MOST = 20, 500, 5_000
#: Batches whose histories are sorted by length together.
_POOL = 32


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Users whose last event is not trained on.

    Attributes
    ----------
    batch : HistoryBatch
        What came before it.
    targets : int64 array, shape (n,)
    exclude : Ragged, n rows
        Items that are no candidates, since people of this dataset don't come back to items.
    """

    batch: HistoryBatch
    targets: IntArray
    exclude: Ragged

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Batch:
    """Histories and what comes next at each event.

    Attributes
    ----------
    targets : int64 array, shape (n, length)
        `PAD` where nothing is predicted.
    starts : int64 array, shape (n,)
        Where each history begins in ``dataset.sequences.values``.
    """

    histories: HistoryBatch
    targets: IntArray
    starts: IntArray


@dataclass(frozen=True, eq=False)
class Examples:
    """All windows of a dataset.

    Attributes
    ----------
    starts, lengths : int64 arrays
        Of each window of inputs, in ``histories.rows.values``.
    shift : int
        How far behind an event its target stands: 1 for causal bodies, 0 for those that predict
        the whole history.
    counts : int64 array, shape (n_items,)
        Events of each item in the windows' histories.
    comes_back : bool
        Whether people of this dataset come back to items.
    """

    histories: Histories
    starts: IntArray
    lengths: IntArray
    shift: int
    counts: IntArray
    labelled: LabelledEvents
    held_out: HeldOut
    comes_back: bool

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        space: HistorySpace,
        settings: NeuralSettings,
        causal: bool,
        seed: int,
    ) -> Examples:
        """Hold out the last event of some users and cut the rest into windows."""
        histories = Histories.of_dataset(dataset, space)
        rows = histories.rows
        comes_back = repeat_rate(rows).comes_back
        users = held_out_users(rows, settings.training.validation_share, seed)
        stops = rows.indptr[1:].copy()
        stops[users] -= 1
        kept = np.ones(len(rows.values), dtype=bool)
        kept[stops[users]] = False
        earlier = histories.where(kept)
        chosen = earlier.rows.take(users)
        lengths = np.minimum(chosen.lengths, settings.max_length)
        before = earlier.cut(earlier.rows.indptr[users + 1] - lengths, lengths)
        exclude = Ragged.empty(len(users)) if comes_back else chosen
        held_out = HeldOut(before, rows.values[stops[users]], exclude)
        shift = int(causal)
        starts, total = windows(earlier.rows, settings.max_length, overlap=shift)
        return cls(
            earlier,
            starts,
            total - shift,
            shift,
            np.bincount(earlier.rows.values, minlength=dataset.n_items),
            LabelledEvents.of(dataset, stops).moved(np.cumsum(kept) - 1),
            held_out,
            comes_back,
        )

    def order(self, batch_size: int, rng: np.random.Generator) -> list[IntArray]:
        """Return the windows of each batch of an epoch: similar lengths together, else shuffled."""
        shuffled = rng.permutation(len(self.starts))
        batches: list[IntArray] = []
        for pool in range(0, len(shuffled), batch_size * _POOL):
            part = shuffled[pool : pool + batch_size * _POOL]
            part = part[np.argsort(self.lengths[part], kind="stable")]
            batches += [part[at : at + batch_size] for at in range(0, len(part), batch_size)]
        return [batches[at] for at in rng.permutation(len(batches))]

    def batches(self, batch_size: int) -> int:
        """Return how many batches an epoch has."""
        return -(-len(self.starts) // batch_size)

    def batch(self, chosen: IntArray) -> Batch:
        """Return some windows, padded to the longest."""
        starts, lengths = self.starts[chosen], self.lengths[chosen]
        inputs = self.histories.cut(starts, lengths)
        targets = self.histories.cut(starts + self.shift, lengths).items if self.shift else None
        return Batch(inputs, inputs.items if targets is None else targets, starts)

    @property
    def targets(self) -> int:
        """How many predictions an epoch makes."""
        return int(self.lengths.sum())


def held_out_users(rows: Ragged, share: float, seed: int) -> IntArray:
    """Draw the users whose last event is held out, ascending: those with three events or more."""
    able = np.flatnonzero(rows.lengths >= 3)
    wanted = min(max(int(share * len(able)), min(_LEAST, len(able) // 3)), _MOST)
    if wanted < FEWEST or not share:
        return np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng([seed, 1])
    return np.sort(rng.choice(able, wanted, replace=False))


def real_targets(batch: Batch) -> IntArray:
    """Return the items of a batch's targets without padding, row by row."""
    targets: IntArray = batch.targets[batch.targets != PAD]
    return targets
