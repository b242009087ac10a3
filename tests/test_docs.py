"""The documentation is true: its code runs, its commands exist, its generated parts are fresh."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from crossrec.cli import main
from crossrec.testing import toy
from import_graph import modules_of, source_folders

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    path
    for pattern in ("*.md", "docs/*.md", "docs/examples/*/README.md", "engine/*.md",
                    "plugins/*/*.md", "scenarios/*/*.md")
    for path in sorted(ROOT.glob(pattern))
]  # fmt: skip
_BLOCK = re.compile(r"^```(\w*)[ ]?([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:crossrec|make) [^`\n]+)`")
#: A dotted name of a module, class or function: `crossrec.room.module.name`.
_NAME = re.compile(r"`(crossrec(?:_\w+)?(?:\.\w+)+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
#: Blocks of this page are installed as plugins and run by tests/test_hooks.py.
_HOOKS = "# crossrec_example/"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: ```language info."""

    page: Path
    language: str
    info: str
    code: str

    @property
    def source(self) -> str:
        """The file that the block shows a part of: its first line is a comment with a path."""
        first = self.code.partition("\n")[0]
        return first.removeprefix("# ") if re.fullmatch(r"# [\w./-]+\.\w+", first) else ""


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page in these languages."""
    for language, info, code in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in languages:
            yield Block(page, language, info.strip(), code)


def name_of(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder in which a page's code runs: a reader's own files lie in it."""
    shop = toy.shop()
    catalog, events = shop.dataset.catalog, shop.dataset.interactions
    rows = ["item_id,title,categories,brand"]
    rows += [
        f'{id_},"{catalog.titles[i]}",{"|".join(catalog.categories[i])},{catalog.creators[i]}'
        for i, id_ in enumerate(catalog.items.ids)
        if catalog.titles[i]
    ]
    (tmp_path / "items.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    rows = ["user_id,item_id,event_type,time"]
    rows += [
        f"{shop.dataset.users.id(user)},{catalog.items.id(item)},purchase,{time:.0f}"
        for user, item, time in zip(events.users, events.items, events.times)
    ]
    (tmp_path / "events.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def run(arguments: list[str], folder: Path) -> None:
    """Run Python in the folder; it must end well."""
    hidden = ("CROSSREC_WORKSPACE", "CROSSREC_PLUGINS", "CROSSREC_DEBUG")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{arguments[-1]}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"


def typed(block: Block) -> list[str]:
    """Return the commands of a console block: the lines after ``$``, continued ones joined."""
    joined = block.code.replace("\\\n", " ")
    return [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]


@each_page
def test_the_code_of_a_page_runs(page: Path, folder: Path) -> None:
    """In the order of the page: ``python`` blocks, and ``console run`` blocks line by line."""
    for block in blocks(page, "python", "console"):
        if block.language == "python" and not block.source:
            run(["-c", block.code], folder)
        elif block.info == "run":
            for command in typed(block):
                program, *arguments = shlex.split(command)
                assert program == "crossrec", f"only crossrec is run: {command}"
                run(["-m", "crossrec", *arguments], folder)


@each_page
def test_shown_files_are_shown_literally(page: Path) -> None:
    for block in blocks(page, "python", "toml", "json", "text"):
        if block.source and not block.code.startswith(_HOOKS):
            shown = block.code.partition("\n")[2].strip("\n")
            path = ROOT / block.source
            assert path.is_file(), f"{name_of(page)} shows {block.source}, which is not there"
            assert shown in path.read_text(encoding="utf-8"), f"{block.source} reads otherwise"


def commands_of(page: Path) -> list[str]:
    """Return every command that a page names: in console blocks and in running text."""
    found = [command for block in blocks(page, "console", "sh", "bash") for command in typed(block)]
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return found + _INLINE.findall(text)


def words_of(command: str) -> list[str]:
    """Split a command; brackets around what is optional fall away."""
    plain = re.sub(r"[\[\]]|\.\.\.|…", " ", command)
    try:
        return shlex.split(plain, comments=True)
    except ValueError:
        return plain.split()


def unknown_in(command: str) -> str:
    """Return the first part of a crossrec command that does not exist; empty where all do."""
    context = click.Context(main, info_name="crossrec")
    current: click.Command = main
    for word in words_of(command)[1:]:
        if word in ("&&", "|", ";", ">"):
            break
        if isinstance(current, click.Group) and re.fullmatch(r"[a-z|-]+", word):
            if word.startswith("-"):
                continue
            found = [current.get_command(context, name) for name in word.split("|")]
            if None in found:
                return word
            current = found[0] or current
            context = click.Context(current, info_name=word, parent=context)
        elif word.startswith("-") and len(word) > 1:
            names = {name for option in current.get_params(context) for name in option.opts}
            if word.partition("=")[0] not in names | {"--help", "--version"}:
                return word
    return ""


@each_page
def test_the_commands_of_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in commands_of(page):
        program, *rest = words_of(command)
        if program == "crossrec":
            unknown = unknown_in(command)
            assert not unknown, f"{name_of(page)}: `{command}`: there is no {unknown!r}"
        elif program == "make":
            goals = {word for word in rest if re.fullmatch(r"[a-z-]+", word)}
            assert goals <= targets, f"{name_of(page)}: `{command}`"


@pytest.mark.parametrize(
    ("command", "unknown"),
    [
        ("crossrec fit music", ""),
        ("crossrec plugins list|check [--json]", ""),
        ("crossrec ingest SCENARIO --items F --events F", ""),
        ("crossrec fitt music", "fitt"),
        ("crossrec plugins liste", "liste"),
        ("crossrec fit music --piepline x.toml", "--piepline"),
        ("crossrec recommend music --user 'a b' -k 3 --explain", ""),
    ],
)
def test_a_command_that_does_not_exist_would_be_found(command: str, unknown: str) -> None:
    assert unknown_in(command) == unknown


def defined(path: Path) -> set[str]:
    """Return what a module defines: functions, classes with their members, and names."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            found |= {f"{node.name}.{part.name}" for part in members}
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def is_defined(name: str, modules: dict[str, Path]) -> bool:
    """Whether a dotted name is a module of crossrec, or something that one defines."""
    if name in modules:
        return True
    parts = name.split(".")
    splits = ((".".join(parts[:i]), ".".join(parts[i:])) for i in range(len(parts) - 1, 0, -1))
    return any(module in modules and rest in defined(modules[module]) for module, rest in splits)


@each_page
def test_the_names_of_a_page_exist(page: Path) -> None:
    modules = modules_of(source_folders())
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    unknown = [name for name in _NAME.findall(text) if not is_defined(name, modules)]
    assert not unknown, f"{name_of(page)}: there is no {unknown}"


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("crossrec.workspace", True),
        ("crossrec.workspace.Workspace.dataset", True),
        ("crossrec.workspace.Workspace.future", False),
        ("crossrec.artifacts.publish", True),
        ("crossrec.artifacts.publishing", False),
    ],
)
def test_a_name_that_does_not_exist_would_be_found(name: str, there: bool) -> None:
    assert is_defined(name, modules_of(source_folders())) == there


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        path = link.partition("#")[0]
        if path and "://" not in path and not path.startswith("mailto:"):
            assert (page.parent / path).exists(), f"{name_of(page)} links to {link}"


def test_generated_parts_are_fresh() -> None:
    run([str(ROOT / "docs" / "generate.py"), "--check"], ROOT)


def test_every_command_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    context = click.Context(main, info_name="crossrec")
    for name in main.list_commands(context):
        assert f"## `crossrec {name}`" in text


def test_every_page_of_docs_is_reached_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in _LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in link
    }
    lost = [name_of(path) for path in ROOT.glob("docs/*.md") if path not in linked]
    assert not lost, f"no page links to {lost}"
