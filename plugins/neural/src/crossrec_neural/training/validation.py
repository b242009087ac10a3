"""How good the model is on what was held out."""

from __future__ import annotations

import numpy as np
import torch
from crossrec.components.ndcg import target_gains
from crossrec.numeric.ragged import BoolArray
from numpy.typing import NDArray

from crossrec_neural.training.examples import HeldOut
from crossrec_neural.training.model import NeuralModel

#: Numbers of one block of scores: 16 MiB.
_CELLS = 1 << 22


def held_out_gains(
    model: NeuralModel, held_out: HeldOut, candidates: BoolArray
) -> NDArray[np.float64]:
    """Return ndcg@10 of each held-out event among all candidates, float64 (n,).

    Parameters
    ----------
    candidates : bool array, shape (n_items,)
        Items with any evidence.
    """
    model.eval()
    gains = []
    with torch.no_grad():
        vectors = model.item_vectors()
        table = model.candidates(vectors)
        size = max(1, _CELLS // max(len(table), 1))
        for first in range(0, len(held_out), size):
            rows = np.arange(first, min(first + size, len(held_out)))
            scores = model.scores(model.last_states(held_out.batch.take(rows), vectors), table)
            found = scores.cpu().numpy()
            found[:, ~candidates] = -np.inf
            exclude = held_out.exclude.take(rows)
            exclude = exclude.where(exclude.values != held_out.targets[rows][exclude.row_of])
            gains.append(target_gains(found, held_out.targets[rows], exclude))
    model.train()
    return np.concatenate(gains) if gains else np.zeros(0)
