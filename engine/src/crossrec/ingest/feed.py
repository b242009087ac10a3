"""A full feed of items that looks like a broken export is refused: it must not empty the shop."""

from __future__ import annotations

from collections.abc import Collection

from crossrec.errors import DataError
from crossrec.ingest.report import IngestReport

_INSTEAD = "so nothing was stored"


def refuse_rejected(report: IngestReport, kept: Collection[str]) -> None:
    """Refuse a feed without items, and one with bad rows, whose items would be withdrawn.

    Raises
    ------
    DataError
    """
    if not report.tables:
        raise DataError("a full feed needs its items: give --items FILE beside --complete items")
    if report.n_bad:
        rows = sum(table.rows for table in report.tables)
        where = next(table.rejected for table in report.tables if table.rejected is not None)
        raise DataError(
            f"{report.n_bad:,} of {rows:,} rows of the full feed are bad and their items would be "
            f"withdrawn, {_INSTEAD}: correct them (they are in {where}), or ingest the good rows "
            "without --complete"
        )
    if not kept:
        raise DataError(
            f"the full feed has no items and would withdraw all, {_INSTEAD}: check the export"
        )


def refuse_withdrawal(withdrawn: int, offered: int, most: float) -> None:
    """Refuse a feed that would withdraw more than the share `most` of the offered items.

    Raises
    ------
    DataError
    """
    if withdrawn <= most * offered:
        return
    remedy = "check the export and the column of the ids"
    if withdrawn < offered:
        share = -(-100 * withdrawn // offered) / 100
        remedy += f", or allow it with --most-withdrawn {share:g}"
    raise DataError(
        f"the full feed would withdraw {withdrawn:,} of {offered:,} offered items, {_INSTEAD}: "
        f"{remedy}"
    )
