"""The body that goes with some settings."""

from __future__ import annotations

from crossrec_neural.bodies.body import Body
from crossrec_neural.bodies.cnn import Cnn
from crossrec_neural.bodies.layers import Noise
from crossrec_neural.bodies.ncf import Ncf
from crossrec_neural.bodies.rnn import Rnn
from crossrec_neural.bodies.transformer import Transformer
from crossrec_neural.bodies.two_tower import TwoTower
from crossrec_neural.bodies.vae import Vae
from crossrec_neural.settings import (
    CnnSettings,
    NcfSettings,
    NeuralSettings,
    RnnSettings,
    TransformerSettings,
    TwoTowerSettings,
    VaeSettings,
)


def body_of(settings: NeuralSettings, noise: Noise) -> Body:
    """Return a new body, its weights not set yet.

    Raises
    ------
    TypeError
        If the settings are of no body.
    """
    match settings:
        case TransformerSettings():
            return Transformer(settings, noise)
        case RnnSettings():
            return Rnn(settings, noise)
        case CnnSettings():
            return Cnn(settings, noise)
        case TwoTowerSettings():
            return TwoTower(settings, noise)
        case NcfSettings():
            return Ncf(settings, noise)
        case VaeSettings():
            return Vae(settings, noise)
    raise TypeError(f"no body has the settings {type(settings).__name__}")
