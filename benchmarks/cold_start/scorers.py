"""The methods compared where items or users are cold, as scorers of the whole catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from real_sets import ENCODER

if TYPE_CHECKING:
    import numpy as np

    from cold_start.protocol import CatalogScorer, ItemCold, UserCold

#: Up to so many items, weights are an array: full ones multiply faster so.
_SMALL = 5_000


class ItemScorers:
    """Everything fitted on the training part of one split, as scorers of the whole catalogue."""

    def __init__(self, split: ItemCold, reg: float) -> None:
        import numpy as np
        from crossrec_backbone.relations.config import HistoryConfig, PriorConfig, TextConfig
        from crossrec_backbone.relations.prior_ease import fit_prior_ease
        from crossrec_backbone.relations.statistics import text_relations
        from scipy.sparse import csr_matrix

        from cold_start.kernel import ColdKernel, ItemFeatures, KernelConfig
        from cold_start.text_ridge import TextRidge, TextRidgeConfig, text_coordinates

        train, n = split.train, split.train.n_items
        self.n, self.flat = n, HistoryConfig(decay=1.0, limit=10_000)
        self.warm, self.cold = np.flatnonzero(~split.cold), np.flatnonzero(split.cold)
        self.relations = text_relations(train, TextConfig())
        kept = n if n <= _SMALL else 300
        config = PriorConfig(reg=reg, proximity=1.0, kept=kept, exact_up_to=4_000)
        nothing = csr_matrix((n, n), dtype=np.float32)
        weights = fit_prior_ease(train.sequences, nothing, config).ease
        counts = np.bincount(train.sequences.values, minlength=n)
        settings = KernelConfig()
        features = ItemFeatures.fit(train.catalog, self.relations, settings)
        self.regressed = ColdKernel.fit(features, weights, counts, settings)
        where = text_coordinates(self.relations, TextRidgeConfig())
        self.linear = TextRidge.fit(where, weights, counts > 0, TextRidgeConfig(ridge=3.0))
        self.vectors = train.vectors.get(ENCODER)
        self.weights = weights.toarray() if n <= _SMALL else weights
        self._kept: dict[tuple[str, bytes], Any] = {}

    def ease(self, queries: Any) -> Any:
        """Item-item weights of the training part, for items with events."""
        from crossrec_backbone.relations.scores import decayed_history

        scores = decayed_history(queries, self.n, self.flat) @ self.weights
        return self._only(scores if self.n <= _SMALL else scores.toarray(), self.warm)

    def plain_text(self, queries: Any) -> Any:
        """Cosine with the sum of the history's vectors, as the encoder gives them."""
        import numpy as np
        from crossrec_backbone.relations.scores import decayed_history

        assert self.vectors is not None
        length = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        rows = self.vectors / np.maximum(length, 1e-9)
        return np.asarray((decayed_history(queries, self.n, self.flat) @ rows) @ rows.T)

    def text(self, queries: Any) -> Any:
        """Return the same over half-whitened vectors; over words where there are none."""
        from crossrec_backbone.relations.scores import decayed_history

        decayed = decayed_history(queries, self.n, self.flat)
        rows = self.relations.factor(
            "text_dense" if "text_dense" in self.relations.spread else "text_words"
        )
        product = (decayed @ rows) @ rows.T
        return product if self.vectors is not None else product.toarray()

    def consensus(self, queries: Any) -> Any:
        """Every text relation in turn, as the backbone weighs them."""
        from crossrec_backbone.relations.config import ConsensusConfig
        from crossrec_backbone.relations.scores import text_scores

        return text_scores(self.relations, queries, ConsensusConfig(), self.flat)

    def text_ridge(self, queries: Any) -> Any:
        """Columns predicted from texts by a linear map."""
        return self._placed(self.linear.scores(queries, self.flat, self.cold))

    def kernel(self, queries: Any) -> Any:
        """Columns predicted from every field of the catalogue."""
        import numpy as np

        scores = self.regressed.scores(queries, self.flat)
        return self._placed(scores[:, np.searchsorted(self.regressed.items, self.cold)])

    def both(self, queries: Any) -> Any:
        """Return the sum of text and kernel, each standardised over the cold items."""
        parts = [standard(part(queries)[:, self.cold])[0] for part in (self.text, self.kernel)]
        return self._placed(parts[0] + parts[1])

    def served(self, cold: CatalogScorer, gain: float) -> CatalogScorer:
        """EASE for items with events; for those without, another scorer on EASE's scale.

        A gain of 0 puts every item without events behind all others.
        """

        def scores(queries: Any) -> Any:
            out, added = self._both_sides(cold, queries)
            out[:, self.cold] = out[:, self.cold] + gain * added if gain else 100 * added - 1_000
            return out

        return scores

    def _both_sides(self, cold: CatalogScorer, queries: Any) -> tuple[Any, Any]:
        """Return EASE with its mean at the cold items, and what a gain of 1 adds to those.

        Kept for the next gain: the queries are the same.
        """
        key = (cold.__name__, queries.users.tobytes())
        if key not in self._kept:
            out = self.ease(queries)
            scaled, _, _ = standard(cold(queries)[:, self.cold])
            _, middle, spread = standard(out[:, self.warm])
            out[:, self.cold] = middle
            self._kept[key] = (out, spread * scaled)
        out, added = self._kept[key]
        return out.copy(), added

    def forget(self) -> None:
        """Drop what was kept."""
        self._kept.clear()

    def _placed(self, cold: Any) -> Any:
        """Return scores of the cold items over the whole catalogue, NaN elsewhere."""
        import numpy as np

        out = np.full((len(cold), self.n), np.nan, dtype=np.float32)
        out[:, self.cold] = cold
        return out

    def _only(self, scores: Any, items: np.ndarray) -> Any:
        import numpy as np

        out = np.full(scores.shape, np.nan, dtype=np.float32)
        out[:, items] = scores[:, items]
        return out


def standard(scores: Any) -> tuple[Any, Any, Any]:
    """Return scores less their mean over their spread, and both, row by row."""
    import numpy as np

    middle, spread = scores.mean(axis=1, keepdims=True), scores.std(axis=1, keepdims=True)
    return (scores - middle) / np.maximum(spread, 1e-9), middle, spread


def user_scorers(split: UserCold) -> Mapping[str, CatalogScorer]:
    """Return the parts of crossrec, fitted on everybody else."""
    import numpy as np
    from crossrec_backbone.adaptation.baselines import plain_scores
    from crossrec_backbone.relations.scores import behaviour_scores, text_scores
    from crossrec_backbone.relations.statistics import BackboneConfig, Statistics

    config = BackboneConfig()
    statistics = Statistics.fit(split.train, config)
    consensus, history = config.consensus, config.history

    def text(queries: Any) -> Any:
        return text_scores(statistics.text.relations, queries, consensus, history)

    def closed(queries: Any) -> Any:
        weights = statistics.behaviour.relations["prior_ease"]
        return text(queries) + consensus.kappa * behaviour_scores(weights, queries, history)

    def plain(name: str) -> Callable[[Any], Any]:
        return lambda queries: plain_scores(statistics, queries, (name,))[name].copy()

    def served(queries: Any) -> Any:
        empty = queries.history.lengths == 0
        return np.where(empty[:, None], plain("popularity")(queries), closed(queries))

    def with_history(scorer: Callable[[Any], Any]) -> CatalogScorer:
        """Leave queries without a history without candidates."""

        def scores(queries: Any) -> Any:
            empty = queries.history.lengths == 0
            return np.where(empty[:, None], np.nan, scorer(queries)).astype(np.float32)

        return scores

    return {
        "crossrec (closed form, else popularity)": served,
        "closed form": with_history(closed),
        "text consensus": with_history(text),
        **{name: with_history(plain(name)) for name in ("prior-EASE", "EASE", "content")},
        "popularity": plain("popularity"),
    }
