"""Run every benchmark of speed and memory, one after the other, each in a process of its own.

Command: ``make bench`` or ``python benchmarks/run.py [NAME ...]``. Each writes
``results/<name>.json`` with the command, the figures and their ratio to a peer or a limit.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ("ingest", "latency", "topk", "filters", "encoding", "memory_ml1m", "memory_100k")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names or list(NAMES)
    failed = []
    for name in names:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
