"""Where a list goes on: what the pages before have shown, in one opaque text."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import TypeGuard

from crossrec.errors import UsageError

#: Bytes that a cursor may unfold to: tens of thousands of ids.
_LARGEST = 1 << 20


def cursor_after(surface: str, shown: Sequence[str]) -> str:
    """Return the cursor behind the items that were shown on a surface so far."""
    text = json.dumps([surface, list(shown)], ensure_ascii=False, separators=(",", ":"))
    folded = zlib.compress(text.encode("utf-8", "surrogatepass"), 9)
    return base64.urlsafe_b64encode(folded).rstrip(b"=").decode("ascii")


def shown_before(cursor: str, surface: str) -> tuple[str, ...]:
    """Return the ids that the pages before a cursor have shown; none for "".

    Raises
    ------
    UsageError
        If it is no cursor, or one of another surface.
    """
    if not cursor:
        return ()
    try:
        folded = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        unfold = zlib.decompressobj()
        text = unfold.decompress(folded, _LARGEST).decode("utf-8", "surrogatepass")
        whole = unfold.eof and not unfold.unused_data
        found = json.loads(text) if whole else None
    except (ValueError, binascii.Error, zlib.error, RecursionError):
        found = None
    if not _is_cursor(found):
        raise UsageError("this is no cursor: give the next_cursor of an answer as it is")
    name, shown = found
    if name != surface:
        raise UsageError(f"the cursor is of surface {name!r}, the request of {surface!r}")
    return tuple(shown)


def _is_cursor(found: object) -> TypeGuard[tuple[str, list[str]]]:
    """Whether this is a name and a list of ids."""
    if not isinstance(found, list) or len(found) != 2:
        return False
    name, shown = found
    ids = isinstance(shown, list) and all(isinstance(one, str) for one in shown)
    return isinstance(name, str) and ids
