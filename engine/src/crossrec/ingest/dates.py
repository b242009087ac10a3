"""Dates as people and programs write them, and which way a column is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ISO = "ISO8601"
_DAYS = (
    ("%m/%d/%Y", "month/day/year"),
    ("%d/%m/%Y", "day/month/year"),
    ("%m/%d/%y", "month/day/year"),
    ("%d/%m/%y", "day/month/year"),
    ("%Y/%m/%d", "year/month/day"),
    ("%d.%m.%Y", "day.month.year"),
    ("%d.%m.%y", "day.month.year"),
    ("%Y.%m.%d", "year.month.day"),
    ("%m-%d-%Y", "month-day-year"),
    ("%d-%m-%Y", "day-month-year"),
    ("%d %b %Y", "day month year"),
    ("%d %B %Y", "day month year"),
    ("%d-%b-%Y", "day-month-year"),
    ("%d-%b-%y", "day-month-year"),
    ("%b %d, %Y", "month day, year"),
    ("%B %d, %Y", "month day, year"),
    ("%b %d %Y", "month day year"),
    ("%m %d, %Y", "month day, year"),
)
_HOURS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S %z")
_WHOLE = (
    ("%a %b %d %H:%M:%S %z %Y", "weekday month day time zone year"),
    ("%a %b %d %H:%M:%S %Y", "weekday month day time year"),
    ("%a %b %d %Y %H:%M:%S %z", "weekday month day year time zone"),
    ("%a, %d %b %Y %H:%M:%S %z", "weekday, day month year time zone"),
    ("%a, %d %b %Y %H:%M:%S", "weekday, day month year time"),
    ("%A, %B %d, %Y", "weekday, month day, year"),
    ("%d/%b/%Y:%H:%M:%S %z", "day/month/year:time zone"),
    ("%Y%m%d", "yearmonthday"),
    ("%Y%m%d %H:%M:%S", "yearmonthday time"),
)
#: Spellings of parts that no format covers, and what stands for them.
_TIDY = (
    (r"\s*\([^()]*\)$", ""),  # the name of a zone behind its offset
    (r"\s*(?:UTC|GMT)([+-]\d)", r" \1"),
    (r"\s*(?:UTC|GMT|Z|z)$", ""),  # times without a zone are UTC
    (r"(:\d\d),(\d)", r"\1.\2"),  # a comma before fractions
    (r",\s+(\d{1,2}:\d\d)", r" \1"),  # a comma between day and time
    (r"([AaPp])\.\s?[Mm]\.$", r"\1M"),
)
_SAMPLE = 200


def tidy(strings: pd.Series[Any]) -> pd.Series[Any]:
    """Return dates without what no format covers: ``UTC``, decimal commas, names of zones."""
    for pattern, plain in _TIDY:
        strings = strings.str.replace(pattern, plain, regex=True)
    return strings.str.strip()


def parsed_dates(strings: pd.Series[Any], format: str) -> pd.Series[Any]:
    """Return UTC dates of texts, NaT where the format does not fit, and for empty ones.

    Fractions of seconds may be there or not, and so may what `tidy` takes away.
    """
    import pandas as pd

    dates = _fitted(strings, format)
    for variant in (_with_fractions(format), None):
        failed = dates.isna() & (strings != "")
        if not failed.any():
            break
        if variant is not None:
            again = _fitted(strings[failed], variant)
        else:
            plain = tidy(strings[failed])
            again = _fitted(plain, format)
            rest = again.isna()
            if rest.any():
                again = again.mask(rest, _fitted(plain, _with_fractions(format) or format))
        if again.notna().any():
            dates = dates.astype(object).mask(failed, again.astype(object))
            dates = pd.to_datetime(dates, utc=True)
    return dates


def _fitted(strings: pd.Series[Any], format: str) -> pd.Series[Any]:
    import pandas as pd

    return pd.to_datetime(strings, format=format, errors="coerce", utc=True)


def _with_fractions(format: str) -> str | None:
    """Return the format with or without fractions of seconds, whichever it is not."""
    if "%f" in format:
        return format.replace(".%f", "").replace(",%f", "")
    return format.replace("%S", "%S.%f") if "%S" in format else None


def guess_format(strings: pd.Series[Any]) -> tuple[str, str]:
    """Return the strptime format that parses most of `strings`, and its name.

    Where day and month are ambiguous, the month comes first and the name mentions it.
    """
    distinct = strings.drop_duplicates()
    sample = distinct[:_SAMPLE]
    if _count(sample, ISO) == len(sample):
        return ISO, "ISO dates"
    plain = tidy(sample)
    if _count(plain, ISO) == len(sample):
        return ISO, "ISO dates"
    candidates = [(day + hour, name) for day, name in _DAYS for hour in _HOURS] + list(_WHOLE)
    scores = [(_count(plain, format), format, name) for format, name in candidates]
    best = max(score for score, _, _ in scores)
    if best <= _count(plain, ISO):
        return ISO, "ISO dates"
    # The sample may hold only days up to the 12th: let all the strings decide between equals.
    equals = [(format, name) for score, format, name in scores if score == best]
    whole = [int(parsed_dates(distinct, format).notna().sum()) for format, _ in equals]
    format, name = equals[int(np.argmax(whole))]
    others = [other for (other, _), score in zip(equals, whole, strict=True) if score == max(whole)]
    if len(others) > 1:
        name += f" (could be {others[1]} too: settle it with --time-format)"
    return format, f"dates, {name}"


def _count(strings: pd.Series[Any], format: str) -> int:
    """Return how many of the strings the format fits, fractions or not."""
    fitted = _fitted(strings, format)
    fractions = _with_fractions(format)
    if (
        fractions is not None
        and fitted.isna().any()
        and strings.str.contains(r"\.\d", regex=True).any()
    ):
        fitted = fitted.fillna(_fitted(strings, fractions))
    return int(fitted.notna().sum())
