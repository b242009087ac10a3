"""The rules of this repository that a program can check: packages, sizes, no pickle.

Which rooms import which is in `test_architecture.py`, which words are used in `test_words.py`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from import_graph import ROOT, imports_of, source_folders, tree_of

ENGINE = ROOT / "engine" / "src" / "crossrec"
SOURCES = source_folders()
EXAMPLES = sorted(ROOT.glob("docs/examples/*/src/*"))
TESTS = [
    ROOT / "tests",
    *sorted(ROOT.glob("engine/tests")),
    *sorted(ROOT.glob("plugins/*/tests")),
    *sorted(ROOT.glob("scenarios/*/tests")),
]
MAX_LINES = 400


def python_files(*folders: Path) -> list[Path]:
    """Return all Python files in the folders, but of environments, whose folders are hidden."""
    found = [path for folder in folders for path in folder.rglob("*.py")]
    return sorted(path for path in found if "/." not in f"/{path.relative_to(ROOT).as_posix()}")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def offenders(rule: Callable[[Path], list[str]], *folders: Path) -> list[str]:
    """Return what breaks a rule, as ``file: what``."""
    files = python_files(*folders)
    assert files, "the rule looks at nothing"
    return [f"{name_of(path)}: {what}" for path in files for what in rule(path)]


def imports(path: Path, *, when_run: bool = True) -> Iterator[str]:
    """Yield the modules that a file imports; without those for type checkers only."""
    for module, name in imports_of(path, type_checking=not when_run):
        yield module
        if name:
            yield f"{module}.{name}"


def test_the_engine_imports_no_plugin_and_no_scenario() -> None:
    packages = {folder.name for folder in SOURCES} - {"crossrec"}

    def rule(path: Path) -> list[str]:
        return [m for m in imports(path, when_run=False) if m.partition(".")[0] in packages]

    assert not offenders(rule, ENGINE)


def test_packages_import_nobody_but_the_engine() -> None:
    def rule(path: Path) -> list[str]:
        own = next(folder.name for folder in (*SOURCES, *EXAMPLES) if folder in path.parents)
        found = []
        for module in imports(path, when_run=False):
            top, _, rest = module.partition(".")
            other = top.startswith("crossrec_") and top != own
            if other or (top == "crossrec" and rest.partition(".")[0] == "cli"):
                found.append(module)
        return found

    assert not offenders(rule, *SOURCES[1:], *EXAMPLES)


def test_a_scenario_imports_no_component() -> None:
    allowed = (
        "crossrec.data",
        "crossrec.numeric",
        "crossrec.scenario",
        "crossrec.errors",
        "crossrec.hookimpl",
        # What importers and demos are made of.
        "crossrec.ingest.formats",
        "crossrec.ingest.frames",
        "crossrec.simulation",
    )

    def rule(path: Path) -> list[str]:
        modules = [module for module in imports(path) if module.startswith("crossrec.")]
        return [module for module in modules if not module.startswith(allowed)]

    examples = (ROOT / "docs" / "examples" / f"crossrec-{name}" for name in ("news", "medical"))
    folders = sorted(ROOT.glob("scenarios/*/src"))
    assert not offenders(rule, *folders, *(folder / "src" for folder in examples))


PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
PICKLING = {"read_pickle", "to_pickle"}


def pickling(path: Path) -> list[str]:
    """Return what in a file reads or writes pickle, also in disguise."""
    found = [module for module in imports(path) if module.partition(".")[0] in PICKLES]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if called in ("np.load", "numpy.load", "np.save", "numpy.save"):
                found += [called] if given.get("allow_pickle") != "False" else []
            elif called == "torch.load":  # weights of others, of which nothing but tensors is read
                found += [called] if given.get("weights_only") != "True" else []
            elif (
                called == "torch.save"
                or called.split(".")[-1] in PICKLING
                or given.get("allow_pickle", "False") != "False"
            ):
                found.append(called)
    return found


def test_nothing_is_pickled() -> None:
    assert not offenders(pickling, *SOURCES, *EXAMPLES, *TESTS, ROOT / "benchmarks")


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import dump",
        "import numpy as np\nnp.load('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import torch\ntorch.load('x')",
        "frame.to_pickle('x')",
    ],
)
def test_pickle_would_be_found(tmp_path: Path, code: str) -> None:
    path = tmp_path / "x.py"
    path.write_text(code)
    assert pickling(path)


def test_no_file_is_long() -> None:
    def rule(path: Path) -> list[str]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return [f"{lines} lines"] if lines > MAX_LINES else []

    assert not offenders(rule, *SOURCES, *EXAMPLES, *TESTS, ROOT / "benchmarks")


def test_every_public_function_has_type_hints() -> None:
    def rule(path: Path) -> list[str]:
        found = []
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                bare = [a.arg for a in given if not a.annotation and a.arg not in ("self", "cls")]
                if bare or node.returns is None:
                    found.append(f"{node.name} at line {node.lineno}")
        return found

    assert not offenders(rule, *SOURCES, *EXAMPLES)


def test_no_path_of_some_machine() -> None:
    absolute = re.compile(r"""["'\s=(](/(?:home|root|work|tmp|Users|mnt)/\w+)""")

    def rule(path: Path) -> list[str]:
        return absolute.findall(path.read_text(encoding="utf-8"))

    assert not offenders(rule, *SOURCES, *EXAMPLES)


def test_no_folder_of_tests_is_a_package() -> None:
    found = [name_of(path) for folder in TESTS for path in folder.rglob("__init__.py")]
    assert not found, "pytest runs with --import-mode=importlib"


@pytest.mark.parametrize("folder", SOURCES, ids=name_of)
def test_every_package_is_typed_and_says_what_it_is(folder: Path) -> None:
    assert (folder / "py.typed").is_file()
    assert (folder.parents[1] / "README.md").is_file()
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


def lines_of(paths: Iterable[Path]) -> int:
    """Count the lines that are not empty."""
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return sum(1 for text in texts for line in text.splitlines() if line.strip())


def test_the_tests_are_as_long_as_the_code() -> None:
    """The kit of a package, its room `testing`, is tests: it runs over every plugin."""
    sources = python_files(*SOURCES)
    kits = [path for path in sources if "testing" in path.parts]
    code = lines_of(set(sources) - set(kits))
    tests = lines_of([*python_files(*TESTS), *kits])
    assert tests >= code, f"{tests} lines of tests for {code} lines of code"


@pytest.mark.parametrize("folder", SOURCES, ids=name_of)
def test_every_package_has_tests(folder: Path) -> None:
    assert python_files(folder.parents[1] / "tests")


HEAVY = ("torch", "transformers", "pandas", "scipy", "sklearn", "implicit", "lightfm", "pyarrow")


@pytest.mark.parametrize(
    "code",
    [
        "import crossrec",
        "from crossrec.plugins.registry import load_registry; load_registry()",
        "import crossrec.artifacts",
        "import crossrec.components.protocols, crossrec.components.topk",
        "import crossrec.data.dataset",
    ],
)
def test_importing_is_light(code: str) -> None:
    check = f"{code}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_kit_imports_pytest() -> None:
    users = {
        path.relative_to(ENGINE).parts[0]
        for path in python_files(*SOURCES)
        if any(module.partition(".")[0] == "pytest" for module in imports(path))
    }
    assert users == {"testing"}
