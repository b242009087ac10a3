"""Lists in a cell, as shops, databases and programs write them."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

#: The longest text that is read as a list of Python, in characters.
_LONGEST = 100_000
#: What an object in a list is called by, the most telling first.
_NAMES = ("name", "title", "label", "value", "text", "id")
_NONE = frozenset(
    {"[none]", "(no genres listed)", "(none)", "(not set)", "no genre", "[]", "{}", "-", "--"}
)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
# Strings side by side without a comma: how numpy prints an array.
_ARRAY = re.compile(r"""\[\s*(['"])[^'"]*\1(?:\s+(['"])[^'"]*\2)+\s*\]""")
_TAGS = re.compile(r"(?:<[^<>]+>)+")
_ENTITY = re.compile(r"&#?\w{1,8};")
_MARKS = ("|", ";")


class UnreadableListError(ValueError):
    """Raised for a text that looks like a list and is none that can be read."""


def listed(text: str) -> Any:
    """Return the list that a text is, None where it is an empty one, or the text itself.

    JSON lists, lists, tuples and sets of Python, arrays as numpy and PostgreSQL write them, tags in
    angle brackets; objects within become their names; and parts between ``|`` or ``;``.

    Raises
    ------
    UnreadableListError
        If it looks like a list and cannot be read.
    """
    stripped = text.strip()
    if stripped.casefold() in _NONE:
        return None
    if stripped[0] + stripped[-1] in ("[]", "()", "{}"):
        found = _literal(stripped)
        return names(found) if found is not None else text
    if _TAGS.fullmatch(stripped):
        return re.findall(r"<([^<>]+)>", stripped)
    for mark in _MARKS:
        if mark in stripped and not (mark == ";" and _ENTITY.search(stripped)):
            parts = [part.strip() for part in stripped.split(mark)]
            return [part for part in parts if part] or None
    return text


def names(value: Any) -> Any:
    """Return a list of texts or numbers: objects by their names; None where nothing is left."""
    parts = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    found: list[Any] = []
    for part in parts:
        if isinstance(part, dict):
            part = next((part[key] for key in _NAMES if part.get(key) not in (None, "")), None)
        if isinstance(part, (list, tuple, set, frozenset)):
            found += names(part) or []
        elif isinstance(part, str):
            found += [part.strip()] if part.strip() else []
        elif part is not None and part == part:
            found.append(part)
    return found or None


def _literal(text: str) -> Any:
    """Return what is written in brackets, None for a text that merely stands in some."""
    if text.startswith("("):
        return _python(text) if "'" in text or '"' in text else None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if _ARRAY.fullmatch(text):
        return [single or double for single, double in _QUOTED.findall(text)]
    if text.startswith("{") and ":" not in text:
        return [part.strip().strip("\"'") for part in text[1:-1].split(",")]
    if text.startswith("[") and not set("'\"{") & set(text):
        return _bare(text)
    found = _python(text)
    if found is None:
        raise UnreadableListError(text)
    return found


def _bare(text: str) -> list[str] | None:
    """Return the words of ``[Action, Comedy]``; of a single one nothing tells that it is a list."""
    parts = [part.strip() for part in text[1:-1].split(",")]
    return parts if len(parts) > 1 and all(parts) else None


def _python(text: str) -> Any:
    if len(text) > _LONGEST:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
