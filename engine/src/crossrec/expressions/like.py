"""SQL's LIKE, in time that grows with the length of the text alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=256)
def like_matcher(pattern: str, *, any_case: bool = False) -> Callable[[str], bool]:
    """Return whether a text is like `pattern`: % is any text, _ any character.

    The pieces between the % are looked for one after the other, so no pattern makes it go back.
    """
    flags = re.DOTALL | (re.IGNORECASE if any_case else 0)
    pieces = [
        re.compile("".join("." if letter == "_" else re.escape(letter) for letter in piece), flags)
        for piece in pattern.split("%")
    ]
    if len(pieces) == 1:
        return lambda text: pieces[0].fullmatch(text) is not None
    first, *middle, last = pieces
    width = len(pattern.rpartition("%")[2])

    def matches(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            if found is None:
                return False
            found = piece.search(text, found.end())
        return (
            found is not None
            and len(text) - width >= found.end()
            and last.fullmatch(text, len(text) - width) is not None
        )

    return matches
