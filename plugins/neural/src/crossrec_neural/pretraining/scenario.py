"""One scenario as something that a body learns from: as it is, and as a new one would be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import DataError
from crossrec.numeric.ragged import FloatArray

from crossrec_neural.inputs.columns import fit_columns
from crossrec_neural.inputs.histories import HistorySpace
from crossrec_neural.inputs.tags import TagSpace
from crossrec_neural.inputs.tower import ItemTensors
from crossrec_neural.losses.negatives import Negatives
from crossrec_neural.settings import BodySettings
from crossrec_neural.training.examples import Batch, Examples
from crossrec_neural.training.loop import BODY
from crossrec_neural.training.model import NeuralModel, SharedBody
from crossrec_neural.training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class ScenarioTask:
    """A scenario and its two models, which have the body in common.

    Attributes
    ----------
    own : Trainer
        With a text adapter, its bias, a gate, tags, types and gaps of its own.
    bare : Trainer
        Without: texts as they are, as a scenario begins that nothing was learnt on. Only the body
        is trained by it.
    """

    name: str
    own: Trainer
    bare: Trainer

    @classmethod
    def of(
        cls,
        name: str,
        dataset: Dataset,
        settings: BodySettings,
        axes: FloatArray,
        body: SharedBody | None,
        run: RunOptions,
    ) -> ScenarioTask:
        """Prepare a scenario; without `body` a new one begins here.

        Raises
        ------
        DataError
            If nobody has two events.
        """
        columns, _, tags = fit_columns(name, dataset, settings, axes)
        history = HistorySpace.fit(name, dataset, settings.inputs)
        items = ItemTensors.of(columns, settings, run.device)
        n_items, device = dataset.n_items, run.device
        model = NeuralModel(settings, history, tags, items, n_items, device, body=body, shares=True)
        shared = SharedBody(model.body, model.noise)
        bare = NeuralModel(
            settings, HistorySpace(), TagSpace(), items, 0, device, body=shared, shares=True
        )
        for weight_name, weight in bare.named_parameters():
            weight.requires_grad_(weight_name.startswith(BODY))
        examples = Examples.of(dataset, history, settings, model.body.causal, run.seed)
        if not len(examples.starts):
            raise DataError(f"{name}: no user has two events to learn from: leave it out")
        known = columns.evidence(ids=False)

        def trainer(of: NeuralModel) -> Trainer:
            return Trainer(name=name, run=run, model=of, examples=examples, candidates=known)

        return cls(name, trainer(model), trainer(bare))

    @property
    def shared(self) -> SharedBody:
        """The body, for further scenarios."""
        return SharedBody(self.own.model.body, self.own.model.noise)

    def begin(self, seed: int) -> None:
        """Set the first weights of both models, those of the body too."""
        for one in (self.own, self.bare):
            one.model.begin(seed)

    def ndcg(self) -> tuple[float, float] | None:
        """Return the validation ndcg@10 with the scenario's own parts and without them."""
        own, bare = self.own.ndcg(), self.bare.ndcg()
        return None if own is None or bare is None else (own, bare)


def batches(
    examples: Examples, task: Trainer, rng: np.random.Generator
) -> Iterator[tuple[Batch, Negatives]]:
    """Yield batches of a trainer's examples, or of others in their place, over and over."""
    settings = task.model.settings
    negatives = Negatives(examples.counts, settings.loss)
    while True:
        for chosen in examples.order(settings.training.batch_size, rng):
            yield examples.batch(chosen), negatives


def scarce(examples: Examples, least: int, rng: np.random.Generator) -> Examples:
    """Return what a scenario with little data would have: a few windows, the histories cut.

    Parameters
    ----------
    least : int
        Windows at least; how many is drawn between it and all, small numbers as often as large
        ones. Of each window the latest events are kept, of any number.
    """
    whole = len(examples.starts)
    size = whole if whole <= least else round(np.exp(rng.uniform(np.log(least), np.log(whole))))
    chosen = np.sort(rng.choice(whole, size, replace=False))
    before = examples.lengths[chosen]
    lengths = rng.integers(1, before + 1)
    starts = examples.starts[chosen] + before - lengths
    values = examples.histories.rows.values
    edges = np.zeros(len(values) + 1, dtype=np.int64)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + lengths + examples.shift, -1)
    seen = values[np.cumsum(edges)[:-1] > 0]
    counts = np.bincount(seen, minlength=len(examples.counts))
    return replace(examples, starts=starts, lengths=lengths, counts=counts)
