"""Scripts that are no part of a package, imported for a test and left behind by none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType


@contextmanager
def imported(folder: Path, name: str, *beside: str) -> Iterator[ModuleType]:
    """Import the script `name` of a folder within the block, and forget it afterwards.

    Parameters
    ----------
    beside : str
        Modules of the folder that it imports; others of these names are put back afterwards.
    """
    names = (name, *beside)
    before = {one: sys.modules.pop(one) for one in names if one in sys.modules}
    sys.path.insert(0, str(folder))
    try:
        yield import_module(name)
    finally:
        sys.path.remove(str(folder))
        for one in names:
            sys.modules.pop(one, None)
        sys.modules.update(before)
