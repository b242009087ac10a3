"""What a fit may use: time by a budget, and memory."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from crossrec.components.run import Effort
from crossrec.errors import UsageError

#: Seconds of the budget ``quick``.
QUICK_SECONDS = 60.0
#: The share of the machine's memory that a fit may use where nothing is said.
MEMORY_SHARE = 0.6

_MINUTES = re.compile(r"(\d+(?:\.\d+)?) ?(?:m|min)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?i?B)", re.IGNORECASE)
_UNITS = {"B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGT", start=1)
    for suffix, base in (("B", 1000), ("IB", 1024))
}


@dataclass(frozen=True)
class Budget:
    """How long a fit may take.

    Attributes
    ----------
    name : str
        As the user wrote it.
    seconds : float or None
        None for no limit.
    effort : Effort or None
        None takes the highest whose estimate keeps within the limit.
    """

    name: str
    seconds: float | None
    effort: Effort | None


def parse_budget(text: str | float) -> Budget:
    """Return the budget that a user names: quick, standard, thorough or a number of minutes.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    written = f"{text:g}" if isinstance(text, float) else str(text).strip()
    if written in get_args(Effort):
        effort = cast(Effort, written)
        return Budget(written, QUICK_SECONDS if effort == "quick" else None, effort)
    minutes = _MINUTES.fullmatch(written)
    if minutes is None or not float(minutes[1]):
        raise UsageError(
            f"a budget is quick, standard, thorough or a number of minutes such as 5, "
            f"not {written!r}"
        )
    return Budget(f"{minutes[1]}m", 60.0 * float(minutes[1]), None)


def parse_memory(text: str) -> int:
    """Return the bytes that a user writes, such as ``4GiB``, ``512 MB`` or ``1000000B``.

    Raises
    ------
    UsageError
        If it is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    size = float(found[1]) * _UNITS[found[2].upper()] if found else 0.0
    if size < 1:
        raise UsageError(
            f"memory is a number with its unit (B, KiB, MiB, GiB, KB, MB, GB), such as 4GiB, "
            f"not {text!r}"
        )
    return int(size)


def default_memory() -> int:
    """Return the bytes that a fit may use where nothing is said: 60 % of what there is."""
    return int(MEMORY_SHARE * machine_memory())


def machine_memory(root: Path = Path("/")) -> int:
    """Return the bytes of memory that this process may have: the machine's, or its cgroup's.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([total, *_cgroup_limits(root)])


def _cgroup_limits(root: Path) -> list[int]:
    """Return the limits of the process's control groups and of all above them."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    limits = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        below = top / group.lstrip("/")
        for folder in (below, *below.parents):
            if not folder.is_relative_to(top):
                break
            limits += _limit_in(folder / name)
    return limits


def _limit_in(path: Path) -> list[int]:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return []
    return [int(text)] if text.isdigit() else []  # "max" is none
