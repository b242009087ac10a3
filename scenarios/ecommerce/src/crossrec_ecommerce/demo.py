"""The demo of the e-commerce scenario: a real sample of grocery shopping, shipped with the package.

Cut by ``make_sample.py`` from "Complete Journey" by 84.51°, CC0 1.0; see ``sample/NOTICE``.
"""

from __future__ import annotations

import io
from importlib.resources import files
from typing import TYPE_CHECKING

from crossrec.ingest.frames import Frames

if TYPE_CHECKING:
    import pandas as pd


def generate(seed: int = 0) -> Frames:
    """Return the sample. It is real, so it is the same for every seed."""
    items = _read("items.csv.gz")
    events = _read("events.csv.gz")
    items["categories"] = [[path] for path in items["categories"]]
    note = (
        f"real: {len(items)} products and {len(events)} purchases of "
        f"{events['user_id'].nunique()} households in 2017, from Complete Journey by 84.51° (CC0)"
    )
    return Frames(
        items=items, events=events.assign(event_type="purchase"), has_clock=True, note=note
    )


def _read(name: str) -> pd.DataFrame:
    """Read a table of the sample."""
    import pandas as pd

    raw = files("crossrec_ecommerce").joinpath("sample", name).read_bytes()
    texts = {"item_id": str, "user_id": str}
    return pd.read_csv(io.BytesIO(raw), compression="gzip", dtype=texts, keep_default_na=False)
