"""What the package registers, and that listing it imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

from crossrec.plugins.registry import load_registry


def test_the_models_are_registered() -> None:
    own = [
        one.name
        for one in load_registry().all("language_models")
        if one.distribution == "crossrec-language"
    ]
    assert sorted(own) == ["endpoint", "local"]


def test_nothing_heavy_is_imported_for_the_models() -> None:
    code = (
        "import sys\n"
        "import crossrec_language.plugin, crossrec_language.models.endpoint as e\n"
        "import crossrec_language.models.local as l\n"
        "l.LocalModel(); e.EndpointModel()\n"
        "print([m for m in ('torch', 'transformers', 'httpx', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
