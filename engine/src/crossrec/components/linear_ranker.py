"""The ranker `linear`: a weighted sum of the sources' scores and ranks, and of feature columns."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from crossrec.components.candidates import Pool
from crossrec.components.choice_model import fit_choices
from crossrec.components.fusion import standardised
from crossrec.components.ndcg import relevance
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.numeric.gain import discount

#: Standard deviations from the mean beyond which a feature says no more.
_FAR = 5.0
#: Places of a source's list that say something.
_DEEP = 300


class LinearConfig(Settings):
    """Settings of `linear`.

    Attributes
    ----------
    reg : float
        How strongly weights are held to equal votes of all sources, without any feature.
    features : tuple of str
        Columns (``"item_facts.age"``) or whole feature sets (``"item_facts"``) to read; all that
        the pipeline has where empty.
    queries : int
        Validation queries to learn from at most.
    """

    reg: Annotated[float, Field(gt=0)] = 1.0
    features: tuple[str, ...] = ()
    queries: Annotated[int, Field(ge=1)] = 2000


class LinearRanker:
    """A conditional logit of what was chosen among the candidates (McFadden 1974), with a ridge.

    Each source has two columns: its standardised score, and the discount of its rank. Feature
    columns are standardised; what is not known counts as the mean. Weights are held to the prior
    "equal votes of all sources", which is what remains where there are no examples.
    """

    def __init__(self, config: LinearConfig | None = None) -> None:
        self.config = config or LinearConfig()
        self.weights: dict[str, float] = {}
        #: Feature column → its mean and spread over the candidates of the examples.
        self.scales: dict[str, tuple[float, float]] = {}

    def fit(self, dataset: Dataset, examples: Examples, run: RunOptions) -> None:
        """Learn the weights by Newton's method.

        Raises
        ------
        UsageError
            If a setting names a feature that the pipeline does not have.
        """
        examples = self._sample(examples, run)
        pool = examples.pool
        self.scales = self._measured(pool)
        names = self._names(pool.sources)
        prior = np.array([float(name.startswith("score ")) for name in names])
        chosen = relevance(pool.index, examples.targets) & pool.valid
        columns = self._table(pool).astype(np.float64)
        weights = fit_choices(columns, pool.valid, chosen, prior, self.config.reg)
        self.weights = dict(zip(names, weights.tolist(), strict=True))

    def score(self, queries: QueryBatch, pool: Pool) -> NDArray[np.float32]:
        """Return the weighted sum, float32 (n, m), -inf at `PAD`; an unknown source weighs nothing.

        A column that the pool lacks counts as its mean: it moves no candidate.
        """
        weights = np.array(
            [self._weight(name) for name in self._names(pool.sources)], dtype=np.float32
        )
        # Summed for each candidate, so that a query alone is scored as it is in a batch.
        score = (self._table(pool) * weights).sum(axis=2)
        return np.where(pool.valid, score, -np.inf).astype(np.float32)

    def features(self) -> tuple[str, ...]:
        """Return the feature columns that it reads."""
        return tuple(self.scales)

    def contributions(self, pool: Pool) -> NDArray[np.float32]:
        """Return each source's share of the score, float32 (n, m, n_sources)."""
        n = len(pool.sources)
        names = self._names(pool.sources)[: 2 * n]
        weights = np.array([self._weight(name) for name in names], dtype=np.float32)
        shares = np.concatenate(_votes(pool), axis=2) * weights
        return np.asarray(shares[..., :n] + shares[..., n:], dtype=np.float32)

    def state(self) -> State:
        """Return weights and scales."""
        scales = {name: list(scale) for name, scale in self.scales.items()}
        return State(values={"weights": self.weights, "scales": scales})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take weights and scales back."""
        values = state.values
        self.weights = {str(name): float(weight) for name, weight in values["weights"].items()}
        self.scales = {
            str(name): (float(mean), float(spread))
            for name, (mean, spread) in values["scales"].items()
        }

    def _sample(self, examples: Examples, run: RunOptions) -> Examples:
        """Return at most so many examples as are to be learnt from."""
        n = len(examples.queries)
        if n <= self.config.queries:
            return examples
        rows = np.random.default_rng(run.seed).permutation(n)[: self.config.queries]
        rows.sort()
        return Examples(
            examples.queries.take(rows), examples.pool.take(rows), examples.targets.take(rows)
        )

    def _measured(self, pool: Pool) -> dict[str, tuple[float, float]]:
        """Return mean and spread of every feature column that is read and says anything."""
        scales: dict[str, tuple[float, float]] = {}
        wanted = self.config.features
        for name in wanted:
            if not any(name in (column, column.partition(".")[0]) for column in pool.columns):
                known = ", ".join(pool.columns) or "none"
                raise UsageError(f"linear: there is no feature {name!r}; the pipeline has: {known}")
        for at, column in enumerate(pool.columns):
            if wanted and not {column, column.partition(".")[0]} & set(wanted):
                continue
            assert pool.features is not None
            values = pool.features[..., at][pool.valid]
            values = values[np.isfinite(values)].astype(np.float64)
            if len(values) and values.std() > 1e-9:
                scales[column] = (float(values.mean()), float(values.std()))
        return scales

    def _names(self, sources: tuple[str, ...]) -> list[str]:
        """Return the names of the columns of `_table`."""
        scores = [f"score {source}" for source in sources]
        return [*scores, *(f"rank {source}" for source in sources), *self.scales]

    def _weight(self, name: str) -> float:
        """Return a column's weight; before a fit all sources have one vote."""
        return self.weights.get(name, 0.0 if self.weights else float(name.startswith("score ")))

    def _table(self, pool: Pool) -> NDArray[np.float32]:
        """Return scores, ranks and features of each candidate, float32 (n, m, d); 0 is neutral."""
        shape = pool.index.shape
        table = np.zeros((*shape, len(self.scales)), dtype=np.float32)
        for slot, (column, (mean, spread)) in enumerate(self.scales.items()):
            if pool.features is not None and column in pool.columns:
                values = (pool.features[..., pool.columns.index(column)] - mean) / spread
                known = np.isfinite(values)
                table[..., slot] = np.where(known, np.clip(values, -_FAR, _FAR), 0.0)
        return np.concatenate([*_votes(pool), table], axis=2)


def _votes(pool: Pool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the sources' standardised scores and the discounts of their ranks, 0 for none."""
    places = np.maximum(pool.ranks, 0).astype(np.float64)
    ranks = np.where(pool.ranks >= 0, discount(places, _DEEP), 0.0).astype(np.float32)
    return standardised(pool), ranks
