"""Complete Journey: the groceries of some thousand households, by 84.51° (CC0).

``transactions.csv`` and ``products.csv``, as the R package `completejourney` has them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.ingest.formats import find_file, read_table, seconds
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "completejourney"
_SIZE = re.compile(r"(?<![\d.])(\d{1,3}(?:[./]\d+)*\s+[A-Z].*)$")


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder: every transaction row is one purchase, in the order of time.

    Raises
    ------
    DataError
        If a file is missing or lacks a column.
    """
    rows = read_table(
        find_file(folder, "transactions.csv", of=FORMAT),
        columns=("household_id", "product_id", "sales_value", "transaction_timestamp"),
    )
    products = read_table(
        find_file(folder, "products.csv", of=FORMAT),
        columns=("product_id", "department", "product_category", "product_type"),
    )
    events = rows.assign(
        user_id=rows["household_id"],
        item_id=rows["product_id"],
        event_type="purchase",
        time=seconds(rows["transaction_timestamp"]),
        value=rows["sales_value"].astype(float),
    )[["user_id", "item_id", "event_type", "time", "value"]]
    unlisted = (
        events["item_id"].nunique()
        - events["item_id"].isin(products["product_id"]).groupby(events["item_id"]).first().sum()
    )
    note = (
        f"Complete Journey: {len(events)} purchases of {events['user_id'].nunique()} households; "
        f"{unlisted} products without a row in products.csv"
    )
    return Frames(items=_items(products), events=events, has_clock=True, note=note)


def _items(products: pd.DataFrame) -> pd.DataFrame:
    """Name each product by type, size and brand: the files have no titles."""
    import pandas as pd

    columns = products.reindex(columns=["brand", "manufacturer_id", "package_size"], fill_value="")
    brands = (columns["brand"] + " " + columns["manufacturer_id"]).str.strip()
    kinds = products["product_type"].where(
        products["product_type"] != "", products["product_category"]
    )
    sizes = columns["package_size"].map(size)
    return pd.DataFrame(
        {
            "item_id": products["product_id"],
            "title": [
                title(*row) for row in zip(products["product_category"], kinds, sizes, brands)
            ],
            "categories": [
                [" > ".join(readable(part) for part in row if part)]
                for row in zip(products["department"], products["product_category"])
            ],
            "brand": brands,
            "sizes": sizes,
        }
    )


def title(category: str, kind: str, size_: str, brand: str) -> str:
    """Return ``"Cottage cheese, 24 oz (Private 69)"``; a bare ``lean`` gets its category."""
    parts = [readable(kind), size_]
    if " " not in kind and kind.lower() not in category.lower():
        parts = [readable(category), readable(kind).lower(), size_]
    name = ", ".join(part for part in parts if part)
    return f"{name} ({brand})" if brand else name


def readable(words: str) -> str:
    """Return capitals as words, without a bracket that the source cut off."""
    whole = words if words.count("(") <= words.count(")") else words[: words.rindex("(")]
    return re.sub(r"\s+", " ", whole.replace(":", ": ")).strip(" -/").capitalize()


def size(package: str) -> str:
    """Return the size of a package without the codes that precede some: ``"1 dz"``."""
    found = _SIZE.search(package)
    return re.sub(r"\s+", " ", found.group(1)).strip().lower() if found else ""
