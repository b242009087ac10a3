"""Without the heavy libraries nothing breaks: what is missing is said in one line, and left out."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli.root import CrossrecGroup
from crossrec.components.run import RunOptions
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.item_vectors import attach_vectors
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.plugins.registry import load_registry
from crossrec_media.tiny import tones_of, wav

#: Of its own, whatever commands another test has loaded.
COMMAND = CrossrecGroup(name="crossrec")

RUN = RunOptions(threads=1)


def attached(catalog, *encoders):
    """Return the vectors of a pipeline's encoders, and what is said of them."""
    config = parse_config({"sources": ["popularity"], "encoders": list(encoders)}, "test")
    data = Dataset.build(Vocabulary(), catalog, Events.empty(), has_clock=False)
    data, notes = attach_vectors(data, resolve_pipeline(config, load_registry()), RUN)
    return data.vectors, notes


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(b"\x89PNG not really")
    (tmp_path / "a.mp3").write_bytes(b"ID3 not really")
    (tmp_path / "a.mp4").write_bytes(b"not really")
    return tmp_path


@pytest.mark.parametrize(
    ("encoder", "library", "settings", "words"),
    [
        ("image", "PIL", {}, "crossrec install 'crossrec-media[images]'"),
        ("cover-text", "rapidocr_onnxruntime", {}, "crossrec install 'crossrec-media[ocr]'"),
        ("sound", "av", {}, "crossrec install 'crossrec-media[sound]'"),
        ("video", "av", {}, "crossrec install 'crossrec-media[video]'"),
    ],
)
def test_a_missing_library_is_named_and_the_rest_goes_on(
    monkeypatch, shelf, tiny_vit, catalog_of, encoder, library, settings, words
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    model = {"model": str(tiny_vit)} if encoder in ("image", "video") else {}
    texts = {"encoder": "tfidf-svd"} if encoder == "cover-text" else {}
    broken = {"name": encoder, "settings": {"folder": str(shelf), **model, **texts, **settings}}
    ready = {"name": "vectors", "settings": {"column": "v"}}
    vectors, notes = attached(catalog_of("x", "y", v=[[1, 0], [0, 1]]), broken, ready)
    assert list(vectors) == ["vectors"]
    (note,) = notes
    assert note.startswith(f"encoder {encoder} is left out: ")
    assert words in note
    assert "\n" not in note


def test_wav_and_ready_vectors_need_nothing(monkeypatch, tmp_path, catalog_of) -> None:
    for library in ("av", "torch", "PIL", "rapidocr_onnxruntime", "faster_whisper"):
        monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "a.wav").write_bytes(wav(tones_of("navy")))
    vectors, notes = attached(
        catalog_of("x", v=["1 2"]),
        {"name": "sound", "settings": {"folder": str(tmp_path)}},
        {"name": "vectors", "settings": {"column": "v"}},
    )
    assert notes == []
    assert vectors["sound"].any()
    np.testing.assert_allclose(np.linalg.norm(vectors["vectors"]), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sound-model", "PACKAGE", "out"), "neither the wheel nor the folder of musicnn"),
        (("modality-report", "nowhere"), "nowhere"),
        (("modality-report", "ecommerce", "--images", "nowhere"), "does not exist"),
        (("by-picture", "ecommerce", "nowhere.png", "--images", "."), "does not exist"),
    ],
)
def test_commands_say_in_one_line_what_is_wrong(tmp_path, words, message) -> None:
    package = tmp_path / "package"
    package.mkdir()
    given = [str(package) if word == "PACKAGE" else word for word in words]
    result = CliRunner().invoke(COMMAND, given)
    assert result.exit_code in (1, 2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_scenario_without_events_has_nothing_to_report(tmp_path) -> None:
    items, ws = tmp_path / "items.csv", str(tmp_path / "ws")
    items.write_text("item_id,title\ni1,x\n")
    done = CliRunner().invoke(
        CrossrecGroup(name="crossrec"), ["ingest", "ecommerce", "--items", str(items), "-w", ws]
    )
    assert done.exit_code == 0, done.output
    result = CliRunner().invoke(
        CrossrecGroup(name="crossrec"), ["modality-report", "ecommerce", "-w", ws]
    )
    assert result.exit_code == 1
    assert "has no events: run `crossrec ingest ecommerce`" in result.output


def test_help_names_every_command_of_the_package() -> None:
    shown = CliRunner().invoke(COMMAND, ["--help"]).output
    for name in ("modality-report", "by-picture", "sound-model"):
        assert name in shown
        text = CliRunner().invoke(COMMAND, [name, "--help"]).output
        assert text.startswith("Usage: ")
