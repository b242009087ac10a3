"""The report: which rows there are, what is tested, and that only what says something enters."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli.root import CrossrecGroup
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.errors import UsageError
from crossrec.evaluation.protocol import EvaluationProtocol
from crossrec.pipeline.config_files import parse_config
from crossrec.plugins.registry import load_registry
from crossrec_media.report.choose import base_of, modalities_of, pipeline_with, verdict
from crossrec_media.report.measure import ModalityReport, modality_report, report_pipeline
from crossrec_media.report.variants import Modality, Variant, pairs_of, variants_of
from hypothesis import given
from hypothesis import strategies as st

#: Of its own, whatever commands another test has loaded.
COMMAND = CrossrecGroup(name="crossrec")

TEXT, IMAGE = Modality("text", "tfidf-svd"), Modality("image", "vectors", {"column": "v"})


def test_rows_of_two_modalities() -> None:
    rows = {row.name: row.sources for row in variants_of(["ease"], [TEXT, IMAGE])}
    assert rows == {
        "events": ("ease",),
        "text alone": ("text",),
        "image alone": ("image",),
        "events + text": ("ease", "text"),
        "events + image": ("ease", "image"),
        "all": ("ease", "text", "image"),
        "events + text shuffled": ("ease", "text shuffled"),
        "all, text shuffled": ("ease", "image", "text shuffled"),
        "events + image shuffled": ("ease", "image shuffled"),
        "all, image shuffled": ("ease", "text", "image shuffled"),
    }


def test_knocking_out_one_of_three_leaves_two() -> None:
    rows = {row.name for row in variants_of(["ease"], [TEXT, IMAGE, Modality("sound", "sound")])}
    assert {"all without text", "all without image", "all without sound"} <= rows


def test_without_events_there_are_fewer_rows() -> None:
    rows = {row.name: row.sources for row in variants_of([], [TEXT])}
    assert rows == {"text alone": ("text",), "text shuffled": ("text shuffled",)}


@given(st.booleans(), st.integers(1, 4))
def test_rows_are_distinct_and_pairs_are_of_rows(events, count) -> None:
    modalities = [Modality(f"m{at}", "vectors") for at in range(count)]
    base = ["ease"] if events else []
    rows = variants_of(base, modalities)
    assert len({row.sources for row in rows}) == len({row.name for row in rows}) == len(rows)
    names = {row.name for row in rows}
    pairs = pairs_of(base, modalities)
    assert len(set(pairs)) == len(pairs)
    assert {name for pair in pairs for name in pair} <= names
    assert all(first != second for first, second in pairs)


def test_what_is_tested_of_two_modalities() -> None:
    pairs = pairs_of(["ease"], [TEXT, IMAGE])
    assert ("events + image", "events") in pairs
    assert ("events + image shuffled", "events") in pairs
    assert ("events + image", "events + image shuffled") in pairs
    assert ("all", "events + text") in pairs
    assert ("all", "all, image shuffled") in pairs
    assert len(pairs) == 12


def test_names_of_rows_are_values() -> None:
    assert Variant("a", ("b",)) == Variant("a", ("b",))
    assert IMAGE.shuffled == "image shuffled"


def config_of(**values):
    sources = [{"name": "ease"}, {"name": "content"}, {"name": "popularity", "listed_only": True}]
    return parse_config({"encoder": "tfidf-svd", "sources": sources, **values}, "test")


def test_modalities_come_from_the_pipeline_and_from_options(tmp_path) -> None:
    config = config_of(encoders=[{"name": "sound", "label": "voice", "settings": {"folder": "x"}}])
    found = modalities_of(
        config, images=tmp_path, vectors=["clip=f.npy,ids.csv", "audio=g.parquet"]
    )
    assert [(one.name, one.encoder) for one in found] == [
        ("text", "tfidf-svd"),
        ("voice", "sound"),
        ("image", "image"),
        ("clip", "vectors"),
        ("audio", "vectors"),
    ]
    assert found[3].settings == {"file": "f.npy", "ids": "ids.csv"}
    assert [one.name for one in modalities_of(config, text=False)] == ["voice"]


@pytest.mark.parametrize("given_", ["clip", "=f.npy", "clip=", "text=f.npy"])
def test_vectors_that_are_not_named_right_are_refused(given_) -> None:
    with pytest.raises(UsageError, match=r"NAME=FILE|two modalities"):
        modalities_of(config_of(), vectors=[given_])


def test_the_base_reads_no_vectors() -> None:
    registry = load_registry()
    assert base_of(config_of(), "user", registry) == ("ease",)
    assert base_of(config_of(), "user", registry, "content, popularity") == (
        "content",
        "popularity",
    )
    with pytest.raises(UsageError, match="no source 'x' here: there are ease"):
        base_of(config_of(), "user", registry, "x")


def test_the_reports_pipeline_holds_every_source_once() -> None:
    config = report_pipeline(config_of(), "user", ["ease"], [TEXT, IMAGE], load_registry())
    assert [one.label for one in config.sources] == [
        "ease",
        "text",
        "text shuffled",
        "image",
        "image shuffled",
    ]
    assert [one.label for one in config.encoders] == [
        "text",
        "text shuffled",
        "image",
        "image shuffled",
    ]
    assert config.encoders[3].settings == {"encoder": "vectors", "settings": {"column": "v"}}
    assert config.ranker == "weighted"
    assert config.encoder == "", "no source of the base reads it"
    both = report_pipeline(config_of(), "user", ["ease", "content"], [TEXT], load_registry())
    assert both.encoder == "tfidf-svd"


def taste(seed: int = 0, users: int = 480, items: int = 720) -> Dataset:
    """People stay with one of twelve kinds of items; one column says the kind, another nothing.

    Each item has few events, so that what it is says more than who had it.
    """
    from crossrec.data.catalog import Catalog
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary
    from crossrec.testing.toy import SCHEMA

    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 12, items)
    axes = np.eye(12)[kinds] + 0.1 * rng.normal(size=(items, 12))
    noise = rng.normal(size=(items, 12))
    ids = [f"i{at}" for at in range(items)]
    records = {
        id_: {"title": f"thing {at}", "v": axes[at].tolist(), "w": noise[at].tolist()}
        for at, id_ in enumerate(ids)
    }
    people, things = [], []
    for user in range(users):
        own = np.flatnonzero(kinds == rng.integers(12))
        people += [user] * 4
        things += rng.permutation(own)[:4].tolist()
    events = Events.from_columns(np.array(people), np.array(things))
    catalog = Catalog.from_records(Vocabulary(ids), records, SCHEMA)
    names = Vocabulary([f"u{at}" for at in range(users)])
    return Dataset.build(names, catalog, events, has_clock=False)


SIGNAL, NOISE = (
    Modality("signal", "vectors", {"column": "v"}),
    Modality("noise", "vectors", {"column": "w"}),
)


@pytest.fixture(scope="module")
def report() -> ModalityReport:
    registry = load_registry()
    config = parse_config({"sources": ["item-knn"], "surfaces": {"home": {}}}, "test")
    return modality_report(
        registry.scenario("ecommerce"),
        registry,
        taste(),
        config.model_copy(
            update={
                "surfaces": {registry.scenario("ecommerce").main_surface: config.surfaces["home"]}
            }
        ),
        ["item-knn"],
        [SIGNAL, NOISE],
        RunOptions(threads=1),
        protocol=EvaluationProtocol("leave-one-out", "unseen", resamples=200),
    )


def ndcg(report: ModalityReport, name: str) -> float:
    row = report.row(name)
    assert row is not None
    return row.metrics["ndcg@10"]


def test_what_says_something_helps_and_enters(report) -> None:
    assert not report.failed
    assert ndcg(report, "events + signal") > ndcg(report, "events")
    found = report.row("events + signal")
    assert found is not None
    assert found.weights["signal"] > 0
    helps, why = verdict(report, SIGNAL)
    assert helps, why
    assert why.startswith("helps: +")


def test_noise_and_shuffled_vectors_weigh_nothing(report) -> None:
    """The gate of the fusion is the control: by what it leaves out no row may differ."""
    for name in ("events + noise", "events + signal shuffled", "events + noise shuffled"):
        row = report.row(name)
        assert row is not None
        assert set(row.weights) == {"item-knn"}, row
        assert row.metrics == report.row("events").metrics
    assert not verdict(report, NOISE)[0]
    assert "no gain is shown" in verdict(report, NOISE)[1]


def test_knocking_out_what_helps_is_seen(report) -> None:
    test = report.comparison("all", "events + noise", "ndcg@10")
    assert test is not None
    assert test.verdict == "better"
    same = report.comparison("all", "events + signal", "ndcg@10")
    assert same is not None
    assert same.verdict == "no difference"


def test_the_report_is_json_and_whole(report) -> None:
    values = json.loads(json.dumps(report.to_dict()))
    assert len(values["rows"]) == len(variants_of(["item-knn"], [SIGNAL, NOISE]))
    assert values["modalities"] == ["signal", "noise"]
    assert report.row("nowhere") is None
    assert report.comparison("all", "nowhere", "ndcg@10") is None


def test_the_pipeline_that_follows_has_what_helps_alone(report) -> None:
    config = parse_config({"sources": ["item-knn"], "surfaces": {"home": {}}}, "test")
    text = pipeline_with(config, report, [SIGNAL, NOISE])
    assert text.startswith("# signal: helps")
    from crossrec.tomlio import parse_toml

    back = parse_config(parse_toml(text, "test"), "test")
    assert [one.label for one in back.sources] == ["item-knn", "alike-signal"]
    assert [(one.name, one.label) for one in back.encoders] == [("vectors", "signal")]


def run(*words) -> str:
    result = CliRunner().invoke(COMMAND, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_measures_and_writes_a_pipeline(tmp_path) -> None:
    data = taste()
    items, events, ws = tmp_path / "i.jsonl", tmp_path / "e.csv", tmp_path / "ws"
    lines = [
        json.dumps({"item_id": id_, "title": data.catalog.titles[at]})
        for at, id_ in enumerate(data.catalog.items.ids)
    ]
    items.write_text("\n".join(lines) + "\n")
    rows = zip(data.events.users.tolist(), data.events.items.tolist(), strict=True)
    events.write_text("user_id,item_id\n" + "".join(f"u{u},i{i}\n" for u, i in rows))
    vectors = np.array(data.catalog.attributes["v"], dtype=np.float32)
    np.save(tmp_path / "v.npy", vectors, allow_pickle=False)
    (tmp_path / "ids").write_text("\n".join(data.catalog.items.ids) + "\n")
    run("ingest", "ecommerce", "--items", items, "--events", events, "-w", ws)
    shown = run(
        "modality-report",
        "ecommerce",
        "--vectors",
        f"kind={tmp_path / 'v.npy'},{tmp_path / 'ids'}",
        "--no-text",
        "--protocol",
        "leave-one-out",
        "--base",
        "covisitation",
        "--write",
        tmp_path / "media.toml",
        "-w",
        ws,
    )
    assert "events + kind" in shown
    assert "kind: helps: +" in shown
    assert "alike-kind" in (tmp_path / "media.toml").read_text()
    plan = run("pipeline", "show", "ecommerce", "--pipeline", tmp_path / "media.toml")
    assert 'label = "alike-kind"' in plan


def test_a_command_without_anything_to_measure_says_so(tmp_path) -> None:
    (tmp_path / "e.csv").write_text("user_id,item_id\nu1,i1\nu1,i2\n")
    (tmp_path / "i.csv").write_text("item_id,title\ni1,x\ni2,y\n")
    ws = tmp_path / "ws"
    run(
        "ingest",
        "ecommerce",
        "--items",
        tmp_path / "i.csv",
        "--events",
        tmp_path / "e.csv",
        "-w",
        ws,
    )
    result = CliRunner().invoke(
        CrossrecGroup(name="crossrec"), ["modality-report", "ecommerce", "--no-text", "-w", str(ws)]
    )
    assert result.exit_code == 2
    assert "nothing to measure" in result.output
