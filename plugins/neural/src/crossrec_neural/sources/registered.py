"""The sources by name: each body with its settings."""

from __future__ import annotations

from crossrec.data.catalog import Catalog

from crossrec_neural import settings as given
from crossrec_neural.sources.pretraining import PretrainingSource
from crossrec_neural.sources.source import NeuralSource
from crossrec_neural.sources.towers import Towers


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

    def towers(self, catalog: Catalog) -> Towers:
        """Return both towers for use outside: an index of items, user vectors to look up in it.

        Parameters
        ----------
        catalog : Catalog
            Of the fit, with the items that were added since.
        """
        return Towers.of(self._trained, catalog)


class NcfSource(NeuralSource):
    """A network over history and item together: NeuMF."""

    name, settings = "ncf", given.NcfSettings


class VaeSource(NeuralSource):
    """A variational autoencoder of histories: Mult-VAE."""

    name, settings = "vae", given.VaeSettings
