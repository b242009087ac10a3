"""Pretrained backbones: which are at hand, and the one that a fit takes where none is named.

They lie in the workspace, one folder each, and in installed distributions, which name theirs by the
hook `register_pretrained`. Every folder holds a ``card.json``, which says which source it belongs
to. The workspace's own come first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from crossrec.artifacts import CARD
from crossrec.errors import ArtifactError, PluginError, UsageError
from crossrec.pipeline.config import PipelineConfig
from crossrec.pipeline.config_files import load_config
from crossrec.pipeline.with_backbone import BACKBONE, why_no_backbone, with_backbone, with_thorough
from crossrec.plugins.registration import Registration
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import one_line
from crossrec.scenario import Scenario

#: Folder of a workspace in which its backbones lie.
FOLDER = "backbones"
WORKSPACE = "workspace"


@dataclass(frozen=True)
class PretrainedEntry:
    """One pretrained backbone that can be named.

    Attributes
    ----------
    name : str
    path : Path
    origin : str
        "workspace", or the distribution that brought it.
    default : bool
        Whether its distribution offers it to fits that name none.
    hidden : bool
        Whether another one comes first under this name.
    """

    name: str
    path: Path
    origin: str
    default: bool = False
    hidden: bool = False

    @property
    def reference(self) -> str:
        """What names this one and no other: the name, with its origin where that is needed."""
        return f"{self.origin}:{self.name}" if self.hidden else self.name


@dataclass(frozen=True)
class BrokenPretrained:
    """A registered backbone that cannot be found, and why."""

    origin: str
    error: str


@dataclass(frozen=True)
class PretrainedSurvey:
    """All that was found.

    Attributes
    ----------
    found : tuple of PretrainedEntry
        Backbones, those of the workspace first.
    broken : tuple of BrokenPretrained
    thorough : tuple of str
        Sources that thorough fits of default pipelines try.
    """

    found: tuple[PretrainedEntry, ...]
    broken: tuple[BrokenPretrained, ...] = ()
    thorough: tuple[str, ...] = ()

    @property
    def default(self) -> PretrainedEntry | None:
        """The backbone of a fit that names none; None where not exactly one is offered."""
        offered = [entry for entry in self.found if entry.default]
        return offered[0] if len(offered) == 1 else None

    def folders(self) -> dict[str, Path]:
        """Return every name that leads to a backbone, with its folder."""
        out = {f"{entry.origin}:{entry.name}": entry.path for entry in self.found}
        return out | {entry.reference: entry.path for entry in self.found}


def survey_pretrained(folder: Path | None, registry: Registry) -> PretrainedSurvey:
    """Look for what joins pipelines: backbones of the workspace, and what is installed."""
    installed: list[PretrainedEntry] = []
    broken: list[BrokenPretrained] = []
    for registration in registry.registered("pretrained"):
        try:
            path = _folder_of(registration)
        except (Exception, SystemExit) as error:
            broken.append(BrokenPretrained(registration.distribution, one_line(error)))
            continue
        default = "default" in registration.capabilities
        installed.append(
            PretrainedEntry(registration.name, path, registration.distribution, default)
        )
    found: list[PretrainedEntry] = []
    for entry in (*_in_workspace(folder), *installed):
        taken = any(other.name == entry.name for other in found)
        found.append(replace(entry, hidden=taken))
    thorough = (
        source.name
        for source in registry.all("candidate_generators")
        if "thorough" in source.capabilities
    )
    return PretrainedSurvey(tuple(found), tuple(broken), tuple(thorough))


def find_pretrained(name: str, folders: Mapping[str, Path]) -> Path:
    """Return the folder of the backbone called `name`; a path to its folder is taken as it is.

    Parameters
    ----------
    folders : mapping of name to Path
        All that there are; ``"distribution:name"`` names the one of that distribution.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name in folders:
        return folders[name]
    path = Path(name)
    if (path / CARD).is_file():
        return path
    raise no_such_backbone(name, folders)


def source_of(folder: Path) -> str:
    """Return the name of the candidate generator that the backbone in `folder` belongs to.

    Raises
    ------
    ArtifactError
        If it has no card, or a damaged one.
    """
    try:
        card = json.loads((folder / CARD).read_bytes())
        return str(card.get("source", BACKBONE))
    except FileNotFoundError:
        raise ArtifactError(f"there is no backbone in {folder}: {CARD} is missing") from None
    except (OSError, ValueError, AttributeError):
        raise ArtifactError(f"{folder / CARD} is damaged: get the backbone again") from None


def no_such_backbone(name: str, folders: Iterable[str]) -> UsageError:
    """Return the error for a name that leads to no backbone, given those that do."""
    known = ", ".join(known for known in folders if ":" not in known) or "none"
    return UsageError(
        f"there is no backbone {name!r} (known: {known}): `crossrec pretrain` makes one, "
        "`crossrec backbones import` takes one in"
    )


def pipeline_to_fit(
    scenario: Scenario, file: Path | None, backbone: str | None, seen: PretrainedSurvey
) -> tuple[PipelineConfig, list[str]]:
    """Return the pipeline that a fit or an evaluation takes, and notes on backbones.

    Where there is no file it has the sources that thorough fits try, and the backbone that an
    installed distribution offers, unless another of its kind is named.

    Parameters
    ----------
    file : Path, optional
        TOML whose keys replace those of the scenario's default pipeline.
    backbone : str, optional
        Name of a pretrained backbone that becomes one more source; "" for none.

    Raises
    ------
    ConfigError
        If the file cannot be used, or the backbone cannot join its pipeline.
    UsageError
        If there is no backbone of this name.
    ArtifactError
        If its card is damaged.
    """
    config, own = load_config(scenario, file), file is not None
    source = source_of(find_pretrained(backbone, seen.folders())) if backbone else BACKBONE
    notes: list[str] = []
    if backbone is None or (source != BACKBONE and not own):
        config, notes = default_backbone(config, scenario.name, seen, own=own)
    if backbone:
        config = with_backbone(config, backbone, scenario.name, source)
    return config if own else with_thorough(config, seen.thorough), notes


def default_backbone(
    config: PipelineConfig, scenario: str, seen: PretrainedSurvey, *, own: bool
) -> tuple[PipelineConfig, list[str]]:
    """Return the pipeline with the backbone that an installed distribution offers, and notes.

    It is there for every amount of data; validation decides what it counts. Where the pipeline is
    the user's own, nothing is added and the note says what could be.

    Parameters
    ----------
    own : bool
        Whether the pipeline is the user's own.
    """
    if any(source.name == BACKBONE for source in config.sources):
        return config, []
    default = seen.default
    if default is None or own:
        return config, _at_hand(seen, scenario)
    why = why_no_backbone(config)
    if why:
        return config, [f"the backbone {default.reference} is left out: {why}"]
    note = (
        f"the backbone {default.reference} of {default.origin} is among the sources "
        "(--no-backbone leaves it out)"
    )
    return with_backbone(config, default.reference, scenario), [note]


def _at_hand(seen: PretrainedSurvey, scenario: str) -> list[str]:
    """Say which backbones could be adapted."""
    if not seen.found:
        return []
    names = ", ".join(entry.reference for entry in seen.found)
    return [f"backbones at hand: {names}; `crossrec fit {scenario} --backbone NAME` adapts one"]


def _in_workspace(folder: Path | None) -> Iterator[PretrainedEntry]:
    """Yield the backbones in a workspace's folder, by name."""
    if folder is None or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and (path / CARD).is_file():
            yield PretrainedEntry(path.name, path, WORKSPACE)


def _folder_of(registration: Registration) -> Path:
    """Return the folder that a registration leads to.

    Raises
    ------
    Exception
        Whatever foreign code raises, or a PluginError where it leads to no backbone.
    """
    path = registration.build()
    if not isinstance(path, str | Path) or not (Path(path) / CARD).is_file():
        raise PluginError(f"{registration.name} leads to no folder with a {CARD}")
    return Path(path)
