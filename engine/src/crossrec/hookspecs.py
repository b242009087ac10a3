"""The hooks of crossrec, on one page.

Every hook is called once, when the registry is loaded, with a `register` callback. It passes
descriptions and import paths (``"package.module:Class"``), never live objects: nothing heavy is
imported before a component is built. The contract of each hook is in ``docs/hooks.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from crossrec.commands import LazyGroup

PROJECT = "crossrec"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """The callback that hooks receive."""

    def __call__(
        self,
        name: str,
        factory: str | Callable[..., Any],
        *,
        config: str | type[Any] | None = None,
        capabilities: frozenset[str] | set[str] = frozenset(),
        summary: str = "",
    ) -> None:
        """Register one component under `name`."""


@hookspec
def register_encoders(register: Register) -> None:
    """Register encoders: items → vectors."""


@hookspec
def register_candidate_generators(register: Register) -> None:
    """Register candidate generators: query → k candidates with scores."""


@hookspec
def register_features(register: Register) -> None:
    """Register feature sets: query × candidates → columns for learned rankers."""


@hookspec
def register_rankers(register: Register) -> None:
    """Register rankers: query × candidates → scores."""


@hookspec
def register_policies(register: Register) -> None:
    """Register policies: ranked pool + context → ranked pool."""


@hookspec
def register_pretrained(register: Register) -> None:
    """Register pretrained backbones: a name → the folder that holds it."""


@hookspec
def register_scenarios(register: Register) -> None:
    """Register scenarios: what differs between one domain and the next."""


@hookspec
def register_importers(register: Register) -> None:
    """Register importers: public file formats → items and events."""


@hookspec
def register_language_models(register: Register) -> None:
    """Register language models: text → text."""


@hookspec
def register_stores(register: Register) -> None:
    """Register stores: where items and events live."""


@hookspec
def register_executors(register: Register) -> None:
    """Register executors: where heavy work runs."""


@hookspec
def register_commands(cli: LazyGroup) -> None:
    """Add commands to the `crossrec` command line."""
