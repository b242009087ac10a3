"""What was settled about a source: its mappings are kept in the workspace and used again."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from crossrec.errors import WorkspaceError

_FILE = "mappings.json"


@dataclass(frozen=True)
class Settled:
    """What somebody said about the tables with some columns.

    Attributes
    ----------
    columns : mapping of str to str
        Source column by crossrec's column or field name.
    events : mapping of str to str
        Event type by the name that the source has for it.
    time_format : str or None
    value_scale : (float, float) or None
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    time_format: str | None = None
    value_scale: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        return bool(self.columns or self.events or self.time_format or self.value_scale)

    def over(self, before: Settled) -> Settled:
        """Return this and, where it says nothing, what was settled before."""
        return Settled(
            {**before.columns, **self.columns},
            {**before.events, **self.events},
            self.time_format or before.time_format,
            self.value_scale or before.value_scale,
        )

    def of_table(self, kind: str, header: Collection[str]) -> Settled:
        """Return the part that concerns a table."""
        columns = {name: one for name, one in self.columns.items() if one in header}
        if kind != "events":
            return Settled(columns)
        return replace(self, columns=columns)

    def as_options(self) -> str:
        """Return the options that say the same."""
        parts = [f"--map {name}={column}" for name, column in self.columns.items()]
        parts += [f"--event-map {name}={event}" for name, event in self.events.items()]
        if self.time_format:
            parts.append(f"--time-format {self.time_format!r}")
        if self.value_scale:
            parts.append("--value-scale {:g}:{:g}".format(*self.value_scale))
        return ", ".join(parts)


class SettledSources:
    """The mappings of a workspace's sources; a source is known by its kind and its columns.

    Parameters
    ----------
    folder : Path
        Of the workspace, which need not exist.
    """

    def __init__(self, folder: Path, scenario: str) -> None:
        self._path = folder / _FILE
        self._scenario = scenario
        self._all: dict[str, list[dict[str, Any]]] = self._read()

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"{self._path} cannot be read: {error}; remove it") from None
        if not isinstance(found, dict):
            raise WorkspaceError(f"{self._path} holds no mappings: remove it")
        return found

    def of(self, kind: str, header: Sequence[str]) -> Settled:
        """Return what was settled about tables of this kind with these columns."""
        for entry in self._all.get(self._scenario, []):
            if entry["kind"] == kind and entry["header"] == sorted(header):
                values = {name: entry[name] for name in asdict(Settled())}
                scale = values["value_scale"]
                return Settled(**{**values, "value_scale": None if scale is None else tuple(scale)})
        return Settled()

    def keep(self, kind: str, header: Sequence[str], settled: Settled) -> None:
        """Keep what is settled about tables of this kind with these columns, if it is anything."""
        if not settled or settled == self.of(kind, header):
            return
        entry = {"kind": kind, "header": sorted(header), **asdict(settled)}
        others = [
            one
            for one in self._all.get(self._scenario, [])
            if (one["kind"], one["header"]) != (kind, entry["header"])
        ]
        self._all[self._scenario] = [*others, entry]
        text = json.dumps(self._all, ensure_ascii=False, indent=1) + "\n"
        part = self._path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(self._path)
