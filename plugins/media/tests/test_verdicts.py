"""What is said of a modality follows from the tests, case by case."""

from __future__ import annotations

import json

import pytest
from crossrec.evaluation.significance import Comparison, Conclusion
from crossrec.pipeline.config_files import parse_config
from crossrec.tomlio import parse_toml
from crossrec_media.images.search import Found
from crossrec_media.images.text_map import MapQuality
from crossrec_media.report.choose import pipeline_with, verdict
from crossrec_media.report.measure import ModalityReport, Row
from crossrec_media.report.variants import Modality

IMAGE = Modality("image", "image", {"folder": "pictures", "column": ""})
TEXT = Modality("text", "tfidf-svd")
METRICS = {"recall@10": 0.2, "ndcg@10": 0.1}


def outcome(first: str, second: str, difference: float, conclusion: Conclusion) -> Comparison:
    p = 0.001 if conclusion != "no difference" else 0.8
    return Comparison("ndcg@10", first, second, difference, (0, 0), p, p, p, conclusion)


def report_of(*comparisons: Comparison) -> ModalityReport:
    row = Row("events", METRICS, dict.fromkeys(METRICS, (0.0, 1.0)), {"ease": 1.0})
    return ModalityReport(
        "shop", "temporal", "served", 10, 20, ("image",), (row,), comparisons, {}, ()
    )


GAIN = outcome("events + image", "events", 0.02, "better")
NO_GAIN = outcome("events + image", "events", 0.002, "no difference")
LOSS = outcome("events + image", "events", -0.02, "worse")
QUIET = outcome("events + image shuffled", "events", 0.0, "no difference")
LOUD = outcome("events + image shuffled", "events", 0.02, "better")
REST = outcome("all", "all without image", 0.01, "no difference")


@pytest.mark.parametrize(
    ("comparisons", "helps", "words"),
    [
        ((GAIN, QUIET), True, "helps: +0.0200 ndcg@10 beside events (p 0.001)"),
        ((GAIN, QUIET, REST), True, "+0.0100 beside all else (no difference)"),
        ((NO_GAIN, QUIET), False, "no gain is shown: +0.0020"),
        ((LOSS, QUIET), False, "no gain is shown: -0.0200"),
        ((GAIN, LOUD), False, "its shuffled vectors gain too (+0.0200 ndcg@10)"),
        ((GAIN,), True, "helps"),
        ((), False, "could not be compared with events"),
    ],
)
def test_a_verdict_follows_from_the_tests(comparisons, helps, words) -> None:
    found, why = verdict(report_of(*comparisons), IMAGE)
    assert found is helps
    assert words in why


def base(**values):
    return parse_config(
        {"sources": ["ease", {"name": "content", "effort": "standard"}], **values}, "t"
    )


def read(text: str):
    return parse_config(parse_toml(text, "test"), "test")


def test_what_helps_gets_an_encoder_and_a_source() -> None:
    back = read(pipeline_with(base(), report_of(GAIN, QUIET), [IMAGE]))
    assert [one.label for one in back.sources] == ["ease", "content", "alike-image"]
    assert back.sources[1].effort == "standard"
    (encoder,) = back.encoders
    assert (encoder.name, encoder.label, encoder.settings) == (
        "image",
        "image",
        {"folder": "pictures"},
    )
    assert back.sources[2].settings == {"encoder": "image"}


def test_what_does_not_help_is_named_in_a_comment_alone() -> None:
    text = pipeline_with(base(), report_of(NO_GAIN, QUIET), [IMAGE])
    assert text.startswith("# image: no gain is shown")
    back = read(text)
    assert back.encoders == ()
    assert [one.label for one in back.sources] == ["ease", "content"]


def test_an_encoder_that_the_pipeline_has_already_keeps_its_own_sources() -> None:
    encoders = [{"name": "image", "settings": {"folder": "pictures"}}]
    back = read(pipeline_with(base(encoders=encoders), report_of(GAIN, QUIET), [IMAGE]))
    assert [one.label for one in back.sources] == ["ease", "content"]
    assert [one.label for one in back.encoders] == ["image"]


def test_texts_get_no_second_source() -> None:
    better = outcome("events + text", "events", 0.02, "better")
    back = read(pipeline_with(base(), report_of(better), [TEXT]))
    assert [one.label for one in back.sources] == ["ease", "content"]


def test_an_answer_by_picture_says_what_it_is_worth() -> None:
    own = MapQuality(480, {1: 0.1, 10: 0.42}, 0.87)
    control = MapQuality(480, {1: 0.0, 10: 0.02}, 0.5)
    found = Found((("i1", "Navy shirt"),), own, control)
    assert found.line == (
        "learned on 480 items: a held-out picture is nearer to its own text than to 87% of the "
        "others (shuffled pairs: 50%), and 42% find it among the first 10 (shuffled: 2%)"
    )
    values = json.loads(json.dumps(found.to_dict()))
    assert values["items"] == [{"item_id": "i1", "title": "Navy shirt"}]
    assert values["quality"]["recall"]["10"] == 0.42
