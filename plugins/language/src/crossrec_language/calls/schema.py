"""Answers as JSON of a known form: what is said about it beforehand, and read afterwards."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Answer = TypeVar("Answer", bound=BaseModel)


def wanted(example: BaseModel) -> str:
    """Return the sentence that asks for JSON like an example."""
    return f"Answer with one JSON object like this and nothing else: {example.model_dump_json()}"


def parsed(text: str, form: type[Answer]) -> Answer | str:
    """Return the first JSON object of a text in its form, or what is wrong with it.

    Words or fences around it are overlooked, since models like to add them.
    """
    found = _first_object(text)
    if found is None:
        return "it holds no JSON object"
    try:
        return form.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the object"
        return f"{place}: {first['msg']}"


def _first_object(text: str) -> dict[str, Any] | None:
    decoder = json.JSONDecoder()
    at = text.find("{")
    for _ in range(20):  # more than a few loose brackets are no answer
        if at < 0:
            return None
        try:
            found, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        return found if isinstance(found, dict) else None
    return None
