"""Policies applied once each; what one of them answers is looked at before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec.components.policy_context import PolicyContext
from crossrec.components.protocols import Policy
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.slate import Degraded
from crossrec.pipeline.pipeline import log
from crossrec.pipeline.time_limit import within
from crossrec.plugins.state import one_line


def apply_policies(
    policies: Mapping[str, Policy],
    ranked: Ranked,
    context: PolicyContext,
    barred: NDArray[np.int64],
    limit: float,
) -> tuple[Ranked, list[Degraded]]:
    """Apply each policy once, to the whole pool; one that misbehaves is left out and named.

    Each draws from a stream of its own, so that none can disturb what others draw.
    """
    failed: list[Degraded] = []
    for at, (label, policy) in enumerate(policies.items()):
        own_context = replace(context, stream=(at,))
        try:
            changed = within(limit, policy, partial(policy.apply, ranked, own_context))
            complaint = _complaint(ranked, changed, len(context.items), barred)
        except (Exception, SystemExit) as error:
            log.warning("policy %s failed", label, exc_info=error)
            complaint = one_line(error)
        if complaint:
            failed.append(Degraded(label, complaint))
            continue
        if changed is ranked:
            continue
        own = changed.changes[len(ranked.changes) :]
        named = (*ranked.changes, *(_named(change, label) for change in own))
        ranked = replace(changed, changes=named)
    return ranked, failed


def _named(change: PolicyChange, label: str) -> PolicyChange:
    """Return a change with the label of its policy: hundreds of them in a request."""
    return PolicyChange(change.item, change.action, change.code, change.values, label)


def _complaint(before: Ranked, after: Any, n_items: int, barred: NDArray[np.int64]) -> str:
    """Return what is wrong with a policy's answer; "" where nothing is."""
    if after is before:
        return ""
    if not isinstance(after, Ranked):
        return f"TypeError: apply returned {type(after).__name__}, not Ranked"
    index = after.index
    if index.dtype.kind not in "iu" or ((index < 0) | (index >= n_items)).any():
        return "it returned what is no item of the catalog"
    if len(np.unique(index)) < len(index):
        return "it returned an item twice"
    if np.isin(index, barred).any():
        return "it returned an item that is excluded for this user"
    if not np.isfinite(after.score).all():
        return "it returned scores that are not finite"
    if not ((after.propensity > 0) & (after.propensity <= 1)).all():
        return "it returned propensities outside of (0, 1]"
    if after.changes[: len(before.changes)] != before.changes:
        return "it dropped the changes of the policies before it"
    own = after.changes[len(before.changes) :]
    if not all(_is_change(one, n_items) for one in own):
        return "it recorded what is no change of an item of the catalog"
    explained = {change.item for change in own}
    changed = set(np.setxor1d(before.index, index, assume_unique=True).tolist()) - explained
    if changed:
        return f"it dropped or inserted {len(changed)} items without a change"
    return ""


def _is_change(change: Any, n_items: int) -> bool:
    """Whether this is a change that can be put into words."""
    return (
        isinstance(change, PolicyChange)
        and 0 <= change.item < n_items
        and (type(change.values) is dict or isinstance(change.values, Mapping))
    )
