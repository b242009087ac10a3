"""The conformance kit over every policy with settings under which it acts on the kit's shop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from crossrec.components.policy_context import PolicyContext
from crossrec.components.user_state import Impressions, UserState
from crossrec.data.user_events import UserEvents
from crossrec.plugins.registration import Registration
from crossrec.testing import PolicyTests
from crossrec_policies import plugin

#: Name in the tests → policy and settings. The creator of the kit's items is their `maker`.
ACTING: dict[str, tuple[str, dict[str, Any]]] = {
    "CapPostpones": ("attribute_cap", {"field": "categories", "most": 1}),
    "CapDrops": ("attribute_cap", {"field": "maker", "most": 1, "mode": "drop"}),
    "CapWithin": ("attribute_cap", {"field": "categories", "most": 1, "within": 3}),
    "Gap": ("attribute_gap", {"field": "categories", "gap": 2}),
    "Steps": ("step_limit", {"limits": {"price": 1}}),
    "OneVersion": ("one_version", {"fields": ("maker",)}),
    "Rights": ("rights", {"countries": "maker", "country": "brand"}),
    "Recency": ("recency_decay", {"fields": ("price",), "half_life_days": 4000}),
    "Fatigue": ("fatigue", {"field": "maker", "see_less": ("view",), "impressions": 1}),
    "Rotation": ("rotation", {"rotation_rate": 1}),
    "Popularity": ("popularity_debias", {"power": 1}),
    "Series": ("series_continuation", {"series": "maker", "episode": "price"}),
    "Conversation": ("series_continuation", {"series": "maker"}),
    "Exploration": ("exploration", {"share": 0.5, "people": 1000}),
    "Promotion": ("promotion", {"items": ("p9", "p11", "p3"), "slots": (1, 4, 7)}),
    "PromotionByField": ("promotion", {"field": "categories", "values": ("tools",), "share": 1}),
    "KnownShare": ("known_share", {"share": 0.7}),
    "Mmr": ("mmr", {"relevance": 0.1, "field": "categories"}),
    "Dpp": ("dpp", {"theta": 0.1, "field": "categories"}),
    "Calibration": ("calibration", {"weight": 0.9, "field": "categories"}),
}


class _Acting(PolicyTests, kit=True):
    """The kit, for a user who has a history, a profile and impressions."""

    def context(self, query: str = "user", **fields: Any) -> PolicyContext:
        context = super().context(query, **fields)
        ids = context.items.catalog.items.ids
        past = UserEvents(
            (ids[0], ids[2], ids[5]),
            np.array([0, 0, 1]),
            np.full(3, np.nan),
            np.array([1.0, 1.0, -1.0], dtype=np.float32),
            context.now - np.array([3e5, 2e5, 1e5]),
        )
        seen = {ids[at]: Impressions(9, context.now - 60) for at in (1, 3, 4)}
        user = UserState("u1", past, profile={"brand": "Acme"}, read_impressions=lambda: seen)
        object.__setattr__(context, "user", user)
        return context

    def test_it_acts_on_the_shop(self) -> None:
        """Else the kit looks at nothing."""
        context = self.context()
        before = self.ranked(context)
        assert len(self.apply(before, context).changes) > len(before.changes)


def registrations() -> dict[str, Registration]:
    found: dict[str, Registration] = {}

    def register(name: str, factory: Any, **rest: Any) -> None:
        found[name] = Registration("policies", name, factory, **rest)

    plugin.register_policies(register)
    return found


_ALL = registrations()
globals().update(
    {
        f"Test{name}": type(
            f"Test{name}", (_Acting,), {"registered": _ALL[policy], "settings": settings}
        )
        for name, (policy, settings) in ACTING.items()
    }
)


def test_every_policy_acts_in_one_of_them() -> None:
    assert {policy for policy, _ in ACTING.values()} == set(_ALL)


@pytest.mark.parametrize("name", sorted(_ALL))
def test_a_pool_of_nothing_stays_one(name: str) -> None:
    kit = type("T", (_Acting,), {"registered": _ALL[name]})()
    context = kit.context()
    if name not in ("exploration", "promotion", "series_continuation"):  # which put in
        assert len(kit.apply(kit.ranked(context, 0), context)) == 0
