"""What a fit has done so far, kept until it publishes: one that is killed goes on from there.

A folder for each scenario holds a folder for each fit, named by a digest of its options. In it lie
the states of the fitted sources, and parts of those that are not done yet. States are written whole
or not at all, and checked when they are read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crossrec.artifacts import (
    FolderFormat,
    checked_state,
    new_folder,
    read_state,
    write_state,
)
from crossrec.artifacts.manifest import library_versions
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.dataset import Dataset
from crossrec.errors import ArtifactError
from crossrec.pipeline.resolved import Component

log = logging.getLogger("crossrec")

#: Folder of the kept fits in a workspace's cache.
FOLDER = "fits"
_FORMAT = FolderFormat("crossrec-kept-state", "kept.json", 1, "it is fitted again")
_DIGITS = 32


@dataclass(frozen=True)
class StateFolder:
    """States in a folder, by key. Whatever is wrong with one costs time, not answers.

    A value of its own: it can be sent to another process.
    """

    path: Path

    def get(self, key: str) -> State | None:
        """Return the state, its arrays read-only; None where there is none.

        A damaged one is deleted.
        """
        place = self._place(key)
        try:
            _, files = _FORMAT.read_manifest(place)
            _FORMAT.check(place, files)
            return read_state(place)
        except FileNotFoundError:
            damaged = place.exists()
        except (ArtifactError, OSError, ValueError) as error:
            log.warning("what was kept of a stopped fit is left out: %s", error)
            damaged = True
        if damaged:
            self.drop(key)
        return None

    def put(self, key: str, state: State) -> None:
        """Keep a state; one that cannot be written is left out."""
        try:
            with new_folder(self._place(key)) as folder:
                _FORMAT.write_manifest(folder, write_state(folder, state), {"key": key})
        except (ArtifactError, OSError) as error:
            log.warning("a part of the fit is not kept: %s", error)

    def drop(self, key: str) -> None:
        """Delete a state."""
        shutil.rmtree(self._place(key), ignore_errors=True)

    def _place(self, key: str) -> Path:
        return self.path / digest(key)


@dataclass(frozen=True)
class KeptFit:
    """What is kept of one fit.

    Attributes
    ----------
    path : Path
        Its folder, which need not exist.
    """

    path: Path

    def on(self, *datasets: Dataset) -> KeptSources:
        """Return where the sources are kept whose fit reads these datasets."""
        return KeptSources(self.path, " ".join(map(fingerprint, datasets)))


@dataclass(frozen=True)
class KeptSources:
    """Where the sources of one fit on the same events are kept."""

    path: Path
    datasets: str

    def of(self, source: Component) -> KeptSource:
        """Return where one source is kept."""
        known = source.registration
        name = "" if known is None else f"{known.distribution} {known.name}"
        settings = dict(source.settings)
        key = json.dumps([name, source.label, settings, self.datasets], sort_keys=True)
        return KeptSource(self.path, key)


@dataclass(frozen=True)
class KeptSource:
    """Where the state of one source on one dataset is kept, and parts of it until it is whole."""

    path: Path
    key: str

    @property
    def parts(self) -> StateFolder:
        """Where the source itself may keep what it has done so far."""
        return StateFolder(self.path / f"parts-{digest(self.key)}")

    def take(self) -> tuple[State, float] | None:
        """Return the kept state and the seconds that its fit took; None where there is none."""
        kept = StateFolder(self.path).get(self.key)
        if kept is None:
            return None
        return State(kept.arrays, kept.values["state"]), float(kept.values["seconds"])

    def keep(self, component: Any, seconds: float) -> None:
        """Keep the state of the fitted component, and drop its parts."""
        try:
            state = checked_state(component)
        except ArtifactError:  # the fit itself will say so
            return
        values = {"state": dict(state.values), "seconds": seconds}
        StateFolder(self.path).put(self.key, State(state.arrays, values))
        shutil.rmtree(self.parts.path, ignore_errors=True)

    def drop(self) -> None:
        """Delete the kept state: it cannot be used."""
        StateFolder(self.path).drop(self.key)


def open_kept_fit(cache: Path, scenario: str, run: RunOptions) -> KeptFit:
    """Return where a fit keeps what it does, and delete what fits with other options have left.

    Parameters
    ----------
    cache : Path
        The workspace's folder of caches.
    """
    folder = cache / FOLDER / scenario
    fit = KeptFit(folder / digest(json.dumps(_options(run), sort_keys=True)))
    for other in folder.iterdir() if folder.is_dir() else ():
        if other != fit.path:
            shutil.rmtree(other, ignore_errors=True)
    return fit


def drop_kept_fits(cache: Path, scenario: str = "") -> int:
    """Delete what was kept of all stopped fits, or of one scenario's; return how many files."""
    folder = cache / FOLDER / scenario
    count = sum(path.is_file() for path in folder.rglob("*"))
    shutil.rmtree(folder, ignore_errors=True)
    if scenario:
        with suppress(OSError):
            folder.parent.rmdir()  # where it was the last
    return count


def fingerprint(dataset: Dataset) -> str:
    """Return a digest of everything that a component may learn from: events, texts, vectors."""
    whole = hashlib.sha256()
    events, catalog = dataset.events, dataset.catalog
    for ids in (dataset.users.ids, catalog.items.ids, catalog.titles, catalog.texts):
        _add_texts(whole, ids)
    _add_texts(whole, catalog.creators)
    _add_texts(whole, [json.dumps([catalog.categories, dict(catalog.attributes)], default=str)])
    columns = {**vars(events)}
    reviews = columns.pop("reviews")
    arrays = {f"events {name}": array for name, array in columns.items()}
    if reviews is not None:
        _add_texts(whole, reviews.texts)
        arrays |= {"ratings": reviews.ratings, "numbers of texts": reviews.numbers}
    arrays |= {f"vectors {name}": array for name, array in dataset.vectors.items()}
    if dataset.linked is not None:
        _add_texts(whole, (*dataset.linked.catalog.items.ids, *dataset.linked.catalog.titles))
        arrays |= dataset.linked.learnt_from()
    for name, column in dataset.profiles.items():
        _add_texts(whole, (name, *column.values))
        arrays[f"profile {name}"] = column.numbers
    for name, array in sorted({**arrays, "known": catalog.known}.items()):
        _add_array(whole, name, array)
    whole.update(repr(dataset.has_clock).encode())
    return whole.hexdigest()[:_DIGITS]


def digest(text: str) -> str:
    """Return a name for a file from any text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _options(run: RunOptions) -> Mapping[str, Any]:
    """Return what else decides about a fit: options, versions and the pretrained backbones."""
    pretrained = {name: _files_in(folder) for name, folder in run.pretrained.items()}
    return {
        "seed": run.seed,
        "device": run.device,
        "effort": run.effort,
        "pretrained": pretrained,
        "versions": library_versions(),
    }


def _files_in(folder: Path) -> list[tuple[str, int, int]]:
    """Return name, size and time of change of the files of a pretrained backbone."""
    found = []
    for path in sorted(folder.rglob("*")):
        with suppress(OSError):
            about = path.stat()
            found.append((path.relative_to(folder).as_posix(), about.st_size, about.st_mtime_ns))
    return found


def _add_texts(whole: Any, texts: Sequence[str]) -> None:
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    whole.update(lengths.tobytes())
    whole.update("".join(texts).encode("utf-8", "surrogatepass"))


def _add_array(whole: Any, name: str, array: np.ndarray[Any, Any]) -> None:
    whole.update(f"{name} {array.dtype.str} {array.shape}".encode())
    whole.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
