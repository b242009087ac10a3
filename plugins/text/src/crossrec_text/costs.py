"""What encoding costs: formulas with constants timed by ``benchmarks/estimates.py``."""

from __future__ import annotations

from pathlib import Path

from crossrec.components.cost import Cost, DatasetSize
from crossrec.store.vector_cache import VectorCache

from crossrec_text.settings import TfidfSvdConfig, TransformerConfig

#: Texts of which so many, in even steps, are looked up in the cache.
_LOOKED_UP = 2_000
#: Bytes of the weights that the constants were timed with: all-MiniLM-L6-v2.
_WEIGHTS = 90e6
#: Characters of a token of English text.
_TOKEN = 4.2
#: Seconds for importing torch and loading the model.
_LOADING = 6.0
#: How much faster bfloat16 is, and a graphics card.
_HALF, _CARD = 0.5, 0.05


def transformer_cost(
    size: DatasetSize, config: TransformerConfig, share: float, weights: float, device: str
) -> Cost:
    """Return the cost of encoding texts.

    Parameters
    ----------
    share : float
        Of the texts, those that are in no cache.
    weights : float
        Bytes of the model's weights; 0 where they are not known.
    """
    missing = share * size.texts
    if not missing:
        return Cost.of(scattered=1e-3 + 5e-6 * size.texts, memory=1600.0 * size.items)
    tokens = min(size.characters / max(size.texts, 1) / _TOKEN, config.max_tokens)
    larger = weights / _WEIGHTS if weights else 1.0
    seconds = missing * (7e-3 + 2e-4 * tokens) * larger
    seconds *= _HALF if config.dtype == "bfloat16" else 1.0
    seconds *= _CARD if device != "cpu" else 1.0
    rows = config.batch_size * tokens * 40_000.0
    memory = 4e8 + 1.2 * (weights or _WEIGHTS) + rows * larger + 1600.0 * size.items
    return Cost.of(dense=seconds, scattered=_LOADING + 5e-6 * size.texts, memory=memory)


def missing_share(texts: tuple[str, ...], cache: VectorCache | None) -> float:
    """Return the share of distinct texts that a cache lacks, from a sample where there are many."""
    if cache is None or not texts:
        return 1.0
    sample = texts[:: -(-len(texts) // _LOOKED_UP)]
    return 1.0 - cache.count(sample) / len(sample)


def weights_in(folder: Path) -> int:
    """Return the bytes of a model's weights."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def tfidf_svd_cost(size: DatasetSize, config: TfidfSvdConfig) -> Cost:
    """Return the cost of counting words and of a truncated SVD by random projections."""
    words = size.characters / 6.0
    width = float(config.embedding_size)
    return Cost.of(
        dense=1e-9 * (size.items + words / 20.0) * width * width,
        scattered=0.3 + 4e-7 * size.characters + 1.2e-8 * words * width,
        memory=2e7 + 12.0 * (size.items + words / 20.0) * width + 40.0 * words,
    )
