"""Text relations between items, kept as factors: the similarity of two items is a dot product.

`title_dense`, `text_dense`
    dense vectors of title and full text, centred and partly whitened over the catalogue
`title_words`, `text_words`
    words of title and full text, TF-IDF
`title_grams`
    character n-grams of the title
`categories`, `creator`
    categories, weighted by rarity, and the creator (brand, author, artist, channel)

No item × item matrix is ever made. Memory is linear in the catalogue: about 3 kB an item for dense
vectors of width 384 and 1 kB for the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.data.catalog import Catalog
from crossrec.numeric.projection import Projection, filled_rows
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_backbone.relations.config import TextConfig
from crossrec_backbone.relations.terms import Lexicon, Terms, gram_terms, tag_terms, word_terms

DENSE = ("title_dense", "text_dense")
LEXICAL = ("title_words", "text_words", "title_grams", "categories", "creator")
TEXT_RELATIONS = (*DENSE, *LEXICAL)

_SPREAD_ROWS = 1000
#: Similarities that spread less than this are all the same but for rounding.
_FLAT = 1e-4


@dataclass(frozen=True, eq=False)
class TextRelations:
    """The text relations of a catalogue. A relation that separates no items there is absent.

    Attributes
    ----------
    dense : mapping of relation to float32 array, shape (n, width)
    sparse : mapping of relation to scipy CSR, float32, shape (n, terms)
    spread : mapping of relation to float
        Standard deviation of the similarity of different items: what one unit of it is worth.
    projections, lexicons : mapping of relation
        What later items are transformed with.
    """

    dense: Mapping[str, FloatArray]
    sparse: Mapping[str, Any]
    spread: Mapping[str, float]
    projections: Mapping[str, Projection]
    lexicons: Mapping[str, Lexicon]
    config: TextConfig
    n_items: int

    @classmethod
    def fit(
        cls, catalog: Catalog, vectors: Mapping[str, FloatArray], config: TextConfig
    ) -> TextRelations:
        """Build every relation that `catalog` and `vectors` allow."""
        projections = {
            name: Projection.fit(raw, config.whitening)
            for name, raw in raw_vectors(vectors, config).items()
            if np.count_nonzero(filled_rows(raw)) > 1
        }
        lexicons, terms = {}, _terms(catalog, config)
        for name, own in terms.items():
            limit = config.max_grams if name == "title_grams" else None
            if len(own.hash):
                lexicons[name] = Lexicon.fit(own, limit)
        dense, sparse = _transform(terms, vectors, config, projections, lexicons)
        del terms
        spread = {name: _spread(rows, catalog) for name, rows in {**dense, **sparse}.items()}
        # A relation under which all items look alike separates none of them.
        used = {name: value for name, value in spread.items() if value > _FLAT}
        return cls(
            {name: rows for name, rows in dense.items() if name in used},
            {name: rows for name, rows in sparse.items() if name in used},
            used,
            projections,
            lexicons,
            config,
            len(catalog),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The relations that are there, in the order of `TEXT_RELATIONS`."""
        return tuple(name for name in TEXT_RELATIONS if name in self.spread)

    def factor(self, name: str) -> Any:
        """Return the rows of one relation, dense or CSR."""
        return self.dense[name] if name in self.dense else self.sparse[name]

    def selected(self, names: Collection[str]) -> TextRelations:
        """Return only the named relations, and what later items need for them."""

        def kept(parts: Mapping[str, Any]) -> dict[str, Any]:
            return {name: part for name, part in parts.items() if name in names}

        return replace(
            self,
            dense=kept(self.dense),
            sparse=kept(self.sparse),
            spread=kept(self.spread),
            projections=kept(self.projections),
            lexicons=kept(self.lexicons),
        )

    def extended(self, catalog: Catalog, vectors: Mapping[str, FloatArray]) -> TextRelations:
        """Return the relations of a longer catalogue, with everything learnt unchanged.

        The first items of `catalog` are those of the fit; `vectors` cover all of it, of which the
        rows of the new items are read. Words that no fitted item has match nothing until the next
        fit.
        """
        from scipy.sparse import vstack

        new = catalog.take(range(self.n_items, len(catalog)))
        later = {name: rows[self.n_items :] for name, rows in vectors.items()}
        terms = _terms(new, self.config)
        dense, sparse = _transform(terms, later, self.config, self.projections, self.lexicons)
        return replace(
            self,
            dense={
                name: np.concatenate([rows, dense[name]])
                if name in dense
                else _padded(rows, len(catalog))
                for name, rows in self.dense.items()
            },
            sparse={
                name: vstack([rows, sparse[name]], format="csr")
                for name, rows in self.sparse.items()
            },
            n_items=len(catalog),
        )

    def rows_of(self, catalog: Catalog, vectors: Mapping[str, FloatArray]) -> dict[str, Any]:
        """Return other texts as rows of the relations, under what was learnt, dense or CSR.

        Without vectors there are no rows of the dense relations.
        """
        terms = _terms(catalog, self.config)
        dense, sparse = _transform(terms, vectors, self.config, self.projections, self.lexicons)
        return {**dense, **sparse}

    def state(self) -> State:
        """Return arrays and values for an artifact."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, rows in self.dense.items():
            arrays[f"{name}.rows"] = rows
        for name, projection in self.projections.items():
            arrays[f"{name}.mean"], arrays[f"{name}.axes"] = projection.mean, projection.axes
        for name, matrix in self.sparse.items():
            arrays |= pack_sparse(f"{name}.rows", matrix)
        for name, lexicon in self.lexicons.items():
            arrays[f"{name}.hashes"] = lexicon.hashes
            arrays[f"{name}.idf"] = lexicon.idf
        values = {
            "config": self.config.model_dump(mode="json"),
            "spread": dict(self.spread),
            "unseen": {name: lexicon.unseen for name, lexicon in self.lexicons.items()},
            "dense": list(self.dense),
            "sparse": list(self.sparse),
            "projections": list(self.projections),
            "n_items": self.n_items,
        }
        return State(arrays, values)

    @classmethod
    def restored(cls, state: State) -> TextRelations:
        """Return the relations that `state` describes."""
        arrays, values = state.arrays, state.values
        return cls(
            {name: arrays[f"{name}.rows"] for name in values["dense"]},
            {name: unpack_sparse(f"{name}.rows", arrays) for name in values["sparse"]},
            dict(values["spread"]),
            {
                name: Projection(arrays[f"{name}.mean"], arrays[f"{name}.axes"])
                for name in values["projections"]
            },
            {
                name: Lexicon(arrays[f"{name}.hashes"], arrays[f"{name}.idf"], float(unseen))
                for name, unseen in values["unseen"].items()
            },
            TextConfig(**values["config"]),
            int(values["n_items"]),
        )


def raw_vectors(vectors: Mapping[str, FloatArray], config: TextConfig) -> dict[str, FloatArray]:
    """Return the encoder's vectors under the names of the relations."""
    names = {
        "title_dense": config.title_vectors,
        "text_dense": config.encoder,
    }
    return {relation: vectors[name] for relation, name in names.items() if name in vectors}


def _terms(catalog: Catalog, config: TextConfig) -> dict[str, Terms]:
    """Return the terms of each lexical relation."""
    creators = [(creator,) if creator else () for creator in catalog.creators]
    return {
        "title_words": word_terms(catalog.titles),
        "text_words": word_terms(catalog.texts),
        "title_grams": gram_terms(catalog.titles, config.shortest_gram, config.longest_gram),
        "categories": tag_terms(catalog.categories),
        "creator": tag_terms(creators),
    }


def _transform(
    terms: Mapping[str, Terms],
    vectors: Mapping[str, FloatArray],
    config: TextConfig,
    projections: Mapping[str, Projection],
    lexicons: Mapping[str, Lexicon],
) -> tuple[dict[str, FloatArray], dict[str, Any]]:
    """Return the factor rows of all items under what was learnt."""
    raw = raw_vectors(vectors, config)
    dense = {name: projections[name].rows(raw[name]) for name in projections if name in raw}
    sparse = {
        name: lexicons[name].rows(
            own, sublinear=name in ("title_words", "text_words", "title_grams")
        )
        for name, own in terms.items()
        if name in lexicons
    }
    return dense, sparse


def _padded(rows: FloatArray, n: int) -> FloatArray:
    """Return the rows followed by zero rows, `n` in all."""
    longer = np.zeros((n, rows.shape[1]), dtype=np.float32)
    longer[: len(rows)] = rows
    return longer


def _spread(rows: Any, catalog: Catalog) -> float:
    """Standard deviation of the similarity of different items that both have a row.

    Estimated from at most 1,000 items against all, chosen by a hash of their ids, so that neither
    a seed nor the order of the catalogue matters.
    """
    from scipy.sparse import issparse

    length = np.asarray(rows.multiply(rows).sum(axis=1) if issparse(rows) else (rows**2).sum(1))
    filled = np.flatnonzero(length.ravel() > 0)
    if len(filled) < 2:
        return 0.0
    order = np.argsort([crc32(catalog.items.id(int(i)).encode()) for i in filled], kind="stable")
    chosen = np.sort(filled[order[:_SPREAD_ROWS]])
    columns = rows[filled].T
    count = total = squares = 0.0
    for start in range(0, len(chosen), 100):
        part = chosen[start : start + 100]
        product = rows[part] @ columns
        scores = np.asarray(product.toarray() if issparse(product) else product)
        scores[np.arange(len(part)), np.searchsorted(filled, part)] = 0.0
        count += scores.size - len(part)
        total += scores.sum(dtype=np.float64)
        squares += np.square(scores).sum(dtype=np.float64)
    mean = total / count
    return float(np.sqrt(max(squares / count - mean * mean, 0.0)))
