"""What fits of this package cost: formulas with constants timed by ``benchmarks/estimates.py``.

Seconds are those of one core of the reference machine (`crossrec.components.cost.Cost.of`), bytes
are at the highest moment of the fit.
"""

from __future__ import annotations

from math import exp

from crossrec.components.cost import Cost, DatasetSize

#: Seconds that a fit takes at least.
_LEAST = 2e-3


def board_cost(size: DatasetSize, per_event: float) -> Cost:
    """Return the cost of counting events, with so many seconds for each."""
    seconds = _LEAST + per_event * size.interactions + 1.2e-5 * size.queries
    return Cost.of(scattered=seconds, memory=4e6 + 40.0 * size.interactions + 32.0 * size.items)


def shelf_cost(size: DatasetSize) -> Cost:
    """Return the cost of reading the fields of all items, and of short lists of single queries."""
    seconds = _LEAST + 6e-6 * size.items + 2e-8 * size.interactions
    answers = size.queries * (1e-4 + 2e-7 * size.items)
    memory = 4e6 + 300.0 * size.items + 16.0 * size.interactions
    return Cost.of(scattered=seconds + answers, memory=memory)


def ease_cost(size: DatasetSize, dense_items: int) -> Cost:
    """Return the cost of EASE: a Cholesky inverse of the items with events."""
    n = float(size.active_items)
    ranked = 4e-8 * n * n if n > dense_items else 0.0
    return Cost.of(
        dense=9e-12 * n**3,
        scattered=_LEAST + 1.5e-8 * n * n + 2e-8 * size.pairs + ranked + _rows(size),
        memory=2e7 + 4.1 * n * n + 16.0 * size.interactions,
    )


def covisitation_cost(size: DatasetSize, window: int) -> Cost:
    """Return the cost of counting pairs at most `window` apart."""
    pairs = size.interactions * window * (1.0 - exp(-size.history / (2.0 * window)))
    return Cost.of(
        scattered=_LEAST + 3e-7 * pairs + _rows(size),
        memory=5e6 + 85.0 * pairs + 32.0 * size.interactions,
    )


def next_basket_cost(size: DatasetSize) -> Cost:
    """Return the cost of counting what follows what, a few pairs for each line of a basket."""
    pairs = 8.0 * size.interactions
    return Cost.of(
        scattered=_LEAST + 3e-6 * size.interactions + _rows(size),
        memory=5e6 + 40.0 * pairs + 80.0 * size.interactions,
    )


def bought_together_cost(size: DatasetSize) -> Cost:
    """Return the cost of counting the pairs of baskets: of those of all histories at most."""
    pairs = min(float(size.pairs), 40.0 * size.interactions)
    return Cost.of(
        scattered=_LEAST + 5e-8 * pairs + 3e-7 * size.interactions + _rows(size),
        memory=5e6 + 60.0 * pairs + 80.0 * size.interactions,
    )


def buy_again_cost(size: DatasetSize) -> Cost:
    """Return the cost of learning intervals: some rounds over all pairs of user and item."""
    seconds = _LEAST + 3.5e-6 * size.interactions + 5e-6 * size.items
    answers = size.queries * (1e-5 + 1e-6 * size.history)
    return Cost.of(
        scattered=seconds + answers, memory=4e6 + 200.0 * size.interactions + 64.0 * size.items
    )


def item_knn_cost(size: DatasetSize, neighbours: int) -> Cost:
    """Return the cost of item-item cosines in sparse blocks."""
    kept = min(float(size.pairs), float(size.items * neighbours))
    return Cost.of(
        scattered=_LEAST + 3e-8 * size.pairs + 7e-6 * size.items + _rows(size),
        memory=4e6 + 8.0 * kept + 24.0 * size.interactions,
    )


def user_knn_cost(size: DatasetSize) -> Cost:
    """Return the cost of keeping the matrix; the queries do the work."""
    answers = size.queries * (4e-4 + 2.3e-8 * size.users)
    return Cost.of(
        scattered=_LEAST + 8e-8 * size.interactions + answers,
        memory=4e6 + 32.0 * size.interactions,
    )


def als_cost(size: DatasetSize, factors: int, iterations: int) -> Cost:
    """Return the cost of alternating least squares by conjugate gradients, on all cores."""
    rows = float(size.users + size.active_items)
    step = 1.7e-10 * rows * factors**2 + 1.3e-8 * size.interactions * factors
    return Cost.of(
        dense=iterations * step,
        scattered=_LEAST + 1e-6 * size.users + _factor_answers(size),
        memory=4e6 + 12.0 * rows * factors + 50.0 * size.interactions,
    )


def bpr_cost(size: DatasetSize, factors: int, epochs: int) -> Cost:
    """Return the cost of stochastic gradients on one core, slower once factors leave the cache."""
    rows = float(size.users + size.active_items)
    beyond_cache = min(rows * factors / 3e6, 2.0)
    draws = float(epochs) * size.interactions * factors
    return Cost.of(
        scattered=_LEAST
        + 3e-9 * (1.0 + beyond_cache) * draws
        + 1e-6 * size.users
        + _factor_answers(size),
        memory=4e6 + 12.0 * rows * factors + 120.0 * size.interactions,
    )


def _rows(size: DatasetSize) -> float:
    """Return the seconds of the queries of a source that scores all items."""
    return size.queries * (6e-5 + 2e-8 * size.items)


def _factor_answers(size: DatasetSize) -> float:
    """Return the seconds of the queries of a factor model."""
    return size.queries * (1.2e-4 + 1.5e-8 * size.items)
