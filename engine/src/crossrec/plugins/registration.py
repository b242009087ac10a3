"""The registration of a component: a description, not a live object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from crossrec.errors import PluginError
from crossrec.plugins.settings import refuse_settings, validated

#: Optional abilities that a component may declare. One that is not declared is never called.
CAPABILITIES = frozenset(
    {"score", "explain", "update", "add_items", "forget", "learn", "adapt", "report", "default"}
    | {"features", "select", "leads", "refit", "estimate", "pretrain", "rate", "thorough"}
    | {"bars", "choose", "counts", "linked", "own_items", "reads", "score_text"}
    | {"top_layers", "vectors"}
)

#: Capabilities that are no method: a pretrained backbone that is offered to fits that name none, a
#: source that serves alone until another one is proven better, one that thorough fits of default
#: pipelines try, one that proposes what the user had and little else, and one that counts events
#: and chooses nothing, so that it answers without a fit.
NO_METHOD = frozenset({"default", "leads", "thorough", "counts", "own_items"})

#: What can be registered; each kind has its hook ``register_<kind>``.
KINDS = (
    "encoders",
    "candidate_generators",
    "features",
    "rankers",
    "policies",
    "pretrained",
    "scenarios",
    "importers",
    "language_models",
    "stores",
    "executors",
)


@dataclass(frozen=True)
class Registration:
    """One named component of one plugin.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    name : str
        The name users write in a pipeline file. Unique within its kind.
    factory : str or callable
        ``"package.module:Name"`` (imported on first use) or a callable. It is called with the
        validated configuration, or without arguments where `config` is None.
    config : str, type or None
        The pydantic model (or its import path) that validates the component's settings.
    capabilities : frozenset of str
        Subset of `CAPABILITIES`.
    summary : str
        One line for ``crossrec plugins list``.
    plugin, distribution : str
        Entry point and distribution that registered it; filled in by the loader.
    """

    kind: str
    name: str
    factory: str | Callable[..., Any]
    config: str | type[Any] | None = None
    capabilities: frozenset[str] = frozenset()
    summary: str = ""
    plugin: str = ""
    distribution: str = ""

    def build(self, settings: dict[str, Any] | None = None, *arguments: Any) -> Any:
        """Import the factory and build the component from `settings`.

        Parameters
        ----------
        arguments
            What every factory of this kind gets before its configuration: a store its path.

        Raises
        ------
        ConfigError
            If the settings do not fit the component's configuration.
        PluginError
            If the component or a library that it needs cannot be imported.
        """
        factory = self._resolved(self.factory)
        if self.config is None:
            refuse_settings(self.name, settings or {})
            return factory(*arguments)
        return factory(
            *arguments, validated(self.name, self._resolved(self.config), settings or {})
        )

    def _resolved(self, target: str | Callable[..., Any]) -> Any:
        """Import the target of a registration; the error names what to install."""
        try:
            return resolve(target)
        except (ImportError, AttributeError) as error:
            from crossrec.plugins.known import EXTRAS

            missing = (getattr(error, "name", None) or "").partition(".")[0]
            hint = f"; run `crossrec install '{EXTRAS[missing]}'`" if missing in EXTRAS else ""
            raise PluginError(
                f"{self.name} of {self.distribution or 'crossrec'} cannot be loaded: {error}{hint}"
            ) from error


def resolve(target: str | Callable[..., Any]) -> Any:
    """Return the object behind ``"package.module:Name"``; a callable is returned as it is."""
    if not isinstance(target, str):
        return target
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
