"""Files of ids, as `crossrec link` and `crossrec consent` read them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner
from crossrec.cli import main
from crossrec.cli.people import read_ids
from crossrec.errors import DataError
from hypothesis import given
from hypothesis import strategies as st

CELL = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [["1", "2"]]),
        ("a,b\r\n1,2\r\n3,4", [["1", "2"], ["3", "4"]]),
        ("\ufeffa,b\n 1 , 2\n\n,\n3,4\n", [["1", "2"], ["3", "4"]]),
        ('a,b\n"x, y",2\n', [["x, y", "2"]]),
        ("a,b\nétoile,東京\n", [["étoile", "東京"]]),
    ],
)
def test_rows_behind_the_head(tmp_path, text, rows):
    file = tmp_path / "pairs.csv"
    file.write_bytes(text.encode("utf-8"))
    assert read_ids(file, 2) == rows


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no row behind its head"),
        ("id\n\n\n", "has no row behind its head"),
        ("id\nu1\nu2,u3\n", "line 3: write one id; nothing was stored"),
        ("id\nu1,\n", "line 2: write one id"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path, text, said):
    file = tmp_path / "users.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        read_ids(file, 1)


@given(pairs=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_what_a_csv_writer_writes_is_read_again(tmp_path_factory, pairs):
    import csv

    file = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([("a", "b"), *pairs])
    assert read_ids(file, 2) == [[left, right] for left, right in pairs]


@pytest.mark.parametrize("command", ["link", "consent"])
def test_without_a_command_there_is_help(command):
    answer = CliRunner().invoke(main, [command])
    assert "Commands:" in answer.output
    assert "list" in answer.output


def test_a_missing_file_and_a_missing_workspace_are_named(tmp_path):
    absent = str(tmp_path / "absent")
    answer = CliRunner().invoke(main, ["link", "import", "video", "music", absent])
    assert answer.exit_code == 2
    assert "does not exist" in answer.output
    answer = CliRunner().invoke(main, ["link", "list", "-w", absent])
    assert answer.exit_code == 1
    assert len(answer.output.strip().splitlines()) == 1


def test_the_help_imports_nothing_heavy():
    code = (
        "import sys; from crossrec.cli import people; "
        "print([m for m in ('numpy', 'pandas', 'scipy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
