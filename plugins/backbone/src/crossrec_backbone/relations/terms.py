"""Words, character n-grams and tags of short texts as TF-IDF rows; no word list is stored.

Terms are known by a 64-bit hash, so a fitted `Lexicon` is two arrays, treats items that come later
like the first ones, and does not depend on the order of the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from crossrec.numeric.ragged import offsets
from numpy.typing import NDArray

HashArray = NDArray[np.uint64]

_WORD = re.compile(r"\w+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True, eq=False)
class Terms:
    """The terms of `n` documents, with repetitions.

    Attributes
    ----------
    document : int64 array, shape (n_terms,)
        The document of each term.
    hash : uint64 array, same shape
    n : int
    """

    document: NDArray[np.int64]
    hash: HashArray
    n: int


def words(text: str) -> list[str]:
    """Return the lower-cased words of `text`, in order, one-letter words included."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=1 << 18)
def hash_word(word: str) -> int:
    """Return the 64-bit hash of a word; the same in every process and on every machine."""
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")


def word_terms(texts: Sequence[str]) -> Terms:
    """Return the words of each text as terms."""
    return tag_terms([words(text) for text in texts])


def tag_terms(lists: Sequence[Iterable[str]]) -> Terms:
    """Return whole tags as terms, lower-cased: a category or a creator is one term."""
    hashes: list[int] = []
    lengths: list[int] = []
    for tags in lists:
        before = len(hashes)
        hashes.extend(hash_word(tag.strip().lower()) for tag in tags if tag.strip())
        lengths.append(len(hashes) - before)
    document = np.repeat(np.arange(len(lists), dtype=np.int64), lengths)
    return Terms(document, np.array(hashes, dtype=np.uint64), len(lists))


def gram_terms(texts: Sequence[str], shortest: int = 3, longest: int = 5) -> Terms:
    """Return the character n-grams within the words of each text.

    A word is padded with one blank on each side, so that its start and its end count. Hashing runs
    over all texts at once; nothing is done per character in Python.
    """
    lines = ["\0".join(f" {word} " for word in words(text)) + "\0" for text in texts]
    lengths = np.array([len(line) for line in lines], dtype=np.int64)
    code = np.frombuffer("".join(lines).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    document = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    blank = offsets(code == 0)
    documents, hashes = [], []
    for size in range(shortest, longest + 1):
        starts = max(len(code) - size + 1, 0)
        inside = blank[size : size + starts] == blank[:starts]
        value = np.full(starts, size, dtype=np.uint64)
        with np.errstate(over="ignore"):
            for shift in range(size):
                value = value * _MULTIPLIER + code[shift : shift + starts]
            value = (value ^ (value >> np.uint64(29))) * _MIX
        documents.append(document[:starts][inside])
        hashes.append(value[inside])
    return Terms(np.concatenate(documents), np.concatenate(hashes), len(texts))


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The terms of a catalogue and how rare each is.

    Attributes
    ----------
    hashes : uint64 array, shape (n_terms,)
        Ascending.
    idf : float32 array, shape (n_terms,)
        ``ln((1 + n) / (1 + documents with the term)) + 1``.
    unseen : float
        The idf of a term that occurs nowhere; what such terms add to the length of a later text.
    """

    hashes: HashArray
    idf: NDArray[np.float32]
    unseen: float

    @classmethod
    def fit(cls, terms: Terms, limit: int | None = None) -> Lexicon:
        """Learn the terms of a catalogue.

        Parameters
        ----------
        limit : int, optional
            Keep only the terms of the most documents (ties in the order of the hash).
        """
        column, hashes = _columns(terms.hash)
        pairs = np.unique(terms.document * max(len(hashes), 1) + column)
        found = np.bincount(pairs % max(len(hashes), 1), minlength=len(hashes))
        if limit is not None and len(hashes) > limit:
            kept = np.sort(np.argsort(-found, kind="stable")[:limit])
            hashes, found = hashes[kept], found[kept]
        idf = np.log((1 + terms.n) / (1 + found)) + 1
        return cls(hashes, idf.astype(np.float32), float(np.log(1 + terms.n) + 1))

    def __len__(self) -> int:
        return len(self.hashes)

    def columns(self, hashes: HashArray) -> NDArray[np.int64]:
        """Return the column of each term, int64, -1 where it is unknown."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[at] == hashes, at, -1).astype(np.int64)

    def rarity(self, chosen: Sequence[str]) -> NDArray[np.float32]:
        """Return the idf of each word, float32; 0 where it is unknown."""
        at = self.columns(np.array([hash_word(word) for word in chosen], dtype=np.uint64))
        return np.where(at >= 0, self.idf[at] if len(self) else 0.0, 0.0).astype(np.float32)

    def rows(self, terms: Terms, *, sublinear: bool = True) -> Any:
        """Return the documents as scipy CSR, float32 (n, n_terms), of length 1.

        The weight of a term is ``(1 + ln count) · idf`` (sublinear), or idf alone. Unknown terms
        lengthen a document and match nothing; a document without terms is a zero row.
        """
        from scipy.sparse import csr_matrix

        column, distinct = _columns(terms.hash)
        key, count = np.unique(terms.document * max(len(distinct), 1) + column, return_counts=True)
        document, own = np.divmod(key, max(len(distinct), 1))
        known = self.columns(distinct)[own]
        idf = np.where(known >= 0, self.idf[known] if len(self) else 0.0, self.unseen)
        value = idf * (1 + np.log(count)) if sublinear else idf
        length = np.sqrt(np.bincount(document, weights=np.square(value), minlength=terms.n))
        value = value / np.maximum(length, 1e-12)[document]
        at = known >= 0
        parts = (value[at].astype(np.float32), (document[at], known[at]))
        matrix = csr_matrix(parts, shape=(terms.n, len(self)))
        matrix.sort_indices()
        return matrix


def _columns(hashes: HashArray) -> tuple[NDArray[np.int64], HashArray]:
    """Column of each term among the distinct ones, and those, ascending."""
    distinct, column = np.unique(hashes, return_inverse=True)
    return column.astype(np.int64), distinct
