"""UCI Online Retail: a year of a British gift shop, ``online_retail.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.ingest.formats import find_file, read_table, seconds
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "uci-online-retail"
COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
)


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder: a row with a customer is a purchase, or a refund where it is a cancellation.

    Rows without a customer belong to no user and are left out of the events, their number
    in the note; their products stay. Codes of services (postage, fees, manual entries) are hidden
    items.

    Raises
    ------
    DataError
        If the file is missing or lacks a column.
    """
    rows = read_table(
        find_file(folder, "online_retail.csv", "Online Retail.csv", of=FORMAT), columns=COLUMNS
    )
    quantity, price = rows["Quantity"].astype(float), rows["UnitPrice"].astype(float)
    # A cancellation has an invoice number with C; write-offs have a negative quantity only.
    returned = rows["InvoiceNo"].str.startswith("C") | (quantity <= 0)
    events = rows.assign(
        user_id=rows["CustomerID"].str.removesuffix(".0"),
        item_id=rows["StockCode"],
        event_type=returned.map({True: "refund", False: "purchase"}),
        time=seconds(rows["InvoiceDate"]),
        value=(quantity * price).abs().round(2),
        # The same line may occur twice on an invoice.
        event_id=rows["InvoiceNo"] + ":" + rows.index.astype(str),
    )
    events = events[events["user_id"] != ""]
    note = (
        f"UCI Online Retail: {len(events)} of {len(rows)} rows have a customer "
        f"({events['user_id'].nunique()}); {int(returned[events.index].sum())} are refunds"
    )
    columns = ["user_id", "item_id", "event_type", "time", "value", "event_id"]
    return Frames(
        items=_items(rows, quantity, price),
        events=events[columns].sort_values("time", kind="stable", ignore_index=True),
        has_clock=True,
        note=note,
    )


def _items(rows: pd.DataFrame, quantity: pd.Series[float], price: pd.Series[float]) -> pd.DataFrame:
    """Return each stock code with its most frequent description and its median price."""
    named = rows.assign(title=rows["Description"].str.strip(), price=price)
    # The descriptions of write-offs are remarks of the warehouse: "damaged", "?".
    named = named[(quantity > 0) & (named["title"] != "")]
    counts = named.groupby(["StockCode", "title"], sort=False).size().reset_index(name="n")
    titles = counts.sort_values("n", ascending=False, kind="stable").drop_duplicates("StockCode")
    items = rows[["StockCode"]].drop_duplicates(ignore_index=True)
    items["title"] = items["StockCode"].map(titles.set_index("StockCode")["title"]).fillna("")
    items["price"] = items["StockCode"].map(
        named[named["price"] > 0].groupby("StockCode")["price"].median()
    )
    items["is_hidden"] = ~items["StockCode"].str.match(r"\d{5}|DCGS|gift_")
    return items.rename(columns={"StockCode": "item_id"})
