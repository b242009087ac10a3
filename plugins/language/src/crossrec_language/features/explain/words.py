"""The lists of English words that reading reviews and checking sentences need."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def english(name: str) -> frozenset[str]:
    """Return one of the lists of ``words.toml``."""
    return frozenset(_lists()[name].split())


@cache
def _lists() -> Mapping[str, str]:
    text = files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    lists: dict[str, str] = tomllib.loads(text)
    return lists
