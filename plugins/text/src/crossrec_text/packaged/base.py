"""What encoders over packaged weights share: what is missing, what it costs, and the cache."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

import numpy as np
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.store.vector_cache import VectorCache
from numpy.typing import NDArray

from crossrec_text.costs import missing_share
from crossrec_text.encoding import Encoded, encode_catalog
from crossrec_text.errors import ModelError


@dataclass(frozen=True)
class Speed:
    """What encoding costs on the reference machine, timed by ``benchmarks/encoders.py``.

    Attributes
    ----------
    loading : float
        Seconds until the first text.
    text, character : float
        Seconds of each text, and of each of its characters that is read.
    memory : float
        Bytes of the loaded model.
    """

    loading: float
    text: float
    character: float
    memory: float

    def cost(self, size: DatasetSize, share: float, longest: float) -> Cost:
        """Return the cost of a `share` of the texts, of which `longest` characters are read."""
        missing = share * size.texts
        vectors = 2_100.0 * size.items
        if not missing:
            return Cost.of(scattered=1e-3 + 5e-6 * size.texts, memory=vectors)
        length = min(size.characters / max(size.texts, 1), longest)
        seconds = missing * (self.text + self.character * length)
        scattered = self.loading + 5e-6 * size.texts
        return Cost.of(dense=seconds, scattered=scattered, memory=self.memory + vectors)


class PackagedEncoder(ABC):
    """Base of the encoders whose weights an installed package carries.

    Attributes
    ----------
    last : Encoded or None
        What the latest call did.
    """

    name: ClassVar[str]
    #: Distributions that it needs; their versions stand for the content of the weights.
    needs: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    speed: ClassVar[Speed]

    def __init__(self) -> None:
        self.last: Encoded | None = None
        self._model: Any = None
        self._threads: int | None = None

    def estimate(self, size: DatasetSize, run: RunOptions) -> Cost:
        """Return what encoding the texts costs that are not in the cache."""
        cache = None
        if run.cache is not None and not missing_of(self.needs):
            cache = VectorCache(run.cache, self._key())
        share = missing_share(size.contents, cache)
        return self.speed.cost(size, share, self._longest)

    def encode(self, catalog: Catalog, run: RunOptions) -> NDArray[np.float32]:
        """Return float32 (n_items, dim), rows of length 1; zero rows for items without text.

        Raises
        ------
        ModelError
            If the package that carries the weights is not installed.
        """

        def fresh(texts: Sequence[str]) -> NDArray[np.float32]:
            if self._model is None or self._threads != run.threads:
                self._model, self._threads = self._load(run.threads), run.threads
            return unit_rows(self._vectors(self._model, texts))

        vectors, self.last = encode_catalog(catalog, run, self._key, fresh)
        return vectors

    def _key(self) -> str:
        """Name weights and settings.

        Raises
        ------
        ModelError
            If a package is not installed.
        """
        absent = missing_of(self.needs)
        if absent:
            raise ModelError(
                f"the encoder {self.name!r} needs {absent[0]}: run "
                f"`crossrec install 'crossrec-text[{self.extra}]'`"
            )
        versions = " ".join(f"{package}=={version(package)}" for package in self.needs)
        return f"{self.name} {versions} {self._settings()}"

    @property
    @abstractmethod
    def _longest(self) -> float:
        """How many characters of a text are read at most."""

    @abstractmethod
    def _settings(self) -> str:
        """Return the settings that decide about a vector."""

    @abstractmethod
    def _load(self, threads: int | None) -> Any:
        """Return the loaded model, which takes so many threads."""

    @abstractmethod
    def _vectors(self, model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 (n, dim)."""


def missing_of(packages: Sequence[str]) -> list[str]:
    """Return those of the distributions that are not installed."""
    absent = []
    for package in packages:
        try:
            version(package)
        except PackageNotFoundError:
            absent.append(package)
    return absent


def cut(texts: Sequence[str], characters: int) -> list[str]:
    """Return texts without control characters, at most so long: the first part is read."""
    return [text[:characters].replace("\x00", " ") for text in texts]


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of length 1; what is zero stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-12)
    return np.ascontiguousarray(unit, dtype=np.float32)
