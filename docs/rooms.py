"""Draw the rooms of the engine and of the backbone as SVG, from what they import.

``docs/generate.py`` writes ``docs/rooms.svg`` and finds a stale one. One box is one room: a folder
or a single file of the package, with the size of its code. A floor imports only floors below it;
arrows that others imply are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from import_graph import (
    direct,
    floors,
    import_graph,
    modules_of,
    room_graph,
    room_of,
    source_folders,
    tree_of,
)
from markdown_table import table

#: Read by every room of the engine: one slab below the others, without arrows.
GROUND = ("errors", "jsonio", "tomlio", "version")
#: The package itself and what starts it: no rooms.
ENTRANCES = ("", "__main__", "plugin")
WIDTH, BOX, HEIGHT, FLOOR, MARGIN = 960, 118, 44, 80, 24
_STYLE = (
    "text{font-family:system-ui,sans-serif;fill:#1f2933;text-anchor:middle}"
    ".name{font-size:14px;font-weight:600}.size{font-size:11px;fill:#52606d}"
    ".title{font-size:15px;font-weight:600;text-anchor:start}.note{font-size:12px;fill:#52606d;"
    "text-anchor:start}rect.room{fill:#eef4fb;stroke:#7b9ec4}rect.ground{fill:#f1efe8;"
    "stroke:#b0a98f}rect.package{fill:#f3f8ef;stroke:#93b57c}"
    "path{fill:none;stroke:#9fb3c8;stroke-width:1.3;marker-end:url(#head)}"
)


@dataclass(frozen=True)
class Box:
    """A drawn room: its top left corner, what is written in it, and its class."""

    x: float
    y: float
    name: str
    size: str
    kind: str = "room"
    width: float = BOX

    def svg(self) -> Iterator[str]:
        """Yield the elements."""
        middle = self.x + self.width / 2
        yield (
            f'<rect class="{self.kind}" x="{self.x:.0f}" y="{self.y:.0f}" width="{self.width:.0f}" '
            f'height="{HEIGHT}" rx="5"/>'
        )
        yield f'<text class="name" x="{middle:.0f}" y="{self.y + 19:.0f}">{self.name}</text>'
        yield f'<text class="size" x="{middle:.0f}" y="{self.y + 35:.0f}">{self.size}</text>'


def size_of(files: Iterable[Path]) -> str:
    """Return the number of lines in hundreds, so that small changes leave the picture as it is."""
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    return f"{round(lines, -2):,} lines" if lines >= 100 else "under 100 lines"


def sizes(modules: Mapping[str, Path], package: str) -> dict[str, str]:
    """Return the size of each room of a package."""
    files: dict[str, list[Path]] = {}
    for module, path in modules.items():
        if module.partition(".")[0] == package:
            files.setdefault(room_of(module), []).append(path)
    return {room: size_of(paths) for room, paths in files.items()}


def rows_of(rooms: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the rooms of each floor from left to right, so that few arrows cross.

    Rooms go near the middle of what they import, then of what imports them, in turn.
    """
    levels = floors(rooms)
    rows = [
        sorted(room for room in rooms if levels[room] == level)
        for level in range(max(levels.values()) + 1)
    ]
    above = {room: {other for other in rooms if room in rooms[other]} for room in rooms}
    for sweep in range(4):
        places = {
            room: (place + 1) / (len(row) + 1) for row in rows for place, room in enumerate(row)
        }
        for row in rows if sweep % 2 == 0 else reversed(rows):
            near = rooms if sweep % 2 == 0 else above
            middle = {
                room: fmean(places[other] for other in near[room]) if near[room] else places[room]
                for room in row
            }
            row.sort(key=lambda room: (middle[room], room))
            places |= {room: (place + 1) / (len(row) + 1) for place, room in enumerate(row)}
    return rows


def placed(rooms: Mapping[str, set[str]], names: Mapping[str, str], top: float) -> dict[str, Box]:
    """Return the boxes of all rooms, the highest floor at `top`."""
    rows = rows_of(rooms)
    boxes: dict[str, Box] = {}
    for level, row in enumerate(reversed(rows)):
        gap = (WIDTH - 2 * MARGIN - len(row) * BOX) / (len(row) + 1)
        for place, room in enumerate(row):
            x = MARGIN + gap + place * (BOX + gap)
            boxes[room] = Box(x, top + level * FLOOR, room, names[room])
    return boxes


def arrows(rooms: Mapping[str, set[str]], boxes: Mapping[str, Box]) -> Iterator[str]:
    """Yield an arrow for each import that no other implies."""
    for room in sorted(rooms):
        for other in sorted(rooms[room]):
            start, end = boxes[room], boxes[other]
            x1, y1 = start.x + BOX / 2, start.y + HEIGHT
            x2, y2 = end.x + BOX / 2, end.y - 3
            bend = (y2 - y1) / 2
            yield (
                f'<path d="M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + bend:.0f} {x2:.0f},{y2 - bend:.0f} '
                f'{x2:.0f},{y2:.0f}"/>'
            )


def panel(package: str, title: str, note: str, top: float) -> tuple[list[str], float]:
    """Return the drawing of one package from `top` on, and where it ends."""
    modules = modules_of(source_folders())
    names = sizes(modules, package)
    found = room_graph(import_graph(modules), package)
    left_out = {*ENTRANCES, *GROUND}
    rooms = direct({room: set(found[room]) - left_out for room in found if room not in left_out})
    boxes = placed(rooms, names, top + 52)
    bottom = max(box.y for box in boxes.values()) + HEIGHT
    drawn = [
        f'<text class="title" x="{MARGIN}" y="{top + 18:.0f}">{title}</text>',
        f'<text class="note" x="{MARGIN}" y="{top + 36:.0f}">{note}</text>',
        *arrows(rooms, boxes),
        *(line for box in boxes.values() for line in box.svg()),
    ]
    if package == "crossrec":
        ground = " · ".join(GROUND)
        slab = Box(MARGIN, bottom + 20, ground, "any room may import", "ground", WIDTH - 2 * MARGIN)
        drawn += slab.svg()
        bottom = slab.y + HEIGHT
    return drawn, bottom + 30


def packages(top: float) -> tuple[list[str], float]:
    """Return the row of plugins and scenario packages, which stand on the engine."""
    folders = [folder for folder in source_folders() if folder.name != "crossrec"]
    width = (WIDTH - 2 * MARGIN - (len(folders) - 1) * 8) / len(folders)
    drawn = [
        f'<text class="title" x="{MARGIN}" y="{top + 18:.0f}">plugins and scenario packages</text>',
        f'<text class="note" x="{MARGIN}" y="{top + 36:.0f}">each imports the engine, none imports '
        "another; the engine imports none of them</text>",
    ]
    for place, folder in enumerate(folders):
        x = MARGIN + place * (width + 8)
        name = folder.name.removeprefix("crossrec_")
        drawn += Box(x, top + 52, name, size_of(folder.rglob("*.py")), "package", width).svg()
    return drawn, top + 52 + HEIGHT + 30


def rooms_region(package: str) -> str:
    """Return the table of the rooms of a package: the first line of each docstring says it."""
    modules = modules_of(source_folders())
    levels = floors(room_graph(import_graph(modules), package))
    rooms = sorted(set(levels) - set(ENTRANCES), key=lambda room: (levels[room], room))
    rows = []
    for room in rooms:
        path = modules[f"{package}.{room}"]
        name = f"`{room}/`" if path.name == "__init__.py" else f"`{room}.py`"
        summary = ast.get_docstring(tree_of(path)) or ""
        rows.append((name, summary.partition("\n\n")[0].replace("\n", " ")))
    return table(("room, from the ground up", "what it owns"), rows)


def picture() -> str:
    """Return the whole picture as SVG."""
    drawn: list[str] = []
    rows, end = packages(10)
    drawn += rows
    rows, end = panel(
        "crossrec", "crossrec, the engine", "a room imports only rooms on the floors below it", end
    )
    drawn += rows
    rows, end = panel(
        "crossrec_backbone",
        "crossrec-backbone, the largest plugin",
        "from relations between items up to commands",
        end,
    )
    drawn += rows
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {end:.0f}" '
        f'width="{WIDTH}" height="{end:.0f}">\n'
        "<title>Rooms of crossrec</title>\n"
        "<!-- Written by docs/rooms.py: do not edit, run `make docs`. -->\n"
        f"<style>{_STYLE}</style>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><polygon points="0,0 8,4 0,8" fill="#9fb3c8"/></marker>'
        "</defs>\n"
        f'<rect width="{WIDTH}" height="{end:.0f}" fill="#ffffff"/>\n'
    )
    return head + "\n".join(drawn) + "\n</svg>\n"
