"""A transformer's top layers learn from items that are consumed together. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from crossrec.components.encoder_training import EncoderTraining
from crossrec.components.joint_items import JointItems
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.errors import ConfigError

from crossrec_text.sentence_model import SentenceModel
from crossrec_text.top_layers import TokenStates, TopLayers, layers_of, token_states

#: Share of the steps in which the rate rises to its full height; it falls to 0 from there.
_WARM = 0.1
#: Below any score: what may not be taken for a negative.
_NEVER = -1e4


def adapted_weights(
    model: SentenceModel, sources: Sequence[JointItems], training: EncoderTraining, run: RunOptions
) -> State:
    """Train copies of the top layers and return their weights, interpolated, as float16.

    The loss is the symmetric softmax cross-entropy of each pair among the items of the batch
    (InfoNCE; van den Oord et al., 2018).

    Raises
    ------
    ConfigError
        If the model is not built like BERT, or has no more layers than are to learn.
    """
    layers = layers_of(model)
    if training.layers >= len(layers):
        raise ConfigError(
            f"transformer: {training.layers} layers are to learn, the model has {len(layers)}: "
            "name fewer"
        )
    known = [token_states(model, source.texts, training.layers, run) for source in sources]
    before = threads = torch.get_num_threads()
    torch.set_num_threads(run.threads or threads)
    try:
        start = TopLayers(model, training.layers)
        top = _trained(deepcopy(start).eval(), sources, known, training, run)
    finally:
        torch.set_num_threads(before)
    return State(dict(top.weights(start, training.share)), {"model": model.files.identity})


def _trained(
    top: TopLayers,
    sources: Sequence[JointItems],
    known: Sequence[TokenStates],
    training: EncoderTraining,
    run: RunOptions,
) -> TopLayers:
    """Take all steps; dropout stays off, so that the seed decides about the batches alone."""
    rng = np.random.default_rng([run.seed, 2])
    top.to(run.device)
    optimizer = torch.optim.AdamW(top.parameters(), lr=training.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: _rate(at, training.steps))
    for step in range(training.steps):
        run.progress("adapting the encoder", step, training.steps)
        turn = step % len(sources)
        loss = _loss(top, sources[turn], known[turn], training, run, rng)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(top.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    run.progress("adapting the encoder", training.steps, training.steps)
    return top


def _rate(step: int, steps: int) -> float:
    """Return the learning rate's share at a step."""
    return min(1.0, (step + 1) / max(_WARM * steps, 1.0)) * (1.0 - step / steps)


def _loss(
    top: TopLayers,
    source: JointItems,
    known: TokenStates,
    training: EncoderTraining,
    run: RunOptions,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Return the loss of one batch of pairs."""
    first, second = source.draw(rng, training.pairs)
    items, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    vectors = top(*known.batch(items, run.device, training.tokens))
    vectors = vectors[torch.from_numpy(place).to(run.device)]
    scores = vectors[: len(first)] @ vectors[len(first) :].T / training.temperature
    related = source.related(first, second)
    np.fill_diagonal(related, False)
    scores = scores.masked_fill(torch.from_numpy(related).to(run.device), _NEVER)
    right = torch.arange(len(first), device=run.device)
    cross = torch.nn.functional.cross_entropy
    return (cross(scores, right) + cross(scores.T, right)) / 2
