"""Who imports whom when the code runs, read from the sources by `ast`.

The picture of the rooms (`rooms.py`) is drawn from it, and `tests/test_architecture.py` keeps
circles and upward arrows out of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Module → the modules that it imports.
Graph = dict[str, set[str]]


def source_folders(root: Path = ROOT) -> list[Path]:
    """Return the folders of the packages of engine, plugins and scenarios."""
    found = [path for pattern in ("engine", "plugins/*", "scenarios/*")
             for path in sorted(root.glob(f"{pattern}/src/*")) if path.is_dir()]  # fmt: skip
    return [path for path in found if (path / "__init__.py").is_file()]


def modules_of(folders: Iterable[Path]) -> dict[str, Path]:
    """Return the file of each module of these packages, by its dotted name."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path, *, type_checking: bool = False) -> Iterator[tuple[str, str]]:
    """Yield what a file imports as (module, name); the name is empty for ``import module``.

    Parameters
    ----------
    type_checking : bool
        Also yield imports under ``if TYPE_CHECKING``, which never run. Imports within functions
        always count.
    """
    tree = tree_of(path)
    skipped: set[ast.AST] = set()
    if not type_checking:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                skipped |= {inner for part in node.body for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}: write imports in full")
            yield from ((node.module or "", alias.name) for alias in node.names)


def import_graph(modules: Mapping[str, Path]) -> Graph:
    """Return which of `modules` each one imports when it runs.

    ``from package import module`` counts as an import of the module; that importing it also runs
    ``package/__init__.py`` does not count, else every module would import the root.
    """
    graph: Graph = {}
    for module, path in modules.items():
        named = (
            f"{source}.{name}" if f"{source}.{name}" in modules else source
            for source, name in imports_of(path)
        )
        graph[module] = {name for name in named if name in modules and name != module}
    return graph


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the strongly connected components of two modules or more (Tarjan, 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for target in graph.get(module, ()):
            if target not in order:
                visit(target)
            if target in path:
                lowest[module] = min(lowest[module], lowest[target])
        if lowest[module] == order[module]:
            component = path[path.index(module) :]
            del path[path.index(module) :]
            if len(component) > 1:
                found.append(sorted(component))

    for module in graph:
        if module not in order:
            visit(module)
    return sorted(found)


def room_of(module: str) -> str:
    """Return the room of a module: the part after its package; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def room_graph(graph: Graph, package: str) -> dict[str, dict[str, list[str]]]:
    """Return, for each room of a package, the other rooms that it imports, and by which imports.

    Each import reads ``module -> module``.
    """
    rooms: dict[str, dict[str, list[str]]] = {}
    for module in sorted(graph):
        if module.partition(".")[0] != package:
            continue
        room = rooms.setdefault(room_of(module), {})
        for target in sorted(graph[module]):
            other = room_of(target)
            if target.partition(".")[0] == package and other != room_of(module):
                room.setdefault(other, []).append(f"{module} -> {target}")
    return rooms


def upward(rooms: Mapping[str, Mapping[str, list[str]]], order: Iterable[str]) -> list[str]:
    """Return the imports that lead from a room to one that comes later in `order`."""
    places = {room: place for place, room in enumerate(order)}
    return [
        line
        for room, targets in rooms.items()
        for target, lines in targets.items()
        if room in places and target in places and places[target] > places[room]
        for line in lines
    ]


def floors(rooms: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return the floor of each room: 0 imports no other, each other is above all it imports.

    The rooms must have no circle.
    """
    found: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in found:
            found[room] = 1 + max((floor(other) for other in rooms.get(room, ())), default=-1)
        return found[room]

    for room in rooms:
        floor(room)
    return found


def direct(rooms: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return the imports of rooms without those that others imply (the transitive reduction)."""

    def reached(room: str) -> set[str]:
        below = set(rooms.get(room, ()))
        return below.union(*(reached(other) for other in below))

    return {
        room: {
            other
            for other in targets
            if not any(other in reached(between) for between in targets if between != other)
        }
        for room, targets in rooms.items()
    }
