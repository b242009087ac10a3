"""From pictures to texts: the map finds what was put in, and shuffled pairs teach it nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from crossrec.cli.root import CrossrecGroup
from crossrec.errors import DataError
from crossrec_media.images.text_map import FEWEST, TextMap, map_quality
from crossrec_media.inputs.encode import unit_rows
from crossrec_media.tiny import picture_of, png
from hypothesis import given, settings
from hypothesis import strategies as st

#: Of its own, whatever commands another test has loaded.
COMMAND = CrossrecGroup(name="crossrec")


def tied(n: int = 120, noise: float = 0.1, seed: int = 0):
    """Pictures that are a fixed turn of their texts, behind a rectifier's mean, with noise."""
    rng = np.random.default_rng(seed)
    texts = unit_rows(rng.normal(size=(n, 12)).astype(np.float32) + 0.5)
    turn = rng.normal(size=(12, 40))
    pictures = 5 + texts @ turn + noise * rng.normal(size=(n, 40))
    return unit_rows(pictures.astype(np.float32)), texts


def test_held_out_pictures_find_their_texts() -> None:
    quality, control = map_quality(*tied())
    assert quality.items == 120
    assert quality.recall[1] > 0.9
    assert quality.recall[10] > 0.98
    assert quality.percentile > 0.99
    assert control.recall[1] < 0.1
    assert abs(control.percentile - 0.5) < 0.12


def test_noise_teaches_nothing() -> None:
    rng = np.random.default_rng(1)
    pictures = unit_rows(rng.normal(size=(150, 30)).astype(np.float32))
    quality, control = map_quality(pictures, tied(150)[1])
    assert abs(quality.percentile - 0.5) < 0.1
    assert abs(control.percentile - 0.5) < 0.1


def test_more_noise_wants_more_regularisation() -> None:
    clean = TextMap.fit(*tied(noise=0.01)).reg
    assert TextMap.fit(*tied(noise=8.0)).reg > clean


@pytest.mark.parametrize("n", [25, 200])
def test_both_ways_to_solve_agree_with_the_normal_equations(n: int) -> None:
    pictures, texts = tied(n)
    one = TextMap.fit(pictures, texts)
    a = (pictures - pictures.mean(axis=0)).astype(np.float64)
    penalty = one.reg * (a**2).sum() / a.shape[1]
    wanted = np.linalg.solve(a.T @ a + penalty * np.eye(40), a.T @ (texts - texts.mean(axis=0)))
    np.testing.assert_allclose(one.weights, wanted, atol=1e-3)


def test_a_picture_finds_texts_and_items_without_one_are_never_found() -> None:
    pictures, texts = tied()
    one = TextMap.fit(pictures, texts)
    assert one.texts_of(pictures[7], texts, 3)[0] == 7
    blank = texts.copy()
    blank[7] = 0
    assert 7 not in one.texts_of(pictures[7], blank, 120)
    assert len(one.texts_of(pictures[7], blank, 500)) == 119


def test_items_that_lack_one_side_are_left_out() -> None:
    pictures, texts = tied()
    more = np.concatenate([pictures, np.zeros((30, 40), np.float32)])
    longer = np.concatenate([texts, np.ones((30, 12), np.float32)])
    np.testing.assert_allclose(
        TextMap.fit(more, longer).weights, TextMap.fit(pictures, texts).weights
    )
    rows = TextMap.fit(pictures, texts).rows(more)
    assert not rows[120:].any()
    np.testing.assert_allclose(np.linalg.norm(rows[:120], axis=1), 1, atol=1e-5)


def test_too_few_pairs_are_named() -> None:
    pictures, texts = tied(FEWEST - 1)
    with pytest.raises(DataError, match=f"{FEWEST - 1} items have a picture and a text"):
        map_quality(pictures, texts)


def test_it_goes_through_a_state() -> None:
    pictures, texts = tied()
    one = TextMap.fit(pictures, texts)
    again = TextMap.restored(one.state())
    np.testing.assert_array_equal(again.rows(pictures), one.rows(pictures))
    assert again.reg == one.reg


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_items_does_not_matter_to_the_map(seed: int) -> None:
    pictures, texts = tied(60)
    order = np.random.default_rng(seed).permutation(60)
    from crossrec_media.images.text_map import _solved

    first, second = _solved(pictures, texts, 1.0), _solved(pictures[order], texts[order], 1.0)
    np.testing.assert_allclose(first.weights, second.weights, atol=1e-3)


def test_the_command_finds_items_by_their_texts(tmp_path, tiny_vit) -> None:
    """Colours are words here: a navy picture finds texts that say navy."""
    pytest.importorskip("PIL")
    pictures, ws = tmp_path / "pictures", tmp_path / "ws"
    pictures.mkdir()
    colours = ["navy", "scarlet", "olive", "amber"]
    rows = []
    for at in range(48):
        colour = colours[at % 4]
        rows.append(f"i{at},{colour} {'shirt' if at % 3 else 'scarf'} {colour} {at}")
        (pictures / f"i{at}.png").write_bytes(png(picture_of(colour, 16 + at)))
    items = tmp_path / "items.csv"
    items.write_text("item_id,title\n" + "\n".join(rows) + "\n")
    one = tmp_path / "one.png"
    one.write_bytes(png(picture_of("navy", 100)))

    def run(*words):
        return CliRunner().invoke(COMMAND, [str(word) for word in words])

    assert run("ingest", "ecommerce", "--items", items, "-w", ws).exit_code == 0
    words = ("by-picture", "ecommerce", one, "--images", pictures, "--model", tiny_vit, "-w", ws)
    result = run(*words, "-k", "6", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert all("navy" in item["title"] for item in found["items"])
    assert found["quality"]["percentile"] > found["control"]["percentile"] + 0.1
    assert "learned on 48 items" in run(*words).output
    (tmp_path / "bad.png").write_bytes(b"<svg/>")
    wrong = run("by-picture", "ecommerce", tmp_path / "bad.png", *words[3:])
    assert wrong.exit_code == 1
    assert "bad.png: no picture" in wrong.output
