"""Conformance of pretrained backbones that a distribution brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from crossrec.artifacts import CARD
from crossrec.pipeline.pretrained import survey_pretrained
from crossrec.plugins.loader import LoadedPlugin
from crossrec.plugins.registry import Registry
from crossrec.plugins.state import PluginState
from crossrec.testing.base import Conformance

#: Endings of files that run code when they are read.
_UNSAFE = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt"})


class PretrainedTests(Conformance, kit=True):
    """What every registered backbone must be: a folder with a card, safe to read."""

    kind: ClassVar[str] = "pretrained"

    def folder(self) -> Path:
        """Return the folder that the registration leads to."""
        found = self.build()
        assert isinstance(found, (str, Path)), f"leads to {type(found).__name__}, not to a folder"
        path = Path(found)
        assert path.is_dir(), f"{path} is no folder"
        return path

    def card(self) -> dict[str, Any]:
        """Return the card."""
        path = self.folder() / CARD
        assert path.is_file(), f"the folder has no {CARD}"
        card = json.loads(path.read_text(encoding="utf-8"))
        assert isinstance(card, dict), f"{CARD} is no JSON object"
        return card

    def test_it_leads_to_the_same_folder_each_time(self) -> None:
        """Nothing is made or moved by looking for it."""
        assert self.folder() == self.folder()

    def test_the_card_names_what_it_was_trained_on(self) -> None:
        """Whoever measures it must know what it has seen."""
        sources = self.card().get("sources")
        assert isinstance(sources, list), f"{CARD} has no list of sources"
        assert sources, f"{CARD} names no source"

    def test_no_file_runs_code_when_it_is_read(self) -> None:
        """No pickle, by whatever name."""
        paths = self.folder().rglob("*")
        unsafe = sorted(path.name for path in paths if path.suffix.lower() in _UNSAFE)
        assert not unsafe, f"files that run code: {unsafe}"

    def test_the_engine_finds_it(self) -> None:
        """Under its name, as its distribution's."""
        one = self.registration()
        state = PluginState(one.plugin or "mine", one.distribution or "mine", "0", "loaded")
        seen = survey_pretrained(None, Registry([LoadedPlugin(state, (one,))]))
        assert not seen.broken, [broken.error for broken in seen.broken]
        assert [entry.name for entry in seen.found] == [one.name]
