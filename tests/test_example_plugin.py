"""A third party's plugin is built, installed and used; broken on purpose, it hurts nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "crossrec-nearest-price"
QUIET = {"CROSSREC_PLUGINS", "CROSSREC_STRICT_PLUGINS", "CROSSREC_DEBUG", "CROSSREC_WORKSPACE"}

ITEMS = """item_id,title,categories,brand,price
hammer,Claw hammer,tools,Ironwood,15
saw,Hand saw,tools,Ironwood,16
drill,Cordless drill,tools,Voltary,89
pan,Cast iron pan,kitchen,Rouge,39
knife,Chef's knife,kitchen,Rouge,45
board,Chopping board,kitchen,Greenleaf,19
mill,Pepper mill,kitchen,Greenleaf,24
apron,Striped apron,kitchen,Greenleaf,17
"""
PIPELINE = """
encoder = ""
ranker = "rrf"
policies = []
[[sources]]
name = "nearest-price"
[[sources]]
name = "popularity"
"""


def run(arguments: list[str], site: Path | None, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the plugin's folder in its path, and without this process's settings."""
    environment = {name: value for name, value in os.environ.items() if name not in QUIET}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def crossrec(*arguments: str, site: Path | None, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return run(["-m", "crossrec", *arguments], site, cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the example's wheel from a copy, so that the checkout stays clean."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("dist", "__pycache__"))
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    done = run(build, None, folder)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def install(wheel: Path, site: Path) -> Path:
    """Install the wheel into a folder of its own."""
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    done = run([*command, str(site), str(wheel)], None, wheel.parent)
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the plugin installed; do not change it."""
    return install(wheel, tmp_path_factory.mktemp("site"))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with a shop's files and a pipeline that uses the plugin."""
    (tmp_path / "items.csv").write_text(ITEMS)
    ids = [line.partition(",")[0] for line in ITEMS.splitlines()[1:]]
    rows = [f"u{u},{ids[(u + step) % 8]},purchase,{1.7e9 + 3600 * step:.0f}" for u in range(40)
            for step in range(3)]  # fmt: skip
    events = ["user_id,item_id,event_type,time", *rows]
    (tmp_path / "events.csv").write_text("\n".join(events) + "\n")
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    return tmp_path


def plugin_state(site: Path, cwd: Path) -> dict[str, object]:
    """Return what ``crossrec plugins list --json`` says of the plugin; others must be as before."""
    listed = crossrec("plugins", "list", "--json", site=site, cwd=cwd)
    assert listed.returncode == 0, listed.stderr
    before = crossrec("plugins", "list", "--json", site=None, cwd=cwd)
    states = {state["name"]: state for state in json.loads(listed.stdout)}
    mine: dict[str, object] = states.pop("nearest-price")
    assert states == {state["name"]: state for state in json.loads(before.stdout)}
    return mine


def test_it_is_seen(site: Path, tmp_path: Path) -> None:
    state = plugin_state(site, tmp_path)
    assert state["status"] == "loaded"
    assert state["distribution"] == "crossrec-nearest-price"
    assert state["version"] == "1.0.0"
    assert state["components"] == ["candidate_generators:nearest-price"]
    assert not state["warnings"]


def test_it_is_not_there_when_it_is_not_installed(tmp_path: Path) -> None:
    listed = crossrec("plugins", "list", "--json", site=None, cwd=tmp_path)
    assert "nearest-price" not in listed.stdout


def test_its_own_conformance_tests_pass(site: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    done = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], site, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = int(done.stdout.rsplit(" passed", 1)[0].rsplit(None, 1)[-1])
    assert passed >= 50


def test_a_pipeline_recommends_with_it(site: Path, shop: Path) -> None:
    ingest = ("ingest", "ecommerce", "--items", "items.csv", "--events", "events.csv")
    for arguments in (ingest, ("fit", "ecommerce", "--pipeline", "pipeline.toml")):
        done = crossrec(*arguments, "-w", "ws", site=site, cwd=shop)
        assert done.returncode == 0, done.stdout + done.stderr
    request = ("recommend", "ecommerce", "--history", "hammer", "-k", "3", "--explain", "--json")
    done = crossrec(*request, "-w", "ws", site=site, cwd=shop)
    assert done.returncode == 0, done.stderr
    slate = json.loads(done.stdout)
    assert not slate["degraded"]
    saw = next(item for item in slate["items"] if item["item_id"] == "saw")
    reasons = {reason["source"]: reason for reason in saw["reasons"]}
    assert "costs about as much as" in reasons["nearest-price"]["text"]
    assert reasons["nearest-price"]["history"] == ["hammer"]


def test_without_it_the_pipeline_goes_on_and_says_so(site: Path, shop: Path) -> None:
    ingest = ("ingest", "ecommerce", "--items", "items.csv", "--events", "events.csv")
    for arguments in (ingest, ("fit", "ecommerce", "--pipeline", "pipeline.toml")):
        assert crossrec(*arguments, "-w", "ws", site=site, cwd=shop).returncode == 0
    request = ("recommend", "ecommerce", "--user", "u1", "--json", "-w", "ws")
    done = crossrec(*request, site=None, cwd=shop)
    assert done.returncode == 0, done.stderr
    slate = json.loads(done.stdout)
    assert slate["items"]
    assert "nearest-price" in json.dumps(slate["degraded"])


PLUGIN = "crossrec_nearest_price/plugin.py"
HOOK = "from crossrec import hookimpl\n\n\n@hookimpl\ndef {name}(register):\n    {body}\n"
BREAKS = {
    "import error": ("import a_library_that_nobody_has\n", "a_library_that_nobody_has"),
    "mistyped hook": (
        HOOK.format(name="register_candidate_generator", body="register('nearest-price', 'x:y')"),
        "register_candidate_generators",
    ),
    "raising hook": (
        HOOK.format(name="register_candidate_generators", body="raise RuntimeError('broken')"),
        "RuntimeError: broken",
    ),
    "exit": ("import sys\nsys.exit(3)\n", "SystemExit"),
    "no Python": ("this is no Python\n", "SyntaxError"),
}


@pytest.mark.parametrize("name", list(BREAKS))
def test_broken_on_purpose_it_hurts_nothing(wheel: Path, tmp_path: Path, name: str) -> None:
    code, says = BREAKS[name]
    site = install(wheel, tmp_path / "site")
    (site / PLUGIN).write_text(code)
    state = plugin_state(site, tmp_path)
    assert state["status"] == "failed"
    assert says in str(state["error"])
    help_ = crossrec("--help", site=site, cwd=tmp_path)
    assert help_.returncode == 0
    assert "nearest-price" in help_.stdout
    check = crossrec("plugins", "check", site=site, cwd=tmp_path)
    assert check.returncode == 1
    assert says in check.stdout + check.stderr


def test_made_for_another_crossrec_it_is_not_even_imported(wheel: Path, tmp_path: Path) -> None:
    site = install(wheel, tmp_path / "site")
    (metadata,) = site.glob("*.dist-info/METADATA")
    metadata.write_text(metadata.read_text().replace("crossrec<0.2,>=0.1", "crossrec<9,>=8"))
    (site / PLUGIN).write_text("open('imported', 'w').close()\n")
    state = plugin_state(site, tmp_path)
    assert state["status"] == "incompatible"
    assert "8" in str(state["error"])
    assert not (tmp_path / "imported").exists()


def test_a_broken_source_is_left_out_of_the_fit(wheel: Path, shop: Path) -> None:
    site = install(wheel, shop / "site")
    module = site / "crossrec_nearest_price" / "nearest_price.py"
    module.write_text(
        module.read_text().replace('"""Read the prices', 'raise OSError("no")\n        """')
    )
    ingest = ("ingest", "ecommerce", "--items", "items.csv", "--events", "events.csv")
    assert crossrec(*ingest, "-w", "ws", site=site, cwd=shop).returncode == 0
    fit = ("fit", "ecommerce", "--pipeline", "pipeline.toml", "--json", "-w", "ws")
    done = crossrec(*fit, site=site, cwd=shop)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["failed"] == {"nearest-price": "OSError: no"}
    assert list(report["fit_seconds"]) == ["popularity"]
