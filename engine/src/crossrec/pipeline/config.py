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

Input = Literal["user", "item", "items", "session", "nothing"]
#: What fills a list that sources and ranker leave short, besides sources by their labels.
FALLBACKS = ("most_popular", "newest")
#: Of every surface about items: what it is about stands in the query, not in the history.
ABOUT_ITEMS: tuple[Input, ...] = ("item", "items")
#: Name of the source that adapts a pretrained backbone, and its label where it is added.
BACKBONE = "backbone"
History = Literal["auto", "keep", "last", "exclude"]


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


class SurfaceConfig(_Frozen):
    """How one surface is answered: a plan over the fitted sources.

    Attributes
    ----------
    input : {"user", "item", "items", "session", "nothing"}
        What a request on it brings: a user or a history, an item, a cart or playlist, the items of
        a running session, or nothing.
    sources : tuple of str
        Labels of the sources that answer; all of the pipeline where empty.
    ranker : str
        "" takes the pipeline's, with its settings. ``"auto"`` chooses by the surface's own
        validation queries where it has any, and fuses ranks elsewhere.
    policies : tuple of PolicyConfig or None
        Applied in this order; None takes the pipeline's.
    fallback : tuple of str
        What fills a list that stays short, in this order: ``"most_popular"``, ``"newest"``, or the
        label of a source.
    k : int
        Length of a list where the request does not say.
    history : {"auto", "keep", "last", "exclude"} or None
        Known items that no consumption removes: ``"keep"`` ranks them like others, ``"last"`` puts
        them behind all others, ``"exclude"`` leaves them out, ``"auto"`` keeps them where people of
        the training events came back to what they had, else puts them last. None takes the
        pipeline's.
    fresh : float
        Half-lives during which a soft consumption removes its item.
    weighs : float
        How much of ``0.5 ** (age / half_life)`` its score loses afterwards; 0 to 1.
    """

    input: Input = "user"
    sources: tuple[str, ...] = ()
    ranker: str = ""
    ranker_settings: dict[str, Any] = Field(default_factory=dict)
    policies: tuple[PolicyConfig, ...] | None = None
    fallback: tuple[str, ...] = ("most_popular",)
    k: Annotated[int, Field(ge=1, le=2000)] = 10
    history: History | None = None
    fresh: Annotated[float, Field(ge=0)] = 1.0
    weighs: Annotated[float, Field(ge=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _settings_have_a_ranker(self) -> SurfaceConfig:
        if self.ranker_settings and not self.ranker:
            raise ValueError("ranker_settings belong to a ranker: name it beside them")
        return self


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
    time_limit : float
        Seconds that a source, ranker or policy may take for one request. What is late is left out
        of the answer and named; it is called again when its late call has ended.
    history : {"auto", "keep", "last", "exclude"}
        For surfaces that do not say themselves; see `SurfaceConfig`.
    ranker : str
        ``"auto"`` chooses on validation among best source, reciprocal rank and weighted fusion;
        any registered ranker is tried too, and serves only where it wins.
    policies : tuple of PolicyConfig
        Of surfaces that do not name their own.
    item_sources : tuple of str
        Labels of the sources of surfaces about items ("more like this") that do not name their
        own; all where empty.
    surfaces : mapping of name to SurfaceConfig
        The scenario's, with the keys of the user's file in their place.
    """

    encoder: str = ""
    encoder_settings: dict[str, Any] = Field(default_factory=dict)
    title_vectors: bool = False
    candidates: Annotated[int, Field(ge=1, le=2000)] = 300
    time_limit: Annotated[float, Field(gt=0, le=3600)] = 5.0
    history: History = "auto"
    ranker: str = "auto"
    ranker_settings: dict[str, Any] = Field(default_factory=dict)
    policies: tuple[PolicyConfig, ...] = ()
    sources: tuple[SourceConfig, ...]
    item_sources: tuple[str, ...] = ()
    surfaces: dict[str, SurfaceConfig] = Field(
        default_factory=lambda: {"user": SurfaceConfig(), "item": SurfaceConfig(input="item")}
    )

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

    @model_validator(mode="after")
    def _surfaces_name_sources(self) -> PipelineConfig:
        if not self.surfaces:
            raise ValueError("a pipeline needs at least one surface")
        labels = {source.label for source in self.sources}
        for name, surface in self.surfaces.items():
            missing = set(surface.sources) - labels
            if missing:
                raise ValueError(f"surface {name!r} names {min(missing)!r}, which is no source")
            unknown = set(surface.fallback) - labels - set(FALLBACKS)
            if unknown:
                raise ValueError(
                    f"surface {name!r}: the fallback {min(unknown)!r} is no source and none of "
                    f"{', '.join(FALLBACKS)}"
                )
        return self

    def sources_of(self, name: str) -> tuple[str, ...]:
        """Return the labels of the sources that answer a surface, in the order of the file."""
        surface = self.surfaces[name]
        chosen = surface.sources
        if not chosen and surface.input in ABOUT_ITEMS:
            chosen = self.item_sources
        labels = tuple(source.label for source in self.sources)
        return tuple(label for label in labels if not chosen or label in chosen)

    def history_of(self, name: str) -> History:
        """Return the rule of a surface for known items."""
        own = self.surfaces[name].history
        return self.history if own is None else own


def load_config(scenario: Scenario, path: Path | None = None) -> PipelineConfig:
    """Return the scenario's default pipeline, with the keys of the user's file in their place.

    Parameters
    ----------
    path : Path, optional
        A TOML file; each of its top-level keys replaces the default's, and each key of its surfaces
        the same key of that surface.

    Raises
    ------
    ConfigError
        Names the file, the key and what is wrong with it.
    """
    name = f"default pipeline of {scenario.name}"
    values = _parse(_resource(scenario.pipeline, name), name)
    surfaces = _surfaces(values, name)
    if path is not None:
        if not path.is_file():
            raise ConfigError(f"there is no pipeline file {path}")
        name = str(path)
        own = _parse(_read(path), name)
        for key, bound in _BOUND.items():
            if key in own:
                values.pop(bound, None)
        # What the user sets for all surfaces goes before the default's plan of one.
        gone = {"history", "policies", "ranker", "ranker_settings"} & own.keys()
        gone |= {_BOUND["ranker"]} if "ranker" in gone else set()
        surfaces = {
            surface: {key: value for key, value in plan.items() if key not in gone}
            for surface, plan in surfaces.items()
        }
        if own.keys() & {"sources", "item_sources"}:
            surfaces = {key: _without_sources(plan) for key, plan in surfaces.items()}
        surfaces = _merged(surfaces, _surfaces(own, name))
        values |= own
    declared = {one.name: {"input": one.input, "k": one.k} for one in scenario.surfaces}
    return parse_config({**values, "surfaces": _merged(declared, surfaces)}, name)


def _surfaces(values: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Return the surfaces of a file."""
    surfaces = values.get("surfaces", {})
    if not isinstance(surfaces, dict) or not all(isinstance(v, dict) for v in surfaces.values()):
        raise ConfigError(f"{name}: surfaces are tables: write [surfaces.NAME]")
    return surfaces


def _merged(
    below: Mapping[str, Mapping[str, Any]], above: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the surfaces of two files, the keys of the second in place of the first's."""
    merged = {name: dict(plan) for name, plan in below.items()}
    for name, plan in above.items():
        kept = merged.get(name, {})
        if "ranker" in plan:
            kept.pop(_BOUND["ranker"], None)
        merged[name] = {**kept, **plan}
    return merged


def _without_sources(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a default's plan without its sources: where the user names others they are gone."""
    kept = {key: value for key, value in plan.items() if key not in ("sources", "fallback")}
    named = plan.get("fallback")
    fallback = [one for one in named if one in FALLBACKS] if isinstance(named, list) else []
    return {**kept, "fallback": fallback} if fallback else kept


def with_backbone(config: PipelineConfig, name: str, family: str) -> PipelineConfig:
    """Return the pipeline with the backbone `name` as one more source.

    It must hold its own against the others on validation like any source. The pipeline must have an
    encoder, whose vectors of texts and titles the backbone reads. It joins the surfaces about a
    user that list no sources. Surfaces that list their own, and those about items, stay as they
    are: a backbone is on them where the pipeline file names it as a source and they list it.

    Raises
    ------
    ConfigError
        If the pipeline has a backbone already, or another source under its label.
    """
    why = why_no_backbone(config)
    if why:
        raise ConfigError(f"the backbone {name} cannot be added: {why}")
    settings = {"backbone": name, "family": family, "text": {"encoder": config.encoder}}
    source = SourceConfig(name=BACKBONE, settings=settings)
    values = config.model_dump(exclude_unset=True)
    values |= {
        "sources": [source.model_dump(), *(one.model_dump() for one in config.sources)],
        "title_vectors": bool(config.encoder),
        "item_sources": config.item_sources or tuple(one.label for one in config.sources),
    }
    return parse_config(values, "the pipeline with a backbone")


def why_no_backbone(config: PipelineConfig) -> str:
    """Return why a backbone cannot be added to a pipeline; "" where it can."""
    for source in config.sources:
        if source.name == BACKBONE:
            return (
                f"the pipeline has one already, the source {source.label!r}: change its setting "
                "`backbone`, or leave --backbone out"
            )
        if source.label == BACKBONE:
            return f"the source {source.name!r} is labelled {BACKBONE!r}: give it another label"
    return ""


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
