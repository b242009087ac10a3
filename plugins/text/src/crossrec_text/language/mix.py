"""The languages of a catalogue's texts, by their scripts and a few function words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossrec_text.language.words import BLOCKS, ENGLISH, FUNCTION_WORDS, MARKED

#: Texts of which so many, in even steps, are looked at, and so many characters of each.
_LOOKED_AT, _CHARACTERS = 4_000, 400
#: Languages whose letters stand for syllables or words: one of them weighs as three letters.
_DENSE = frozenset({"Chinese", "Japanese", "Korean"})
_LATIN = "Latin"
#: Share of the texts in Latin letters from which marked letters show a language.
_MARKED = 0.2
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = ("", *dict.fromkeys(script for _, script in BLOCKS if script))
_STARTS = np.array([start for start, _ in BLOCKS], dtype=np.uint32)
_SCRIPT_OF = np.array([_SCRIPTS.index(script) for _, script in BLOCKS])
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in FUNCTION_WORDS.items():
    for _one in _words:
        _LANGUAGES_OF.setdefault(_one, []).append(_language)


@dataclass(frozen=True)
class LanguageMix:
    """What the texts of a catalogue are written in.

    Attributes
    ----------
    texts : int
        Texts with letters that were looked at.
    shares : mapping of language to float
        Share of the texts, the largest first; they add up to 1 where there is a text. Texts in
        Latin letters that show no language count as those that do, as English where too few do.
    """

    texts: int
    shares: Mapping[str, float]

    @property
    def foreign(self) -> float:
        """Share of the texts that are not in English."""
        return 1.0 - self.shares.get(ENGLISH, 0.0) if self.texts else 0.0

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages besides English, the most frequent first."""
        return tuple(language for language in self.shares if language != ENGLISH)


def language_mix(texts: Sequence[str]) -> LanguageMix:
    """Look at texts, or at an even sample of many, and say what languages they are in.

    Right for catalogues, not for each text: short texts without a function word are not decided.
    """
    filled = [text for text in texts if text.strip()]
    step = -(-len(filled) // _LOOKED_AT) or 1
    looked = [text[:_CHARACTERS] for text in filled[::step]]
    found: Counter[str] = Counter()
    undecided = 0
    for text, script in zip(looked, scripts_of(looked), strict=True):
        if script == _LATIN:
            language = latin_language(text)
            found[language] += bool(language)
            undecided += not language
        elif script:
            found[script] += 1
    return _mix(found, undecided)


def _mix(found: Counter[str], undecided: int) -> LanguageMix:
    """Return the shares, the undecided texts in Latin letters dealt to what the decided ones are.

    Texts with nothing but marked letters are undecided too, as names are (Björk), unless they are
    so many that a language of no table is likelier. Where fewer than a tenth of the texts are
    decided, names and brands are all there is: they count as English.
    """
    marked = found[MARKED]
    if marked < _MARKED * (sum(found[name] for name in FUNCTION_WORDS) + marked + undecided):
        undecided += found.pop(MARKED, 0)
    latin = {name: n for name, n in found.items() if name in FUNCTION_WORDS or name == MARKED}
    decided = sum(latin.values())
    counts: dict[str, float] = {name: float(n) for name, n in found.items() if n}
    if undecided and 10 * decided >= undecided:
        for name, n in latin.items():
            counts[name] = counts.get(name, 0.0) + undecided * n / decided
    elif undecided:
        counts[ENGLISH] = counts.get(ENGLISH, 0.0) + undecided
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return LanguageMix(round(total), {name: n / total for name, n in ordered if n})


def scripts_of(texts: Sequence[str]) -> list[str]:
    """Return the script of most letters of each text, as `BLOCKS` names it; "" without letters.

    A text with kana is Japanese, since these stand among Chinese characters.
    """
    if not texts:
        return []
    counts = _letters(texts)
    scripts = np.array(_SCRIPTS)
    weights = np.array([3.0 if script in _DENSE else float(bool(script)) for script in _SCRIPTS])
    chinese, japanese = _SCRIPTS.index("Chinese"), _SCRIPTS.index("Japanese")
    kana = counts[:, japanese] > 0
    counts[kana, japanese] += counts[kana, chinese]
    counts[kana, chinese] = 0
    weighted = counts * weights
    best = weighted.argmax(axis=1)
    best[weighted.max(axis=1) == 0] = 0
    return [str(script) for script in scripts[best]]


def _letters(texts: Sequence[str]) -> NDArray[Any]:
    """Count the letters of each script in each text, (n_texts, n_scripts)."""
    joined = "\n".join(text.replace("\n", " ") for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype="<u4")
    scripts = _SCRIPT_OF[np.searchsorted(_STARTS, codes, side="right") - 1]
    rows = np.cumsum(codes == ord("\n"))
    cells = np.bincount(rows * len(_SCRIPTS) + scripts, minlength=len(texts) * len(_SCRIPTS))
    return cells.reshape(len(texts), len(_SCRIPTS))


def latin_language(text: str) -> str:
    """Return the language of a text in Latin letters; "" where nothing shows it.

    The one with the most function words; as many of English and of others are English. Words with
    marked letters alone show `MARKED`, unless the text has a word of English.
    """
    words = _WORD.findall(text.lower())
    hits = Counter(language for word in words for language in _LANGUAGES_OF.get(word, ()))
    if not hits:
        marked = any(not word.isascii() for word in words)
        return MARKED if marked and len(words) > 1 else ""
    most = max(hits.values())
    if hits[ENGLISH] == most:
        return ENGLISH
    return next(language for language in FUNCTION_WORDS if hits[language] == most)
