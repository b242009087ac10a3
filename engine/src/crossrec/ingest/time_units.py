"""What numbers mean that stand for times: unix times, Excel's days, dates without signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DAY = 86_400.0
#: Excel counts days from here (as days since 1970), and makes 1900 a leap year.
_EXCEL_EPOCH = 25_569.0
# Excel's days of the years 1990 to 2050. As unix seconds they lie in one afternoon of 1970.
_EXCEL = (32_874.0, 55_153.0)


@dataclass(frozen=True)
class Unit:
    """A way to count time.

    Attributes
    ----------
    note : str
        What to call it.
    divisor : float
        Numbers of it in a second; 0 for numbers whose digits are a date.
    offset : float
        Its zero, in seconds since 1970.
    digits : int
        Length of numbers whose digits are a date: 8, 12 or 14.
    """

    note: str
    divisor: float
    offset: float = 0.0
    digits: int = 0

    def seconds(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return seconds since 1970, float64 (n,); NaN for what is no time."""
        if self.digits:
            return _dated(numbers, self.digits)
        if self.offset:
            # Days have fractions that do not end: half a millisecond is nothing in a sheet.
            return np.round(numbers / self.divisor + self.offset, 3)
        return numbers / self.divisor


_SETTLE = "(if these are unix seconds, say --time-format seconds)"
#: What ``--time-format`` may name besides a strptime format.
UNITS: dict[str, Unit] = {
    "seconds": Unit("unix seconds", 1.0),
    "milliseconds": Unit("unix milliseconds", 1e3),
    "microseconds": Unit("unix microseconds", 1e6),
    "nanoseconds": Unit("unix nanoseconds", 1e9),
    "days": Unit("days since 1970", 1 / _DAY),
    "excel": Unit(f"Excel days {_SETTLE}", 1 / _DAY, -_EXCEL_EPOCH * _DAY),
}
_COMPACT = {
    8: Unit("dates, yearmonthday", 0.0, digits=8),
    12: Unit("dates, yearmonthdayhourminute", 0.0, digits=12),
    14: Unit("dates, yearmonthdayhourminutesecond", 0.0, digits=14),
}
# A unix time of this size or more is in the next finer unit: as seconds it would be the year 5138.
_LIMITS = ((1e11, "seconds"), (1e14, "milliseconds"), (1e17, "microseconds"))


def guess_unit(numbers: NDArray[np.float64]) -> Unit:
    """Return the unit of numbers of which none is missing: by their size and their digits."""
    for digits, unit in _COMPACT.items():
        if not np.isnan(_dated(numbers, digits)).any():
            return unit
    if bool(((numbers >= _EXCEL[0]) & (numbers < _EXCEL[1])).all()):
        return UNITS["excel"]
    size = float(np.median(np.abs(numbers)))
    return UNITS[next((unit for limit, unit in _LIMITS if size < limit), "nanoseconds")]


def _dated(numbers: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Return the seconds of numbers like 20240131, NaN for others, and before 1970 or after 2099.

    As unix seconds, dates of 8 digits would all lie in a few days of August 1970.
    """
    whole = np.where(np.isfinite(numbers) & (numbers >= 0) & (numbers < 1e15), numbers, 0.0)
    left = np.floor(whole).astype(np.int64)
    second = minute = hour = np.zeros(len(left), dtype=np.int64)
    if digits == 14:
        left, second = left // 100, left % 100
    if digits >= 12:
        left, minute = left // 100, left % 100
        left, hour = left // 100, left % 100
    year, month, day = left // 10_000, left // 100 % 100, left % 100
    fine = (whole == np.floor(whole)) & (year >= 1970) & (year <= 2099)
    fine &= (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(fine, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    fine &= (day >= 1) & (day <= length)
    days = first.astype(np.int64) + day - 1
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
    return np.where(fine, seconds, np.nan).astype(np.float64)
