"""The text of a taste: written from facts, and read again after its owner has edited it."""

from __future__ import annotations

import re
from dataclasses import replace

from crossrec_language.features.describe.facts import TasteFacts
from crossrec_language.features.intent.parse import parse_wish
from crossrec_language.features.intent.vocabulary import CatalogWords
from crossrec_language.features.intent.wish import Part, Wish

#: Characters of a description.
LONGEST = 1_000
_LABELS = {
    "likes": "prefer", "like": "prefer", "loves": "prefer", "by": "prefer", "mag": "prefer",
    "von": "prefer", "words": "words", "wörter": "words", "avoids": "avoid", "avoid": "avoid",
    "never": "avoid", "not": "avoid", "dislikes": "avoid", "meidet": "avoid",
    "less": "less", "weniger": "less", "only": "only", "nur": "only",
}  # fmt: skip
_LABELLED = re.compile(rf"\s*({'|'.join(_LABELS)})\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)
_SENTENCE = re.compile(r"\n+|(?<=[^\W\d_])\.(?:\s+|$)|;")
_LEADS = {"avoid": "no ", "less": "less ", "only": "only ", "prefer": "", "words": ""}


def written(facts: TasteFacts) -> str:
    """Return the description, one labelled line each; "" where nothing stands out."""
    lines = (
        ("Likes", facts.categories),
        ("By", facts.creators),
        ("Words", facts.words),
    )
    return "\n".join(f"{label}: {', '.join(values)}." for label, values in lines if values)


def read_description(text: str, words: CatalogWords) -> Wish:
    """Return what a description wants, as a wish.

    ``Likes:``, ``By:`` and ``Words:`` describe; ``Avoids:`` excludes, ``Less:`` weighs down,
    ``Only:`` demands. A line without such a label is read as free words.
    """
    parts: list[Part] = []
    notes: list[str] = []
    described: list[str] = []
    for sentence in filter(str.strip, _SENTENCE.split(text[:LONGEST])):
        wish = _read(sentence, words)
        parts += wish.parts
        notes += wish.notes
        described += [wish.text] if wish.text else []
    distinct = tuple(dict.fromkeys(parts))
    against = {part.expression[5:-1] for part in distinct if part.kind == "avoid"}
    kept = tuple(part for part in distinct if part.holds or part.expression not in against)
    return Wish(text, ", ".join(described), kept, tuple(dict.fromkeys(notes)))


def _read(sentence: str, words: CatalogWords) -> Wish:
    """Read one line."""
    labelled = _LABELLED.match(sentence)
    if labelled is None:
        return parse_wish(sentence.strip(), words)
    kind = _LABELS[labelled[1].casefold()]
    values = [one.strip(" .") for one in labelled[2].split(",") if one.strip(" .")]
    if kind == "words":  # words describe, whatever they name
        return Wish(sentence, ", ".join(values))
    if kind == "only":
        return parse_wish(f"only {' or '.join(values)}", words)
    wishes = [parse_wish(f"{_LEADS[kind]}{value}", words) for value in values]
    joined = Wish(sentence, ", ".join(one.text for one in wishes if one.text))
    return replace(
        joined,
        parts=tuple(part for one in wishes for part in one.parts),
        notes=tuple(note for one in wishes for note in one.notes),
    )
