"""Texts on their way to a model: cleaned, cut, enclosed; those that give orders stay here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from crossrec.plugins.registration import resolve
from crossrec.plugins.registry import load_registry
from crossrec_language.calls.closed_set import ClosedSet
from crossrec_language.calls.hostile import LONGEST, MOST, cleaned, enclosed, speaks_to_a_model
from hypothesis import given
from hypothesis import strategies as st

CASES = json.loads(Path(__file__).with_name("injections.json").read_text(encoding="utf-8"))
NAMES = [case["name"] for case in CASES]
#: Honest texts with words that orders are made of.
HONEST = (
    "Claw hammer 450 g",
    "Crème brûlée torch 🔥",
    "The Rules of Attraction",
    "System of a Down - Toxicity",
    "First Aid Kit, 120 pieces",
    "Instructions Not Included (2013)",
    "Ignorance Is Bliss: a novel",
    "User manual holder A4",
    "Only You (1994)|Comedy|Romance",
    "Say Anything... (1989)",
    "Output cable 2 m, gold plated",
    "Rank and File: a history of labour",
    "Best of: the first ten years",
    "AI for beginners, third edition",
    "How do I print a matrix in Qiskit?",
    "Show Boat (1951)",
    "Top Gun (1986)",
    "You've Got Mail (1998)",
    "Werkzeugkoffer, schwarz, mit Anleitung",
    "これは青いマグカップです",
    "红色陶瓷杯",
    "Call Me by Your Name",
    "Secrets & Lies (1996)",
    "Forget Paris (1995)",
    "Put a Ring on It",
)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 30
    assert len(set(NAMES)) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_an_order_is_recognised(case: dict[str, str]) -> None:
    assert speaks_to_a_model(case["text"])


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_an_order_within_a_long_honest_text_is_recognised(case: dict[str, str]) -> None:
    text = f"A lamp of brass and glass. {case['text']} Bulb not included."
    assert speaks_to_a_model(text) or case["name"] == "backwards"


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_an_order_is_not_sent(case: dict[str, str]) -> None:
    sent = enclosed({"items": [{"title": "Claw hammer"}, {"title": case["text"]}]})
    assert sent.left_out == 1
    body = sent.text.split("\n")[1]
    assert json.loads(body) == {"items": [{"title": "Claw hammer"}, {"title": ""}]}


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_text_is_sent(text: str) -> None:
    assert not speaks_to_a_model(text)
    assert enclosed({"title": text}).left_out == 0


@pytest.mark.parametrize("name", ["ecommerce", "music", "social", "video"])
def test_titles_of_the_demo_are_honest(name: str) -> None:
    demo = load_registry().scenario(name).demo
    assert demo is not None
    titles = resolve(demo)(7).items["title"].astype(str).tolist()
    assert len(titles) > 50
    assert [title for title in titles if speaks_to_a_model(title)] == []


def test_markup_and_invisible_characters_are_gone() -> None:
    assert cleaned("a\u200bb <b>bold</b>\x00 ```x``` \u202ec") == "ab bold x c"
    assert cleaned("ｆｕｌｌ　ｗｉｄｔｈ") == "full width"
    assert cleaned(" two\n lines\t") == "two lines"
    assert cleaned("Crème brûlée 🔥 東京") == "Crème brûlée 🔥 東京"


def test_a_long_text_is_cut_at_a_word() -> None:
    assert cleaned("one two three", 8) == "one two"
    assert cleaned("x" * 5000) == "x" * LONGEST


@given(st.text(max_size=400))
def test_a_cleaned_text_is_one_short_line(text: str) -> None:
    once = cleaned(text, 50)
    assert len(once) <= 50
    assert "\n" not in once
    assert "<|im_end|>" not in once
    assert once.isprintable()


@given(st.lists(st.text(max_size=80), max_size=5))
def test_material_is_json_between_marks_that_no_text_holds(texts: list[str]) -> None:
    lines = enclosed({"texts": texts}).text.split("\n")
    assert len(lines) == 3
    mark = re.fullmatch(r"\[data ([0-9a-f]{16})\]", lines[0])
    assert mark is not None
    assert lines[2] == f"[end of data {mark[1]}]"
    assert mark[1] not in lines[1]
    assert len(json.loads(lines[1])["texts"]) == len(texts)


def test_numbers_flags_and_nothing_stay_and_lists_are_cut() -> None:
    values = {"n": 3, "x": 1.5, "flag": True, "none": None, "many": list(range(1000))}
    body = json.loads(enclosed(values).text.split("\n")[1])
    assert body == {**values, "many": list(range(MOST))}


def test_a_closed_set_admits_its_handles_alone() -> None:
    closed = ClosedSet(("p7", "p3", "p5"))
    assert closed.handles == ("c1", "c2", "c3")
    assert closed.chosen(["c3", " c1 ", "c3", "p5", "c9", ""]) == (("p5", "p7"), ("p5", "c9", ""))
    assert ClosedSet(()).chosen(["c1"]) == ((), ("c1",))
