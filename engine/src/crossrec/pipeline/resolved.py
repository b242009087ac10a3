"""A pipeline whose names were looked up once: registrations, checked settings, capabilities.

Made from a `PipelineConfig` and the registry at the edge, and handed down. Nothing below looks
into the registry again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from crossrec.components.rating import RATE
from crossrec.errors import CrossrecError, UsageError
from crossrec.pipeline.config import History, PipelineConfig, SurfaceConfig
from crossrec.plugins.registration import Registration
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line

#: The rankers that are always tried. The first is the default: any other has to beat it.
BASELINES = ("rrf", "best", "weighted")
#: The same where the first source leads: it has weighed the kinds of evidence itself.
WITH_A_LEADER = ("best", "rrf", "weighted")
#: The capability of sources that do.
LEADS = "leads"
#: What reads features where the pipeline has any and names no ranker.
FEATURE_RANKER = "linear"
#: The capability of rankers that read features.
FEATURES = "features"


@dataclass(frozen=True, eq=False)
class Component:
    """One part of a pipeline: what was registered under its name, and its settings.

    Attributes
    ----------
    label : str
        What reports call it.
    error : Exception or None
        Why it cannot be used: not installed, unfitting settings, a missing library.
    """

    label: str
    registration: Registration | None
    settings: Mapping[str, Any]
    error: Exception | None = None

    @property
    def capabilities(self) -> frozenset[str]:
        """What the registration declares beyond the protocol."""
        return self.registration.capabilities if self.registration else frozenset()

    @cached_property
    def built(self) -> Any:
        """The component, built at its first use and shared from then on."""
        return self.build()

    def build(self) -> Any:
        """Build an unfitted component.

        Raises
        ------
        CrossrecError
            What stood in the way when the pipeline was resolved, or stands now.
        """
        if self.registration is None:
            assert self.error is not None
            raise self.error
        return self.registration.build(dict(self.settings))


@dataclass(frozen=True, eq=False)
class ResolvedSurface:
    """The plan of one surface, resolved.

    Attributes
    ----------
    name : str
    config : SurfaceConfig
    sources : tuple of str
        Labels, in the order of the file.
    history : str
        The rule for known items.
    ranker : str
        ``"auto"``, or the name that the file gives.
    rankers : mapping of name to Component
        The baselines, and the configured one.
    policies : mapping of label to Component, in the order of the file
    time_limit : float
        Seconds that a component may take for one request.
    filter, boost : str
        Expressions that its items meet, and that their scores are multiplied by; "" for none.
    """

    name: str
    config: SurfaceConfig
    sources: tuple[str, ...]
    history: History
    ranker: str
    rankers: Mapping[str, Component]
    policies: Mapping[str, Component]
    time_limit: float
    filter: str
    boost: str

    @property
    def about_items(self) -> bool:
        """Whether its lists are about given items."""
        return self.config.about_items

    @property
    def has_choice(self) -> bool:
        """Whether its lists can be ranked in several ways, and there is what to judge them by."""
        return not self.about_items and len(self.sources) > 1

    @property
    def reads_features(self) -> bool:
        """Whether one of its rankers reads features."""
        return any(FEATURES in ranker.capabilities for ranker in self.rankers.values())


@dataclass(frozen=True, eq=False)
class ResolvedPipeline:
    """A pipeline file with every name in it resolved.

    Attributes
    ----------
    config : PipelineConfig
    main : str
        The surface that evaluation and a request without a surface take.
    encoder : Component or None
    sources : mapping of label to Component, in the order of the file
    surfaces : mapping of name to ResolvedSurface
    features : mapping of name to Component, the feature sets
    language_model : Component or None
        What words answers in other languages; built where one is first wanted.
    more_encoders : mapping of label to Component
        Whose vectors lie beside those of the encoder.
    """

    config: PipelineConfig
    main: str
    encoder: Component | None
    sources: Mapping[str, Component]
    surfaces: Mapping[str, ResolvedSurface]
    features: Mapping[str, Component] = field(default_factory=dict)
    language_model: Component | None = None
    more_encoders: Mapping[str, Component] = field(default_factory=dict)

    @property
    def capabilities(self) -> dict[str, frozenset[str]]:
        """The capabilities of each source."""
        return {label: source.capabilities for label, source in self.sources.items()}

    @property
    def encoders(self) -> dict[str, Mapping[str, Any]]:
        """The settings of the encoders, by what their vectors are called."""
        first = {} if self.encoder is None else {self.config.encoder: self.encoder.settings}
        return first | {label: one.settings for label, one in self.more_encoders.items()}

    @property
    def main_surface(self) -> ResolvedSurface:
        """The plan of the main surface."""
        return self.surfaces[self.main]

    @property
    def tried(self) -> tuple[str, ...]:
        """The sources that rankers are chosen by: of the main surface, and others with a choice.

        A surface about items has no events to be judged on, and one source alone needs no judge. So
        what only such surfaces need costs one fit, and is in no pool that others are judged by.
        """
        wanted = set(self.main_surface.sources)
        for surface in self.surfaces.values():
            if surface.ranker != "auto" or surface.has_choice:
                wanted.update(surface.sources)
        return tuple(label for label in self.sources if label in wanted)

    @property
    def reads_reviews(self) -> bool:
        """Whether a feature set learns from what events rate and say."""
        return any(RATE in one.capabilities for one in self.features.values())

    def with_sources(self, labels: tuple[str, ...]) -> ResolvedPipeline:
        """Return the pipeline with only these sources, in the order of the file."""
        sources = {label: one for label, one in self.sources.items() if label in labels}
        surfaces = {
            name: replace(surface, sources=tuple(one for one in surface.sources if one in labels))
            for name, surface in self.surfaces.items()
        }
        return replace(self, sources=sources, surfaces=surfaces)

    def refuse_unusable(self) -> None:
        """Raise for what a fit cannot do without, before the fit and not after an hour of it.

        A source whose library is missing is no reason: the fit leaves it out and names it.

        Raises
        ------
        UsageError
            If a component is unknown, or its settings do not fit.
        CrossrecError
            If a policy or the configured ranker cannot be built.
        """
        for source in (*self.sources.values(), *self.features.values()):
            if isinstance(source.error, UsageError):
                raise source.error
        read = [one for one in self.features.values() if RATE not in one.capabilities]
        if read and not any(one.reads_features for one in self.surfaces.values()):
            raise UsageError(
                "the pipeline names features, but none of its rankers reads any: set ranker = "
                f'"{FEATURE_RANKER}" or "auto"'
            )
        needed: list[Component | None] = [self.encoder, self.language_model]
        needed += self.more_encoders.values()
        for surface in self.surfaces.values():
            needed += [*surface.rankers.values(), *surface.policies.values()]
        for part in needed:
            if part is not None and part.error is not None:
                raise part.error


def resolve_pipeline(
    config: PipelineConfig, registry: Registry, main: str = ""
) -> ResolvedPipeline:
    """Look up and check every component of a pipeline; what cannot be used keeps its error.

    Parameters
    ----------
    main : str
        The main surface; the first one about users where it is "" or not in the pipeline.
    """
    sources = {
        source.label: _component(
            registry, "candidate_generators", source.name, source.settings, source.label
        )
        for source in config.sources
    }
    if main not in config.surfaces:
        users = [name for name, one in config.surfaces.items() if not one.about_items]
        main = next(iter((*users, *config.surfaces)), "")
    return ResolvedPipeline(
        config,
        main,
        None
        if not config.encoder
        else _encoder(registry, config.encoder, config.encoder_settings, config.encoder),
        sources,
        {name: _surface(config, name, registry, sources) for name in config.surfaces},
        {
            one.name: _component(registry, "features", one.name, one.settings)
            for one in config.features
        },
        _guarded(
            config.wording.language_model,
            config.wording.settings,
            lambda: registry.get("language_models", config.wording.language_model),
        ),
        {
            one.label: _encoder(registry, one.name, one.settings, one.label)
            for one in config.encoders
        },
    )


def _surface(
    config: PipelineConfig, name: str, registry: Registry, sources: Mapping[str, Component]
) -> ResolvedSurface:
    """Look up the ranker and the policies of one surface."""
    own, labels = config.surfaces[name], config.sources_of(name)
    leads = bool(labels) and LEADS in sources[labels[0]].capabilities
    baselines = WITH_A_LEADER if leads else BASELINES
    ranker, settings = config.ranker_of(name)
    judged = not own.about_items  # a surface about items has nothing to choose by
    more = (FEATURE_RANKER,) if config.features and judged else ()
    names = dict.fromkeys((*baselines, *(more if ranker == "auto" else (ranker,))))
    policies: dict[str, Component] = {}
    for policy in config.policies_of(name):
        times = sum(label.partition(" #")[0] == policy.name for label in policies)
        label = f"{policy.name} #{times + 1}" if times else policy.name
        policies[label] = _component(registry, "policies", policy.name, policy.settings, label)
    return ResolvedSurface(
        name,
        own,
        labels,
        config.history_of(name),
        ranker,
        {
            each: _component(registry, "rankers", each, settings if each == ranker else {})
            for each in names
        },
        policies,
        config.time_limit,
        config.filter_of(name),
        config.boost_of(name),
    )


def _encoder(registry: Registry, name: str, settings: Mapping[str, Any], label: str) -> Component:
    """Look up an encoder; it is built where it is needed, since that may load a model."""
    return _guarded(label, settings, lambda: registry.get("encoders", name))


def _component(
    registry: Registry, kind: str, name: str, settings: Mapping[str, Any], label: str = ""
) -> Component:
    """Look up one component and build it once, to see that it can be."""

    def look_up() -> Registration:
        registration = registry.get(kind, name)
        registration.build(dict(settings))
        return registration

    return _guarded(label or name, settings, look_up)


def _guarded(
    label: str, settings: Mapping[str, Any], look_up: Callable[[], Registration]
) -> Component:
    """Return the component, or why there is none."""
    try:
        return Component(label, look_up(), settings)
    except CrossrecError as error:
        return Component(label, None, settings, error)
    except (Exception, SystemExit) as error:
        return Component(label, None, settings, CrossrecError(f"{label}: {one_line(error)}"))
