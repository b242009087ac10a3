"""What a training costs: formulas whose constants were timed beside other work, so roughly."""

from __future__ import annotations

from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions

from crossrec_neural.settings import BodySettings, NeuralSettings, TransformerSettings

#: Seconds for importing torch.
_LOADING = 3.0
#: Reference seconds of one multiplication and addition, in products as small as these.
_PRODUCT = 2.5e-11
#: Seconds of a step besides its products.
_STEP = 8e-3
#: Share of the epochs that are trained until validation stops them, and with the effort "quick".
_STOPPED, _QUICK = 0.75, 0.25
#: Seconds in which a token passes one layer of a text encoder, and how many layers that has.
_TOKEN, _LAYERS = 2.5e-5, 6.0
#: Characters of a token, and tokens at most; bytes of a token's states, and the most in memory.
_CHARACTERS, _LONGEST, _STATES, _IN_MEMORY = 4.2, 64.0, 768.0, 2.7e8
#: Bytes of a text encoder with what its learning needs.
_ENCODER = 4e8
#: How much faster a graphics card is.
_CARD = 0.05


def training_cost(size: DatasetSize, settings: NeuralSettings, run: RunOptions) -> Cost:
    """Return the cost of a fit, and of the answers to ``size.queries`` queries."""
    width, training = settings.embedding_size, settings.training
    events, items = float(size.interactions), float(size.active_items)
    steps = size.users / training.batch_size + events / (training.batch_size * settings.max_length)
    most = max(float(training.epochs), training.steps / max(steps, 1.0))
    epochs = max(1.0, most * _STOPPED * (_QUICK if run.effort == "quick" else 1.0))
    compared = items if settings.loss.name == "softmax" else min(items, settings.loss.negatives)
    layers = 1.0 + (settings.layers if isinstance(settings, TransformerSettings) else 1.0)
    event = width * (8.0 * layers * width + compared + settings.inputs.text_size)
    own = 10.0 * width * size.items if settings.inputs.ids else 0.0
    seconds = epochs * (3.0 * events * event * _PRODUCT + steps * own * 1e-9)
    texts, states = _encoder_cost(size, settings, steps, epochs)
    seconds = (seconds + texts) * (1.0 if run.device == "cpu" else _CARD)
    # a pretrained body is compared with one that is trained from nothing
    trainings = 2.0 if isinstance(settings, BodySettings) and settings.pretrained else 1.0
    seconds *= trainings
    answers = size.queries * (2e-4 + _PRODUCT * width * size.items)
    table = 4.0 * size.items * (settings.inputs.text_size + width * (6.0 if own else 2.0))
    batch = 4.0 * training.batch_size * settings.max_length * (3.0 * compared + 30.0 * width)
    if training.seconds is not None:
        seconds = min(seconds, training.seconds * trainings)
    return Cost.of(
        dense=seconds + answers,
        scattered=_LOADING + epochs * steps * _STEP + 5e-8 * events,
        memory=3e8 + table + batch + 60.0 * events + states,
    )


def _encoder_cost(
    size: DatasetSize, settings: NeuralSettings, steps: float, epochs: float
) -> tuple[float, float]:
    """Return seconds and bytes of training layers of the text encoder."""
    layers, training = settings.inputs.text_layers, settings.training
    if not layers or not size.texts:
        return 0.0, 0.0
    tokens = min(size.characters / size.texts / _CHARACTERS, _LONGEST)
    learnt = 3.0 * steps * min(training.text_items, size.active_items) + size.texts
    passed = _LAYERS * size.texts + epochs * layers * learnt
    return _TOKEN * tokens * passed, _ENCODER + min(_STATES * tokens * size.texts, _IN_MEMORY)
