"""The settings of the neural sources; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from crossrec.components.settings import Settings
from pydantic import Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
LossName = Literal["softmax", "sampled-softmax", "bce", "gbce", "bpr"]
HeadName = Literal["category", "engagement", "rating"]


class InputSettings(Settings):
    """What an item and a history are made of.

    Attributes
    ----------
    text : bool
        Whether the item vectors of the encoder are read.
    text_size : int
        Leading directions of the text vectors that are kept.
    whitening : float
        Text vectors are divided by the spread along each direction, to this power: 0 leaves them, 1
        whitens them fully. On the validation items of Scientific one half gives ndcg@10 .0921, 1
        gives .0890.
    text_layers : int
        Layers of the encoder, from the top, that are trained with the body: 0 leaves the text
        vectors as they are. Takes minutes where the rest takes seconds.
    tags : bool
        Whether categories and creators have embeddings.
    ids : bool
        Whether items have embeddings of their own.
    evidence : float
        Events at which half of an item's own embedding counts; an item without events has none.
    types : bool
        Whether the types of events are read, where there are several.
    gaps : bool
        Whether the time between events is read, where there is a clock.
    user_fields : list of str
        Fields of the users table whose values have embeddings, which are added to the history.
    """

    text: bool = True
    text_size: Count = 256
    whitening: Share = 0.5
    text_layers: Annotated[int, Field(ge=0)] = 0
    tags: bool = True
    ids: bool = True
    evidence: Annotated[float, Field(ge=0)] = 3.0
    types: bool = True
    gaps: bool = True
    user_fields: tuple[str, ...] = ()


class LossSettings(Settings):
    """What is minimised, and against which other items.

    Attributes
    ----------
    name : str
        ``softmax`` over all items with events; ``sampled-softmax`` over a sample of them, corrected
        for its probabilities; ``bce`` with some negatives for each positive; ``gbce``, the same
        with the calibrated positive of gSASRec; ``bpr``.
    temperature : float
        Scores are divided by it. On the validation items of Scientific 0.1 gives ndcg@10 .0956,
        0.05 .0884, 0.07 .0921 and 0.14 .0934.
    cosine : bool
        Whether scores are cosines, or products of unscaled vectors.
    negatives : int
        Items that a batch shares as negatives.
    uniform : float
        Share of the negatives that are drawn uniformly; the rest by popularity.
    popularity_power : float
        Popularity to this power is what the rest is drawn by.
    per_positive : int
        Negatives of each positive among the shared ones, of ``bce``, ``gbce`` and ``bpr``.
    calibration : float
        From 0, plain ``bce``, to 1, as if all items were negatives (``gbce``).
    """

    name: LossName = "sampled-softmax"
    temperature: Positive = 0.1
    cosine: bool = True
    negatives: Count = 512
    uniform: Share = 0.5
    popularity_power: Share = 1.0
    per_positive: Count = 1
    calibration: Share = 0.75


class CommonTraining(Settings):
    """How long and how fast, of everything that is trained.

    Attributes
    ----------
    epochs : int
        Passes over the data at most, as the learning rate falls to 0; a quarter of it with the
        effort "quick".
    steps : int
        Small data gets more epochs, until there are so many steps in all.
    patience : int
        Epochs without a better validation ndcg after which training ends.
    seconds : float or None
        Time after which no second epoch is begun; a fit that it ends depends on the machine.
    batch_size : int
        Histories in a batch.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first steps and falls to 0 in the end, and weights of the
        inputs do not decay.
    validation_share : float
        Users whose last event is held out, to stop in time. Fewer than 20 are not enough: then a
        fifth of the epochs are trained.
    """

    epochs: Count = 16
    steps: Count = 400
    patience: Count = 5
    seconds: Positive | None = None
    batch_size: Count = 128
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    validation_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1


class TrainingSettings(CommonTraining):
    """How long and how fast a body is trained, and layers of the text encoder with it.

    Attributes
    ----------
    text_learning_rate : float
        Of AdamW for these layers, whose weights do not decay; it goes as the other does.
    text_items : int
        Items of a batch's histories and targets whose texts pass these layers in each step; the
        other texts stand where they stood after the last epoch.
    """

    text_learning_rate: Positive = 5e-5
    text_items: Count = 32


class NeuralSettings(Settings):
    """What all bodies share.

    Attributes
    ----------
    encoder : str
        Name of the text vectors in ``dataset.vectors``; "" for none.
    embedding_size : int
        Width of the vectors of items and histories.
    max_length : int
        Latest events of a history that are read; longer ones are trained in windows.
    dropout : float
        Share of the activations that are left out in training.
    inputs, loss, training
        See there.
    heads : mapping of head to weight
        What is predicted beside the next item: its ``category``, ``engagement`` (whether an event
        is more than an impression), ``rating`` (the signed weight of an event).
    """

    encoder: str = "transformer"
    embedding_size: Annotated[int, Field(ge=2, le=4096)] = 128
    max_length: Annotated[int, Field(ge=2, le=4096)] = 50
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    inputs: InputSettings = InputSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()
    heads: dict[HeadName, Positive] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _layers_of_texts(self) -> Self:
        if self.inputs.text_layers and not (self.encoder and self.inputs.text):
            raise ValueError("inputs.text_layers trains on texts: set encoder and inputs.text")
        return self


class BodySettings(NeuralSettings):
    """What bodies share that can be pretrained on other scenarios.

    Attributes
    ----------
    pretrained : str
        Name of a pretrained body, or the path of its folder; "" starts from nothing. It brings its
        own sizes and options, and serves unless held-out events prove that a body that starts from
        nothing is better.
    tune_body : float
        Learning rate of a pretrained body relative to that of what is around it, after it has
        rested for a quarter of the epochs; 0 leaves it as it is.
    """

    pretrained: str = ""
    tune_body: Share = 0.1

    def shape(self) -> dict[str, Any]:
        """Return the settings that a pretrained body brings, in JSON values."""
        own = type(self).model_fields.keys() - BodySettings.model_fields.keys()
        return self.model_dump(mode="json", include={"embedding_size", "max_length", *own})


class TransformerSettings(BodySettings):
    """Settings of `transformer`.

    Attributes
    ----------
    layers : int
        Layers of attention, each with a feed-forward network where it is not gated.
    attention_heads : int
        Of each layer; `embedding_size` is a multiple of it.
    positions : bool
        Whether the distance of two events in the history moves their attention.
    time_bias : bool
        Whether the time between two events, by its logarithm, moves their attention.
    gated : bool
        Pointwise gated layers (HSTU) instead of softmax attention and a feed-forward network.
    """

    layers: Count = 2
    attention_heads: Count = 2
    positions: bool = True
    time_bias: bool = False
    gated: bool = False

    @model_validator(mode="after")
    def _divisible(self) -> TransformerSettings:
        if self.embedding_size % self.attention_heads:
            raise ValueError(
                f"embedding_size {self.embedding_size} is no multiple of "
                f"attention_heads {self.attention_heads}"
            )
        return self


class RnnSettings(BodySettings):
    """Settings of `rnn`.

    Attributes
    ----------
    cell : {"gru", "lstm"}
        Gated recurrent units, or long short-term memory.
    layers : int
        Recurrent layers, one upon the other.
    """

    cell: Literal["gru", "lstm"] = "gru"
    layers: Count = 1


class CnnSettings(NeuralSettings):
    """Settings of `cnn`.

    Attributes
    ----------
    window : int
        Latest items that the filters see.
    horizontal, vertical : int
        Filters of each height from 1 to `window`, and filters over the window.
    """

    window: Count = 5
    horizontal: Count = 16
    vertical: Count = 4


class TwoTowerSettings(NeuralSettings):
    """Settings of `two-tower`.

    Attributes
    ----------
    decay : float
        Weight of each item of the history relative to the one after it.
    hidden : int
        Width of the hidden layer of each tower.
    """

    decay: Annotated[float, Field(gt=0, le=1)] = 0.8
    hidden: Count = 256


class NcfSettings(NeuralSettings):
    """Settings of `ncf`.

    Attributes
    ----------
    hidden : int
        Width of the hidden layer over user and item.
    decay : float
        Weight of each item of the history relative to the one after it.
    loss : LossSettings
        With fewer negatives by default: each pair passes the network.
    """

    loss: LossSettings = LossSettings(negatives=128)
    hidden: Count = 64
    decay: Annotated[float, Field(gt=0, le=1)] = 0.9


class VaeSettings(NeuralSettings):
    """Settings of `vae`.

    Attributes
    ----------
    latent, hidden : int
        Width of the code and of the layer before it.
    item_dropout : float
        Share of the history that is left out of the input in training.
    kl : float
        Weight of the divergence from the prior in the end.
    annealing : int
        Epochs in which the weight of the divergence rises from 0.
    prior : {"standard", "composite"}
        The normal distribution, or RecVAE's mixture of it, a wider one and the code before the
        epoch.
    """

    latent: Count = 64
    hidden: Count = 256
    item_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    kl: Annotated[float, Field(ge=0)] = 0.2
    annealing: Count = 10
    prior: Literal["standard", "composite"] = "standard"
