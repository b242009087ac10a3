"""Age ratings as numbers."""

from __future__ import annotations

import re
from typing import Any

from crossrec.data.catalog import as_text

#: The least age of common ratings: films and television of the USA, films of the United Kingdom.
AGES = {
    "g": 0, "pg": 8, "pg13": 13, "r": 17, "nc17": 18, "x": 18,
    "tvy": 0, "tvg": 0, "tvy7": 7, "tvpg": 8, "tv14": 14, "tvma": 17,
    "u": 0, "e": 0, "everyone": 0, "all": 0, "kids": 0, "teen": 13, "t": 13, "m": 17, "mature": 17,
    "adult": 18, "adults": 18,
}  # fmt: skip
_NUMBER = re.compile(r"(?:fsk|pegi|usk|bbfc|kijkwijzer|ab)?(\d{1,2})(?:a|pg)?")


def age_of(value: Any) -> float:
    """Return the least age that a rating or a limit stands for; NaN where it cannot be read.

    Common names (``PG-13``, ``TV-MA``), and numbers as in ``FSK 16``, ``16+`` or ``12A``.
    """
    text = re.sub(r"[\s_+\-/]+", "", as_text(value).lower())
    if text in AGES:
        return float(AGES[text])
    found = _NUMBER.fullmatch(text.removesuffix(".0"))
    return float(found[1]) if found else float("nan")
