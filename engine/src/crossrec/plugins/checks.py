"""Whether the components of a plugin can be built, and do what they declare."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from crossrec.plugins.registration import NO_METHOD, Registration, resolve
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line

#: Kind → the methods of its protocol. Other kinds are functions, or values of their own.
PROTOCOLS: dict[str, tuple[str, ...]] = {
    "encoders": ("encode",),
    "candidate_generators": ("fit", "generate", "state", "restore"),
    "rankers": ("fit", "score", "state", "restore"),
    "policies": ("apply",),
    "executors": ("map",),
}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one registered component."""

    distribution: str
    kind: str
    name: str
    error: str

    @property
    def line(self) -> str:
        """The problem in one line."""
        return f"{self.kind} {self.name!r} of {self.distribution}: {self.error}"


def problems_of(registry: Registry) -> list[Problem]:
    """Build every component with the defaults of its settings and look at what it can do."""
    return [
        Problem(item.distribution, item.kind, item.name, error)
        for one in registry.loaded
        for item in one.registrations
        for error in _errors_of(item)
    ]


def _errors_of(registration: Registration) -> list[str]:
    """Return everything that is wrong with one registration."""
    try:
        required = _without_default(registration)
        if required:
            return [f"its setting {name!r} has no default" for name in required]
        with redirect_stdout(sys.stderr):
            component = _built(registration)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also SystemExit, and panics of compiled extensions
        return [f"cannot be built: {one_line(error)}"]
    methods = PROTOCOLS.get(registration.kind, ())
    found = [f"has no method {name!r}" for name in methods if not _has(component, name)]
    declared = sorted(registration.capabilities - NO_METHOD)
    return found + [
        f"declares the capability {name!r} and has no such method"
        for name in declared
        if not _has(component, name)
    ]


def _built(registration: Registration) -> Any:
    """Build a component; of a store only the factory is imported: it needs the path of its data."""
    if registration.kind == "stores":
        return resolve(registration.factory)
    return registration.build()


def _without_default(registration: Registration) -> list[str]:
    """Return the settings that the component's configuration requires."""
    if registration.config is None:
        return []
    fields: dict[str, Any] = resolve(registration.config).model_fields
    return [name for name, field in fields.items() if field.is_required()]


def _has(component: Any, method: str) -> bool:
    return callable(getattr(component, method, None))
