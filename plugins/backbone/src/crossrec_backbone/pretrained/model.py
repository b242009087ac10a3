"""A backbone: what was learnt on several scenarios, as a folder of JSON and LightGBM's text.

``backbone.json`` holds the format, the checksum of every other file and which columns each head
reads; ``card.json`` says what it was trained on; ``heads/<family>.txt`` are the models; where an
encoder was adapted, ``encoder.safetensors`` holds the weights that changed. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossrec.artifacts import CARD, map_tensors, new_folder, write_file, write_tensors
from crossrec.components.state import State
from crossrec.errors import ArtifactError, UsageError
from crossrec.version import __version__

from crossrec_backbone.pretrained.encoder_weights import AdaptedEncoder
from crossrec_backbone.ranking.trees import TreeRanker

#: Version of the folder format that this crossrec writes and reads.
FORMAT = 2
MANIFEST = "backbone.json"
ENCODER = "encoder.safetensors"
KIND = "crossrec-backbone"
#: The head that was trained on all sources.
GENERAL = "general"


@dataclass(frozen=True, eq=False)
class Backbone:
    """Pretrained heads and their model card.

    Attributes
    ----------
    heads : mapping of family to TreeRanker
        `GENERAL` and one for each family of domains.
    card : mapping of JSON values
    encoder : AdaptedEncoder or None
        A text encoder adapted by behaviour, which a target may read beside the original.
    """

    heads: Mapping[str, TreeRanker]
    card: Mapping[str, Any]
    encoder: AdaptedEncoder | None = None

    def default_head(self, family: str, events: int) -> tuple[str, float]:
        """Return the default head of a target of this family, and its default weight.

        The weight is what did best for sources that the heads had not seen; 1 where that was not
        measured.
        """
        if not self.heads:
            return "", 0.0
        head = family if family in self.heads else GENERAL
        known = self.card.get("weights", {})
        weights = known.get("family" if head == family else GENERAL, known.get(GENERAL, {}))
        return head, float(weights.get(bucket_of(events), 1.0))


#: Amounts of events that have weights of their own, by upper ends, and the name of the last.
BUCKETS = (0, 2_000, 20_000)
MORE = "more"


def bucket_of(events: int) -> str:
    """Return the name of an amount of events: "0", "2000", "20000" or "more"."""
    return next((str(end) for end in BUCKETS if events <= end), MORE)


def save_backbone(folder: Path, backbone: Backbone) -> None:
    """Write `backbone` to `folder` in one step; what was there is replaced.

    Raises
    ------
    ArtifactError
        If the folder holds something else, or cannot be written.
    """
    if folder.exists() and not (folder / CARD).is_file():
        raise ArtifactError(f"{folder} exists and is no backbone: name another folder")
    with new_folder(folder) as unfinished:
        _write(unfinished, backbone)


def load_backbone(folder: Path) -> Backbone:
    """Read a backbone and check every file.

    Raises
    ------
    ArtifactError
        If there is none, or it is damaged or of another format.
    """
    manifest = read_manifest(folder)
    try:
        files = {name: _checked(folder, name, digest) for name, digest in manifest["files"].items()}
        texts = {name: file.decode("utf-8") for name, file in files.items() if name != ENCODER}
        heads = {
            family: TreeRanker(texts[head["file"]], tuple(head["columns"]))
            for family, head in manifest["heads"].items()
        }
        return Backbone(heads, json.loads(texts[CARD]), _encoder(folder, manifest))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ArtifactError(f"{folder / MANIFEST} is damaged: get the backbone again") from None


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return ``backbone.json``; refuse what is foreign or of another format."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        found = int(manifest["format"])
        kind = manifest["kind"]
    except FileNotFoundError:
        raise ArtifactError(f"there is no backbone in {folder}: {MANIFEST} is missing") from None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError):
        raise ArtifactError(f"{path} is damaged: get the backbone again") from None
    if kind != KIND:
        raise ArtifactError(f"{path} is not a backbone of crossrec")
    if found != FORMAT:
        remedy = (
            "upgrade crossrec" if found > FORMAT else "pretrain it again, or get a new copy of it"
        )
        raise ArtifactError(
            f"{folder} has backbone format {found}, this crossrec reads {FORMAT}: {remedy}"
        )
    return dict(manifest)


def check_name(name: str) -> str:
    """Return `name` if it is a valid name of a backbone.

    Raises
    ------
    UsageError
        If it is not letters, digits, ``.``, ``_`` and ``-``, a letter or digit first.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UsageError(
            f"{name!r} cannot name a backbone: use letters, digits, '.', '_' and '-', "
            "a letter or digit first"
        )
    return name


def _write(folder: Path, backbone: Backbone) -> None:
    """Write all files, the manifest last."""
    (folder / "heads").mkdir()
    files: dict[str, str] = {}
    heads: dict[str, dict[str, Any]] = {}
    for number, (family, ranker) in enumerate(backbone.heads.items()):
        stem = re.sub("[^A-Za-z0-9]+", "-", family).strip("-")[:40]
        name = f"heads/{number:02d}-{stem}.txt"
        files[name] = _put(folder / name, ranker.text)
        heads[family] = {"file": name, "columns": list(ranker.columns)}
    files[CARD] = _put(folder / CARD, _json(backbone.card))
    encoder = backbone.encoder
    if encoder is not None:
        files[ENCODER] = write_tensors(folder / ENCODER, encoder.weights.arrays).sha256
    manifest = {
        "kind": KIND,
        "format": FORMAT,
        "crossrec": __version__,
        "heads": heads,
        "files": files,
    }
    if encoder is not None:
        _, manifest["encoder"] = encoder.packed()
    _put(folder / MANIFEST, _json(manifest))


def _put(path: Path, text: str) -> str:
    """Write a text file and return its sha256."""
    return write_file(path, text.encode("utf-8")).sha256


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _encoder(folder: Path, manifest: Mapping[str, Any]) -> AdaptedEncoder | None:
    """Return the adapted encoder of a folder whose files were checked."""
    if ENCODER not in manifest["files"]:
        return None
    encoder = manifest["encoder"]
    weights = State(map_tensors(folder / ENCODER), encoder["values"])
    return AdaptedEncoder(encoder["base"], weights)


def _checked(folder: Path, name: str, digest: str) -> bytes:
    """Return the content of one file whose checksum is known."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ArtifactError(f"{folder / MANIFEST} points outside its folder: do not trust it")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror or error}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ArtifactError(f"{path} is damaged: its checksum differs; get the backbone again")
    return content
