"""How deep policies look into a pool."""

from __future__ import annotations

from crossrec.components.policy_context import PolicyContext


def depth(context: PolicyContext) -> int:
    """Return how many places a policy puts in order, and records what it moved there.

    More than the k that are shown, since policies behind it may drop some of them.
    """
    return 3 * context.k + 20
