"""Numbers as people write them: with points or commas, grouped, with a currency."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Literal

Mark = Literal[".", ","]

_CURRENCY = re.compile(
    r"[€$£¥₹₽₩₺₴฿]|\b(?:EUR|USD|GBP|CHF|JPY|CNY|INR|BRL|CAD|AUD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|"
    r"kr|zł|Fr|Rs)\b\.?",
    re.IGNORECASE,
)
#: Signs that stand between groups of digits and are no marks: spaces of all widths, apostrophes.
_GAPS = re.compile(r"(?<=\d)[ '’\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?"),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
}
_COMMA = re.compile(r"[+-]?\d*,\d+|[+-]?\d+,")


class NumberReader:
    """Reads one column of numbers; which mark its fractions have is decided for all of it.

    ``1,299`` is a thousand in one shop and a little more than one in another. The first chunk with
    cells that show it decides: ``3,99`` and ``1.299,00`` have a decimal comma. A cell that shows it
    by itself is read as it is.
    """

    def __init__(self) -> None:
        self.mark: Mark | None = None

    @property
    def note(self) -> str:
        """What was found out, "" where nothing is unusual."""
        return "numbers have a decimal comma" if self.mark == "," else ""

    def read(self, cells: Iterable[Any]) -> list[float | int | None]:
        """Return a number for each cell, None where it is none."""
        texts = [cell if isinstance(cell, (int, float)) else _bare(str(cell)) for cell in cells]
        if self.mark is None:
            self.mark = _mark_of(text for text in texts if isinstance(text, str))
        mark = self.mark or "."
        return [text if isinstance(text, (int, float)) else _number(text, mark) for text in texts]


def _bare(text: str) -> str:
    """Return what is written without its currency, spaces and other dress."""
    text = text.strip().replace("−", "-").replace("–", "-")
    if _PLAIN.fullmatch(text):
        return text
    text = _CURRENCY.sub("", text).strip().removesuffix("%").strip()
    text = _GAPS.sub("", text)
    if text.endswith((",-", ".-")):
        text = text[:-2]
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1].strip()}"
    return text.replace("- ", "-")


def _mark_of(texts: Iterable[str]) -> Mark | None:
    """Return the decimal mark that most cells show, None where none shows any."""
    votes = {".": 0, ",": 0}
    for text in texts:
        mark = _shown_mark(text)
        if mark is not None:
            votes[mark] += 1
    if not any(votes.values()):
        return None
    return "," if votes[","] > votes["."] else "."


def _shown_mark(text: str) -> Mark | None:
    """Return the decimal mark that a number shows, None where it could be either."""
    points, commas = text.count("."), text.count(",")
    if points and commas:
        return "." if text.rindex(".") > text.rindex(",") else ","
    if points + commas == 0:
        return None
    used: Mark = "." if points else ","
    other: Mark = "," if points else "."
    if points + commas > 1:
        return other  # several of them group digits
    whole, _, rest = text.partition(used)
    grouped = len(rest) == 3 and whole.lstrip("+-") not in ("", "0") and len(whole) <= 4
    return None if grouped or not rest.isdigit() else used


def _number(text: str, mark: Mark) -> float | int | None:
    """Return what a text is, the decimal mark being that which it shows, or else `mark`."""
    mark = _shown_mark(text) or mark
    if _GROUPED[mark].fullmatch(text):
        text = text.replace("," if mark == "." else ".", "")
    if mark == "," and _COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not _PLAIN.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else number
