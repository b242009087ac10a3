"""Settings of components as tables: name, type in words, default, meaning.

The meaning comes from the section ``Attributes`` of the docstring of the pydantic model.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from crossrec.pipeline.pipeline_file import toml_value
from crossrec.plugins.meanings import attributes, meanings
from markdown_table import table
from pydantic import BaseModel
from pydantic.fields import FieldInfo

_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_MANY = {bool: "flags", int: "whole numbers", float: "numbers", str: "texts"}
__all__ = ["attributes", "meanings", "settings_tables", "toml", "type_in_words"]


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
        parts.append(f"**{title}**\n\n{model_table(model, 'setting')}")
    return "\n".join(parts)


def model_table(model: type[BaseModel], what: str) -> str:
    """Return the table of one model's fields, each of which is called `what`."""
    rows = [_row(name, field, model) for name, field in model.model_fields.items()]
    return table((what, "type", "default", "what it means"), rows)


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
    if _holds_models(field):
        default = ""
    return f"`{name}`", type_in_words(field), default, meaning


def default_of(field: FieldInfo) -> Any:
    """Return the default of a setting."""
    return field.get_default(call_default_factory=True)


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
    if _is_model(annotation):
        return "table"
    if annotation is Any:
        return "anything"
    if origin is Literal:
        return "one of " + ", ".join(f"`{toml(value)}`" for value in arguments)
    if origin is dict and arguments[1] is Any:
        return "table"
    if origin is dict:
        return f"{_type(arguments[1])} by name"
    if origin in (tuple, list):
        kinds = [part for part in arguments if part is not Ellipsis]
        many = "tables" if _is_model(kinds[0]) else _MANY.get(kinds[0], _type(kinds[0]))
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
    """Return a value as a pipeline file writes it; it has no word for none."""
    return "none" if value is None else toml_value(value)


def _summary(model: type[BaseModel]) -> str:
    """Return the first line of a model's docstring, to go on after a colon."""
    first = inspect.cleandoc(model.__doc__ or "").partition("\n")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _holds_models(field: FieldInfo) -> bool:
    """Whether the default of a setting is made of models, which have tables of their own."""
    if field.is_required():
        return False
    default = default_of(field)
    return isinstance(default, dict) and any(isinstance(v, BaseModel) for v in default.values())


def _is_model(annotation: Any) -> bool:
    """Whether a setting holds settings of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
