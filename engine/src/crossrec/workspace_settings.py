"""What a workspace runs on: its file ``crossrec.toml``, which may be missing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from crossrec.tomlio import read_toml, validated_toml

FILE = "crossrec.toml"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(_Frozen):
    """Where items, users, events and decisions live.

    Attributes
    ----------
    name : str
        A registered store.
    settings : mapping
        Settings of that store.
    """

    name: str = "sqlite"
    settings: dict[str, Any] = Field(default_factory=dict)


class ExecutorSettings(_Frozen):
    """Where the sources of a pipeline are fitted.

    Attributes
    ----------
    name : str
        A registered executor.
    settings : mapping
        Settings of that executor: ``workers`` for ``local``.
    """

    name: str = "local"
    settings: dict[str, Any] = Field(default_factory=dict)


class LanguageModelSettings(_Frozen):
    """What the language features of this workspace call.

    Attributes
    ----------
    name : str
        A registered language model; `template` calls none.
    settings : mapping
        Settings of that model.
    """

    name: str = "template"
    settings: dict[str, Any] = Field(default_factory=dict)


class DecisionLogSettings(_Frozen):
    """What the decision log keeps, where it is on.

    Attributes
    ----------
    sample : float
        Share of the answers that are written down.
    keep_days : float
        Older decisions are deleted with their feedback.
    items : int
        How many items of an answer are written down, from the first.
    """

    sample: Annotated[float, Field(ge=0, le=1)] = 1.0
    keep_days: Annotated[float, Field(gt=0)] = 90.0
    items: Annotated[int, Field(ge=1, le=2000)] = 50


class WorkspaceSettings(_Frozen):
    """The file ``crossrec.toml``.

    Attributes
    ----------
    store : StoreSettings
    executor : ExecutorSettings
    language_model : LanguageModelSettings
    decision_log : DecisionLogSettings
    """

    store: StoreSettings = StoreSettings()
    executor: ExecutorSettings = ExecutorSettings()
    language_model: LanguageModelSettings = LanguageModelSettings()
    decision_log: DecisionLogSettings = DecisionLogSettings()


def read_settings(folder: Path) -> WorkspaceSettings:
    """Return the settings of the workspace in `folder`; the defaults where it has no file.

    Raises
    ------
    ConfigError
        Names the file, the key and what is wrong with it.
    """
    path = folder / FILE
    if not path.exists():
        return WorkspaceSettings()
    return validated_toml(WorkspaceSettings, read_toml(path), str(path))
