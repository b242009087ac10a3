"""What the plugin registers, and that registering is light."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from crossrec.components.protocols import Policy
from crossrec.components.wording import in_english
from crossrec.plugins.meanings import meanings
from crossrec.plugins.registration import Registration, resolve
from crossrec_policies import plugin


def registered() -> list[Registration]:
    found: list[Registration] = []

    def register(name: str, factory: Any, **rest: Any) -> None:
        found.append(Registration("policies", name, factory, **rest))

    plugin.register_policies(register)
    return found


EACH = pytest.mark.parametrize("one", registered(), ids=lambda one: str(one.name))


@EACH
def test_each_can_be_built_and_says_what_it_is(one: Registration) -> None:
    policy = one.build()
    assert isinstance(policy, Policy)
    assert 10 < len(one.summary) < 90
    assert callable(getattr(policy, "bars", None)) == ("bars" in one.capabilities)


@EACH
def test_each_setting_says_what_it_means(one: Registration) -> None:
    model = resolve(one.config or "")
    said = meanings(model)
    assert set(said) >= set(model.model_fields)
    assert all(said[name] for name in model.model_fields)


@EACH
def test_the_page_of_the_package_names_it(one: Registration) -> None:
    page = Path(__file__).resolve().parents[1] / "README.md"
    assert f"`{one.name}`" in page.read_text(encoding="utf-8")


def test_every_code_in_the_sources_has_words() -> None:
    sources = Path(plugin.__file__).parent.rglob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    codes = [
        "too_many_alike", "too_close", "other_version", "no_rights", "above_maturity_limit",
        "not_for_kids", "explicit", "subscription_needed", "not_visible", "next_episode",
        "same_series", "explored", "promoted", "older", "shown_often", "shown_lately",
        "less_wanted", "less_wanted_before", "well_known", "more_various", "like_the_history",
        "share_of_known", "too_far", "own_item",
    ]  # fmt: skip
    for code in codes:
        assert f'"{code}"' in text, f"{code} is used by no policy"
        values = dict.fromkeys(
            ("most", "field", "value", "of", "country", "age", "limit", "plan", "visibility")
            + ("series", "chance", "label", "days", "factor", "times", "minutes", "people")
            + ("from", "to", "kind"),
            "7",
        )
        words = in_english(code, values)
        assert words != code.replace("_", " ") or code in ("explicit",), f"{code} has no words"


def test_the_entry_point_names_the_plugin() -> None:
    (entry,) = (e for e in entry_points(group="crossrec") if e.name == "policies")
    assert entry.load() is plugin


def test_registering_imports_nothing_heavy() -> None:
    code = (
        "import sys, crossrec_policies.plugin as p; "
        "p.register_policies(lambda *a, **k: None); "
        "print([m for m in ('torch', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
