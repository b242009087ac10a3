"""The picture of the rooms: well-formed, complete, and every arrow points down."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from import_graph import floors
from rooms import BOX, GROUND, HEIGHT, MARGIN, WIDTH, picture, placed, rooms_region, size_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> ElementTree.Element:
    return ElementTree.fromstring(picture())


def test_every_room_has_a_box_with_its_size(drawn: ElementTree.Element) -> None:
    texts = [element.text or "" for element in drawn.iter(f"{SVG}text")]
    for room in ("data", "pipeline", "cli", "relations", "transfer", "backbone", "music"):
        assert room in texts
    assert " · ".join(GROUND) in texts
    boxes = list(drawn.iter(f"{SVG}rect"))[1:]  # the first is the background
    sizes = [text for text in texts if re.fullmatch(r"[\d,]+00 lines|under 100 lines", text)]
    assert len(sizes) == len(boxes) - 1  # the ground says who may import it instead


def test_every_box_lies_within_the_picture(drawn: ElementTree.Element) -> None:
    for box in drawn.iter(f"{SVG}rect"):
        x, width = float(box.get("x", 0)), float(box.get("width", 0))
        assert x >= 0
        assert x + width <= WIDTH


def test_every_arrow_points_down(drawn: ElementTree.Element) -> None:
    arrows = [path.get("d", "") for path in drawn.iter(f"{SVG}path")]
    assert len(arrows) > 15
    for arrow in arrows:
        numbers = [float(number) for number in re.findall(r"-?\d+", arrow)]
        assert numbers[-1] > numbers[1]


def test_boxes_of_a_floor_do_not_overlap_and_floors_rise() -> None:
    rooms = {"a": {"c", "d"}, "b": {"d"}, "c": {"e"}, "d": set(), "e": set()}
    boxes = placed(rooms, dict.fromkeys(rooms, ""), top=0)
    levels = floors(rooms)
    for one in rooms:
        for other in rooms:
            if levels[one] > levels[other]:
                assert boxes[one].y + HEIGHT < boxes[other].y
            elif one < other and levels[one] == levels[other]:
                assert abs(boxes[one].x - boxes[other].x) >= BOX
    assert min(box.x for box in boxes.values()) >= MARGIN


@pytest.mark.parametrize(
    ("lines", "size"), [(99, "under 100 lines"), (149, "100 lines"), (2_449, "2,400 lines")]
)
def test_sizes_are_hundreds_of_lines(tmp_path: Path, lines: int, size: str) -> None:
    path = tmp_path / "x.py"
    path.write_text("x = 1\n" * lines)
    assert size_of([path]) == size


def test_the_table_of_rooms_has_the_docstrings() -> None:
    text = rooms_region("crossrec")
    assert "| `jsonio.py` | JSON as crossrec writes and reads it" in text
    assert text.index("`numeric/`") < text.index("`data/`") < text.index("`pipeline/`")
    assert "`__main__" not in text
