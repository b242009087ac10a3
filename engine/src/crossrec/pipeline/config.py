"""What a pipeline is made of, in TOML: the scenario's default, overridden by the user's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crossrec.components.run import Effort
from crossrec.errors import ConfigError
from crossrec.scenario import Scenario
from crossrec.tomlio import parse_toml, read_toml, validated_toml

#: Keys of a default that mean nothing once the key before them is the user's own.
_BOUND = {
    "sources": "item_sources",
    "ranker": "ranker_settings",
    "encoder": "encoder_settings",
}

Input = Literal["user", "item", "items", "session", "nothing"]
#: What fills a list that sources and ranker leave short, besides sources by their labels.
MOST_POPULAR = "most_popular"
FALLBACKS = (MOST_POPULAR, "newest")
#: Of every surface about items: what it is about stands in the query, not in the history.
ABOUT_ITEMS: tuple[Input, ...] = ("item", "items")
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
    settings : mapping
        Its own settings; the others have their defaults.
    effort : {"quick", "standard", "thorough"}
        Fits and evaluations of less effort leave it out.
    listed_only : bool
        It answers only on surfaces that list it: those that list no sources have the others.
    """

    name: str
    label: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    effort: Effort = "quick"
    listed_only: bool = False

    @model_validator(mode="before")
    @classmethod
    def _label_defaults_to_name(cls, values: Any) -> Any:
        if isinstance(values, str):
            values = {"name": values}
        if isinstance(values, Mapping) and not values.get("label"):
            return {**values, "label": values.get("name", "")}
        return values


class PolicyConfig(_Frozen):
    """One policy of a pipeline, applied in the order of the file.

    Attributes
    ----------
    name : str
        The registered policy.
    settings : mapping
        Its own settings; the others have their defaults.
    """

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, values: Any) -> Any:
        return {"name": values} if isinstance(values, str) else values


class FeatureConfig(PolicyConfig):
    """One feature set of a pipeline: its columns are called ``<name>.<column>``.

    Attributes
    ----------
    name : str
        The registered feature set.
    settings : mapping
        Its settings.
    """


class WordingConfig(_Frozen):
    """How answers are put into another language than English.

    Attributes
    ----------
    language_model : str
        The registered language model that words reasons and changes.
    settings : mapping
        Its settings.
    """

    language_model: str = "template"
    settings: dict[str, Any] = Field(default_factory=dict)


class SurfaceConfig(_Frozen):
    """How one surface is answered: a plan over the fitted sources.

    Attributes
    ----------
    input : {"user", "item", "items", "session", "nothing"}
        What a request on it brings: a user or a history, an item, a cart or playlist, the items of
        a running session, or nothing.
    sources : tuple of str
        Labels of the sources that answer; where empty all of the pipeline but those that answer
        only where they are listed, and on a surface about items its `item_sources`.
    ranker : str
        "" takes the pipeline's, with its settings. ``"auto"`` chooses by the surface's own
        validation queries where it has any, and fuses ranks elsewhere.
    ranker_settings : mapping
        Settings of the ranker that is named beside them.
    policies : tuple of PolicyConfig or None
        Applied in this order; the pipeline's where the key is missing.
    fallback : tuple of str
        What fills a list that stays short, in this order: ``"most_popular"``, ``"newest"``, or the
        label of a source.
    k : int
        Length of a list where the request does not say.
    history : {"auto", "keep", "last", "exclude"} or None
        Known items that no consumption removes: ``"keep"`` ranks them like others, ``"last"`` puts
        them behind all others, ``"exclude"`` leaves them out, ``"auto"`` keeps them where people of
        the training events came back to what they had, else puts them last. Where the
        key is missing the pipeline's rule holds.
    fresh : float
        Half-lives during which a soft consumption removes its item.
    weighs : float
        How much of ``0.5 ** (age / half_life)`` its score loses afterwards; 0 to 1.
    consumed : {"remove", "keep"}
        ``"remove"`` obeys what the scenario declares; with ``"keep"`` what was consumed stays a
        candidate, to have it again. Dislikes and bans hold in any case.
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
    consumed: Literal["remove", "keep"] = "remove"

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
    encoder_settings : mapping
        Settings of the encoder.
    title_vectors : bool
        Whether titles alone are encoded too, as ``vectors["<encoder>:title"]``.
    candidates : int
        Size of the pool that the ranker orders.
    time_limit : float
        Seconds that a source, ranker or policy may take for one request. What is late is left out
        of the answer and named; it is called again when its late call has ended.
    history : {"auto", "keep", "last", "exclude"}
        Rule for known items on surfaces that do not say themselves.
    ranker : str
        ``"auto"`` fuses ranks with equal votes, unless the best source alone or weighted fusion is
        ahead of that beyond noise on validation; any registered ranker serves on the same terms.
    features : tuple of FeatureConfig
        Feature sets for rankers that read them; with the ranker ``"auto"`` the ranker ``linear`` is
        tried too.
    ranker_settings : mapping
        Settings of the ranker.
    policies : tuple of PolicyConfig
        Of surfaces that do not name their own.
    sources : tuple of SourceConfig
        The candidate generators, at least one.
    item_sources : tuple of str
        Labels of the sources of surfaces about items ("more like this") that do not name their
        own; all where empty.
    wording : WordingConfig
        What words the reasons of a request in another language.
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
    features: tuple[FeatureConfig, ...] = ()
    policies: tuple[PolicyConfig, ...] = ()
    sources: tuple[SourceConfig, ...]
    item_sources: tuple[str, ...] = ()
    wording: WordingConfig = WordingConfig()
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
        sets = [one.name for one in self.features]
        if len(set(sets)) < len(sets):
            raise ValueError("a feature set is named twice")
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
            if not self.sources_of(name):
                raise ValueError(f"surface {name!r} lists no sources, and all are listed_only")
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
        return tuple(
            source.label
            for source in self.sources
            if (source.label in chosen if chosen else not source.listed_only)
        )

    def ranker_of(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return the ranker of a surface and its settings."""
        own = self.surfaces[name]
        if own.ranker:
            return own.ranker, own.ranker_settings
        if own.input in ABOUT_ITEMS:  # the pipeline's is for lists about a user
            return "auto", {}
        return self.ranker, self.ranker_settings

    def policies_of(self, name: str) -> tuple[PolicyConfig, ...]:
        """Return the policies of a surface."""
        own = self.surfaces[name].policies
        return self.policies if own is None else own

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
        the same key of that surface. Where it names sources of its own, the default's surfaces
        that sources of their own answer are gone, unless the file plans them.

    Raises
    ------
    ConfigError
        Names the file, the key and what is wrong with it.
    """
    name = f"default pipeline of {scenario.name}"
    values = parse_toml(_resource(scenario.pipeline, name), name)
    surfaces, lost = _surfaces(values, name), set[str]()
    if path is not None:
        if not path.is_file():
            raise ConfigError(f"there is no pipeline file {path}")
        name = str(path)
        own = read_toml(path)
        for key, bound in _BOUND.items():
            if key in own:
                values.pop(bound, None)
        # What the user sets for all surfaces goes before the default's plan of one.
        gone = {"history", "policies"} & own.keys()
        if own.keys() & {"ranker", "ranker_settings"}:
            gone |= {"ranker", "ranker_settings"}
        surfaces = {
            surface: {key: value for key, value in plan.items() if key not in gone}
            for surface, plan in surfaces.items()
        }
        if "sources" in own:
            lost = _bound_to_sources(surfaces, values["sources"]) - _surfaces(own, name).keys()
            surfaces = {key: plan for key, plan in surfaces.items() if key not in lost}
        if own.keys() & {"sources", "item_sources"}:
            surfaces = {key: _without_sources(plan) for key, plan in surfaces.items()}
        surfaces = _merged(surfaces, _surfaces(own, name))
        values |= own
    shown = [one for one in scenario.surfaces if one.name not in lost]
    declared = {one.name: {"input": one.input, "k": one.k} for one in shown}
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


def _bound_to_sources(
    surfaces: Mapping[str, Mapping[str, Any]], sources: Sequence[Any]
) -> set[str]:
    """Return the surfaces that only sources of their own answer: without these they are gone."""
    listed = [one for one in sources if isinstance(one, dict) and one.get("listed_only")]
    own = {one.get("label") or one["name"] for one in listed}
    return {
        name
        for name, plan in surfaces.items()
        if plan.get("sources") and own.issuperset(plan["sources"])
    }


def _without_sources(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a default's plan without its sources; a list that may stay short still may."""
    kept = {key: value for key, value in plan.items() if key not in ("sources", "fallback")}
    named = plan.get("fallback")
    fallback = [one for one in named if one in FALLBACKS] if isinstance(named, list) else []
    return {**kept, "fallback": fallback} if fallback or named == [] else kept


def parse_config(values: Mapping[str, Any], name: str) -> PipelineConfig:
    """Validate `values` as a pipeline; errors name `name`."""
    return validated_toml(PipelineConfig, values, name)


def _resource(target: str, name: str) -> str:
    """Return the text of ``"package:file"``."""
    package, _, resource = target.partition(":")
    try:
        return files(package).joinpath(resource).read_text(encoding="utf-8")
    except (ImportError, OSError, ValueError) as error:
        raise ConfigError(f"{name} ({target!r}) cannot be read: {error}") from None
