"""RecBole's atomic files: tab-separated tables whose header gives each column a type."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrec.errors import DataError
from crossrec.ingest.formats import read_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Atomic:
    """A table with columns by plain name, and the type of each.

    Attributes
    ----------
    table : DataFrame
        All columns as strings.
    types : dict of str to str
        ``"token"``, ``"token_seq"``, ``"float"`` or ``"float_seq"``.
    """

    table: pd.DataFrame
    types: dict[str, str]

    def numbers(self, name: str) -> pd.Series[Any]:
        """Return a column as float64; NaN where it is empty or no number."""
        import pandas as pd

        return pd.to_numeric(self.table[name], errors="coerce").astype(float)


def read_atomic(path: Path) -> Atomic:
    """Read one atomic file.

    Raises
    ------
    DataError
        If the header is not of the form ``name:type``.
    """
    table = read_table(path, sep="\t", quoting=csv.QUOTE_NONE)
    types: dict[str, str] = {}
    for column in table.columns:
        name, _, kind = str(column).rpartition(":")
        if kind not in ("token", "token_seq", "float", "float_seq"):
            raise DataError(
                f"{path}: header {str(column)!r} has no type, as in user_id:token; "
                "this is no atomic file"
            )
        types[name] = kind
    return Atomic(table.set_axis(list(types), axis="columns"), types)
