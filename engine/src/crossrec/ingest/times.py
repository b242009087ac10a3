"""Times of events: numbers in several units and the usual ways to write a date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossrec.ingest.dates import guess_format, parsed_dates
from crossrec.ingest.time_units import UNITS, Unit, guess_unit

if TYPE_CHECKING:
    import pandas as pd

_DAY = 86_400.0
_NET = "/Date("


class TimeParser:
    """Turns one source's times into seconds since 1970.

    The unit of numbers and the format of dates are decided on the first chunk and hold for the
    whole source, so that a stray value in another unit is detected.

    Parameters
    ----------
    format : str or None
        A strptime format, or a unit of numbers (see `crossrec.ingest.time_units.UNITS`); detected
        where None.

    Attributes
    ----------
    note : str
        What was found, such as "unix milliseconds".
    """

    def __init__(self, format: str | None = None) -> None:
        self._unit: Unit | None = None if format is None else UNITS.get(format)
        self._format = format if self._unit is None else None
        self._latest = -np.inf
        self.note = f"format {format}" if format else ""

    @property
    def doubt(self) -> str:
        """What speaks against how the times were read, "" for nothing."""
        if self._unit is UNITS["seconds"] and 0 <= self._latest < _DAY:
            return (
                "all times lie on 1970-01-01: if they are no unix seconds, say what they are with "
                "--time-format, or leave them out with --no-clock"
            )
        return ""

    def parse(self, column: pd.Series[Any]) -> NDArray[np.float64]:
        """Return seconds, float64 (n,), NaN where a cell is empty or cannot be parsed."""
        seconds = self._parse(column)
        if np.isfinite(seconds).any():
            self._latest = max(self._latest, float(np.nanmax(seconds)))
        return seconds

    def _parse(self, column: pd.Series[Any]) -> NDArray[np.float64]:
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(column):
            self.note = self.note or "dates"
            return _seconds(pd.to_datetime(column, utc=True))
        if self._format is not None:
            return self._dates(column.where(column.notna(), "").astype(str))
        if pd.api.types.is_numeric_dtype(column):
            return self._numbers(column.to_numpy(np.float64, na_value=np.nan))
        if len(column) and str(column.iloc[0]).startswith(_NET):
            column = column.astype(str).str.extract(r"\((-?\d+)")[0]
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
        given = column.notna().to_numpy() & (column != "").to_numpy()
        if self._unit is None and np.isfinite(numbers).sum() * 2 < given.sum():
            strings = column.where(column.notna(), "").astype(str)
            if not self._no_dates_among(strings, np.isfinite(numbers)):
                return self._dates(strings)
        return self._numbers(numbers)

    def _no_dates_among(self, strings: pd.Series[Any], numeric: NDArray[np.bool_]) -> bool:
        """Whether there are some numbers, and no other cell is a date."""
        if not numeric.any():
            return False
        others = strings[~numeric].str.strip()
        others = others[others != ""]
        return not parsed_dates(others, guess_format(others)[0]).notna().any()

    def _numbers(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        if self._unit is None:
            if np.isnan(numbers).all():
                return numbers
            self._unit = guess_unit(numbers[~np.isnan(numbers)])
            self.note = self._unit.note
        return self._unit.seconds(numbers)

    def _dates(self, strings: pd.Series[Any]) -> NDArray[np.float64]:
        stripped = strings.str.strip()
        if self._format is None:
            guessed, note = guess_format(stripped[stripped != ""])
            dates = parsed_dates(stripped, guessed)
            if dates.notna().any():  # else no cell shows how times are written
                self._format, self.note = guessed, note
            return _seconds(dates)
        return _seconds(parsed_dates(stripped, self._format))


def _seconds(dates: pd.Series[Any]) -> NDArray[np.float64]:
    """Return unix seconds of UTC dates, NaN for NaT."""
    naive = dates.dt.tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(naive), np.nan, naive.astype(np.int64) / 1e6)
