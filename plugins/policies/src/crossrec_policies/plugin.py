"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from crossrec import hookimpl
from crossrec.hookspecs import Register

#: name → (module, class, one-line summary); the configuration is `<class>Config` beside it.
_POLICIES = {
    "attribute_cap": (
        "limits.attribute_cap",
        "AttributeCap",
        "at most so many items of one brand, author or genre",
    ),
    "attribute_gap": (
        "limits.attribute_gap",
        "AttributeGap",
        "other items between two of one artist",
    ),
    "step_limit": (
        "limits.step_limit",
        "StepLimit",
        "no leaps of tempo or energy from one item to the next",
    ),
    "one_version": (
        "limits.one_version",
        "OneVersion",
        "of several versions of one thing the best alone",
    ),
    "rights": (
        "limits.rights",
        "Rights",
        "drops what a person may not see: country, age, plan, visibility, profile",
    ),
    "recency_decay": (
        "weights.recency_decay",
        "RecencyDecay",
        "what is old weighs less",
    ),
    "fatigue": (
        "weights.fatigue",
        "Fatigue",
        "what was shown in vain weighs less, what a user wants less of goes for a while",
    ),
    "rotation": (
        "weights.rotation",
        "Rotation",
        "what was shown just now gives way for a while",
    ),
    "popularity_debias": (
        "weights.popularity_debias",
        "PopularityDebias",
        "what everybody knows weighs less",
    ),
    "series_continuation": (
        "slots.series_continuation",
        "SeriesContinuation",
        "one card for a series, with the next unwatched episode",
    ),
    "exploration": (
        "slots.exploration",
        "Exploration",
        "some places for items of which little is known yet, drawn by chance",
    ),
    "promotion": (
        "slots.promotion",
        "Promotion",
        "places for chosen items, labelled",
    ),
    "known_share": (
        "slots.known_share",
        "KnownShare",
        "so much of the list from the person's history, the rest new",
    ),
    "mmr": (
        "lists.mmr",
        "Mmr",
        "each place for what is relevant and unlike the places before it",
    ),
    "dpp": (
        "lists.dpp",
        "Dpp",
        "the list that is relevant and various as a whole (fast greedy DPP)",
    ),
    "calibration": (
        "lists.calibration",
        "Calibration",
        "a list with the shares of categories, or of popularity, that the history has",
    ),
}
#: Policies that drop by item alone, and say so to those that put items in; what they read of users.
_ABLE = {"rights": {"bars", "reads"}}


@hookimpl
def register_policies(register: Register) -> None:
    """Register the policies by import path."""
    for name, (module, cls, summary) in _POLICIES.items():
        path = f"crossrec_policies.{module}:{cls}"
        able = _ABLE.get(name, set())
        register(name, path, config=f"{path}Config", capabilities=able, summary=summary)
