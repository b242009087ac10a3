"""A pipeline whose names were looked up once: registrations, checked settings, capabilities.

Made from a `PipelineConfig` and the registry at the edge, and handed down. Nothing below looks
into the registry again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crossrec.errors import CrossrecError, UsageError
from crossrec.pipeline.config import PipelineConfig
from crossrec.plugins.registration import Registration
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line

#: The rankers that any other has to beat, the simplest first.
BASELINES = ("best", "rrf", "weighted")


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
class ResolvedPipeline:
    """A pipeline file with every name in it resolved.

    Attributes
    ----------
    config : PipelineConfig
    encoder : Component or None
    sources : mapping of label to Component, in the order of the file
    rankers : mapping of name to Component
        The baselines, and the configured one.
    policies : mapping of label to Component, in the order of the file
    """

    config: PipelineConfig
    encoder: Component | None
    sources: Mapping[str, Component]
    rankers: Mapping[str, Component]
    policies: Mapping[str, Component]

    @property
    def capabilities(self) -> dict[str, frozenset[str]]:
        """The capabilities of each source."""
        return {label: source.capabilities for label, source in self.sources.items()}

    def with_sources(self, labels: tuple[str, ...]) -> ResolvedPipeline:
        """Return the pipeline with only these sources, in the order of the file."""
        kept = tuple(source for source in self.config.sources if source.label in labels)
        config = self.config.model_copy(update={"sources": kept, "item_sources": ()})
        sources = {source.label: self.sources[source.label] for source in kept}
        return ResolvedPipeline(config, self.encoder, sources, self.rankers, self.policies)

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
        for source in self.sources.values():
            if isinstance(source.error, UsageError):
                raise source.error
        for part in (*self.rankers.values(), *self.policies.values(), self.encoder):
            if part is not None and part.error is not None:
                raise part.error


def resolve_pipeline(config: PipelineConfig, registry: Registry) -> ResolvedPipeline:
    """Look up and check every component of a pipeline; what cannot be used keeps its error."""
    rankers = dict.fromkeys(BASELINES)
    if config.ranker != "auto":
        rankers[config.ranker] = None
    policies: dict[str, Component] = {}
    for policy in config.policies:
        times = sum(label.partition(" #")[0] == policy.name for label in policies)
        label = f"{policy.name} #{times + 1}" if times else policy.name
        policies[label] = _component(registry, "policies", policy.name, policy.settings, label)
    return ResolvedPipeline(
        config,
        _encoder(config, registry),
        {
            source.label: _component(
                registry, "candidate_generators", source.name, source.settings, source.label
            )
            for source in config.sources
        },
        {
            name: _component(
                registry, "rankers", name, config.ranker_settings if name == config.ranker else {}
            )
            for name in rankers
        },
        policies,
    )


def _encoder(config: PipelineConfig, registry: Registry) -> Component | None:
    """Look up the encoder; it is built where it is needed, since that may load a model."""
    if not config.encoder:
        return None
    return _guarded(
        config.encoder,
        config.encoder_settings,
        lambda: registry.get("encoders", config.encoder),
    )


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
    except Exception as error:
        return Component(label, None, settings, CrossrecError(f"{label}: {one_line(error)}"))
