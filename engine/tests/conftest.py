"""Throw-away plugin distributions: real modules with real metadata, in a folder of their own."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from crossrec.plugins.found import find_plugins
from crossrec.plugins.loader import LoadedPlugin, load_plugins
from hypothesis import settings

# A machine that is busy with other tests must not fail these.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

_numbers = itertools.count()


@dataclass
class Plugins:
    """A folder that stands for site-packages."""

    folder: Path
    names: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        source: str,
        *,
        distribution: str = "",
        version: str = "1.0",
        requires: tuple[str, ...] = (),
    ) -> str:
        """Write a distribution with one entry point and return the name of its module."""
        module = f"{name}_plugin_{next(_numbers)}"
        distribution = distribution or f"crossrec-{name}"
        code = "from crossrec import hookimpl\n" + textwrap.dedent(source)
        (self.folder / f"{module}.py").write_text(code)
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        head = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        (info / "METADATA").write_text(
            "\n".join([*head, *(f"Requires-Dist: {r}" for r in requires)])
        )
        (info / "entry_points.txt").write_text(f"[crossrec]\n{name} = {module}\n")
        self.names.append(name)
        return module

    def load(self, *, strict: bool = False) -> dict[str, LoadedPlugin]:
        """Load these plugins in this process, with the engine's own, by name."""
        mine = [p for p in find_plugins() if p.name in {*self.names, "builtin"}]
        return {one.state.name: one for one in load_plugins(mine, strict=strict)}

    def python(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run code in a fresh interpreter that sees these plugins."""
        return self._run(["-c", code], environment)

    def crossrec(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in a fresh interpreter that sees these plugins."""
        return self._run(["-m", "crossrec", *arguments], environment)

    def _run(
        self, arguments: list[str], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        hidden = ("CROSSREC_PLUGINS", "CROSSREC_STRICT_PLUGINS", "CROSSREC_DEBUG")
        inherited = {k: v for k, v in os.environ.items() if k not in hidden}
        path = [str(self.folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            env={**inherited, "PYTHONPATH": os.pathsep.join(path), **environment},
            check=False,
        )


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """Return an empty folder of plugins that this process and its subprocesses look into."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return Plugins(folder)


@pytest.fixture
def encoder_plugin() -> Callable[[str], str]:
    """Return the source of a plugin that registers one encoder."""

    def source(name: str) -> str:
        return f"""
            class Encoder:
                def encode(self, catalog, run):
                    raise NotImplementedError

            @hookimpl
            def register_encoders(register):
                register({name!r}, Encoder, summary="an encoder")
            """

    return source
