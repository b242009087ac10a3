"""Scripts that are imported for a test: found, forgotten, and in nobody's way."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from crossrec.testing.scripts import imported


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a script and a module that it imports."""
    (tmp_path / "odd_script.py").write_text("import odd_helper\nVALUE = odd_helper.VALUE + 1\n")
    (tmp_path / "odd_helper.py").write_text("VALUE = 1\n")
    return tmp_path


def test_a_script_is_there_within_the_block_alone(folder: Path) -> None:
    path = list(sys.path)
    with imported(folder, "odd_script", "odd_helper") as script:
        assert script.VALUE == 2
        assert sys.modules["odd_script"] is script
    assert "odd_script" not in sys.modules
    assert "odd_helper" not in sys.modules
    assert sys.path == path


def test_a_module_of_the_same_name_is_put_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ModuleType("odd_helper")
    monkeypatch.setitem(sys.modules, "odd_helper", other)
    with imported(folder, "odd_script", "odd_helper") as script:
        assert script.odd_helper is not other
    assert sys.modules["odd_helper"] is other


def test_an_error_in_the_block_leaves_nothing_either(folder: Path) -> None:
    with pytest.raises(ValueError, match="mine"), imported(folder, "odd_script", "odd_helper"):
        raise ValueError("mine")
    assert "odd_script" not in sys.modules
    assert str(folder) not in sys.path


def test_a_script_that_is_not_there_leaves_nothing_either(folder: Path) -> None:
    with pytest.raises(ModuleNotFoundError), imported(folder, "no_such_script"):
        pass
    assert str(folder) not in sys.path
