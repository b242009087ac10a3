"""The kit passes right pretrained backbones and finds faulty ones."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crossrec.plugins.registration import Registration
from crossrec.testing import PretrainedTests


def made(folder: Path, card: Any = None, **files: str) -> Callable[[], Any]:
    """Return a factory of a folder with this card and these files."""
    folder.mkdir()
    given = {"sources": ["a shop"]} if card is None else card
    (folder / "card.json").write_text(json.dumps(given), encoding="utf-8")
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return lambda: folder


def kit_for(factory: Callable[[], Any]) -> PretrainedTests:
    registration = Registration("pretrained", "mine", factory, summary="a backbone")
    return type("T", (PretrainedTests,), {"registered": registration})()


TESTS = sorted(name for name in vars(PretrainedTests) if name.startswith("test_"))


@pytest.mark.parametrize("test", TESTS)
def test_a_right_one_passes(tmp_path: Path, test: str) -> None:
    kit = kit_for(made(tmp_path / "right", heads_json="{}"))
    getattr(kit, test)()
    kit.test_is_registered_with_a_summary()


def moving(folder: Path) -> Callable[[], Any]:
    """Return a factory that makes another folder each time."""
    numbers = itertools.count()
    return lambda: made(folder / str(next(numbers)))()


FAULTS: dict[str, tuple[Callable[[Path], Callable[[], Any]], str]] = {
    "moves": (moving, "test_it_leads_to_the_same_folder_each_time"),
    "is not there": (
        lambda folder: lambda: folder / "gone",
        "test_it_leads_to_the_same_folder_each_time",
    ),
    "leads nowhere": (lambda folder: lambda: None, "test_it_leads_to_the_same_folder_each_time"),
    "has no card": (lambda folder: lambda: folder, "test_the_card_names_what_it_was_trained_on"),
    "has seen nothing": (
        lambda folder: made(folder / "m", {"sources": []}),
        "test_the_card_names_what_it_was_trained_on",
    ),
    "says nothing": (
        lambda folder: made(folder / "m", {"name": "mine"}),
        "test_the_card_names_what_it_was_trained_on",
    ),
    "is a list": (
        lambda folder: made(folder / "m", ["a shop"]),
        "test_the_card_names_what_it_was_trained_on",
    ),
    "is pickled": (
        lambda folder: made(folder / "m", model_PKL="x"),
        "test_no_file_runs_code_when_it_is_read",
    ),
    "is not found": (lambda folder: lambda: folder, "test_the_engine_finds_it"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_one_is_found(tmp_path: Path, fault: str) -> None:
    make, test = FAULTS[fault]
    with pytest.raises(AssertionError):
        getattr(kit_for(make(tmp_path)), test)()


def test_every_test_of_the_kit_finds_a_fault() -> None:
    assert set(TESTS) == {test for _, test in FAULTS.values()}
