"""Scenarios of a third party are built, installed and used; the page about them is true."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
PAGE = (ROOT / "docs" / "own_scenario.md").read_text(encoding="utf-8")
NAMES = ("news", "medical")
QUIET = {"CROSSREC_STRICT_PLUGINS", "CROSSREC_DEBUG", "CROSSREC_WORKSPACE"}
PLUGINS = "text,backbone,collaborative,policies"


def run(arguments: list[str], cwd: Path, **settings: str) -> str:
    """Run Python; it must end well. Return what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in QUIET}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**environment, "COLUMNS": "400", **settings},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both packages installed from copies, so that the checkout is clean."""
    folder = tmp_path_factory.mktemp("site")
    for name in NAMES:
        source = folder.parent / f"source-{folder.name}-{name}"
        ignored = shutil.ignore_patterns("dist", "__pycache__")
        shutil.copytree(EXAMPLES / f"crossrec-{name}", source, ignore=ignored)
        options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
        run(["-m", "pip", "install", *options, "--target", str(folder), str(source)], folder)
    return folder


def paths(site: Path) -> str:
    """Return the search path with the installed packages in front."""
    return os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH", "")])])


@pytest.mark.parametrize("name", NAMES)
def test_its_own_tests_pass(site: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(EXAMPLES / f"crossrec-{name}" / "tests", tmp_path / "tests")
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    allowed = f"{PLUGINS},{name}"
    printed = run(command, tmp_path, PYTHONPATH=paths(site), CROSSREC_PLUGINS=allowed)
    assert int(printed.rsplit(" passed", 1)[0].rsplit(None, 1)[-1]) >= 20


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of the page, with the lines that they print."""
    (block,) = re.findall(r"^```console\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for part in block.split("$ ")[1:]:
        command, *printed = part.splitlines()
        yield command, printed


def test_the_page_shows_what_is_printed(site: Path, tmp_path: Path) -> None:
    """In this order; ``…`` stands for lines that are left out."""
    allowed = f"{PLUGINS},news"
    for command, shown in commands():
        program, *arguments = shlex.split(command)
        assert program == "crossrec"
        printed = run(
            ["-m", "crossrec", *arguments],
            tmp_path,
            PYTHONPATH=paths(site),
            CROSSREC_PLUGINS=allowed,
        )
        lines = iter(line.rstrip() for line in printed.splitlines())
        for line in shown:
            assert line == "…" or line in lines, f"{command}: {line!r} is not in\n{printed}"


def test_they_are_written_from_the_public_interface_alone() -> None:
    public = {
        "crossrec": {"hookimpl"},
        "crossrec.hookspecs": {"Register"},
        "crossrec.ingest.frames": {"Frames"},
        "crossrec.scenario": None,
        "crossrec.simulation": None,
    }
    found = re.compile(r"^ *(?:from|import) (crossrec[\w.]*)(?: import (.+))?$", re.MULTILINE)
    for name in NAMES:
        files = sorted((EXAMPLES / f"crossrec-{name}" / "src").rglob("*.py"))
        assert len(files) == 4
        for path in files:
            for module, names in found.findall(path.read_text(encoding="utf-8")):
                assert module in public, f"{path.name} imports {module}"
                allowed = public[module]
                if allowed is not None:
                    assert set(names.split(", ")) <= allowed, f"{path.name}: {names}"


@pytest.mark.parametrize("name", NAMES)
def test_they_are_short(name: str) -> None:
    """Data, not behaviour: a scenario is a page or two."""
    files = (EXAMPLES / f"crossrec-{name}" / "src").rglob("*.*")
    lines = [
        line
        for path in files
        if path.suffix in (".py", ".toml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    assert len(lines) <= 250
