"""Settings in the documentation: types in words, defaults as TOML, meanings from docstrings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from components_page import KINDS, kind_section, registered
from crossrec.plugins.registration import resolve
from pydantic import BaseModel, Field
from settings_tables import attributes, meanings, settings_tables, toml, type_in_words


class Inner(BaseModel):
    """How the inside works.

    Attributes
    ----------
    depth : int
        How deep it goes.
    """

    depth: int = Field(default=3, ge=1)


class Base(BaseModel):
    """Settings of every one.

    Attributes
    ----------
    decay, limit : float
        Of the history: the last item counts 1,
        the one before ``decay``.
    """

    decay: float = Field(default=0.8, gt=0, le=1)
    limit: float = 5.0


class Settings(Base):
    """Settings of one.

    Attributes
    ----------
    limit : float
        Another meaning than in the base.
    inner : Inner

    Notes
    -----
    not_a_setting : nothing
    """

    inner: Inner = Field(default_factory=Inner)
    name: str


def test_a_setting_is_a_row_with_its_meaning() -> None:
    lines = settings_tables([("one", Settings), ("two", Inner)]).splitlines()
    assert lines[0] == "**`one`**"
    assert lines[2] == "| setting | type | default | what it means |"
    assert lines[4:8] == [
        "| `decay` | number, above 0 and at most 1 | `0.8` | Of the history: the last item counts "
        "1, the one before `decay`. |",
        "| `limit` | number | `5.0` | Another meaning than in the base. |",
        "| `inner` | group |  | see `inner` below |",
        "| `name` | text | required |  |",
    ]
    assert lines[9] == "**`inner` of `one`: how the inside works**"
    assert lines[13] == "| `depth` | whole number, 1 or more | `3` | How deep it goes. |"
    assert lines[15] == "**`two`**"


def test_what_components_share_comes_once() -> None:
    text = settings_tables([("one", Settings), ("two", Settings)])
    assert "**`one`, `two`**" in text
    assert "**`inner` of `one`, `two`: how the inside works**" in text
    assert text.count("`depth`") == 1


def test_attributes_end_with_their_section() -> None:
    assert "not_a_setting" not in meanings(Settings)
    assert attributes("No section at all.") == {}
    assert attributes("Attributes\n----------\na : int\nb : int\n    Of b.") == {
        "a": "",
        "b": "Of b.",
    }


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "true or false"),
        (Annotated[int, Field(ge=0, le=8)], "whole number, 0 to 8"),
        (Annotated[float, Field(lt=1)], "number, below 1"),
        (Annotated[float, Field(gt=0)] | None, "number, above 0 or none"),
        (Literal["a", "b"], 'one of `"a"`, `"b"`'),
        (tuple[float, ...], "list of numbers"),
        (tuple[int, int], "2 whole numbers"),
        (list[str], "list of texts"),
        (dict[str, float], "number by name"),
        (dict[str, Any], "table"),
        (dict[str, tuple[float, float]], "2 numbers by name"),
    ],
)
def test_types_are_words(annotation: Any, words: str) -> None:
    from pydantic import create_model

    model = create_model("model", x=(annotation, ...))
    assert type_in_words(model.model_fields["x"]) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        ("é", '"é"'),
        (0.05, "0.05"),
        ((1, 2.5), "[1, 2.5]"),
        ({"a": (0.25, 0.0)}, "{ a = [0.25, 0.0] }"),
        ({}, "{}"),
    ],
)
def test_defaults_are_toml(value: object, text: str) -> None:
    assert toml(value) == text


def test_no_table_shows_a_representation_of_python() -> None:
    for kind in ("candidate_generators", "encoders", "rankers", "executors"):
        text = kind_section(kind)
        assert "Config(" not in text
        assert "<class" not in text
        assert "typing." not in text


def models_within(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model and those of its groups."""
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from models_within(field.annotation)


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_ours_says_what_it_means(kind: str) -> None:
    found = [one for one in registered(kind) if one.config is not None]
    silent = {
        f"{one.name}: {part.__name__}.{name}"
        for one in found
        for part in models_within(resolve(one.config))
        for name, field in part.model_fields.items()
        if not meanings(part).get(name)
        and not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
    }
    assert silent == set()
