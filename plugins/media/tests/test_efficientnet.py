"""EfficientNet-lite: its shape is the published one, and its arithmetic TensorFlow's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from crossrec_media.images.efficientnet import (  # noqa: E402 - torch is needed first
    VARIANTS,
    WIDTH,
    EfficientNetLite,
    SameConv,
)


@pytest.fixture(scope="module")
def lite0():
    torch.manual_seed(0)
    return EfficientNetLite("efficientnet-lite0").eval()


@pytest.mark.parametrize(
    ("variant", "blocks", "widest"),
    [
        ("efficientnet-lite0", 16, 320),
        ("efficientnet-lite1", 21, 320),
        ("efficientnet-lite2", 21, 352),
    ],
)
def test_variants_grow_as_published(variant: str, blocks: int, widest: int) -> None:
    network = EfficientNetLite(variant)
    assert len(network._blocks) == blocks
    assert network._blocks[-1]._project_conv.out_channels == widest
    assert network._conv_stem.out_channels == 32, "the lite stem is not scaled"
    assert network._conv_head.out_channels == WIDTH


def test_lite0_has_as_many_weights_as_published(lite0) -> None:
    """4.7 million with the classifier's 1.28 million, which is left out here."""
    count = sum(one.numel() for one in lite0.parameters())
    assert 3.2e6 < count < 3.5e6
    assert count + 1281 * 1000 == pytest.approx(4.65e6, rel=0.02)


def test_a_map_of_7_by_7_is_averaged(lite0) -> None:
    maps: list[tuple[int, ...]] = []
    lite0._conv_head.register_forward_hook(lambda *parts: maps.append(tuple(parts[2].shape)))
    with torch.inference_mode():
        out = lite0(torch.zeros((2, 224, 224, 3), dtype=torch.uint8))
    assert maps[-1] == (2, WIDTH, 7, 7)
    assert out.shape == (2, WIDTH)


def test_pictures_do_not_touch_each_other(lite0) -> None:
    rng = np.random.default_rng(0)
    pictures = torch.from_numpy(rng.integers(0, 255, (3, 64, 64, 3), dtype=np.uint8))
    with torch.inference_mode():
        together = lite0(pictures)
        alone = torch.cat([lite0(pictures[at : at + 1]) for at in range(3)])
    np.testing.assert_allclose(together.numpy(), alone.numpy(), rtol=1e-3, atol=1e-5)


def test_pixels_are_centred_at_127(lite0) -> None:
    seen: list[torch.Tensor] = []
    handle = lite0._conv_stem.register_forward_pre_hook(lambda _, given_: seen.append(given_[0]))
    with torch.inference_mode():
        lite0(torch.full((1, 32, 32, 3), 255, dtype=torch.uint8))
    handle.remove()
    assert seen[0].shape == (1, 3, 32, 32)
    assert float(seen[0].min()) == float(seen[0].max()) == 1.0


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 30), st.sampled_from([1, 3, 5]), st.sampled_from([1, 2]))
def test_same_padding_is_that_of_tensorflow(size: int, kernel: int, stride: int) -> None:
    """Every window by hand: of the missing pixels the odd one is behind."""
    rng = np.random.default_rng(size)
    values = rng.normal(size=size)
    weights = rng.normal(size=kernel)
    conv = SameConv(1, 1, (1, kernel), (1, stride), bias=False)
    with torch.inference_mode():
        conv.weight.copy_(torch.from_numpy(weights).reshape(1, 1, 1, kernel))
        out = conv(torch.from_numpy(values).float().reshape(1, 1, 1, size)).numpy().ravel()
    count = math.ceil(size / stride)
    total = max((count - 1) * stride + kernel - size, 0)
    padded = np.pad(values, (total // 2, total - total // 2))
    wanted = [padded[at * stride : at * stride + kernel] @ weights for at in range(count)]
    np.testing.assert_allclose(out, wanted, atol=1e-4)


def test_weights_of_another_variant_are_refused(lite0) -> None:
    with pytest.raises(RuntimeError, match="Missing key|size mismatch"):
        EfficientNetLite("efficientnet-lite2").load_state_dict(lite0.state_dict())


def test_every_variant_has_a_package_and_a_side() -> None:
    from crossrec_media.images.models import CARRIED, SIDES

    assert set(VARIANTS) == set(CARRIED) == set(SIDES)
    assert SIDES["efficientnet-lite0"] == 224
