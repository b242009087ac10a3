"""EfficientNet-lite in torch, under the names of the weights that packages carry.

Tan & Le (2019); the lite variants (Google, 2020) have ReLU6, no squeeze-and-excitation, and do not
scale stem and head.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

#: (expansion, kernel, channels, repeats, stride) of each stage of lite0.
_STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
#: Variant → (width, depth).
VARIANTS = {
    "efficientnet-lite0": (1.0, 1.0),
    "efficientnet-lite1": (1.0, 1.1),
    "efficientnet-lite2": (1.1, 1.2),
}
#: Width of the vectors.
WIDTH = 1280
_EPSILON = 1e-3


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow pads it: more behind than before."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pad and convolve."""
        pads: list[int] = []
        for size, kernel, stride in zip(
            (x.shape[-1], x.shape[-2]), reversed(self.kernel_size), reversed(self.stride)
        ):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return functional.conv2d(
            functional.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups
        )


def _conv(inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> SameConv:
    return SameConv(inside, outside, kernel, stride, groups=groups, bias=False)


class _Block(nn.Module):
    """Expand, convolve each channel by itself, project."""

    def __init__(self, inside: int, outside: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inside * expansion
        if expansion > 1:
            self._expand_conv = _conv(inside, wide, 1)
            self._bn0 = nn.BatchNorm2d(wide, eps=_EPSILON)
        self._depthwise_conv = _conv(wide, wide, kernel, stride, wide)
        self._bn1 = nn.BatchNorm2d(wide, eps=_EPSILON)
        self._project_conv = _conv(wide, outside, 1)
        self._bn2 = nn.BatchNorm2d(outside, eps=_EPSILON)
        self._expands, self._skips = expansion > 1, stride == 1 and inside == outside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, added to its input where the shapes agree."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = self._bn2(self._project_conv(functional.relu6(self._bn1(self._depthwise_conv(y)))))
        out: torch.Tensor = x + y if self._skips else y
        return out


class EfficientNetLite(nn.Module):
    """The network up to the classifier: pictures → the mean of the last map.

    Parameters
    ----------
    variant : str
        One of `VARIANTS`.
    """

    def __init__(self, variant: str = "efficientnet-lite0") -> None:
        super().__init__()
        width, depth = VARIANTS[variant]
        self._conv_stem, self._bn0 = _conv(3, 32, 3, 2), nn.BatchNorm2d(32, eps=_EPSILON)
        blocks: list[nn.Module] = []
        inside = 32
        for number, (expansion, kernel, channels, repeats, stride) in enumerate(_STAGES):
            scaled = number not in (0, len(_STAGES) - 1)
            outside = _rounded(channels * width)
            for turn in range(math.ceil(repeats * depth) if scaled else repeats):
                blocks.append(_Block(inside, outside, expansion, kernel, stride if not turn else 1))
                inside = outside
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = _conv(inside, WIDTH, 1), nn.BatchNorm2d(WIDTH, eps=_EPSILON)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the vectors, float32 (n, 1280), of RGB pictures, uint8 (n, side, side, 3)."""
        x = (pictures.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))


def load_efficientnet(variant: str, weights: Path) -> EfficientNetLite:
    """Return the network with the weights of a ``.pth`` file, of which only tensors are read."""
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network = EfficientNetLite(variant)
    network.load_state_dict({key: one for key, one in state.items() if not key.startswith("_fc.")})
    return network.eval()


def _rounded(channels: float) -> int:
    """Round to a multiple of 8 that is not 10 % less."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near if near >= 0.9 * channels else near + 8
