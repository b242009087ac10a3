"""Lists from other scenarios are fused with those of the ranker, and change nothing else."""

from __future__ import annotations

import numpy as np
from crossrec.components.candidates import PAD, Candidates
from crossrec.components.pooling import build_pool
from crossrec.pipeline.linked_fusion import fused_with_linked, linked_labels, seen_by_ranker

ABLE = {"own": frozenset({"score"}), "linked-history": frozenset({"linked"})}
LINKED = ("linked-history",)


def pool_of(own, linked):
    """A pool of two sources, each with a list of items a query, PAD behind the last."""

    def answers(rows):
        index = np.array(rows, dtype=np.int64)
        falling = -np.arange(index.shape[1], dtype=np.float32)
        return Candidates(index, np.where(index == PAD, -np.inf, falling).astype(np.float32))

    return build_pool({"own": answers(own), "linked-history": answers(linked)}, 9, {})


def scores_for(pool, order):
    """The ranker's scores: those of `order` first, others last."""
    place = {item: at for at, item in enumerate(order)}
    scores = np.array([[-place.get(int(item), 50) for item in row] for row in pool.index])
    return np.where(pool.valid, scores, -np.inf).astype(np.float32)


def ranked(pool, scores, row=0):
    order = np.argsort(-scores[row], kind="stable")
    return [int(item) for item in pool.index[row][order] if item != PAD]


def test_the_sources_are_known_by_their_capability():
    assert linked_labels(["own", "linked-history", "unknown"], ABLE) == LINKED
    assert linked_labels(["own"], ABLE) == ()


def test_both_lists_vote_by_reciprocal_ranks():
    pool = pool_of([[1, 2, 3]], [[3, 9, 8]])
    fused = fused_with_linked(scores_for(pool, [1, 2, 3]), pool, LINKED)
    assert ranked(pool, fused)[0] == 3, "1/63 + 1/61 is most"
    at = {int(item): float(score) for item, score in zip(pool.index[0], fused[0], strict=True)}
    np.testing.assert_allclose(at[3], 1 / 63 + 1 / 61, rtol=1e-6)
    np.testing.assert_allclose(at[1], 1 / 61, rtol=1e-6)
    np.testing.assert_allclose(at[9], 1 / 62, rtol=1e-6)


def test_the_order_of_the_ranker_counts_and_not_that_of_its_sources():
    pool = pool_of([[1, 2, 3]], [[9, PAD, PAD]])
    fused = fused_with_linked(scores_for(pool, [3, 2, 1]), pool, LINKED)
    assert [item for item in ranked(pool, fused) if item != 9] == [3, 2, 1]


def test_rows_without_a_linked_list_stay_as_they_are():
    pool = pool_of([[1, 2], [1, 2]], [[PAD, PAD], [2, PAD]])
    scores = scores_for(pool, [1, 2])
    fused = fused_with_linked(scores, pool, LINKED)
    np.testing.assert_array_equal(fused[0], scores[0])
    assert ranked(pool, fused, 1)[0] == 2
    assert (fused[~pool.valid] == -np.inf).all()
    assert fused.dtype == np.float32


def test_a_pool_of_one_kind_of_source_is_not_fused():
    pool = pool_of([[1, 2]], [[2, 1]])
    scores = scores_for(pool, [1, 2])
    only = pool.select(("own",))
    assert fused_with_linked(scores, only, LINKED) is scores
    alone = pool.select(LINKED)
    assert fused_with_linked(scores, alone, LINKED) is scores


def test_the_ranker_sees_the_sources_that_it_learnt_with():
    pool = pool_of([[1, 2]], [[2, 1]])
    assert seen_by_ranker(pool, LINKED).sources == ("own",)
    assert seen_by_ranker(pool, ()) is pool
    alone = pool.select(LINKED)
    assert seen_by_ranker(alone, LINKED) is alone
