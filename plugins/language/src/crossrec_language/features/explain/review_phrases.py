"""What reviews praise and find fault with: pairs of a judging word and a noun, counted by review.

No tagger and no model: a judging word directly before a noun ("great voice"), or behind "is", "was"
or "are" ("the voice is great"), where no negation stands before it. Words that name no aspect are
left out. English only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crossrec_language.features.explain.words import english

_ENDS = frozenset(".;:!?")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[.,;:!?]")
GOOD = english("good")
BAD = english("bad")
_NEGATIONS = english("negations")
_IS = english("is")
_VERY = english("very")
#: Words that follow a judging word and name no aspect.
_NO_ASPECT = english("no_aspect")


@dataclass(frozen=True)
class Phrase:
    """One thing that some reviews praise or find fault with.

    Attributes
    ----------
    noun : str
    good : bool
    reviews : int
        How many reviews say so.
    of : int
        How many there are.
    as_written : str
        The pair that occurs most often.
    """

    noun: str
    good: bool
    reviews: int
    of: int
    as_written: str

    @property
    def key(self) -> tuple[str, bool]:
        """What is judged, and how."""
        return self.noun, self.good


def judged(text: str) -> dict[tuple[str, bool], str]:
    """Return what one review judges, (noun, good) → the pair as it is written."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    found: dict[tuple[str, bool], str] = {}
    for at, word in enumerate(words):
        if word not in GOOD and word not in BAD:
            continue
        if _is_negated(words, at):
            continue
        noun = _noun_behind(words, at) or _noun_before(words, at)
        if noun:
            found.setdefault((noun, word in GOOD), f"{word} {noun}")
    return found


def _is_negated(words: Sequence[str], at: int) -> bool:
    """Whether one of the three words before it, in its sentence, is a negation."""
    for word in reversed(words[max(0, at - 3) : at]):
        if word in _ENDS:
            return False
        if word in _NEGATIONS:
            return True
    return False


def _noun_behind(words: Sequence[str], at: int) -> str:
    """Return the noun that a judging word stands before; "" for none."""
    return _noun(words[at + 1]) if at + 1 < len(words) else ""


def _noun_before(words: Sequence[str], at: int) -> str:
    """Return the noun of “the voice is really great”; "" for none."""
    back = at - 1
    while back >= 0 and words[back] in _VERY:
        back -= 1
    return _noun(words[back - 1]) if back >= 1 and words[back] in _IS else ""


def _noun(word: str) -> str:
    if len(word) < 3 or word in _NO_ASPECT or word in GOOD or word in BAD or "'" in word:
        return ""
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word


def phrases_of(texts: Iterable[str]) -> list[Phrase]:
    """Return what the reviews of one item judge, what most of them say first."""
    return counted(list(map(judged, texts)))


def counted(reviews: Sequence[Mapping[tuple[str, bool], str]]) -> list[Phrase]:
    """Return the same of reviews that are read already."""
    found: Counter[tuple[str, bool]] = Counter()
    written: dict[tuple[str, bool], Counter[str]] = {}
    for own in reviews:
        for key, pair in own.items():
            found[key] += 1
            written.setdefault(key, Counter())[pair] += 1
    return sorted(
        (
            Phrase(noun, good, n, len(reviews), written[noun, good].most_common(1)[0][0])
            for (noun, good), n in found.items()
        ),
        key=lambda one: (-one.reviews, one.noun, not one.good),
    )
