"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

if TYPE_CHECKING:
    from crossrec.hookspecs import Register

#: Source → class of the source, class of its settings, summary.
_SOURCES = {
    "transformer": (
        "TransformerSource",
        "TransformerSettings",
        "causal self-attention over the history (SASRec), optionally gated with time bias (HSTU)",
    ),
    "rnn": ("RnnSource", "RnnSettings", "a recurrent network over the history: GRU or LSTM"),
    "cnn": ("CnnSource", "CnnSettings", "convolutions over the latest items (Caser)"),
    "two-tower": ("TwoTowerSource", "TwoTowerSettings", "a tower of the history and one of items"),
    "ncf": ("NcfSource", "NcfSettings", "a network over history and item together (NeuMF)"),
    "vae": ("VaeSource", "VaeSettings", "a variational autoencoder of histories (Mult-VAE)"),
}

#: What some can do beyond the others: be trained on several scenarios, join thorough fits.
_MORE = {"transformer": {"pretrain", "thorough"}, "rnn": {"pretrain"}}


@hookimpl
def register_candidate_generators(register: Register) -> None:
    """Register a source for each body."""
    able = {"score", "add_items", "refit", "estimate", "report"}
    for name, (source, settings, summary) in _SOURCES.items():
        register(
            name,
            f"crossrec_neural.sources.registered:{source}",
            config=f"crossrec_neural.settings:{settings}",
            capabilities=able | _MORE.get(name, set()),
            summary=summary,
        )


@hookimpl
def register_features(register: Register) -> None:
    """Register what predicts ratings."""
    register(
        "rating",
        "crossrec_neural.rating.rater:RatingFeatures",
        config="crossrec_neural.rating.settings:RatingSettings",
        capabilities={"rate", "forget"},
        summary="the rating that a user would give, from biases, texts and earlier reviews",
    )
