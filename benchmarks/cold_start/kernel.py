"""Items without any event, by every field of the catalogue: a kernel regression.

`text_ridge` regresses item-item weights on texts, linearly. Which old film people come back to
depends on more than its text, and not linearly: who made it *and* when *and* of which kind. Here
every field of the catalogue is a block of features: vectors and words as they are, tags, creators
and labels as indicators, numbers as a row of overlapping bumps. Similarity is their weighted sum S,
and the kernel falls off with the distance that S implies::

    K(a, b) = exp((2 S(a, b) − S(a, a) − S(b, b)) / 2h) + c
    column of a cold item j = B_w (K_ww + λ I)⁻¹ K_wj

with B_w the columns of items with events, no diagonal: an item never predicts itself. This is the
mean of a Gaussian process for each row of B. Popularity is part of a column's size, so popular
items are predicted as such. Settings were chosen on the validation part of ML-1M, where trials
found about .29 of the cold items among cold ones (recall@20), .24 from texts alone, and .20 by the
nearest texts; ``benchmarks/cold.py`` measures it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from crossrec.components.paired_gain import PairedGain, choose_gain
from crossrec.components.query import QueryBatch
from crossrec.components.settings import Settings
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import FloatArray, IntArray
from crossrec_backbone.relations.config import HistoryConfig
from crossrec_backbone.relations.scores import decayed_history
from crossrec_backbone.relations.terms import Lexicon, tag_terms, word_terms
from crossrec_backbone.relations.text import TextRelations
from numpy.typing import NDArray
from pydantic import Field

from cold_start.protocol import CatalogScorer, ItemCold, measure_items

#: A column of strings with more words than this, in the median, is a text and no label.
_LABEL_WORDS = 5
#: Numbers further out than so many standard deviations are pulled in.
_FAR = 5.0
#: Weights of which more than this share is there are kept as an array.
_FULL = 0.1


class KernelConfig(Settings):
    """How similarity is weighed, and how far it reaches.

    Attributes
    ----------
    reach : float
        h: the distance, in units of similarity, over which the kernel falls off.
    constant : float
        c: what all items share.
    ridge : float
        λ.
    dense, title_words, words : float
        Weight of each dense relation, of title words, and of text words where no vectors are.
    tag, creator, label, person : float
        What one shared category, creator, label or member of a listed attribute counts.
    number, prose : float
        Weight of a numeric attribute, and of the words of a long one.
    bandwidth : float
        Width of the bumps of a number, in standard deviations of it.
    exact_up_to : int
        Items that are regressed on, the most popular first; the solve is cubic in them.
    """

    reach: float = Field(8.0, gt=0)
    constant: float = Field(1 / 3, ge=0)
    ridge: float = Field(0.1, gt=0)
    dense: float = Field(1.0, ge=0)
    title_words: float = Field(0.3, ge=0)
    words: float = Field(2.0, ge=0)
    tag: float = Field(1 / 3, ge=0)
    creator: float = Field(2.0, ge=0)
    label: float = Field(1.0, ge=0)
    person: float = Field(0.15, ge=0)
    number: float = Field(1.0, ge=0)
    prose: float = Field(1.0, ge=0)
    bandwidth: float = Field(0.2, gt=0)
    exact_up_to: int = Field(4_000, ge=1)


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """Factors of the similarity S: ``dense @ denseᵀ + sparse @ sparseᵀ``.

    Attributes
    ----------
    dense : float32 array, shape (n, d)
    sparse : scipy CSR, float32, shape (n, m)
    """

    dense: FloatArray
    sparse: Any

    @classmethod
    def fit(cls, catalog: Catalog, relations: TextRelations, config: KernelConfig) -> ItemFeatures:
        """Read every field of the catalogue; none of its events."""
        from scipy.sparse import csr_matrix, hstack

        n = len(catalog)
        blocks = [(tags(catalog.categories), config.tag)]
        blocks.append((tags([(name,) for name in catalog.creators]), config.creator))
        if "title_words" in relations.sparse:
            blocks.append((relations.sparse["title_words"], config.title_words))
        if not relations.dense and "text_words" in relations.sparse:
            blocks.append((relations.sparse["text_words"], config.words))
        blocks += [block(values, config) for values in catalog.attributes.values()]
        dense = [rows * np.sqrt(config.dense) for rows in relations.dense.values()]
        scaled = [csr_matrix(rows) * np.sqrt(weight) for rows, weight in blocks if rows.shape[1]]
        empty = csr_matrix((n, 0), dtype=np.float32)
        return cls(
            np.concatenate([np.zeros((n, 0)), *dense], axis=1).astype(np.float32),
            hstack([empty, *scaled], format="csr", dtype=np.float32),
        )

    def kernel(self, some: IntArray, others: IntArray, config: KernelConfig) -> FloatArray:
        """Return K of some items against others, float32 (len(some), len(others))."""
        own = np.square(self.dense).sum(axis=1) + np.asarray(
            self.sparse.multiply(self.sparse).sum(axis=1)
        ).ravel().astype(np.float32)
        similarity = (self.sparse[some] @ self.sparse[others].T).toarray()
        similarity += self.dense[some] @ self.dense[others].T
        apart = np.maximum(own[some][:, None] + own[others][None, :] - 2 * similarity, 0.0)
        kernel: FloatArray = np.exp(apart / (-2 * config.reach)) + np.float32(config.constant)
        return kernel.astype(np.float32)


@dataclass(frozen=True, eq=False)
class ColdKernel:
    """Predicted columns of items without events.

    Attributes
    ----------
    weights : scipy CSR or float32 array, shape (n, a)
        The weights of each item of a history for the items regressed on; an array where it is full.
    spread : float32 array, shape (a, m)
        How they carry over to each cold item.
    items : int64 array, shape (m,)
        The cold items, ascending.
    """

    weights: Any
    spread: FloatArray
    items: IntArray

    @classmethod
    def fit(
        cls, features: ItemFeatures, weights: Any, counts: NDArray[Any], config: KernelConfig
    ) -> ColdKernel:
        """Regress the columns of items with events, and predict those of the others.

        Costs ``a³ / 3 + n · a`` with a the items regressed on; never n × n.

        Parameters
        ----------
        weights : scipy sparse, float, shape (n, n)
            B: row = item of the history, column = candidate, no diagonal.
        counts : array, shape (n,)
            Events of each item; items with none are cold.
        """
        from scipy.linalg import cho_factor, cho_solve

        counts = np.asarray(counts)
        seen = np.flatnonzero(counts > 0)
        order = np.argsort(-counts[seen], kind="stable")
        anchors = np.sort(seen[order[: config.exact_up_to]])
        cold = np.flatnonzero(counts == 0)
        gram = features.kernel(anchors, anchors, config)
        gram[np.diag_indices(len(gram))] += np.float32(config.ridge)
        factor = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
        spread = cho_solve(factor, features.kernel(anchors, cold, config), check_finite=False)
        kept = weights.tocsc()[:, anchors].tocsr()
        if kept.nnz > _FULL * kept.shape[0] * kept.shape[1]:
            kept = kept.toarray()
        return cls(kept, np.asarray(spread, np.float32), cold)

    def scores(self, queries: QueryBatch, history: HistoryConfig) -> FloatArray:
        """Return the scores of `items`, float32 (n_queries, m)."""
        decayed = decayed_history(queries, self.weights.shape[0], history)
        scores: FloatArray = np.asarray((decayed @ self.weights) @ self.spread, dtype=np.float32)
        return scores


def block(values: Sequence[Any], config: KernelConfig) -> tuple[Any, float]:
    """Return the features of one attribute, (n, m), and their weight; its values show its kind."""
    known = [value for value in values if value is not None and value == value and value != ""]
    if not known:
        return np.zeros((len(values), 0), dtype=np.float32), 0.0
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return bumps(values, config.bandwidth), config.number
    if all(isinstance(value, (list, tuple)) for value in known):
        return tags([value if isinstance(value, (list, tuple)) else () for value in values]), (
            config.person
        )
    texts = ["" if value is None or value != value else str(value) for value in values]
    if np.median([len(str(value).split()) for value in known]) <= _LABEL_WORDS:
        return tags([(text,) for text in texts]), config.label
    terms = word_terms(texts)
    return Lexicon.fit(terms).rows(terms), config.prose


def tags(lists: Sequence[Sequence[Any]]) -> Any:
    """Return which tags each item has, scipy CSR (n, m) of 0 and 1; tags of one item only fall out.

    Two rows multiply to the number of tags shared.
    """
    from scipy.sparse import csr_matrix

    terms = tag_terms([[str(tag) for tag in one] for one in lists])
    if not len(terms.hash):
        return csr_matrix((len(lists), 0), dtype=np.float32)
    lexicon = Lexicon.fit(terms)
    at = (terms.document, lexicon.columns(terms.hash))
    rows = csr_matrix((np.ones(len(terms.hash), np.float32), at), (len(lists), len(lexicon)))
    rows.data[:] = 1.0
    return rows[:, np.flatnonzero(rows.getnnz(axis=0) > 1)]


def bumps(values: Sequence[Any], bandwidth: float) -> FloatArray:
    """Return numbers as overlapping bumps, float32 (n, m); zero rows where there is no number.

    Two rows multiply to ``exp(−(x − y)² / 2w²)``, w = `bandwidth` standard deviations.
    """
    numbers = np.array([np.nan if value is None else float(value) for value in values])
    known = np.isfinite(numbers)
    middle, spread = float(numbers[known].mean()), float(numbers[known].std())
    if spread < 1e-9:
        return np.zeros((len(numbers), 0), dtype=np.float32)
    place = np.clip((np.where(known, numbers, middle) - middle) / spread, -_FAR, _FAR) / bandwidth
    centres = np.arange(-_FAR / bandwidth - 4, _FAR / bandwidth + 4, 0.5)
    rows = np.exp(-np.square(place[:, None] - centres)) * np.sqrt(0.5 / np.sqrt(np.pi / 2))
    rows[~known] = 0.0
    filled: FloatArray = rows[:, rows.any(axis=0)].astype(np.float32)
    return filled


def best_for_cold(
    scorers: Mapping[str, CatalogScorer],
    split: ItemCold,
    *,
    k: int = 20,
    users: int | None = None,
) -> str:
    """Return which of several scorers should serve items without events.

    The first one is the default. Errors are as if the scorers were measured on different users,
    which is more than the error of the paired difference.
    """
    figures = measure_items(scorers, split, part="validation", k=k, users=users)
    found = {name: groups["cold among cold"] for name, groups in figures.items()}
    default = next(iter(scorers))

    def gain(name: str) -> PairedGain:
        one, other = found[name], found[default]
        error = np.hypot(one[f"recall@{k} error"], other[f"recall@{k} error"])
        mean = one[f"recall@{k}"] - other[f"recall@{k}"]
        return PairedGain(int(one["users"]), mean, float(error))

    return choose_gain({name: gain(name) for name in scorers}, default).option
