"""Time of one filter over a catalog of 100,000 items, once its columns are read.

Command: ``python benchmarks/filters.py``. The limit is 5 ms for each filter; the ratios to it are
in the result, and so is the time of the first use, which reads the columns.
"""

from __future__ import annotations

import time

import numpy as np
from common import write_result

N_ITEMS, TURNS, LIMIT_MS = 100_000, 30, 5.0
FILTERS = (
    "price < user.most",
    "brand = 'brand 12'",
    "genres IN user.favourites AND NOT is_hidden",
    "title LIKE '%7'",
    "days_since(created_at) < 30 OR coalesce(price, 0) BETWEEN 5 AND 10",
)


def main() -> None:
    from crossrec.components.live_items import LiveItems
    from crossrec.data.catalog import Catalog
    from crossrec.data.vocabulary import Vocabulary
    from crossrec.expressions import Scope, parse_expression
    from crossrec.scenario import ItemField, ItemSchema

    schema = ItemSchema(
        (
            ItemField("price", "number"),
            ItemField("genres", "category"),
            ItemField("created_at", "time"),
            ItemField("is_hidden", "flag"),
            ItemField("brand", "id"),
        ),
        "{title}",
        categories="genres",
    )
    rng = np.random.default_rng(0)
    records = {
        f"i{at}": {
            "title": f"title {at}",
            "price": float(rng.integers(1, 100)),
            "genres": [f"genre {one}" for one in rng.integers(0, 50, 3)],
            "created_at": float(rng.integers(0, 400) * 86_400),
            "is_hidden": bool(rng.random() < 0.1),
            "brand": f"brand {rng.integers(3_000)}",
        }
        for at in range(N_ITEMS)
    }
    items = LiveItems(Catalog.from_records(Vocabulary(records), records, schema), schema)
    user = {"most": 50, "favourites": ["genre 1", "genre 7"]}
    scope = Scope(items, now=400 * 86_400.0, user=user)
    found = {}
    for text in FILTERS:
        expression = parse_expression(text)
        times = []
        for _ in range(TURNS):
            started = time.perf_counter()
            expression.true(scope)
            times.append((time.perf_counter() - started) * 1000)
        median = float(np.median(times[1:]))
        found[text] = {
            "first_ms": round(times[0], 1),
            "median_ms": round(median, 3),
            "of_limit": round(median / LIMIT_MS, 3),
        }
    worst = max(one["of_limit"] for one in found.values())
    write_result("filters", {"items": N_ITEMS, "worst_of_limit": worst, "filters": found})


if __name__ == "__main__":
    main()
