from __future__ import annotations

import subprocess
import sys

import pytest
from crossrec.components.protocols import Encoder
from crossrec.errors import ConfigError
from crossrec.plugins.registration import Registration
from crossrec_text import plugin
from pydantic import ValidationError


def registered() -> dict[str, Registration]:
    found: dict[str, Registration] = {}

    def register(name, factory, *, config=None, capabilities=frozenset(), summary=""):
        found[name] = Registration("x", name, factory, config, frozenset(capabilities), summary)

    plugin.register_encoders(register=register)
    return found


def test_what_is_registered_can_be_built_with_default_settings():
    found = registered()
    assert set(found) == {"auto", "transformer", "e5", "use", "minilm-int8", "static", "tfidf-svd"}
    assert all(isinstance(one.build(), Encoder) for one in found.values())
    assert all(one.summary for one in found.values())


def test_settings_reach_the_component():
    built = registered()["transformer"].build({"model": "m", "max_tokens": 32, "dtype": "bfloat16"})
    assert (built.config.model, built.config.max_tokens) == ("m", 32)
    again = type(built.config).model_validate_json(built.config.model_dump_json())
    assert again == built.config


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("transformer", {"dtype": "int8"}, "dtype"),
        ("transformer", {"max_tokens": 0}, "max_tokens"),
        ("transformer", {"modle": "x"}, "has no setting 'modle'"),
        ("tfidf-svd", {"embedding_size": 0}, "embedding_size"),
        ("e5", {"max_characters": 2}, "max_characters"),
        ("minilm-int8", {"max_tokens": 4}, "max_tokens"),
        ("static", {"embedding_size": 1}, "embedding_size"),
    ],
)
def test_settings_that_do_not_fit_are_named(name, settings, message):
    with pytest.raises(ConfigError, match=message):
        registered()[name].build(settings)


def test_settings_cannot_be_changed_afterwards():
    config = registered()["tfidf-svd"].build().config
    with pytest.raises(ValidationError):
        config.embedding_size = 5


def test_registering_imports_nothing_heavy():
    code = (
        "import sys, click, crossrec_text.plugin as plugin\n"
        "register = lambda *_, **__: None\n"
        "plugin.register_encoders(register=register)\n"
        "plugin.register_commands(cli=click.Group())\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy', 'pandas', 'numpy', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
