"""Budgets and memory as users write them, and the memory of machines and containers."""

import os

import pytest
from crossrec.errors import UsageError
from crossrec.pipeline.budget import (
    Budget,
    default_memory,
    machine_memory,
    parse_budget,
    parse_memory,
)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("quick", Budget("quick", 60.0, "quick")),
        ("standard", Budget("standard", None, "standard")),
        ("thorough", Budget("thorough", None, "thorough")),
        ("5", Budget("5m", 300.0, None)),
        ("5m", Budget("5m", 300.0, None)),
        ("0.5 min", Budget("0.5m", 30.0, None)),
        (2.5, Budget("2.5m", 150.0, None)),
        (3, Budget("3m", 180.0, None)),
    ],
)
def test_a_budget_is_a_name_or_minutes(text, budget):
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["", "fast", "-1", "0", "5h", "1e3", "nan", "m", 0.0, -2.0])
def test_any_other_budget_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match="quick, standard, thorough or a number of minutes") as why:
        parse_budget(text)
    assert "\n" not in str(why.value)
    assert why.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4 * 2**30),
        ("4 gib", 4 * 2**30),
        ("1.5MiB", 3 * 2**19),
        ("10KiB", 10240),
        ("4GB", 4_000_000_000),
        ("512 MB", 512_000_000),
        ("3kB", 3000),
        ("77B", 77),
    ],
)
def test_memory_is_a_number_with_its_unit(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "4", "4G", "GiB", "-4GiB", "0GiB", "4 XiB", "four GiB"])
def test_any_other_memory_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match="such as 4GiB") as why:
        parse_memory(text)
    assert "\n" not in str(why.value)


def container(root, lines, limits):
    """Lay out what a container shows: its groups, and their limits by path."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("\n".join(lines) + "\n")
    for name, text in limits.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def whole_machine():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("lines", "limits", "size"),
    [
        (["0::/a/b"], {"a/b/memory.max": "max", "a/memory.max": "5000"}, 5000),
        (["0::/a/b"], {"a/b/memory.max": "4000", "a/memory.max": "5000"}, 4000),
        (["0::/"], {"memory.max": "3000"}, 3000),
        (
            ["3:cpu:/x", "2:memory:/x"],
            {"memory/x/memory.limit_in_bytes": "2000", "cpu/x/memory.limit_in_bytes": "1"},
            2000,
        ),
        (["0::/gone"], {}, None),
        (["0::/"], {"memory.max": "max"}, None),
    ],
)
def test_the_limits_of_a_container_count(tmp_path, lines, limits, size):
    expected = whole_machine() if size is None else size
    assert machine_memory(container(tmp_path, lines, limits)) == expected


def test_without_control_groups_it_is_the_machines(tmp_path):
    assert machine_memory(tmp_path) == whole_machine()


def test_by_default_a_fit_may_use_most_of_it():
    assert default_memory() == int(0.6 * machine_memory())
