"""Times of events: unix numbers in four units and the usual ways to write a date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

_ISO = "ISO8601"
_DAYS = (
    ("%m/%d/%Y", "month/day/year"),
    ("%d/%m/%Y", "day/month/year"),
    ("%m/%d/%y", "month/day/year"),
    ("%d/%m/%y", "day/month/year"),
    ("%Y/%m/%d", "year/month/day"),
    ("%d.%m.%Y", "day.month.year"),
    ("%m-%d-%Y", "month-day-year"),
    ("%d-%m-%Y", "day-month-year"),
    ("%d %b %Y", "day month year"),
    ("%d %B %Y", "day month year"),
    ("%b %d, %Y", "month day, year"),
    ("%B %d, %Y", "month day, year"),
)
_HOURS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_WHOLE = (
    ("%a %b %d %H:%M:%S %z %Y", "weekday month day time zone year"),
    ("%a, %d %b %Y %H:%M:%S %z", "weekday, day month year time zone"),
    ("%Y%m%d", "yearmonthday"),
)
# A unix time of this size or more is in the next finer unit: as seconds it would be the year 5138.
_UNITS = ((1e11, 1.0, "seconds"), (1e14, 1e3, "milliseconds"), (1e17, 1e6, "microseconds"))
_SAMPLE = 1_000


class TimeParser:
    """Turns one source's times into seconds since 1970.

    The unit of numbers and the format of dates are decided on the first chunk and hold for the
    whole source, so that a stray value in another unit is detected.

    Parameters
    ----------
    format : str or None
        A strptime format; detected where None.

    Attributes
    ----------
    note : str
        What was found, such as "unix milliseconds".
    """

    def __init__(self, format: str | None = None) -> None:
        self._format = format
        self._divisor: float | None = None
        self.note = f"format {format}" if format else ""

    def parse(self, column: pd.Series[Any]) -> NDArray[np.float64]:
        """Return seconds, float64 (n,), NaN where a cell is empty or cannot be parsed."""
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(column):
            self.note = self.note or "dates"
            return _seconds(pd.to_datetime(column, utc=True))
        if self._format is not None:
            return self._dates(column.astype(str))
        if not pd.api.types.is_numeric_dtype(column):
            numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
            given = column.notna().to_numpy() & (column != "").to_numpy()
            numeric = self._divisor is not None or np.isfinite(numbers).sum() * 2 >= given.sum()
            if not numeric:
                strings = column.where(column.notna(), "").astype(str)
                if not self._no_dates_among(strings, np.isfinite(numbers)):
                    return self._dates(strings)
        else:
            numbers = column.to_numpy(np.float64, na_value=np.nan)
        return self._numbers(numbers)

    def _no_dates_among(self, strings: pd.Series[Any], numeric: NDArray[np.bool_]) -> bool:
        """Whether there are some numbers, and no other cell is a date."""
        if self._format is not None or not numeric.any():
            return False
        others = strings[~numeric].str.strip()
        others = others[others != ""]
        return not _parsed(others, guess_format(others)[0])

    def _numbers(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        if self._divisor is None:
            if np.isnan(numbers).all():
                return numbers
            if _compact_dates(numbers):
                import pandas as pd

                self._format = "%Y%m%d"
                return self._dates(pd.Series(numbers).astype("Int64").astype(str))
            size = float(np.nanmedian(np.abs(numbers)))
            limits = [(divisor, unit) for limit, divisor, unit in _UNITS if size < limit]
            self._divisor, unit = limits[0] if limits else (1e9, "nanoseconds")
            self.note = f"unix {unit}"
        return numbers / self._divisor

    def _dates(self, strings: pd.Series[Any]) -> NDArray[np.float64]:
        import pandas as pd

        stripped = strings.str.strip()
        if self._format is None:
            guessed, note = guess_format(stripped[stripped != ""])
            if not _parsed(stripped, guessed):
                return np.full(len(strings), np.nan)  # no cell shows how times are written
            self._format, self.note = guessed, note
        parsed = pd.to_datetime(stripped, format=self._format, errors="coerce", utc=True)
        return _seconds(parsed)


def guess_format(strings: pd.Series[Any]) -> tuple[str, str]:
    """Return the strptime format that parses most of `strings`, and its name.

    Where day and month are ambiguous, the month comes first and the name mentions it.
    """
    distinct = strings.drop_duplicates()
    sample = distinct[:_SAMPLE]
    if _parsed(sample, _ISO) == len(sample):
        return _ISO, "ISO dates"
    candidates = [(day + hour, name) for day, name in _DAYS for hour in _HOURS] + list(_WHOLE)
    scores = [(_parsed(sample, format), format, name) for format, name in candidates]
    best = max(score for score, _, _ in scores)
    if best <= _parsed(sample, _ISO):
        return _ISO, "ISO dates"
    # The sample may hold only days up to the 12th: let all the strings decide between equals.
    equals = [(format, name) for score, format, name in scores if score == best]
    whole = [_parsed(distinct, format) for format, _ in equals]
    format, name = equals[int(np.argmax(whole))]
    others = [other for (other, _), score in zip(equals, whole, strict=True) if score == max(whole)]
    if len(others) > 1:
        name += f" (could be {others[1]} too: settle it with --time-format)"
    return format, f"dates, {name}"


def _parsed(strings: pd.Series[Any], format: str) -> int:
    """Return how many of the strings the format fits."""
    import pandas as pd

    dates = pd.to_datetime(strings, format=format, errors="coerce", utc=True)
    return int(dates.notna().sum())


def _seconds(dates: pd.Series[Any]) -> NDArray[np.float64]:
    """Return unix seconds of UTC dates, NaN for NaT."""
    naive = dates.dt.tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(naive), np.nan, naive.astype(np.int64) / 1e6)


def _compact_dates(numbers: NDArray[np.float64]) -> bool:
    """Whether all numbers read as dates like 20240131, between 1970 and 2099.

    As unix seconds they would all lie in a few days of August 1970.
    """
    given = numbers[~np.isnan(numbers)]
    month, day = given // 100 % 100, given % 100
    plausible = (given >= 19_700_101) & (given <= 20_991_231) & (given % 1 == 0)
    return bool((plausible & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())
