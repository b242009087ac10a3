"""Vocabularies in an artifact: one UTF-8 blob and the end of each id in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.artifacts.tensors import map_tensors
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ArtifactError


def pack_vocabulary(vocabulary: Vocabulary) -> dict[str, NDArray[Any]]:
    """Return the ids as ``blob`` (uint8) and ``ends`` (int64, one for each id).

    Lone surrogates, which damaged input can bring in, survive.
    """
    encoded = [id_.encode("utf-8", "surrogatepass") for id_ in vocabulary.ids]
    ends = np.cumsum([len(id_) for id_ in encoded], dtype=np.int64)
    return {"blob": np.frombuffer(b"".join(encoded), np.uint8), "ends": ends}


def load_vocabulary(path: Path) -> Vocabulary:
    """Return the vocabulary whose packed form is in the file `path`.

    Raises
    ------
    ArtifactError
        If the file holds none.
    """
    arrays = map_tensors(path)
    try:
        blob, ends = arrays["blob"].tobytes(), arrays["ends"].tolist()
        starts = [0, *ends[:-1]] if ends else []
        return Vocabulary(
            blob[start:end].decode("utf-8", "surrogatepass")
            for start, end in zip(starts, ends, strict=True)
        )
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{path} is damaged: it holds no vocabulary; fit again") from None
