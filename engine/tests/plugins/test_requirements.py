from __future__ import annotations

import pluggy
import pytest
from crossrec.plugins.requirements import conflict, installed_version
from hypothesis import given
from hypothesis import strategies as st


def test_no_requirements_are_met():
    assert conflict([]) == ""


@pytest.mark.parametrize(
    "line",
    [
        "pluggy",
        "pluggy>=1.0",
        f"pluggy=={pluggy.__version__}",
        "PLUGGY >= 1",
        "crossrec>=0.1,<0.2",
        "crossrec[testing]",
        "nowhere ; python_version < '3'",
        "nowhere>=2; extra == 'gpu'",
        "pluggy @ https://example.org/pluggy.whl",
    ],
)
def test_what_is_met(line):
    assert conflict([line]) == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no-such-dist>=1", "needs no-such-dist>=1, which is not installed"),
        ("crossrec>=99", "needs crossrec>=99, but crossrec 0.1.0 is installed"),
        ("crossrec<0.1; python_version > '3'", "needs crossrec<0.1, but crossrec 0.1.0"),
        ("not a requirement ==", "declares a requirement that cannot be read"),
    ],
)
def test_a_requirement_that_is_not_met_is_named(line, message):
    assert conflict([line]).startswith(message)


def test_the_first_conflict_is_named():
    assert "first" in conflict(["pluggy", "first-missing", "second-missing"])


def test_a_prerelease_of_what_is_needed_counts(monkeypatch):
    monkeypatch.setattr("crossrec.plugins.requirements.installed_version", lambda _: "2.0rc1")
    assert conflict(["thing>=1.5"]) == ""
    assert "but thing 2.0rc1" in conflict(["thing>=2.0"])


@given(st.text(max_size=30))
def test_no_text_makes_it_raise(line):
    assert isinstance(conflict([line]), str)


def test_installed_version():
    assert installed_version("crossrec") == "0.1.0"
    assert installed_version("no-such-dist") is None
