from __future__ import annotations

import pytest
from crossrec.errors import ConfigError, PluginError
from crossrec.plugins.registration import Registration, resolve
from crossrec.plugins.state import PluginState, one_line
from pydantic import BaseModel, Field


class Settings(BaseModel):
    k: int = Field(default=5, ge=1)
    name: str = "x"


class Component:
    def __init__(self, config=None):
        self.config = config


def registration(**fields):
    return Registration(**{"kind": "encoders", "name": "mine", "factory": Component, **fields})


def test_builds_without_settings():
    assert registration().build().config is None


def test_builds_with_validated_settings():
    built = registration(config=Settings).build({"k": 7})
    assert built.config == Settings(k=7)


def test_settings_default():
    assert registration(config=Settings).build().config == Settings()


def test_paths_are_imported_when_it_is_built():
    built = registration(factory="collections:Counter").build()
    assert type(built).__name__ == "Counter"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kk": 1}, "mine has no setting 'kk'; its settings are: k, name"),
        ({"k": 0}, "mine: setting 'k': Input should be greater than or equal to 1"),
        ({"k": "many"}, "mine: setting 'k'"),
    ],
)
def test_a_wrong_setting_is_named(settings, message):
    with pytest.raises(ConfigError) as caught:
        registration(config=Settings).build(settings)
    assert str(caught.value).startswith(message)


def test_settings_of_a_component_that_takes_none_are_refused():
    with pytest.raises(ConfigError, match="mine takes no settings; 'k' is one"):
        registration().build({"k": 1})


@pytest.mark.parametrize("target", ["no_such_library:X", "collections:NoSuchName"])
def test_a_target_that_is_not_there_names_the_component_and_its_package(target):
    with pytest.raises(PluginError, match="mine of crossrec-x cannot be loaded") as caught:
        registration(factory=target, distribution="crossrec-x").build()
    assert caught.value.__cause__ is not None


def test_the_error_of_a_missing_library_names_what_to_install(plugins):
    (plugins.folder / "needs_it.py").write_text(
        "raise ModuleNotFoundError('No module named transformers.models', "
        "name='transformers.models')\n"
    )
    with pytest.raises(PluginError) as caught:
        registration(factory="needs_it:X").build()
    assert str(caught.value).endswith("run `crossrec install 'crossrec-text[transformers]'`")


def test_an_error_of_the_component_itself_is_left_as_it_is():
    with pytest.raises(ZeroDivisionError):
        registration(factory=lambda: 1 / 0).build()


def test_resolve():
    assert resolve("collections:OrderedDict").__name__ == "OrderedDict"
    assert resolve(len) is len


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError(), "ValueError"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError("\n  padded  \n"), "RuntimeError: padded"),
        (PluginError("complete"), "complete"),
        (PluginError(), "PluginError"),
    ],
)
def test_one_line(error, line):
    assert one_line(error) == line


def test_a_state_goes_to_json_and_back():
    state = PluginState("a", "d", "1", "failed", ("h",), ("k:n",), "E: x", ("w",))
    assert PluginState.from_dict(state.to_dict()) == state


@pytest.mark.parametrize(
    ("status", "broken"),
    [("loaded", False), ("blocked", False), ("failed", True), ("incompatible", True)],
)
def test_broken_is_what_somebody_must_mend(status, broken):
    assert PluginState("a", "d", "1", status).broken is broken
