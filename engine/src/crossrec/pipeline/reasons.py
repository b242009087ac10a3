"""Reasons in words, made of the evidence that really put an item where it stands."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import Pool
from crossrec.components.evidence import Evidence, Reason
from crossrec.components.fusion import standardised
from crossrec.components.query import QueryBatch
from crossrec.data.catalog import Catalog
from crossrec.jsonio import plain
from crossrec.pipeline.linked_fusion import linked_labels
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.time_limit import each_within

log = logging.getLogger("crossrec")

#: Reasons for one item, and history items named in one reason.
_REASONS, _NAMED = 2, 2


def explain_items(
    pipeline: Pipeline, queries: QueryBatch, pool: Pool, ranker: Any, items: Sequence[int]
) -> dict[int, tuple[Reason, ...]]:
    """Return the reasons for each item of a batch of one query.

    The sources that contributed most to the item's place give their evidence, and the next
    one only where they had too little to say; items that no source proposed are not in the answer.
    """
    proposed = pool.index[0].tolist()
    at = dict(zip(proposed, range(len(proposed))))
    wanted = [item for item in items if item in at]
    shares = contributions(pool, ranker)
    linked = [pool.sources.index(one) for one in linked_labels(pool.sources, pipeline.capabilities)]
    if linked:  # the ranker has no account of them
        by_score = contributions(pool, None)
        shares[:, :, linked] = by_score[:, :, linked]
    shares = shares[0, [at[item] for item in wanted]]
    order = np.argsort(-shares, axis=1, kind="stable")[:, : _REASONS + 1].tolist()
    ranks = pool.ranks[0, [at[item] for item in wanted]].tolist()
    contributors = {
        # Where all sources rank an item below their average, the best that proposed it says why.
        item: [pool.sources[source] for source in best if own[source] > 0]
        or [pool.sources[source] for source in best if places[source] >= 0][:1]
        for item, best, own, places in zip(wanted, order, shares.tolist(), ranks, strict=True)
    }
    evidence = _evidence(pipeline, queries, contributors)
    return {
        item: tuple(
            in_words(label, evidence[item][label], pipeline.catalog)
            for label in labels
            if label in evidence[item]
        )[:_REASONS]
        for item, labels in contributors.items()
    }


def main_sources(pool: Pool, ranker: Any, items: Sequence[int]) -> list[str]:
    """Return the source that did most for each item of a batch of one query, or "fallback"."""
    at = dict(zip(pool.index[0].tolist(), range(pool.index.shape[1]), strict=True))
    places = np.array([at.get(item, -1) for item in items], dtype=np.int64)
    if not pool.sources or not len(places):
        return ["fallback"] * len(places)
    shares = contributions(pool, ranker)[0, places]
    best = shares.argmax(axis=1)
    helped = (places >= 0) & (shares.max(axis=1) > 0)
    labels = zip(best.tolist(), helped.tolist(), strict=True)
    return [pool.sources[source] if helps else "fallback" for source, helps in labels]


def _evidence(
    pipeline: Pipeline, queries: QueryBatch, contributors: Mapping[int, Sequence[str]]
) -> dict[int, dict[str, Evidence]]:
    """Return each item's evidence by source, from the first two, or the third where one is mute."""
    evidence: dict[int, dict[str, Evidence]] = {item: {} for item in contributors}
    for turn in (slice(_REASONS), slice(_REASONS, None)):
        by_source: dict[str, list[int]] = {}
        for item, labels in contributors.items():
            if len(evidence[item]) < _REASONS:
                for label in labels[turn]:
                    by_source.setdefault(label, []).append(item)
        for label, found in evidence_of(pipeline, queries, by_source).items():
            for item, one in found.items():
                evidence[item][label] = one
    return evidence


def contributions(pool: Pool, ranker: Any) -> NDArray[np.float32]:
    """Return how much each source did for each candidate, float32 (n, m, n_sources); 0 for nothing.

    By the ranker's own account where it has one (`WeightedFusion`), else by the sources' z-scores.
    A source that did not propose the item itself counts for less than one that did.
    """
    shares = _own_shares(pool, ranker)
    if shares is None:
        shares = standardised(pool)
    known = np.isfinite(pool.scores)
    proposed = pool.ranks >= 0
    return np.where(known, np.where(proposed, shares, shares * 0.5), 0.0).astype(np.float32)


def _own_shares(pool: Pool, ranker: Any) -> NDArray[np.float32] | None:
    """Return the ranker's own account; None where it has none, or a wrong one."""
    own = getattr(ranker, "contributions", None)
    if not callable(own):
        return None
    try:
        shares: NDArray[np.float32] = np.asarray(own(pool))
        if shares.shape != pool.scores.shape:
            raise ValueError(f"contributions of shape {shares.shape}, not {pool.scores.shape}")
    except (Exception, SystemExit) as error:
        log.warning("the ranker could not account for its scores", exc_info=error)
        return None
    return shares


def evidence_of(
    pipeline: Pipeline, queries: QueryBatch, items: Mapping[str, Sequence[int]]
) -> dict[str, dict[int, Evidence]]:
    """Return the evidence of sources for items; one that can't explain, or fails, gives none.

    Parameters
    ----------
    items : mapping of the label of a source to items
    """
    able = [one for one in items if "explain" in pipeline.capabilities.get(one, frozenset())]
    sources: list[Any] = [pipeline.sources[label] for label in able]
    calls = [
        (source, partial(source.explain, queries, np.array(items[label], dtype=np.int64)))
        for label, source in zip(able, sources, strict=True)
    ]
    evidence: dict[str, dict[int, Evidence]] = {}
    for label, (found, failure) in zip(able, each_within(pipeline.limit(queries), calls)):
        try:
            if failure is not None:
                raise failure
            own = {item: one for item, one in zip(items[label], found) if one is not None}
            n_items = len(pipeline.catalog)
            if not all(_is_real(one, n_items) for one in own.values()):
                raise ValueError("evidence names what is no item of the catalog")
            evidence[label] = own
        except (Exception, SystemExit) as error:
            log.warning("source %s could not explain", label, exc_info=error)
    return evidence


def _is_real(evidence: Any, n_items: int) -> bool:
    """Whether this is evidence whose history can be named."""
    if not isinstance(evidence, Evidence) or not isinstance(evidence.values, Mapping):
        return False
    history = evidence.history
    return not history or (min(history) >= 0 and max(history) < n_items)


def in_words(source: str, evidence: Evidence, catalog: Catalog) -> Reason:
    """Return the evidence as a sentence with titles and ids."""
    named = evidence.history[:_NAMED]
    titles = " and ".join(f"“{catalog.label(index)}”" for index in named)
    text = f"{evidence.phrase} {titles}".strip()
    ids = tuple(catalog.items.id(index) for index in named)
    return Reason(source, text, ids, plain(evidence.values))
