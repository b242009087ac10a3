"""What is wanted in words: a text beside the history, or in its place.

A source that declares `score_text` relates the text to all items: by the pipeline's encoder, and by
words. The items that are nearest join the pool, and every candidate's score becomes a weighted mean
of what the sources and what the text say.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from crossrec.components.candidates import PAD, Pool
from crossrec.components.evidence import Reason
from crossrec.components.query import Query, QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.slate import Degraded
from crossrec.data.catalog import Catalog
from crossrec.errors import UsageError
from crossrec.pipeline.pipeline import Pipeline, log
from crossrec.pipeline.time_limit import within
from crossrec.plugins.state import one_line

#: How texts are named where sources have their labels.
TEXT = "text"
#: The capability of sources that read one.
SCORE_TEXT = "score_text"
#: Characters of a text.
LONGEST = 1_000
#: What the text weighs against the sources, with a history and without one.
WEIGHT, WEIGHT_ALONE = 0.5, 0.9
#: Characters that a reason repeats.
_SHOWN = 60

_alone: WeakKeyDictionary[object, bool] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class TextQuery:
    """A text, and how near every item is to it.

    Attributes
    ----------
    text : str
    near : float32 array, shape (n_items,)
        Above 0 where an item has something in common with it.
    degraded : tuple of Degraded
        What it could not be read with.
    """

    text: str
    near: NDArray[np.float32]
    degraded: tuple[Degraded, ...] = ()

    def joined(
        self, pool: Pool, scores: NDArray[np.float32], queries: QueryBatch, size: int
    ) -> tuple[Pool, NDArray[np.float32]]:
        """Return the pool of one query with the `size` nearest items too, and all scores in [0, 1].

        Parameters
        ----------
        scores : float32 array, shape (1, m)
            Of the pool, in [0, 1], -inf at `PAD`.
        """
        near = self.near.copy()
        near[queries.exclude.row(0)] = 0.0
        best = np.argpartition(-near, min(size, len(near) - 1))[:size] if len(near) else near
        best = best[near[best] > 0].astype(np.int64)
        new = np.setdiff1d(best, pool.index[0])
        wider = _with_items(pool, new)
        own = scores[0][pool.valid[0]]
        if len(own) > 1 and np.ptp(own) == 0:  # no order: nothing is known against other items
            own = np.zeros_like(own)
        unit = np.concatenate([own, np.zeros(len(new), dtype=np.float32)])
        order = np.argsort(np.concatenate([pool.index[0][pool.valid[0]], new]), kind="stable")
        weight = self.weight(queries)
        nearness = near[wider.index[0]] / max(float(near.max(initial=0.0)), 1e-9)
        mixed = (1.0 - weight) * unit[order] + weight * np.maximum(nearness, 0.0)
        return wider, mixed[None].astype(np.float32)

    def weight(self, queries: QueryBatch) -> float:
        """Return what the text weighs in a query."""
        return WEIGHT if len(queries.seeds.row(0)) else WEIGHT_ALONE

    def leads(
        self, items: Sequence[int], pool: Pool, scores: NDArray[np.float32], queries: QueryBatch
    ) -> NDArray[np.bool_]:
        """Return for which items the text did at least as much as all sources together."""
        at = dict(zip(pool.index[0].tolist(), scores[0].tolist(), strict=True))
        top = max(float(self.near.max(initial=0.0)), 1e-9)
        own = self.weight(queries) * np.maximum(self.near[list(items)] / top, 0.0)
        whole = np.array([at.get(item, np.inf) for item in items])
        found: NDArray[np.bool_] = (own > 0) & (own >= whole / 2)
        return found

    def reasons(
        self, reasons: Sequence[tuple[Reason, ...]], led: Sequence[bool]
    ) -> list[tuple[Reason, ...]]:
        """Return the reasons of items, the text first where it led."""
        pairs = zip(reasons, led, strict=True)
        return [(self.reason, *own[:1]) if leads else own for own, leads in pairs]

    def sources(self, sources: Sequence[str], led: Sequence[bool]) -> list[str]:
        """Return the main sources of items, the text where it led."""
        return [TEXT if leads else own for own, leads in zip(sources, led, strict=True)]

    @property
    def reason(self) -> Reason:
        """Why an item is there that the text has put there."""
        line = " ".join(self.text.replace("“", '"').replace("”", '"').split())
        short = line if len(line) <= _SHOWN else f"{line[:_SHOWN].rstrip()} …"
        return Reason(TEXT, f"fits the words “{short}”")


def read_text(pipeline: Pipeline, query: Query) -> TextQuery | None:
    """Return how near all items are to the text of a query; None where it has none.

    The encoder is loaded here, outside of what a request's time limit covers.

    Raises
    ------
    UsageError
        If it is too long.
    """
    text = query.text.strip()
    if not text:
        return None
    if len(text) > LONGEST:
        raise UsageError(f"a text of {len(text)} characters is too long: {LONGEST} at most")
    nothing = np.zeros(len(pipeline.catalog), dtype=np.float32)
    able = [label for label, able in pipeline.capabilities.items() if SCORE_TEXT in able]
    labels = [label for label in able if label in pipeline.sources]
    if not labels:
        why = "no source of this pipeline reads texts: name one such as content, and fit again"
        return TextQuery(text, nothing, (Degraded(TEXT, why),))
    vectors, degraded = _vectors(pipeline, text)
    source = pipeline.sources[labels[0]]
    texts = Catalog.of_texts([text])
    try:
        score = getattr(source, SCORE_TEXT)
        near = within(pipeline.config.time_limit, source, partial(score, texts, vectors))
        near = np.asarray(near, dtype=np.float32)
        if near.ndim != 2 or len(near) != 1 or near.shape[1] > len(nothing):
            raise ValueError(f"score_text returned shape {near.shape} for one text")
    except (Exception, SystemExit) as error:
        log.warning("source %s could not read a text", labels[0], exc_info=error)
        return TextQuery(text, nothing, (*degraded, Degraded(TEXT, one_line(error))))
    nothing[: near.shape[1]] = np.where(np.isfinite(near[0]), near[0], 0.0)
    return TextQuery(text, nothing, degraded)


def _vectors(
    pipeline: Pipeline, text: str
) -> tuple[dict[str, NDArray[np.float32]], tuple[Degraded, ...]]:
    """Return the text's vector under the encoder's name, and why there is none."""
    encoder, name = pipeline.resolved.encoder, pipeline.config.encoder
    if encoder is None:
        return {}, ()
    try:
        built = encoder.built
        if built not in _alone:
            _alone[built] = _encodes_alone(built, pipeline.catalog)
        if not _alone[built]:
            raise ValueError("its vectors depend on the whole catalog")
        return {name: built.encode(Catalog.of_texts([text]), RunOptions())}, ()
    except (Exception, SystemExit) as error:
        log.log(logging.WARNING, "encoder %s cannot read a text: %s", name, one_line(error))
        why = f"{one_line(error)}: texts are read by their words alone"
        return {}, (Degraded(f"encoder {name}", why),)


def _encodes_alone(encoder: object, catalog: Catalog) -> bool:
    """Whether a text has the same vector alone as in company."""
    some = [text for text in catalog.texts[:50] if text.strip()][:3]
    if not some:
        return True
    encode = getattr(encoder, "encode")  # noqa: B009
    run = RunOptions()
    alone, together = (encode(Catalog.of_texts(texts), run) for texts in (some[:1], some))
    return alone.shape[1] == together.shape[1] and bool(
        np.allclose(alone[0], together[0], atol=1e-3)
    )


def _with_items(pool: Pool, new: NDArray[np.int64]) -> Pool:
    """Return the pool of one query with items that no source has proposed, ascending."""
    valid = pool.valid[0]
    index = np.concatenate([pool.index[0][valid], new])
    order = np.argsort(index, kind="stable")
    more, n_sources = len(new), len(pool.sources)
    scores = np.concatenate(
        [pool.scores[0][valid], np.full((more, n_sources), np.nan, dtype=np.float32)]
    )
    ranks = np.concatenate([pool.ranks[0][valid], np.full((more, n_sources), PAD)])
    features = None
    if pool.features is not None:
        lost = np.full((more, pool.features.shape[2]), np.nan, dtype=np.float32)
        features = np.concatenate([pool.features[0][valid], lost])[order][None]
    return replace(
        pool,
        index=index[order][None],
        scores=scores[order][None],
        ranks=ranks[order][None],
        features=features,
    )
