"""SASRec of RecBole, with the library's defaults. Runs in the peer's environment.

Cross-entropy over all items, at most 300 epochs, ended when the MRR@10 of the validation events has
not improved for ten; the best epoch is used.
"""

from __future__ import annotations

import copy
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from exchange import Fitted, IntArray, Job, epochs_note, serve
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.model.sequential_recommender import SASRec
from recbole.trainer import Trainer
from recbole.utils import init_seed

NAME, BLOCK = "events", 512


class TimeIsUpError(Exception):
    """Training has taken as long as it may."""


def write_events(folder: Path, job: Job) -> None:
    """Write training and validation events as RecBole reads them; their order stands for time."""
    users = np.concatenate([job.users, job.validation_users])
    items = np.concatenate([job.items, job.validation_items])
    rows = np.column_stack([users, items, np.arange(len(users))])
    head = "user_id:token\titem_id:token\ttimestamp:float"
    (folder / NAME).mkdir()
    path = folder / NAME / f"{NAME}.inter"
    np.savetxt(path, rows, fmt="%d", delimiter="\t", header=head, comments="")


def settings(folder: Path, job: Job) -> Config:
    """Return the library's defaults; the last event of each user is the validation."""
    return Config(
        model="SASRec",
        dataset=NAME,
        config_dict={
            "data_path": str(folder),
            "checkpoint_dir": str(folder),
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "eval_args": {"split": {"LS": "valid_only"}, "order": "TO", "mode": "full"},
            "train_neg_sample_args": None,  # none with cross-entropy: it refuses its own default
            "seed": job.seed,
            "use_gpu": False,
            "show_progress": False,
        },
    )


def sasrec(job: Job) -> Fitted:
    """Fit SASRec."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="crossrec-bench-") as folder:
        write_events(Path(folder), job)
        config = settings(Path(folder), job)
        init_seed(config["seed"], config["reproducibility"])
        dataset = create_dataset(config)
        training, validation, _ = data_preparation(config, dataset)
        model = SASRec(config, training.dataset)
        trainer = Trainer(config, model)
        done, best = 0, (-1.0, copy.deepcopy(model.state_dict()))

        def after_epoch(epoch: int, score: float) -> None:
            nonlocal done, best
            done = epoch + 1
            if score > best[0]:
                best = score, copy.deepcopy(model.state_dict())
            if time.perf_counter() - started > 60 * job.minutes:
                raise TimeIsUpError

        with suppress(TimeIsUpError):
            trainer.fit(training, validation, False, saved=False, callback_fn=after_epoch)
    model.load_state_dict(best[1])
    model.eval()
    note = epochs_note(done, config["epochs"], job, time.perf_counter() - started)
    return lambda: lists(model, dataset, job), note


def lists(model: SASRec, dataset: Any, job: Job) -> IntArray:
    """Return the best items of every query, histories left out."""
    tokens = dataset.field2id_token["item_id"]  # the number of an item → ours; 0 is padding
    ours = np.array([-1, *map(int, tokens[1:])])
    number = np.zeros(job.n_items, dtype=np.int64)
    number[ours[1:]] = np.arange(1, len(ours))
    out = job.padded([()] * len(job.queries))
    rows = job.rows()
    for start in range(0, len(rows), BLOCK):
        known = [number[row][number[row] > 0] for row in rows[start : start + BLOCK]]
        best = torch.topk(scores(model, known), job.k, dim=1)
        found = np.where(np.isfinite(best.values.numpy()), ours[best.indices.numpy()], -1)
        out[start : start + BLOCK] = found
    return out


@torch.no_grad()
def scores(model: SASRec, histories: list[IntArray]) -> torch.Tensor:
    """Return the scores of all items, -inf for those of the history and the padding."""
    longest = model.max_seq_length
    sequences = torch.zeros((len(histories), longest), dtype=torch.int64)
    for row, items in zip(sequences, histories, strict=True):
        row[: len(items[-longest:])] = torch.from_numpy(items[-longest:])
    lengths = torch.tensor([max(min(len(items), longest), 1) for items in histories])
    queries = Interaction({model.ITEM_SEQ: sequences, model.ITEM_SEQ_LEN: lengths})
    found = model.full_sort_predict(queries)
    for row, items in zip(found, histories, strict=True):
        row[torch.from_numpy(items)] = -torch.inf
    found[:, 0] = -torch.inf
    return found


if __name__ == "__main__":
    serve({"recbole-sasrec": sasrec}, ("recbole", "torch", "numpy"))
