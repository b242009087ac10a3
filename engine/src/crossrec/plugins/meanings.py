"""What the settings of a component mean: from the docstrings of their pydantic models."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

_ENTRY = re.compile(r"^(\w+(?:, \w+)*) *(?::.*)?$")


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a model and of its bases say of each setting."""
    from pydantic import BaseModel

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
