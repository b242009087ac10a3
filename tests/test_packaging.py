"""Every distribution builds, says the same version, and one scenario alone works from wheels."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = sorted(
    path.parent for pattern in ("engine", "plugins/*", "scenarios/*")
    for path in ROOT.glob(f"{pattern}/pyproject.toml")
)  # fmt: skip
IDS = [str(folder.relative_to(ROOT)) for folder in FOLDERS]
EACH = pytest.mark.parametrize("folder", FOLDERS, ids=IDS)


def project(folder: Path) -> dict[str, Any]:
    """Return the table ``[project]`` of a folder's pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return table


def run(command: list[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command outside the environment of this test run."""
    mine = ("PYTHON", "CROSSREC_", "VIRTUAL_ENV", "COVERAGE")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    return subprocess.run(
        command,
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build all wheels at once; distribution name → wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder)]
    done = run([*command, *map(str, FOLDERS)], folder)
    assert done.returncode == 0, done.stderr
    built = {path.name.split("-")[0].replace("_", "-"): path for path in folder.glob("*.whl")}
    assert set(built) == {project(path)["name"] for path in FOLDERS}
    return built


def metadata(wheel: Path) -> Message:
    """Return the METADATA of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def requirements(wheel: Path) -> list[Requirement]:
    """Return what a wheel requires, extras included."""
    return [Requirement(line) for line in metadata(wheel).get_all("Requires-Dist") or []]


def version() -> str:
    """Return the one version, that of the engine."""
    return str(project(ROOT / "engine")["version"])


@EACH
def test_metadata(wheels: dict[str, Path], folder: Path) -> None:
    head = metadata(wheels[project(folder)["name"]])
    assert head["Version"] == version()
    assert head["License-Expression"] == "Apache-2.0"
    assert head["Requires-Python"] == ">=3.11"
    named = {f"Programming Language :: Python :: {minor}" for minor in ("3.11", "3.12", "3.13")}
    assert set(head.get_all("Classifier") or []) == named
    assert head["Summary"]
    assert head.get_payload(), "the README is the long description"


@EACH
def test_the_wheel_holds_the_package_and_nothing_else(
    wheels: dict[str, Path], folder: Path
) -> None:
    name = project(folder)["name"].replace("-", "_")
    with zipfile.ZipFile(wheels[project(folder)["name"]]) as archive:
        names = archive.namelist()
    assert f"{name}/py.typed" in names
    assert {entry.split("/")[0] for entry in names} == {name, f"{name}-{version()}.dist-info"}
    assert not [entry for entry in names if "/tests/" in entry or entry.endswith(".pyc")]
    shipped = {entry.removeprefix(f"{name}/") for entry in names if entry.startswith(f"{name}/")}
    source = folder / "src" / name
    files = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == files


@EACH
def test_entry_points_name_light_modules_that_are_shipped(
    wheels: dict[str, Path], folder: Path
) -> None:
    wheel = wheels[project(folder)["name"]]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry,) = (name for name in names if name.endswith("entry_points.txt"))
        parser = ConfigParser()
        parser.read_string(archive.read(entry).decode())
    assert "crossrec" in parser, "no entry point that crossrec would find"
    for value in parser["crossrec"].values():
        module = value.partition(":")[0].replace(".", "/")
        assert {f"{module}.py", f"{module}/__init__.py"} & names


@EACH
def test_siblings_are_required_by_one_range(wheels: dict[str, Path], folder: Path) -> None:
    for requirement in requirements(wheels[project(folder)["name"]]):
        assert requirement.url is None, "a wheel for others cannot point into a folder"
        if requirement.name.startswith("crossrec"):
            assert requirement.name in wheels
            assert str(requirement.specifier) == "<0.2,>=0.1"
    names = {requirement.name for requirement in requirements(wheels[project(folder)["name"]])}
    assert folder.name == "engine" or "crossrec" in names


@EACH
def test_every_import_is_declared(wheels: dict[str, Path], folder: Path) -> None:
    """What the sources import is required, by the wheel itself or by what it requires."""
    import ast
    from importlib.metadata import packages_distributions

    provided = packages_distributions()
    name = project(folder)["name"]
    own = name.replace("-", "_")
    known = {_plain(requirement.name) for requirement in requirements(wheels[name])}
    for sibling in [found for found in wheels if found in known]:
        known |= {_plain(requirement.name) for requirement in requirements(wheels[sibling])}
    missing = set()
    for path in (folder / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                top = module.partition(".")[0]
                if top in sys.stdlib_module_names or top == own:
                    continue
                if not known & {_plain(found) for found in provided.get(top, [top])}:
                    missing.add(top)
    assert not missing, f"{name} imports {sorted(missing)} and does not require it"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_one_version_everywhere() -> None:
    import crossrec

    assert crossrec.__version__ == version()
    assert project(ROOT)["version"] == version()
    for folder in FOLDERS:
        assert project(folder)["version"] == version(), folder.name
        name = project(folder)["name"].replace("-", "_")
        text = (folder / "src" / name / "__init__.py").read_text()
        written = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
        assert written is None or written[1] == version(), folder.name


def direct_references() -> dict[str, Requirement]:
    """Return distribution → requirement of every ``{root:uri}`` in the root's pyproject.toml."""
    root = project(ROOT)
    extras = root["optional-dependencies"]
    lines = [*root["dependencies"], *(line for lines in extras.values() for line in lines)]
    found = [Requirement(line.replace("{root:uri}", "file:///clone")) for line in lines]
    return {requirement.name: requirement for requirement in found if requirement.url}


def test_the_roots_references_lead_to_the_distributions() -> None:
    references = direct_references()
    for name, requirement in references.items():
        assert requirement.url is not None
        folder = ROOT / requirement.url.removeprefix("file:///clone/")
        assert project(folder)["name"] == name
        offered = set(project(folder).get("optional-dependencies", {}))
        assert requirement.extras <= offered, f"{name} has no extra {requirement.extras - offered}"
    assert set(references) == {project(folder)["name"] for folder in FOLDERS}


def test_all_takes_in_every_scenario_and_its_plugins() -> None:
    extras = project(ROOT)["optional-dependencies"]
    reached: set[str] = set()
    todo = ["all"]
    while todo:
        for line in extras[todo.pop()]:
            requirement = Requirement(line.replace("{root:uri}", "file:///clone"))
            if requirement.name == project(ROOT)["name"]:
                assert requirement.extras <= set(extras)
                todo += requirement.extras
            else:
                reached.add(requirement.name)
    scenarios = [project(folder) for folder in FOLDERS if folder.parent.name == "scenarios"]
    assert {table["name"] for table in scenarios} <= reached
    for table in scenarios:
        needed = {Requirement(line).name for line in table["dependencies"]}
        assert {name for name in needed if name.startswith("crossrec-")} <= reached


def test_the_makefile_installs_every_folder() -> None:
    text = (ROOT / "Makefile").read_text()
    for folder in IDS:
        assert re.search(rf'-e "?\./{folder}\b', text), f"make dev leaves out {folder}"


def test_constraints_pin_one_version_each() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    names = [_plain(pin.name) for pin in pins]
    assert len(set(names)) == len(names)
    assert "torch" in names
    wanted = {
        _plain(Requirement(line).name)
        for folder in FOLDERS
        for line in project(folder)["dependencies"]
    }
    unpinned = {name for name in wanted if not name.startswith("crossrec")} - set(names)
    assert not unpinned, f"not pinned: {sorted(unpinned)}"


def make_environment(folder: Path) -> Path:
    """Make a clean environment and return its folder of programs."""
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    return folder / ("Scripts" if os.name == "nt" else "bin")


def pip_install(programs: Path, *arguments: str) -> None:
    """Install by pip, with the tested versions."""
    command = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--no-compile"]
    done = run([*command, "-c", str(ROOT / "constraints.txt"), *arguments], programs.parent)
    assert done.returncode == 0, done.stderr[-3000:]


ITEMS = """movieId,title,genres,director
{rows}
"""


def write_films(folder: Path) -> None:
    """Write a small catalog and ratings of people who like one of two genres."""
    rows = [
        f"m{i},{'Space' if i % 2 else 'Love'} story {i},{'Sci-Fi' if i % 2 else 'Romance'},D{i % 5}"
        for i in range(40)
    ]
    (folder / "items.csv").write_text(ITEMS.format(rows="\n".join(rows)))
    watched = [
        f"u{user},m{(user + 2 * step) % 40},{1_700_000_000 + 3600 * step + user}"
        for user in range(60)
        for step in range(1, 12)
    ]
    (folder / "events.csv").write_text("\n".join(["user_id,movieId,time", *watched, ""]))


def test_one_scenario_alone_from_wheels(wheels: dict[str, Path], tmp_path: Path) -> None:
    programs = make_environment(tmp_path / "environment")
    found = str(wheels["crossrec-video"].parent)
    pip_install(programs, "--find-links", found, "crossrec-video")
    crossrec = str(programs / "crossrec")

    listed = run([crossrec, "plugins", "list", "--json"], tmp_path)
    assert listed.returncode == 0, listed.stderr
    states = {state["distribution"]: state["status"] for state in json.loads(listed.stdout)}
    alone = ("", "-video", "-backbone", "-text", "-collaborative", "-policies")
    assert states == {f"crossrec{name}": "loaded" for name in alone}

    write_films(tmp_path)
    for command in (
        ["ingest", "video", "--items", "items.csv", "--events", "events.csv"],
        ["fit", "video"],
    ):
        done = run([crossrec, *command, "-w", "films"], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    query = ["--user", "u1", "-k", "5", "--explain", "--json", "-w", "films"]
    done = run([crossrec, "recommend", "video", *query], tmp_path)
    assert done.returncode == 0, done.stderr
    slate = json.loads(done.stdout)
    assert len(slate["items"]) == 5
    assert not slate["degraded"]
    assert all(item["title"].startswith("Space") for item in slate["items"])
    assert all(item["reasons"] for item in slate["items"])

    unknown = run([crossrec, "scenarios", "show", "music"], tmp_path)
    assert unknown.returncode == 2
    assert "crossrec-music" in unknown.stderr


@pytest.mark.slow
def test_everything_from_the_checkout(tmp_path: Path) -> None:
    programs = make_environment(tmp_path / "environment")
    pip_install(programs, f"{ROOT}[all]")
    check = run([str(programs / "python"), "-m", "pip", "check"], tmp_path)
    assert check.returncode == 0, check.stdout
    listed = run([str(programs / "crossrec"), "plugins", "check"], tmp_path)
    assert listed.returncode == 0, listed.stdout
    shown = run([str(programs / "crossrec"), "scenarios", "list", "--json"], tmp_path)
    names = {scenario["name"] for scenario in json.loads(shown.stdout)}
    assert {folder.name for folder in FOLDERS if folder.parent.name == "scenarios"} <= names
