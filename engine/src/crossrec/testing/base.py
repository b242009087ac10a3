"""What all classes of the kit share: finding the component, and no test dropped unnoticed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from crossrec.artifacts import open_artifact, publish
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.vocabulary import Vocabulary
from crossrec.errors import ConfigError
from crossrec.plugins.registration import CAPABILITIES, NO_METHOD, Registration, resolve
from crossrec.testing.toy import Toy

#: Every run of the kit: one seed, one thread, nothing cached.
RUN = RunOptions(seed=7, threads=1)

#: Kind → the capabilities that are methods of its components.
OPTIONAL: Mapping[str, frozenset[str]] = {
    "candidate_generators": CAPABILITIES
    - NO_METHOD
    - {"bars", "choose", "features", "learn", "rate", "reads", "select", "top_layers"},
    "encoders": frozenset({"adapt", "choose", "estimate", "top_layers"}),
    "features": frozenset({"forget", "rate"}),
    "policies": frozenset({"bars", "learn", "reads"}),
    "rankers": frozenset({"features", "report", "select"}),
}

_KIT: set[type] = set()


class Kit:
    """Base of all classes of the kit: finds the component, and keeps its tests from being dropped.

    Subclass one of them under a name that starts with ``Test`` and set `component`; the tests are
    inherited. A test that cannot hold for a component is overridden with
    ``@pytest.mark.xfail(reason="…")``; overriding it in any other way is an error.

    Attributes
    ----------
    component : str
        The registered name.
    settings : mapping
        Settings to build it with; the defaults where empty.
    registered : Registration or None
        The component's registration, to test it without installing it.
    """

    kind: ClassVar[str] = ""
    component: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any]] = {}
    registered: ClassVar[Registration | None] = None

    def __init_subclass__(cls, *, kit: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if kit:
            _KIT.add(cls)
        else:
            _refuse_dropped_tests(cls)

    @classmethod
    def registration(cls) -> Registration:
        """Return the component's registration.

        Raises
        ------
        UsageError
            If no installed plugin registers `component`; the message lists what is registered.
        """
        if cls.registered is not None:
            return cls.registered
        from crossrec.plugins.registry import load_registry

        return load_registry().get(cls.kind, cls.component)

    def build(self, settings: Mapping[str, Any] | None = None) -> Any:
        """Build a new component with `settings`, those of the class by default."""
        return self.registration().build(dict(self.settings if settings is None else settings))

    def able(self, capability: str) -> None:
        """Skip the running test if the component does not declare `capability`."""
        if capability not in self.registration().capabilities:
            pytest.skip(f"{self.component or self.registration().name} cannot {capability}")


class Conformance(Kit, kit=True):
    """Base of the conformance classes: what holds for a component of any kind."""

    def prepared(self, toy: Toy) -> Toy:
        """Return the toy, with vectors of the encoder that the settings name, if any."""
        encoder = self.encoder_name()
        if not encoder:
            return toy
        return toy.with_vectors(encoder).with_vectors(f"{encoder}:title", seed=1)

    def encoder_name(self) -> str:
        """Return the encoder whose vectors the component reads; empty for none."""
        config = self.registration().config
        if config is None:
            return ""
        return str(getattr(resolve(config)(**self.settings), "encoder", None) or "")

    def test_is_registered_with_a_summary(self) -> None:
        """The registration has what `crossrec plugins list` shows."""
        registration = self.registration()
        assert registration.kind == self.kind
        assert registration.summary.strip(), "give the component a one-line summary"
        assert "\n" not in registration.summary

    def test_settings_survive_json(self) -> None:
        """Settings survive a round trip through JSON and cannot be changed."""
        config = self.registration().config
        if config is None:
            pytest.skip("has no settings")
        model = resolve(config)
        for built in (model(**self.settings), model()):
            assert model.model_validate_json(built.model_dump_json()) == built
            assert model.model_config.get("frozen"), "make the configuration frozen"

    def test_an_unknown_setting_is_refused(self) -> None:
        """A mistyped setting is an error that names it; it does not fall back to the default."""
        if self.registration().config is None:
            pytest.skip("has no settings")
        with pytest.raises(ConfigError, match="no_such_setting"):
            self.build({"no_such_setting": 1})

    def test_capabilities_are_declared_and_there(self) -> None:
        """Declared capabilities exist, and existing ones are declared: others are never called."""
        optional = OPTIONAL.get(self.kind)
        if optional is None:
            pytest.skip("only what scores and policies have optional capabilities")
        component, declared = self.build(), self.registration().capabilities - NO_METHOD
        able = {name for name in optional if callable(getattr(component, name, None))}
        assert declared <= able, f"declared but missing: {sorted(declared - able)}"
        assert able <= declared, f"not declared, so never called: {sorted(able - declared)}"


def through_disk(state: State, folder: Path) -> State:
    """Publish `state` as an artifact and open it: read-only memory maps and JSON types."""
    publish(
        folder,
        kind="conformance",
        users=Vocabulary(),
        items=Vocabulary(),
        states={"component": state},
    )
    return open_artifact(folder).states["component"]


def _refuse_dropped_tests(cls: type) -> None:
    """Raise TypeError where a test of the kit was replaced without a reason."""
    for base in cls.__mro__:
        if base not in _KIT:
            continue
        for name, original in vars(base).items():
            if not name.startswith("test"):
                continue
            mine = inspect.getattr_static(cls, name)
            if mine is original or _excused(mine) or _overridden_in_kit(cls, name, mine):
                continue
            raise TypeError(
                f"{cls.__name__} replaces {name} of the conformance kit: mark it with "
                '@pytest.mark.xfail(reason="…"), so that the gap stays visible'
            )


def _overridden_in_kit(cls: type, name: str, mine: object) -> bool:
    """Whether the kit itself refines a test of a base."""
    kit = [vars(base) for base in cls.__mro__ if base in _KIT]
    return any(name in tests and tests[name] is mine for tests in kit)


def _excused(function: object) -> bool:
    """Whether a test is marked as an expected failure, with a reason."""
    marks = getattr(function, "pytestmark", [])
    return any(mark.name == "xfail" and mark.kwargs.get("reason") for mark in marks)
