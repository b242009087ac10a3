"""Settings of components as tables: name, type in words, default, meaning.

The meaning comes from the section ``Attributes`` of the docstring of the pydantic model.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from markdown_table import table
from pydantic import BaseModel
from pydantic.fields import FieldInfo

_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_MANY = {bool: "flags", int: "whole numbers", float: "numbers", str: "texts"}
_ENTRY = re.compile(r"^(\w+(?:, \w+)*) *(?::.*)?$")


def settings_tables(models: Iterable[tuple[str, type[BaseModel]]]) -> str:
    """Return the tables of all settings; models that several components share come once.

    Parameters
    ----------
    models : iterable of (str, type)
        Name and settings of each component.
    """
    users: dict[tuple[type[BaseModel], str], list[str]] = {}
    for component, model in models:
        for group, part in _groups(model):
            users.setdefault((part, group), []).append(component)
    parts = []
    for (model, group), components in users.items():
        if not model.model_fields:
            continue
        names = ", ".join(f"`{name}`" for name in components)
        summary = _summary(model)
        title = f"`{group}` of {names}: {summary}" if group else names
        rows = [_row(name, field, model) for name, field in model.model_fields.items()]
        columns = ("setting", "type", "default", "what it means")
        parts.append(f"**{title}**\n\n{table(columns, rows)}")
    return "\n".join(parts)


def _groups(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the model under "", and each model within it under the name of its setting."""
    yield prefix, model
    for name, field in model.model_fields.items():
        if _is_model(field.annotation):
            yield from _groups(field.annotation, f"{prefix}.{name}".lstrip("."))


def _row(name: str, field: FieldInfo, model: type[BaseModel]) -> tuple[str, str, str, str]:
    """Return one setting: name, type, default and meaning."""
    meaning = meanings(model).get(name, "")
    if _is_model(field.annotation):
        return f"`{name}`", "group", "", meaning or f"see `{name}` below"
    default = "required" if field.is_required() else f"`{toml(default_of(field))}`"
    if default == "`none`":
        default = "none"
    return f"`{name}`", type_in_words(field), default, meaning


def default_of(field: FieldInfo) -> Any:
    """Return the default of a setting."""
    return field.get_default(call_default_factory=True)


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a model and of its bases say of each setting."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found |= attributes(inspect.cleandoc(base.__doc__ or ""))
    return found


def attributes(docstring: str) -> dict[str, str]:
    """Return the entries of the section ``Attributes`` of a NumPy docstring, each on one line."""
    _, _, section = docstring.partition("Attributes\n----------\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        entry = _ENTRY.match(line)
        if entry is not None:
            names = entry[1].split(", ")
            found |= dict.fromkeys(names, "")
        elif line.startswith(" ") or not line:
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
        else:
            break
    return {name: text.replace("``", "`") for name, text in found.items()}


def type_in_words(field: FieldInfo) -> str:
    """Return the type of a setting with its limits: "whole number, 1 or more"."""
    return ", ".join([_type(field.annotation), *_limits(field.metadata)])


def _type(annotation: Any) -> str:
    """Return a type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if origin is Annotated:
        info = [part for part in arguments[1:] if isinstance(part, FieldInfo)]
        metadata = [limit for part in info for limit in part.metadata]
        return ", ".join([_type(arguments[0]), *_limits(metadata)])
    if origin in (Union, types.UnionType):
        inner = [_type(part) for part in arguments if part is not type(None)]
        return " or ".join([*inner, *(["none"] if type(None) in arguments else [])])
    if origin is Literal:
        return "one of " + ", ".join(f"`{toml(value)}`" for value in arguments)
    if origin is dict and arguments[1] is Any:
        return "table"
    if origin is dict:
        return f"{_type(arguments[1])} by name"
    if origin in (tuple, list):
        kinds = [part for part in arguments if part is not Ellipsis]
        many = _MANY.get(kinds[0], _type(kinds[0]))
        fixed = origin is tuple and Ellipsis not in arguments
        return f"{len(kinds)} {many}" if fixed else f"list of {many}"
    return getattr(annotation, "__name__", str(annotation))


def _limits(metadata: Iterable[Any]) -> list[str]:
    """Return the limits of a number in words: at most one phrase."""
    found = {
        name: f"{getattr(limit, name):g}"
        for limit in metadata
        for name in ("gt", "ge", "lt", "le")
        if getattr(limit, name, None) is not None
    }
    low = f"above {found['gt']}" if "gt" in found else ""
    high = f"below {found['lt']}" if "lt" in found else ""
    if "ge" in found and "le" in found:
        return [f"{found['ge']} to {found['le']}"]
    if "ge" in found:
        low = f"{found['ge']} or more"
    if "le" in found:
        high = f"at most {found['le']}"
    return [" and ".join(part for part in (low, high) if part)] if low or high else []


def toml(value: Any) -> str:
    """Return a value as a pipeline file writes it."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {toml(part)}" for key, part in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(part) for part in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _summary(model: type[BaseModel]) -> str:
    """Return the first line of a model's docstring, to go on after a colon."""
    first = inspect.cleandoc(model.__doc__ or "").partition("\n")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _is_model(annotation: Any) -> bool:
    """Whether a setting holds settings of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
