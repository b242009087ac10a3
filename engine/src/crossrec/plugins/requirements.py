"""Whether a distribution's declared requirements are met, checked without importing it."""

from __future__ import annotations

from collections.abc import Iterable


def conflict(requires: Iterable[str]) -> str:
    """Return why the declared requirements are not met, in one line; empty where they are.

    Requirements of extras are ignored: the extra may not be wanted.

    Parameters
    ----------
    requires : iterable of str
        Lines of ``Requires-Dist``, such as ``"crossrec>=0.1,<0.2"``.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            return f"declares a requirement that cannot be read: {line!r}"
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        version = installed_version(requirement.name)
        if version is None:
            return f"needs {_plain(line)}, which is not installed"
        if not requirement.specifier.contains(version, prereleases=True):
            return f"needs {_plain(line)}, but {requirement.name} {version} is installed"
    return ""


def installed_version(distribution: str) -> str | None:
    """Return the installed version of a distribution; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _plain(line: str) -> str:
    """Return a requirement without its marker."""
    return line.partition(";")[0].strip()
