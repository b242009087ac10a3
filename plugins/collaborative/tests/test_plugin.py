"""What the plugin registers, and that registering is light."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

from crossrec.components.protocols import CandidateGenerator
from crossrec.plugins.registration import NO_METHOD, Registration
from crossrec_collaborative import plugin

LEARN = ("popularity", "covisitation", "item-knn", "user-knn", "next-basket", "bought-together")
COUNT = (
    *("popularity", "popularity-decayed", "trending", "event-count", "newest", "following"),
    *("who-to-follow", "continuation", "own-history"),
)
GROW = ("own-history", "continuation", "following", "newest")


def registered() -> list[Registration]:
    found: list[Registration] = []

    def register(name: str, factory: Any, **rest: Any) -> None:
        found.append(Registration("candidate_generators", name, factory, **rest))

    plugin.register_candidate_generators(register)
    return found


def test_all_sources_are_registered() -> None:
    assert [r.name for r in registered()] == [
        "popularity",
        "popularity-decayed",
        "trending",
        "event-count",
        "newest",
        "following",
        "who-to-follow",
        "continuation",
        "own-history",
        "covisitation",
        "item-knn",
        "user-knn",
        "ease",
        "als",
        "bpr",
        "next-basket",
        "buy-again",
        "bought-together",
    ]


def test_each_can_be_built_under_its_name_and_says_what_it_is() -> None:
    for registration in registered():
        source = registration.build()
        assert isinstance(source, CandidateGenerator)
        assert source.name == registration.name
        learns = registration.name in LEARN
        more = {"update", "forget"} if learns else set()
        more |= {"report"} if registration.name in ("next-basket", "buy-again") else set()
        more |= {"add_items"} if registration.name in GROW else set()
        own = registration.name in ("own-history", "continuation", "buy-again")
        more |= {"own_items"} if own else set()
        more |= {"counts"} if registration.name in COUNT else set()
        assert registration.capabilities == {"score", "explain", "estimate", *more}
        assert 10 < len(registration.summary) < 80
        for ability in registration.capabilities - NO_METHOD:
            assert callable(getattr(source, ability))


def test_the_entry_point_names_the_plugin() -> None:
    (entry,) = (e for e in entry_points(group="crossrec") if e.name == "collaborative")
    assert entry.load() is plugin


def test_registering_imports_nothing_heavy() -> None:
    code = (
        "import sys, crossrec_collaborative.plugin as p; "
        "p.register_candidate_generators(lambda *a, **k: None); "
        "print([m for m in ('torch', 'scipy', 'implicit', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_answering_from_a_restored_state_does_not_import_torch() -> None:
    code = (
        "import sys, numpy as np; "
        "from crossrec_collaborative.ease import Ease; "
        "from crossrec.components.state import State; "
        "from crossrec.components.query import QueryBatch; "
        "from crossrec.numeric.ragged import Ragged; "
        "e = Ease(); e.restore(State({'active': np.arange(2), 'size': np.array([2]), "
        "'matrix': np.array([[0, 1], [1, 0]], np.float32)}), None); "
        "print(e.generate(QueryBatch.from_histories(Ragged.from_rows([[0]])), 1).index.tolist(), "
        "'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[[1]] False"
