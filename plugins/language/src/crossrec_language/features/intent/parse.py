"""From free words to a wish, by rules and the words of the catalogue; no model is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crossrec_language.features.intent.ranges import range_at
from crossrec_language.features.intent.vocabulary import CatalogWords, Name, folded
from crossrec_language.features.intent.wish import Kind, Part, Wish, has_one, named, quoted

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[€$£<>]=?|[,;.!?()&/-]")
_BREAKS = frozenset(",;.!?()")


def _starts(*phrases: str) -> re.Pattern[str]:
    """Return what matches one of some phrases as whole words, the longest first."""
    ordered = sorted(phrases, key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(map(re.escape, ordered))})(?!\w)", re.IGNORECASE)


_NOT = _starts(
    "no more", "no", "not by", "not from", "not", "nothing by", "nothing from", "nothing with",
    "nothing", "without any", "without", "except for", "except", "excluding", "avoid", "never",
    "i don't want", "i don't like", "i do not want", "i do not like", "don't want", "don't like",
    "anything but", "i hate", "hate", "skip", "none of", "nor", "isn't", "kein", "keine", "keinen",
    "keiner", "nicht von", "nicht", "ohne", "außer", "nichts von", "sin", "nada de", "sans",
    "pas de", "rien de",
)  # fmt: skip
_NOT_ONLY = _starts("not only", "not just", "nicht nur")
_ONLY = _starts("only", "must be", "has to be", "exclusively", "just", "nur", "ausschließlich")
_NOTHING_BUT = _starts("nothing but", "nichts als", "nada más que", "rien que")
_LESS = _starts("less", "fewer", "not so much", "not too much", "weniger", "menos", "moins de")
_MORE = _starts("more", "mehr", "más", "plus de")
_BY = _starts("by", "from", "von", "de", "made by")
_FILLERS = frozenset(
    map(folded, ("any", "a", "an", "the", "of", "by", "from", "with", "for", "too", "much"))
) | frozenset(
    map(folded, ("von", "der", "die", "das", "dem", "den", "für", "einem", "einen", "eine", "mit"))
)
_JOINTS = frozenset({"or", "and", "nor", "oder", "und", "o", "y", "ou", "et", "&", "/"})
_BUTS = frozenset({"but", "aber", "pero", "mais", "please", "bitte"})


@dataclass
class _Reading:
    """A text while it is read: where, what was found, and what remains."""

    text: str
    words: CatalogWords
    tokens: list[re.Match[str]]
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)

    def name_at(self, at: int, only: str = "") -> tuple[Name, int] | None:
        """Return what the longest phrase at a token names, and the token after it."""
        for length in range(min(self.words.longest, len(self.tokens) - at), 0, -1):
            chosen = self.tokens[at : at + length]
            if any(token[0] in _BREAKS for token in chosen):
                continue
            phrase = " ".join(folded(token[0]) for token in chosen if token[0] not in "&/-")
            found = self.words.names.get(phrase)
            if found is not None and (not only or found.field == only):
                return found, at + length
        return None

    def written(self, start: int, end: int) -> str:
        """Return what stands between two tokens."""
        return self.text[self.tokens[start].start() : self.tokens[end - 1].end()]

    def after(self, place: int) -> int:
        """Return the first token that starts at a place of the text or behind it."""
        at = 0
        while at < len(self.tokens) and self.tokens[at].start() < place:
            at += 1
        return at


def parse_wish(text: str, words: CatalogWords) -> Wish:
    """Return what free words exclude, demand, prefer, and are about.

    Negations and “only” reach over what follows them up to the next word that names nothing;
    numbers with a unit or a comparison become ranges. What names nothing stays a description.
    """
    reading = _Reading(text, words, list(_TOKEN.finditer(text)))
    at = 0
    while at < len(reading.tokens):
        at = _step(reading, at)
    rest = _description(reading.rest)
    parts = tuple(dict.fromkeys(reading.parts))
    return Wish(text, rest, parts, tuple(dict.fromkeys(reading.notes)))


def _description(rest: list[str]) -> str:
    """Return what remains of a wish, without what only joined its parts."""
    words = [word for word in rest if word not in _BREAKS and word.casefold() not in _BUTS]
    while words and words[0].casefold() in _JOINTS:
        del words[0]
    while words and words[-1].casefold() in _JOINTS:
        del words[-1]
    return " ".join(words)


def _step(reading: _Reading, at: int) -> int:
    """Read what starts at a token; return the token behind it."""
    place = reading.tokens[at].start()
    found = range_at(reading.text, place, reading.words)
    if found is not None:
        if found.part is not None:
            reading.parts.append(found.part)
        reading.notes += [found.note] if found.note else []
        return max(reading.after(found.end), at + 1)
    for pattern, read in _READERS:
        start = pattern.match(reading.text, place)
        if start is not None:
            behind = read(reading, at, reading.after(start.end()))
            if behind > at:
                return behind
    return _plain(reading, at)


def _plain(reading: _Reading, at: int) -> int:
    """Read a name as a preference, any other word as a part of the description."""
    named_here = reading.name_at(at)
    end = at + 1
    if named_here is not None:
        name, end = named_here
        condition = has_one(name.field, name.values)
        reading.parts.append(Part("prefer", reading.written(at, end), condition))
    reading.rest += [token[0] for token in reading.tokens[at:end]]
    return end


def _excluded(reading: _Reading, start: int, at: int) -> int:
    """Read what a negation is about."""
    end = _names(reading, start, at, "avoid")
    if end > at:
        return end
    at = _filled(reading, at)
    if at >= len(reading.tokens) or reading.tokens[at][0] in _BREAKS:
        return at
    end = _not_in_range(reading, start, at)
    if end > at:
        return end
    word = reading.tokens[at][0]
    written = reading.written(start, at + 1)
    if folded(word) in reading.words.titles and reading.words.title:
        title = named(reading.words.title)
        pattern = quoted(f"%{word.replace('%', '').replace('_', '')}%")
        condition = f"{title} IS NULL OR NOT ({title} ILIKE {pattern})"
        reading.parts.append(Part("avoid", written, condition))
    else:
        reading.notes.append(f"“{written}” names nothing here")
    return at + 1


def _not_in_range(reading: _Reading, start: int, at: int) -> int:
    """Read a range behind a negation and one or two words: “nothing made before 1990”."""
    for ahead in range(at, min(at + 3, len(reading.tokens))):
        if reading.tokens[ahead][0] in _BREAKS:
            break
        found = range_at(reading.text, reading.tokens[ahead].start(), reading.words)
        if found is not None:
            if found.part is not None:
                written = reading.text[reading.tokens[start].start() : found.end]
                condition = f"NOT ({found.part.expression})"
                reading.parts.append(Part("range", written.strip(), condition))
            reading.notes += [found.note] if found.note else []
            return max(reading.after(found.end), ahead + 1)
    return at


def _names(reading: _Reading, start: int, at: int, kind: Kind) -> int:
    """Read names that are joined by and, or, commas; return the token behind the last one.

    Of several that are demanded each will do.
    """
    first, end, wanted = start, at, []
    at = _filled(reading, at)
    while at < len(reading.tokens):
        found = reading.name_at(at)
        if found is None:
            break
        name, at = found
        condition = has_one(name.field, name.values)
        wanted.append(condition)
        if kind == "avoid":
            condition = f"NOT ({condition})"
        if kind != "only":
            reading.parts.append(Part(kind, reading.written(start, at), condition))
        start = end = at
        joined = _joined(reading, at)
        if joined == at:
            break
        start = at = _filled(reading, joined)
    if kind == "only" and wanted:
        condition = " OR ".join(wanted)
        reading.parts.append(Part(kind, reading.written(first, end), condition))
    return end


def _joined(reading: _Reading, at: int) -> int:
    """Return the token behind “or”, “and”; behind a comma only of a list that ends with one.

    “No drama, comedy” wants comedy, “no drama, horror or war” none of the three.
    """
    if at < len(reading.tokens) and reading.tokens[at][0].casefold() in _JOINTS:
        return at + 1
    if at >= len(reading.tokens) or reading.tokens[at][0] != ",":
        return at
    ahead = at
    while ahead < len(reading.tokens) and reading.tokens[ahead][0] == ",":
        word = reading.tokens[ahead + 1][0].casefold() if ahead + 1 < len(reading.tokens) else ""
        if word in _JOINTS:
            return at + 1 + (ahead == at)
        found = reading.name_at(_filled(reading, ahead + 1))
        if found is None:
            return at
        ahead = found[1]
    ends = ahead < len(reading.tokens) and reading.tokens[ahead][0].casefold() in _JOINTS
    return at + 1 if ends else at


def _filled(reading: _Reading, at: int) -> int:
    """Return the first token that is no filler."""
    while at < len(reading.tokens) and folded(reading.tokens[at][0]) in _FILLERS:
        at += 1
    return at


def _required(reading: _Reading, start: int, at: int) -> int:
    end = _names(reading, start, at, "only")
    return end if end > at else start


def _lessened(reading: _Reading, start: int, at: int) -> int:
    end = _names(reading, start, at, "less")
    return end if end > at else start


def _increased(reading: _Reading, start: int, at: int) -> int:
    end = _names(reading, start, at, "prefer")
    if end <= at:
        return start
    reading.rest += [token[0] for token in reading.tokens[at:end]]
    return end


def _created(reading: _Reading, start: int, at: int) -> int:
    """Read a creator behind “by”: then only items of theirs are meant."""
    creator = reading.words.creator
    found = reading.name_at(at, creator) if creator and at < len(reading.tokens) else None
    if found is None:
        return start
    name, end = found
    condition = has_one(name.field, name.values)
    reading.parts.append(Part("only", reading.written(start, end), condition))
    return end


_READERS = (
    (_NOT_ONLY, _increased),
    (_NOTHING_BUT, _required),
    (_LESS, _lessened),
    (_NOT, _excluded),
    (_ONLY, _required),
    (_MORE, _increased),
    (_BY, _created),
)
