"""Standard English: words that only this project once used stay out of code, tests and docs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Old word → better ones, chosen by what the thing is. Matched within identifiers too.
WORDS = {
    "told": "scores, mask, values, payload, figures, row",
    "asked": "queries, ResolvedQuery, requested, eligible_targets",
    "asking": "query_building",
    "lawful": "valid, eligible",
    "unlawful": "invalid, ineligible",
    "foretell": "predict",
    "foretells": "predicts",
    "foretold": "predicted",
    "akin": "related",
    "speakers": "sources with scores",
    "opinion": "explanation, score",
    "opinions": "explanations, scores",
    "narrowed": "FrozenCatalogSource",
    "worlds": "low-data tasks",
    "lesson": "source example",
    "lessons": "source examples",
    "silence": "no scores",
    "silenced": "without scores",
    "beginning": "default, initial, first",
    "beginnings": "defaults",
    "turned to": "interacted with, chose",
}
#: The list itself.
LEFT_OUT = "tests/test_words.py"

# Matched at the start of an identifier, between underscores or before a capital, as in `asked_of`,
# `_told` and `AskedQuery`, but not within another word: `masked`.
_OLD = re.compile(
    rf"(?<![A-Za-z])({'|'.join(WORDS)}|{'|'.join(word.capitalize() for word in WORDS)}"
    rf"|{'|'.join(word.upper() for word in WORDS)})(?![a-z])"
)


def files() -> list[Path]:
    """Return the tracked Python files, pages and settings."""
    command = ["git", "ls-files", "--", "*.py", "*.md", "*.toml", "Makefile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in done.stdout.split("\n") if name]
    return [path for path in paths if path.is_file()]


def old_words(text: str) -> list[str]:
    """Return the old words in a text with their lines and better words."""
    return [
        f"line {number}: {found} (better: {WORDS[found.lower()]})"
        for number, line in enumerate(text.splitlines(), start=1)
        for found in _OLD.findall(line)
    ]


def test_old_words_are_not_used() -> None:
    paths = files()
    assert len(paths) > 300, "the rule looks at nothing"
    found = [
        f"{name}: {use}"
        for path in paths
        if (name := path.relative_to(ROOT).as_posix()) != LEFT_OUT
        for use in old_words(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("told = scores[row]", "told"),
        ("def asked_of(targets):", "asked"),
        ("class Opinion:", "Opinion"),
        ("self._narrowed = 1", "narrowed"),
        ("what users turned to later", "turned to"),
        ("the silence of a source", "silence"),
        ("masked, toldest, unasked, tasked", ""),
        ("returned to the caller", ""),
    ],
)
def test_an_old_word_would_be_found(text: str, word: str) -> None:
    found = old_words(text)
    assert (word in found[0]) if word else not found
