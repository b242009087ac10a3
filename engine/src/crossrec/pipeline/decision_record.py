"""From an answer to what the decision log keeps of it: ids, figures, names of parts, no texts."""

from __future__ import annotations

import hashlib
import json
import time

from crossrec.components.slate import Slate
from crossrec.ingest.ids import is_valid_id
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.resolved import ResolvedSurface
from crossrec.store.decisions import Decision, ShownItem


def decision_of(
    slate: Slate, user_id: str | None, pipeline: Pipeline, milliseconds: float, n_items: int
) -> Decision:
    """Return the decision that an answer was.

    Parameters
    ----------
    slate : Slate
        With the main source of every item.
    user_id : str or None
        What cannot be the id of an ingested user is left out.
    milliseconds : float
        What the answer took.
    n_items : int
        Items that are kept, from the first.
    """
    return Decision(
        request_id=slate.request_id,
        time=time.time(),
        scenario=slate.scenario,
        surface=slate.surface,
        user_id=user_id if user_id is not None and is_valid_id(user_id) else None,
        artifact=pipeline.version,
        policies=policies_hash(pipeline.surfaces[slate.surface].plan),
        path=slate.path,
        milliseconds=round(milliseconds, 3),
        items=tuple(
            ShownItem(item.item_id, item.score, item.propensity, item.source)
            for item in slate.items[:n_items]
        ),
    )


def policies_hash(plan: ResolvedSurface) -> str:
    """Return 12 hex digits that are the same where the policies and their settings are."""
    policies = [[label, dict(policy.settings)] for label, policy in plan.policies.items()]
    text = json.dumps(policies, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
