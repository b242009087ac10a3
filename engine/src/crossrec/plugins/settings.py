"""Validation of a component's settings, with an error that names the component and the setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossrec.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel


def validated(component: str, model: type[BaseModel], settings: dict[str, Any]) -> Any:
    """Return `settings` as an instance of `model`.

    Raises
    ------
    ConfigError
        Names the component, the setting and what is wrong with it.
    """
    from pydantic import ValidationError

    unknown = sorted(set(settings) - set(model.model_fields))
    if unknown:
        known = ", ".join(model.model_fields) or "none"
        raise ConfigError(f"{component} has no setting {unknown[0]!r}; its settings are: {known}")
    try:
        return model(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{component}: setting {setting!r}: {first['msg']}") from None


def refuse_settings(component: str, settings: dict[str, Any]) -> None:
    """Raise ConfigError where settings are given to a component that takes none."""
    if settings:
        raise ConfigError(f"{component} takes no settings; {next(iter(settings))!r} is one")
