"""EASE and SASRec of RecTools. Runs in the peer's environment.

EASE has the default of its constructor. SASRec has those of its own for the model; it is trained as
the "full example" of the library's advanced training guide has it: at most 100 epochs, ended when
the ndcg@10 of 2,048 validation users has not improved for five, and the best epoch is used.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from exchange import Fitted, IntArray, Job, epochs_note, serve
from pytorch_lightning import LightningModule, Trainer, seed_everything
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint
from rectools import Columns
from rectools.dataset import Dataset, Interactions
from rectools.models import EASEModel, SASRecModel

EPOCHS, PATIENCE, VALIDATION_USERS = 100, 5, 2048
MEASURE = "NDCG@10"


def interactions(users: IntArray, items: IntArray) -> pd.DataFrame:
    """Return events as RecTools reads them; their order stands for the time."""
    times = pd.to_datetime(np.arange(len(users)), unit="s")
    names = (Columns.User, Columns.Item, Columns.Weight, Columns.Datetime)
    return pd.DataFrame(dict(zip(names, (users, items, 1.0, times), strict=True)))


def lists(model: Any, dataset: Dataset, job: Job) -> IntArray:
    """Return what a fitted model recommends to every query, histories filtered."""
    ids = dataset.user_id_map, dataset.item_id_map
    known = np.isin(job.history, ids[1].external_ids)
    users = job.queries[job.query_rows[known]]
    # The same ids as in the fit: what a model learnt is by their numbers.
    seen = Dataset(*ids, Interactions.from_raw(interactions(users, job.history[known]), *ids))
    reco = model.recommend(np.unique(users), seen, job.k, filter_viewed=True)
    out = job.padded([()] * len(job.queries))
    rows = np.searchsorted(job.queries, reco[Columns.User].to_numpy())
    out[rows, reco[Columns.Rank].to_numpy() - 1] = reco[Columns.Item].to_numpy()
    return out


def ease(job: Job) -> Fitted:
    """Fit EASE with its default."""
    dataset = Dataset.construct(interactions(job.users, job.items))
    model = EASEModel().fit(dataset)
    return lambda: lists(model, dataset, job), ""


class Ndcg(Callback):
    """Log the ndcg@10 of the validation events, as the guide has callbacks for metrics."""

    def __init__(self) -> None:
        self.gains: list[float] = []

    def on_validation_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Add the gain of each validation event."""
        logits = outputs["logits"].reshape(len(batch["y"]), -1)
        places = (logits > logits.gather(1, batch["y"])).sum(dim=1)
        gains = torch.where(places < 10, 1 / torch.log2(places + 2.0), 0.0)
        self.gains += gains.tolist()

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Log their mean."""
        self.log(MEASURE, float(np.mean(self.gains)), on_step=False, on_epoch=True)
        self.gains.clear()


def sasrec(job: Job) -> Fitted:
    """Fit SASRec."""
    warnings.simplefilter("ignore")
    started = time.perf_counter()
    seed_everything(job.seed, verbose=False)
    chosen = job.validation_users[:VALIDATION_USERS]
    users = np.concatenate([job.users, chosen])
    items = np.concatenate([job.items, job.validation_items[: len(chosen)]])
    held = np.arange(len(users)) >= len(job.users)
    table = interactions(users, items)
    dataset = Dataset.construct(table)
    with tempfile.TemporaryDirectory(prefix="crossrec-bench-") as folder:
        best = ModelCheckpoint(dirpath=folder, filename="best", monitor=MEASURE, mode="max")
        trainer = Trainer(
            accelerator="cpu",
            min_epochs=1,
            max_epochs=EPOCHS,
            max_time={"minutes": job.minutes},
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Ndcg(), best, EarlyStopping(monitor=MEASURE, patience=PATIENCE, mode="max")],
        )
        model = SASRecModel(
            get_val_mask_func=lambda raw: held[raw.index.to_numpy()],
            get_trainer_func=lambda: trainer,
        )
        model.fit(dataset)
        model.load_weights_from_checkpoint(Path(folder) / "best.ckpt")
    known = Dataset.construct(interactions(job.users, job.items))
    note = epochs_note(model.fit_trainer.current_epoch, EPOCHS, job, time.perf_counter() - started)
    return lambda: lists(model, known, job), note


if __name__ == "__main__":
    serve(
        {"rectools-ease": ease, "rectools-sasrec": sasrec},
        ("rectools", "torch", "numpy", "pytorch-lightning"),
    )
