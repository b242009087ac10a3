"""The `register` callback that hooks receive, with the checks of its arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from crossrec.errors import PluginError
from crossrec.plugins.registration import CAPABILITIES, Registration

_NAME = re.compile(r"[^\s:,]+")
_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Collector:
    """Collects what the hooks of one plugin register.

    Nothing of it reaches the registry before all hooks of the plugin have returned, so a plugin
    that raises half-way leaves nothing behind.
    """

    def __init__(self, plugin: str, distribution: str) -> None:
        self.plugin = plugin
        self.distribution = distribution
        self.registrations: list[Registration] = []

    def register_for(self, kind: str) -> Callable[..., None]:
        """Return the `register` callback of one hook."""

        def register(
            name: str,
            factory: str | Callable[..., Any],
            *,
            config: str | type[Any] | None = None,
            capabilities: frozenset[str] | set[str] = frozenset(),
            summary: str = "",
        ) -> None:
            self._check(kind, name, factory, config, capabilities)
            self.registrations.append(
                Registration(
                    kind=kind,
                    name=name,
                    factory=factory,
                    config=config,
                    capabilities=frozenset(capabilities),
                    summary=summary,
                    plugin=self.plugin,
                    distribution=self.distribution,
                )
            )

        return register

    def _check(
        self, kind: str, name: object, factory: object, config: object, capabilities: object
    ) -> None:
        """Raise PluginError where a registration cannot work."""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise PluginError(f"{kind}: a name must not hold a blank, comma or colon: {name!r}")
        if any((r.kind, r.name) == (kind, name) for r in self.registrations):
            raise PluginError(f"{kind}: registers {name!r} twice")
        if not _is_target(factory) and not callable(factory):
            raise PluginError(
                f"{kind} {name!r}: the factory is a callable or 'package.module:Name', "
                f"not {factory!r}"
            )
        if config is not None and not _is_target(config) and not isinstance(config, type):
            raise PluginError(
                f"{kind} {name!r}: the config is a class or 'package.module:Name', not {config!r}"
            )
        if not isinstance(capabilities, (set, frozenset, list, tuple)):
            raise PluginError(f"{kind} {name!r}: capabilities are a set, not {capabilities!r}")
        unknown = sorted(set(capabilities) - CAPABILITIES)
        if unknown:
            raise PluginError(
                f"{kind} {name!r}: unknown capability {unknown[0]!r}; "
                f"there are {', '.join(sorted(CAPABILITIES))}"
            )


def _is_target(value: object) -> bool:
    """Whether `value` is an import path ``"package.module:Name"``."""
    return isinstance(value, str) and _PATH.fullmatch(value) is not None
