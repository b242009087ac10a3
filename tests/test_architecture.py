"""The rooms and who may import whom: the engine's, the backbone's, and no circle anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_graph import (
    ROOT,
    Graph,
    circles,
    direct,
    floors,
    import_graph,
    imports_of,
    modules_of,
    room_graph,
    room_of,
    source_folders,
    upward,
)
from rooms import ENTRANCES, GROUND

#: Room of the engine → the rooms that it may import, besides those of `GROUND`.
ROOMS: dict[str, set[str]] = {
    "hookspecs": set(),
    "scenario": set(),
    "numeric": set(),
    "simulation": {"numeric"},
    "executors": set(),
    # What commands of any package share: click groups, options, tables.
    "commands": set(),
    "terminal": {"numeric"},
    "builtin": {"hookspecs"},
    "plugins": {"hookspecs", "scenario"},
    "data": {"numeric", "scenario"},
    "store": {"data", "scenario"},
    "workspace_settings": set(),
    "workspace": {"data", "executors", "plugins", "scenario", "store", "workspace_settings"},
    "components": {"data", "numeric", "scenario"},
    "expressions": {"components", "data", "numeric"},
    "artifacts": {"components", "data", "plugins"},
    # Models are called through `top`, so that no figure depends on how a pipeline is built.
    "evaluation": {"components", "data", "numeric", "terminal"},
    "ingest": {"data", "numeric", "scenario", "store", "workspace"},
    "pipeline": {
        "artifacts",
        "components",
        "data",
        "evaluation",
        "executors",
        "expressions",
        "ingest",
        "numeric",
        "plugins",
        "scenario",
        "store",
        "workspace",
        "workspace_settings",
    },
    "testing": {
        "artifacts",
        "components",
        "data",
        "expressions",
        "hookspecs",
        "ingest",
        "numeric",
        "pipeline",
        "plugins",
        "scenario",
    },
}
#: The room that may import every other one, and that none may import.
TOP = "cli"
#: The rooms of the backbone from the ground up: none imports a later one.
BACKBONE = (
    "relations",
    "ranking",
    "pretrained",
    "adaptation",
    "pretraining",
    "sources",
    "transfer",
    "commands",
)
#: The same of the neural sources.
NEURAL = ("settings", "inputs", "bodies", "losses", "training", "pretraining", "sources", "rating")
#: The same of the shared policies.
POLICIES = ("columns", "limits", "weights", "slots", "lists")
#: The same of the media.
MEDIA = (
    "errors",
    "settings",
    "inputs",
    "vectors",
    "images",
    "sound",
    "video",
    "sources",
    "report",
    "tiny",
)
#: The same of the language features; a feature may read those that it builds on.
LANGUAGE = ("errors", "models", "testing", "calls", "features", "commands")
MOST_FILES = 10


@pytest.fixture(scope="module")
def modules() -> dict[str, Path]:
    return modules_of(source_folders())


@pytest.fixture(scope="module")
def graph(modules: dict[str, Path]) -> Graph:
    return import_graph(modules)


def forbidden(rooms: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the imports between rooms of the engine that `ROOMS` does not allow."""
    return [
        line
        for room, targets in rooms.items()
        if room not in (TOP, *ENTRANCES)
        for target, lines in targets.items()
        if target not in ROOMS.get(room, set()) | set(GROUND)
        for line in lines
    ]


def test_no_modules_import_each_other_in_a_circle(graph: Graph) -> None:
    assert len(graph) > 200, "the rule looks at nothing"
    assert circles(graph) == []


def test_every_room_of_the_engine_is_in_the_table(modules: dict[str, Path]) -> None:
    there = {room_of(module) for module in modules if module.partition(".")[0] == "crossrec"}
    assert there == {*ROOMS, *GROUND, TOP, "", "__main__"}


def test_the_table_of_rooms_has_no_circle() -> None:
    assert circles(ROOMS) == []
    assert max(floors(ROOMS).values()) > 3


def test_rooms_of_the_engine_import_only_what_they_may(graph: Graph) -> None:
    assert forbidden(room_graph(graph, "crossrec")) == []


def test_the_ground_imports_nothing_of_the_engine_but_itself(graph: Graph) -> None:
    rooms = room_graph(graph, "crossrec")
    assert {other for room in GROUND for other in rooms[room]} <= set(GROUND)


def test_rooms_of_the_backbone_import_only_downwards(graph: Graph) -> None:
    rooms = room_graph(graph, "crossrec_backbone")
    assert set(rooms) - {"", "plugin"} == set(BACKBONE)
    assert upward(rooms, BACKBONE) == []


def test_rooms_of_the_neural_sources_import_only_downwards(graph: Graph) -> None:
    rooms = room_graph(graph, "crossrec_neural")
    assert set(rooms) - {"", "plugin"} == set(NEURAL)
    assert upward(rooms, NEURAL) == []


def test_rooms_of_the_policies_import_only_what_they_read(graph: Graph) -> None:
    rooms = room_graph(graph, "crossrec_policies")
    assert set(rooms) - {"", "plugin"} == set(POLICIES)
    assert upward(rooms, POLICIES) == []
    for room in POLICIES[1:]:
        assert set(rooms[room]) <= {"columns"}, "no policy knows another kind"


def test_rooms_of_the_media_import_only_downwards(graph: Graph) -> None:
    rooms = room_graph(graph, "crossrec_media")
    assert set(rooms) - {"", "plugin"} == set(MEDIA)
    assert upward(rooms, MEDIA) == []


def test_rooms_of_the_language_features_import_only_downwards(graph: Graph) -> None:
    rooms = room_graph(graph, "crossrec_language")
    assert set(rooms) - {"", "plugin"} == set(LANGUAGE)
    assert upward(rooms, LANGUAGE) == []
    assert "testing" not in {*rooms["calls"], *rooms["features"], *rooms["commands"]}


@pytest.mark.parametrize("room", BACKBONE)
def test_a_room_of_the_backbone_has_few_files(room: str) -> None:
    folder = ROOT / "plugins" / "backbone" / "src" / "crossrec_backbone" / room
    modules = [path for path in folder.rglob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_FILES


@pytest.mark.parametrize("room", [room for room in sorted(ROOMS) if room != "testing"])
def test_every_package_says_what_it_owns(room: str) -> None:
    import ast

    path = ROOT / "engine" / "src" / "crossrec" / room / "__init__.py"
    if path.is_file():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def planted(folder: Path, files: dict[str, str]) -> dict[str, Path]:
    """Write a package ``toy`` of these files (``room/module`` → source); return its modules."""
    package = folder / "toy"
    for name, text in {**files, "__init__": ""}.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return modules_of([package])


def test_a_circle_would_be_found_also_within_functions(tmp_path: Path) -> None:
    modules = planted(
        tmp_path,
        {
            "low/a": "import toy.low.b",
            "low/b": "def late():\n    from toy.high import c",
            "high/c": "from toy.low.a import thing",
            "high/d": "import toy.high.c",
        },
    )
    assert circles(import_graph(modules)) == [["toy.high.c", "toy.low.a", "toy.low.b"]]


def test_imports_for_type_checkers_make_no_circle(tmp_path: Path) -> None:
    checking = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy.low.b import B"
    modules = planted(
        tmp_path,
        {
            "low/a": checking,
            "low/b": "from toy.low.a import A",
        },
    )
    graph = import_graph(modules)
    assert graph["toy.low.a"] == set()
    assert circles(graph) == []
    assert ("toy.low.b", "B") in list(imports_of(modules["toy.low.a"], type_checking=True))


def test_an_upward_import_would_be_found(tmp_path: Path) -> None:
    modules = planted(
        tmp_path,
        {"low/a": "import toy.high.b", "high/b": "", "high/c": "import toy.low.a"},
    )
    rooms = room_graph(import_graph(modules), "toy")
    assert upward(rooms, ("low", "high")) == ["toy.low.a -> toy.high.b"]
    assert upward(rooms, ("high", "low")) == ["toy.high.c -> toy.low.a"]


def test_a_forbidden_import_of_a_room_would_be_found(tmp_path: Path) -> None:
    modules = planted(
        tmp_path,
        {"data/a": "import toy.pipeline.b", "pipeline/b": "import toy.data.a", "cli/c": ""},
    )
    assert forbidden(room_graph(import_graph(modules), "toy")) == ["toy.data.a -> toy.pipeline.b"]


def test_names_of_a_package_are_distinguished_from_its_modules(tmp_path: Path) -> None:
    modules = planted(
        tmp_path,
        {"low/a": "", "low/__init__": "", "high/b": "from toy.low import a, name"},
    )
    assert import_graph(modules)["toy.high.b"] == {"toy.low.a", "toy.low"}


def test_floors_and_direct_imports() -> None:
    rooms = {"top": {"middle", "ground"}, "middle": {"ground"}, "ground": set(), "alone": set()}
    assert floors(rooms) == {"top": 2, "middle": 1, "ground": 0, "alone": 0}
    assert direct(rooms) == {
        "top": {"middle"},
        "middle": {"ground"},
        "ground": set(),
        "alone": set(),
    }
