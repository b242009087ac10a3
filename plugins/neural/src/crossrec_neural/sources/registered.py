"""The sources by name: each body with its settings."""

from __future__ import annotations

from crossrec_neural import settings as given
from crossrec_neural.sources.pretraining import PretrainingSource
from crossrec_neural.sources.source import NeuralSource


class TransformerSource(PretrainingSource):
    """Causal self-attention: SASRec, or HSTU's gated layers."""

    name, settings = "transformer", given.TransformerSettings


class RnnSource(PretrainingSource):
    """A recurrent network: GRU or LSTM."""

    name, settings = "rnn", given.RnnSettings


class CnnSource(NeuralSource):
    """Convolutions over the latest items: Caser."""

    name, settings = "cnn", given.CnnSettings


class TwoTowerSource(NeuralSource):
    """A tower of the history and one of items."""

    name, settings = "two-tower", given.TwoTowerSettings


class NcfSource(NeuralSource):
    """A network over history and item together: NeuMF."""

    name, settings = "ncf", given.NcfSettings


class VaeSource(NeuralSource):
    """A variational autoencoder of histories: Mult-VAE."""

    name, settings = "vae", given.VaeSettings
