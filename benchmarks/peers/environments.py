"""An environment of its own for each peer, made once from its file in ``requirements/``."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Git ignores it.
FOLDER = HERE / ".envs"


class PeerError(Exception):
    """A peer could not be installed or did not answer; the message is one line."""


def interpreter(name: str) -> Path:
    """Return the interpreter of a peer's environment, which is made where it is missing or stale.

    Raises
    ------
    PeerError
        If it cannot be installed.
    """
    requirements = HERE / "requirements" / f"{name}.txt"
    python, stamp = FOLDER / name / "bin" / "python", FOLDER / name / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return python
    print(f"installing {name} …", flush=True)
    log, trouble = FOLDER / f"{name}.txt", f"{name} does not install"
    if not python.is_file():
        called([sys.executable, "-m", "venv", str(FOLDER / name)], trouble, log)
    install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)]
    called(install, trouble, log)
    stamp.write_text(wanted, encoding="ascii")
    return python


def called(command: list[str], trouble: str, log: Path, limit: float | None = None) -> None:
    """Run a command; its output goes to `log`, whose folder it runs in: some leave files there.

    Raises
    ------
    PeerError
        If it fails or takes longer than `limit` seconds; ends with the last line of its output.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        try:
            done = subprocess.run(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PeerError(f"{trouble}: it took longer than {limit:,.0f} s") from None
    if done.returncode < 0:
        raise PeerError(f"{trouble}: ended by signal {-done.returncode}")
    if done.returncode:
        raise PeerError(f"{trouble}: {last_line(log)}")


def last_line(log: Path) -> str:
    """Return the last line that says something, or what stands for it."""
    text = log.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
