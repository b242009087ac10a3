"""The language model `template`: it words reasons by a file of templates for each language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from crossrec.components.settings import Settings
from crossrec.components.wording import WordingRequest
from crossrec.errors import ConfigError, DataError

_PLACE = re.compile(r"\{(\w+)\}")


class TemplateConfig(Settings):
    """Settings of `template`.

    Attributes
    ----------
    folder : str
        Folder with files such as ``fr.toml``, in the form of the shipped ones. What they say goes
        before the shipped templates of that language.
    """

    folder: str = ""


@dataclass(frozen=True)
class Templates:
    """The templates of one language.

    Attributes
    ----------
    codes : mapping of reason code to words with ``{values}``
    phrases : mapping of the English words of a reason to those of the language
    parts : mapping of name to the same for what stands in the place of ``{name}``
        A name that is not among them stands for any text, such as a title.
    joint : str
        "and", between titles.
    """

    codes: Mapping[str, str]
    phrases: Mapping[str, str]
    parts: Mapping[str, Mapping[str, str]]
    joint: str = "and"

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        return _patterns(self.phrases)

    @cached_property
    def _part_patterns(self) -> dict[str, list[tuple[re.Pattern[str], str]]]:
        return {name: _patterns(templates) for name, templates in self.parts.items()}

    def words(self, request: WordingRequest) -> str:
        """Return a reason in words; "" where there is no template for it."""
        if request.code:
            try:
                return self.codes.get(request.code, "").format(**request.values)
            except (KeyError, IndexError, ValueError):
                return ""
        for pattern, words in self._patterns:
            found = pattern.fullmatch(request.text)
            if found:
                parts = {name: self._part(name, part) for name, part in found.groupdict().items()}
                if None not in parts.values():
                    return words.format(**parts)
        return ""

    def _part(self, name: str, text: str) -> str | None:
        """Return what stands in the place of a name; None where it has no words for that."""
        if name not in self.parts:
            return text.replace("” and “", f"” {self.joint} “")
        for pattern, words in self._part_patterns[name]:
            found = pattern.fullmatch(text)
            if found:
                return words.format(**found.groupdict())
        return None


def _patterns(templates: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    """Return English templates as patterns, those with the most words of their own first."""
    order = sorted(templates, key=lambda english: -len(_PLACE.sub("", english)))
    return [(_pattern(english), templates[english]) for english in order]


def _pattern(english: str) -> re.Pattern[str]:
    parts = _PLACE.split(english)  # literal, name, literal, name … literal
    literal = [re.escape(part) for part in parts[::2]]
    names = [f"(?P<{name}>.+?)" for name in parts[1::2]] + [""]
    return re.compile("".join(a + b for a, b in zip(literal, names, strict=True)), re.DOTALL)


class TemplateModel:
    """Fills templates; there is no model behind it."""

    name = "template"
    cost = 0.0

    def __init__(self, config: TemplateConfig | None = None) -> None:
        self.config = config or TemplateConfig()
        self._known: dict[str, Templates] = {}

    def complete(self, prompts: Sequence[str], *, max_tokens: int, seed: int) -> list[str]:
        """Return the reasons in words; "" for what no template words, or not in `max_tokens` words.

        Raises
        ------
        DataError
            If there is no file of templates for a language.
        ConfigError
            If a file cannot be read as templates.
        """
        return [self._complete(prompt, max_tokens) for prompt in prompts]

    def _complete(self, prompt: str, max_tokens: int) -> str:
        request = WordingRequest.parse(prompt)
        if request is None:
            return ""
        words = self._templates(request.language).words(request)
        return words if len(words.split()) <= max_tokens else ""

    def _templates(self, language: str) -> Templates:
        """Return the templates of a language, read once; of ``de`` for ``de-AT``."""
        if language not in self._known:
            names = dict.fromkeys((language.lower(), language.lower().partition("-")[0]))
            self._known[language] = self._read(list(names))
        return self._known[language]

    def _read(self, names: list[str]) -> Templates:
        """Return the first of these languages that there are templates of, one's own on top."""
        shipped = files("crossrec.components").joinpath("templates")
        for name in names:
            found = [
                (place.joinpath(f"{name}.toml"), str(place.joinpath(f"{name}.toml")))
                for place in (shipped, *([Path(self.config.folder)] if self.config.folder else []))
            ]
            tables = [
                _table(file.read_text("utf-8"), path) for file, path in found if file.is_file()
            ]
            if tables:
                return _merged(tables, english=name == "en")
        known = sorted(
            file.name.removesuffix(".toml")
            for file in shipped.iterdir()
            if file.name.endswith(".toml")
        )
        raise DataError(
            f"there are no templates for the language {names[0]!r}, only for {', '.join(known)}: "
            f"put {names[0]}.toml into a folder and name it as the setting `folder`"
        )


def _table(text: str, path: str) -> dict[str, Any]:
    """Return a file of templates.

    Raises
    ------
    ConfigError
        If it is none: names the file and what is wrong.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    parts = table.get("parts", {})
    groups = {"codes": table.get("codes", {}), "phrases": table.get("phrases", {})}
    nested = isinstance(parts, dict)
    groups |= {f"parts.{name}": one for name, one in parts.items()} if nested else {"parts": parts}
    for group, one in groups.items():
        if not isinstance(one, dict) or not all(isinstance(words, str) for words in one.values()):
            raise ConfigError(f'{path}: [{group}] holds texts: name = "words"')
        for english, words in one.items():
            lost = set(_PLACE.findall(words)) - set(_PLACE.findall(english))
            if lost and group != "codes":
                raise ConfigError(f"{path}: {{{min(lost)}}} is not in {english!r}")
    return table


def _merged(tables: Sequence[Mapping[str, Any]], *, english: bool) -> Templates:
    """Return the templates of several files, later ones on top; English phrases stay."""
    codes, phrases, parts = (
        {name: words for table in tables for name, words in table.get(group, {}).items()}
        for group in ("codes", "phrases", "parts")
    )
    if english:
        phrases = {"{text}": "{text}", **phrases}
    joint = [table["and"] for table in tables if "and" in table]
    return Templates(codes, phrases, parts, joint[-1] if joint else "and")
