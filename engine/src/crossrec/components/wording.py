"""Reason codes in English, and what a language model gets to word a reason in another one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

_INSTRUCTION = (
    "Word the reason below in the language that it names, in one short phrase for the user of a "
    "shop, a feed or a catalogue. Keep numbers and titles as they are. Answer with the phrase "
    "alone."
)
_NUMBER = re.compile(r"\d+")
_TITLE = re.compile("“(.*?)”")


def in_english(code: str, values: Mapping[str, Any]) -> str:
    """Return a reason code as a short English phrase; an unknown code as it is."""
    phrase = _english().get(code)
    if phrase is None:
        return code.replace("_", " ")
    try:
        return phrase.format(**shown(values))
    except KeyError:
        return code.replace("_", " ")


@cache
def _english() -> Mapping[str, str]:
    """Return the English words of each code."""
    import tomllib

    text = files("crossrec.components").joinpath("templates/en.toml").read_text(encoding="utf-8")
    codes: dict[str, str] = tomllib.loads(text)["codes"]
    return codes


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a reason as people read them: the time `at` as date and time."""
    return {name: _shown(value) if name == "at" else value for name, value in values.items()}


def _shown(at: float) -> str:
    """Return a time for people; far beyond the calendar it stays a number."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f} s"


@dataclass(frozen=True)
class WordingRequest:
    """One reason that is to be worded in another language.

    Attributes
    ----------
    language : str
        Its tag: ``"de"``, ``"pt-BR"``.
    text : str
        The reason in English; titles stand between “ and ”.
    code : str
        Of a change; "" for the evidence of a source.
    values : mapping of str to JSON value
        The numbers in it, as people read them.
    """

    language: str
    text: str
    code: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def prompt(self) -> str:
        """Return what a language model gets: an instruction, and the reason as a line of JSON."""
        return f"{_INSTRUCTION}\n{json.dumps(vars(self), ensure_ascii=False, sort_keys=True)}"

    @classmethod
    def parse(cls, prompt: str) -> WordingRequest | None:
        """Return the request that a prompt holds; None where it is another kind of prompt."""
        try:
            found = cls(**json.loads(prompt.rpartition("\n")[2]))
        except (ValueError, TypeError):
            return None
        texts = (found.language, found.text, found.code)
        fits = all(isinstance(text, str) for text in texts) and isinstance(found.values, Mapping)
        return found if fits else None

    def is_kept_by(self, answer: str) -> bool:
        """Whether an answer says something, and has every number and title of the reason."""
        numbers, titles = _NUMBER.findall(self.text), _TITLE.findall(self.text)
        own = set(_NUMBER.findall(answer))
        return bool(answer.strip()) and own >= set(numbers) and all(t in answer for t in titles)
