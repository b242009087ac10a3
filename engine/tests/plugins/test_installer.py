from __future__ import annotations

import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from crossrec.errors import UsageError
from crossrec.plugins import installer
from crossrec.plugins.installer import PluginChanges
from crossrec.plugins.state import PluginState

GOOD = """
from crossrec import hookimpl

@hookimpl
def register_encoders(register):
    register("throwaway", "builtins:object")
"""


def wheel(folder: Path, name: str, source: str, version: str = "1.0", entry: bool = True) -> Path:
    """Write a wheel by hand: a zip with one module and its metadata."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    if entry:
        files[f"{info}/entry_points.txt"] = f"[crossrec]\n{module} = {module}\n"
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Make an environment of its own that also sees what is installed here."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (Path(where) / "here.pth").write_text("\n".join(lines) + "\n")
    return python


@pytest.fixture
def crossrec(environment):
    def run(*arguments, **more):
        return subprocess.run(
            [environment, "-m", "crossrec", *arguments],
            capture_output=True,
            text=True,
            check=False,
            **more,
        )

    return run


def test_a_plugin_is_installed_listed_and_removed(crossrec, tmp_path):
    path = wheel(tmp_path, "crossrec-throwaway", GOOD)
    done = crossrec("install", "--no-index", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("+ crossrec_throwaway (crossrec-throwaway 1.0) loaded\n")
    assert '"encoders:throwaway"' in crossrec("plugins", "list", "--json").stdout

    newer = wheel(tmp_path, "crossrec-throwaway", GOOD, version="1.1")
    done = crossrec("install", "--no-index", str(newer))
    assert done.stdout.endswith("~ crossrec_throwaway (crossrec-throwaway 1.1) loaded\n")

    again = crossrec("install", "--no-index", str(newer))
    assert again.returncode == 0
    assert again.stdout.endswith("No plugin appeared or changed.\n")

    done = crossrec("uninstall", "crossrec-throwaway")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("- crossrec_throwaway (crossrec-throwaway 1.1)\n")
    assert "throwaway" not in crossrec("plugins", "list", "--json").stdout


def test_a_broken_plugin_is_reported_and_can_be_removed(crossrec, tmp_path):
    path = wheel(tmp_path, "crossrec-wreck", "raise SystemExit(1)\n")
    done = crossrec("install", "--no-index", str(path))
    assert done.returncode == 1
    assert "+ crossrec_wreck (crossrec-wreck 1.0) failed: SystemExit: 1" in done.stdout
    assert crossrec("--help").returncode == 0
    assert crossrec("plugins", "check").returncode == 1

    done = crossrec("uninstall", "crossrec-wreck")
    assert done.returncode == 0, done.stderr
    assert "- crossrec_wreck (crossrec-wreck 1.0)" in done.stdout
    assert "wreck" not in crossrec("plugins", "check").stdout


def test_a_plugin_that_takes_the_interpreter_down_can_be_removed(crossrec, tmp_path):
    path = wheel(tmp_path, "crossrec-crash", "import os\nos._exit(7)\n")
    done = crossrec("install", "--no-index", str(path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: a plugin ends the interpreter")
    done = crossrec("uninstall", "crossrec-crash")
    assert done.returncode == 0, done.stderr
    assert "- crossrec_crash (crossrec-crash 1.0)" in done.stdout


def test_a_package_without_a_plugin_changes_nothing(crossrec, tmp_path):
    path = wheel(tmp_path, "plain-package", "x = 1\n", entry=False)
    done = crossrec("install", "--no-index", str(path))
    assert done.returncode == 0
    assert done.stdout.endswith("No plugin appeared or changed.\n")
    done = crossrec("uninstall", "plain-package")
    assert done.returncode == 0
    assert done.stdout.endswith("No plugin disappeared.\n")


def test_what_pip_cannot_install_is_one_line_and_exit_code_1(crossrec, tmp_path):
    done = crossrec("install", "--no-index", str(tmp_path / "no-such.whl"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Error: pip install failed with exit code 1: see above"


def test_the_error_without_pip_names_what_to_do(environment, tmp_path):
    blocked = tmp_path / "blocked"
    (blocked / "pip").mkdir(parents=True)
    (blocked / "pip" / "__init__.py").write_text("")
    done = subprocess.run(
        [environment, "-m", "crossrec", "install", "crossrec-throwaway"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(blocked)},
        check=False,
    )
    assert done.returncode == 1
    assert "has no pip: run" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_not_installed_cannot_be_removed():
    with pytest.raises(UsageError, match="'crossrec-nothing-like-it' is not installed"):
        installer.uninstall(["crossrec-nothing-like-it"])


def test_the_nearest_installed_plugin_is_named(plugins, monkeypatch):
    plugins.add("pianola", "1 / 0\n", distribution="crossrec-pianola")
    monkeypatch.setenv("PYTHONPATH", str(plugins.folder))
    with pytest.raises(UsageError, match="did you mean 'crossrec-pianola'?"):
        installer.uninstall(["crossrec-pianolla"])


@pytest.mark.parametrize("name", ["crossrec", "Crossrec"])
def test_the_engine_does_not_remove_itself(name):
    with pytest.raises(UsageError, match="cannot remove itself"):
        installer.uninstall([name])


@pytest.mark.parametrize("run", [installer.install, installer.uninstall])
@pytest.mark.parametrize(
    ("packages", "message"),
    [
        ([], "name at least one package"),
        (["--target=/"], "'--target=/' is not a package"),
        (["music"], "'music' is not ours: did you mean 'crossrec-music'?"),
        (
            ["text[transformers]"],
            "'text[transformers]' is not ours: did you mean 'crossrec-text[transformers]'?",
        ),
    ],
)
def test_an_invalid_name_never_reaches_pip(run, packages, message):
    with pytest.raises(UsageError) as caught:
        run(packages)
    assert str(caught.value) == message


def test_the_probe_sees_what_a_fresh_interpreter_sees(plugins, monkeypatch):
    plugins.add("broken", "1 / 0\n")
    monkeypatch.setenv("PYTHONPATH", str(plugins.folder))
    monkeypatch.setenv("CROSSREC_PLUGINS", "nothing-of-this-name")
    states = {state.name: state for state in installer.probe()}
    assert states["builtin"].status == "loaded"
    assert states["broken"].error == "ZeroDivisionError: division by zero"


def test_changes_name_the_plugins_that_cannot_be_used():
    good = PluginState("a", "d", "1", "loaded")
    bad = PluginState("b", "d", "1", "failed", error="x")
    assert PluginChanges(appeared=(good, bad)).broken == (bad,)
    assert PluginChanges(changed=(bad,)).broken == (bad,)
    assert PluginChanges(disappeared=(bad,)).broken == ()
