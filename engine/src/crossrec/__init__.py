"""crossrec: a plugin-based recommendation engine that carries what it learns across scenarios.

Names are imported on first use, so that ``import crossrec`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crossrec.hookspecs import hookimpl
from crossrec.version import __version__

if TYPE_CHECKING:
    from crossrec.components.query import Query
    from crossrec.components.slate import Slate
    from crossrec.pipeline.engine import Engine

__all__ = ["Engine", "Query", "Slate", "__version__", "hookimpl"]

_LAZY = {
    "Engine": "crossrec.pipeline.engine",
    "Query": "crossrec.components.query",
    "Slate": "crossrec.components.slate",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'crossrec' has no attribute {name!r}")
