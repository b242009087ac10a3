"""Record what ``crossrec demo`` prints, for the excerpt in README.md.

Command: ``python benchmarks/demo.py``, then ``make docs``. Takes about a minute.
"""

from __future__ import annotations

import subprocess
import sys

from common import RESULTS


def printed() -> str:
    """Return what the demo prints."""
    command = [sys.executable, "-m", "crossrec", "demo"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
    return done.stdout


if __name__ == "__main__":
    (RESULTS / "demo.txt").write_text(printed().lstrip("\n"), encoding="utf-8")
