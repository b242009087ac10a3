"""Which model the language features call: the workspace's, or the one that a command names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossrec.errors import CrossrecError, PluginError, UsageError
from crossrec.plugins.registry import Registry
from crossrec.workspace import Workspace
from crossrec.workspace_settings import LanguageModelSettings

from crossrec_language.calls.budget import Budget
from crossrec_language.calls.cache import AnswerCache
from crossrec_language.calls.caller import Caller

#: The registered model that fills templates: features have templates of their own.
TEMPLATE = "template"


@dataclass(frozen=True)
class Choice:
    """What a command names in place of what stands in ``crossrec.toml``.

    Attributes
    ----------
    model : str
        A registered language model; the workspace's where "".
    settings : mapping
        Its settings; those of the workspace where none is named and the model neither.
    calls, tokens, seconds
        The budget of the run.
    """

    model: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    calls: int = 200
    tokens: int = 200_000
    seconds: float = 600.0

    def of(self, workspace: Workspace | None) -> LanguageModelSettings:
        """Return the model and its settings."""
        chosen = LanguageModelSettings()
        if workspace is not None:
            chosen = workspace.settings.language_model
        if self.model and self.model != chosen.name:
            return LanguageModelSettings(name=self.model, settings=dict(self.settings))
        return LanguageModelSettings(
            name=chosen.name, settings={**chosen.settings, **self.settings}
        )


def caller_for(
    registry: Registry, workspace: Workspace | None = None, choice: Choice | None = None
) -> Caller:
    """Return the caller of a run; one without a model where templates are chosen.

    Raises
    ------
    UsageError
        If there is no such model, or its settings do not fit.
    PluginError
        If a library that it needs is missing.
    """
    choice = choice or Choice()
    chosen = choice.of(workspace)
    budget = Budget(choice.calls, choice.tokens, choice.seconds)
    if chosen.name == TEMPLATE:
        if chosen.settings:
            raise UsageError(f"{TEMPLATE} calls no model: it has no settings here")
        return Caller(None, budget=budget)
    try:
        model = registry.get("language_models", chosen.name).build(dict(chosen.settings))
    except CrossrecError:
        raise
    except Exception as error:
        raise PluginError(f"the language model {chosen.name} cannot be built: {error}") from error
    cache = None if workspace is None else AnswerCache(workspace.cache)
    return Caller(model, budget=budget, cache=cache)


def opened(path: Path) -> Workspace | None:
    """Return the workspace at a path; None where there is none."""
    return Workspace.open(path) if path.exists() else None
