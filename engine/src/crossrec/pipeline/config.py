"""What a pipeline is made of, in TOML: the scenario's default, overridden by the user's file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crossrec.errors import ConfigError
from crossrec.scenario import Scenario

#: Keys of a default that mean nothing once the key before them is the user's own.
_BOUND = {
    "sources": "item_sources",
    "ranker": "ranker_settings",
    "encoder": "encoder_settings",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceConfig(_Frozen):
    """One candidate generator of a pipeline.

    Attributes
    ----------
    name : str
        The registered candidate generator.
    label : str
        How it is called in reports; needed only where a generator is used twice.
    """

    name: str
    label: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _label_defaults_to_name(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and not values.get("label"):
            return {**values, "label": values.get("name", "")}
        return values


class PolicyConfig(_Frozen):
    """One policy of a pipeline, applied in the order of the file."""

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, values: Any) -> Any:
        return {"name": values} if isinstance(values, str) else values


class PipelineConfig(_Frozen):
    """A whole pipeline.

    Attributes
    ----------
    encoder : str
        Registered encoder whose item vectors the sources may use; "" for none.
    title_vectors : bool
        Whether titles alone are encoded too, as ``vectors["<encoder>:title"]``.
    candidates : int
        Size of the pool that the ranker orders.
    history : {"exclude", "keep"}
        Whether items of the history may come back.
    ranker : str
        ``"auto"`` chooses on validation among best source, reciprocal rank and weighted fusion;
        any registered ranker is tried too, and serves only where it wins.
    item_sources : tuple of str
        Labels of the sources that answer item surfaces ("more like this"); all where empty.
    """

    encoder: str = ""
    encoder_settings: dict[str, Any] = Field(default_factory=dict)
    title_vectors: bool = False
    candidates: Annotated[int, Field(ge=1, le=2000)] = 300
    history: Literal["exclude", "keep"] = "exclude"
    ranker: str = "auto"
    ranker_settings: dict[str, Any] = Field(default_factory=dict)
    policies: tuple[PolicyConfig, ...] = ()
    sources: tuple[SourceConfig, ...]
    item_sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> PipelineConfig:
        labels = [source.label for source in self.sources]
        double = {label for label in labels if labels.count(label) > 1}
        if double:
            raise ValueError(f"two sources are called {min(double)!r}: give one a label")
        if not labels:
            raise ValueError("a pipeline needs at least one source")
        if "pipeline" in labels:
            raise ValueError("a source cannot be called 'pipeline': give it another label")
        missing = set(self.item_sources) - set(labels)
        if missing:
            raise ValueError(f"item_sources names {min(missing)!r}, which is no source")
        return self


def load_config(scenario: Scenario, path: Path | None = None) -> PipelineConfig:
    """Return the scenario's default pipeline, with the keys of the user's file in their place.

    Parameters
    ----------
    path : Path, optional
        A TOML file; each of its top-level keys replaces the default's.

    Raises
    ------
    ConfigError
        Names the file, the key and what is wrong with it.
    """
    name = f"default pipeline of {scenario.name}"
    values = _parse(_resource(scenario.pipeline, name), name)
    if path is not None:
        if not path.is_file():
            raise ConfigError(f"there is no pipeline file {path}")
        name = str(path)
        own = _parse(_read(path), name)
        for key, bound in _BOUND.items():
            if key in own:
                values.pop(bound, None)
        values |= own
    return parse_config(values, name)


def with_backbone(config: PipelineConfig, name: str, family: str) -> PipelineConfig:
    """Return the pipeline with the backbone `name` as one more source.

    It must hold its own against the others on validation like any source. The pipeline must have an
    encoder, whose vectors of texts and titles the backbone reads.
    """
    settings = {"backbone": name, "family": family, "text": {"encoder": config.encoder}}
    kept = tuple(source for source in config.sources if source.name != "backbone")
    source = SourceConfig(name="backbone", label="backbone", settings=settings)
    changes = {"sources": (source, *kept), "title_vectors": bool(config.encoder)}
    return config.model_copy(update=changes)


def parse_config(values: Mapping[str, Any], name: str) -> PipelineConfig:
    """Validate `values` as a pipeline; errors name `name`."""
    try:
        return PipelineConfig.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"])
        complaint = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{name}: {where}{complaint}") from None


def _resource(target: str, name: str) -> str:
    """Return the text of ``"package:file"``."""
    package, _, resource = target.partition(":")
    try:
        return files(package).joinpath(resource).read_text(encoding="utf-8")
    except (ImportError, OSError, ValueError) as error:
        raise ConfigError(f"{name} ({target!r}) cannot be read: {error}") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}") from None
