"""Texts of a catalogue or a user on their way to a model: cleaned, cut, and never an instruction.

Whoever sells an item writes its text, and may write it for a model. Three things stand against
that: marks that nobody can guess enclose all material; text that speaks to a model is not sent at
all; and whatever a model answers is checked by who called it, as if the text had won.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

#: Characters of one text, and entries of one list.
LONGEST, MOST = 300, 60

_MARKUP = re.compile(r"<[^<>]{0,200}>|\[/?INST\]|```+|<!--|-->", re.IGNORECASE)
_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_LEET = str.maketrans("013457@$!", "oieastasi")
#: Letters of other alphabets that look like Latin ones (Unicode's confusables, the common ones).
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏкмтвнαορνικτηɡ", "aeopcyxijsdhlkmtbhaopvikthg")
_GAP = r"[\s\W_]{0,3}"


def _spaced(*words: str) -> str:
    """Return a pattern of words, also with dots or spaces between their letters."""
    return "|".join(_GAP.join(map(re.escape, word)) for word in words)


_ADDRESSES = re.compile(
    r"\b(?:"
    + "|".join(
        (
            # Orders to forget what was said before.
            rf"(?:{_spaced('ignore', 'disregard', 'forget', 'override', 'bypass')})\W+.{{0,60}}?"
            rf"(?:{_spaced('instruction', 'prompt', 'rule', 'previous', 'above', 'system')})",
            r"(?:new|updated|real|actual|important)\W+(?:instruction|task|rule|system prompt)",
            # Roles of a chat.
            r"(?:system|assistant|user|developer|human|ai)\s*(?::|\]|>|message|prompt|override)",
            r"you (?:are|must|will|should|have to|shall)(?: now)?\b.{0,40}?"
            r"(?:model|assistant|rank|recommend|answer|output|say|list|admin|dan\b|obey)",
            r"(?:as|dear|hey|hello|attention|note to)\W+(?:an?\W+|the\W+)?"
            r"(?:ai|llm|language model|assistant|recommender|model|chatbot)\b",
            # What a model is to do.
            r"(?:rank|place|put|move|list|sort)\b.{0,60}?\b(?:first|top|last|above|number one"
            r"|position|#1|highest)",
            r"(?:respond|reply|answer|output|print|return|write|say|repeat|respon[dt])\b.{0,40}?"
            r"(?:with|only|exactly|json|the following|verbatim|system|prompt|\{)",
            r"(?:recommend|score|rate)\b.{0,30}?\b(?:only|always|this|me|10|100|maximum|highest)",
            r"(?:reveal|show|leak|send|expose|disclose|print|tell)\b.{0,60}?"
            r"(?:key|secret|password|prompt|instruction|history|token|user id|personal)",
            r"(?:execute|run|call|invoke)\b.{0,30}?(?:function|tool|command|code|script)",
            r"(?:end|begin|start)\W+(?:of\W+)?(?:data|material|prompt|instructions?|input)",
            r"(?:jailbreak|developer mode|prompt injection|do anything now)",
            # The same in German, Spanish, French, Portuguese, Italian.
            r"(?:ignorier\w*|vergiss|missachte)\b.{0,60}?(?:anweisung|regel|vorherig|bisherig)\w*",
            r"(?:ignora\w*|olvida|ignorez|oubliez?|dimentica|esque[cç]a)\b.{0,60}?"
            r"(?:instruc|instruç|istruzion|consign|regla|r[eè]gle|anterior|pr[eé]c[eé]dent)\w*",
            r"(?:setze|setz|nenne|empfiehl|pon|coloca|recomienda|mets|placez?|recommandez?)\b"
            r".{0,60}?(?:zuerst|oben|an die erste|primero|primeiro|arriba|en premier|d.abord)",
        )
    )
    + r")|忽略.{0,12}(?:指令|指示|规则|提示)|(?:無視|むし).{0,8}(?:指示|命令)"
    + r"|(?:指示|命令).{0,8}無視"
    + r"|игнорир\w*.{0,40}(?:инструкц|правил|указан)|排在.{0,6}(?:第一|首位)",
    re.IGNORECASE | re.DOTALL,
)


def cleaned(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line without markup and invisible characters, cut at a word.

    Characters are in Unicode's form NFKC; those without a width or a place of their own are gone.
    """
    text = unicodedata.normalize("NFKC", text[: 20 * longest])
    text = "".join(one if _is_seen(one) else " " if one in "\n\r\t" else "" for one in text)
    text = " ".join(_MARKUP.sub(" ", text).split())
    if len(text) <= longest:
        return text
    head, _, rest = text[: longest + 1].rpartition(" ")
    return head or rest[:longest]


def _is_seen(one: str) -> bool:
    return unicodedata.category(one) not in ("Cc", "Cf", "Cn", "Co", "Cs")


def speaks_to_a_model(text: str) -> bool:
    """Whether a text, in one of the usual disguises, gives orders instead of saying what it is.

    A heuristic: it finds the known forms, and may take an honest sentence for one.
    """
    return any(_ADDRESSES.search(form) for form in _forms(text))


def _forms(text: str) -> list[str]:
    """Return a text as it is and in what it may be in disguise."""
    text = text[: 20 * LONGEST]
    seen = "".join(
        one if _is_seen(one) else " " if one in "\n\r\t" else ""
        for one in unicodedata.normalize("NFKC", text)
    )
    bare = unicodedata.normalize("NFKD", seen)
    bare = "".join(one for one in bare if not unicodedata.combining(one))
    latin = bare.casefold().translate(_LOOKALIKES)
    forms = [seen, bare, latin, latin.translate(_LEET), unquote(latin), latin[::-1]]
    forms.append("".join(part for part in re.split(r"(?<=\w)[.\-_*](?=\w)", latin)))
    for found in _ENCODED.findall(seen)[:5]:
        try:
            forms.append(base64.b64decode(found + "=" * (-len(found) % 4)).decode("utf-8"))
        except (binascii.Error, UnicodeDecodeError):
            continue
    return forms


@dataclass(frozen=True)
class Material:
    """What goes between the marks.

    Attributes
    ----------
    text : str
        The marks and the material as JSON.
    left_out : int
        Texts that were not sent, because they speak to a model.
    """

    text: str
    left_out: int


def enclosed(values: Mapping[str, Any]) -> Material:
    """Return values as JSON between marks, every text in them cleaned.

    The marks are made of the content, so no text can hold its own closing mark; and JSON has no
    line of its own within a text.
    """
    count = [0]
    body = json.dumps(_safe(values, count), ensure_ascii=False, sort_keys=True)
    mark = hashlib.sha256(f"material {body}".encode()).hexdigest()[:16]
    return Material(f"[data {mark}]\n{body}\n[end of data {mark}]", count[0])


def _safe(value: Any, count: list[int]) -> Any:
    if isinstance(value, str):
        if speaks_to_a_model(value):
            count[0] += 1
            return ""
        return cleaned(value)
    if isinstance(value, Mapping):
        return {cleaned(str(key), 60): _safe(one, count) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_safe(one, count) for one in value[:MOST]]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _safe(str(value), count)
