"""The music tagger musicnn in torch (Pons & Serra 2019), with the weights of its TF checkpoints."""

from __future__ import annotations

import ast
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from crossrec.errors import ConfigError, DataError
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_media.errors import MediaError
from crossrec_media.sound.tf_checkpoint import Variable, read_index, read_variables
from crossrec_media.sound.waveform import INSTALL

if TYPE_CHECKING:
    import torch

#: Checkpoints that the package musicnn carries and that are of this network.
CHECKPOINTS = ("MTT_musicnn", "MSD_musicnn")
#: Width of the vectors: the layer before the tags.
WIDTH = 200
#: Frames of one patch: three seconds, as the network was trained on.
PATCH = 187
_EPSILON = 1e-3


def convert(package: Path, checkpoint: str, out: Path) -> int:
    """Write a checkpoint of the package musicnn as safetensors; return the number of weights.

    Parameters
    ----------
    package : Path
        The wheel of musicnn, or its installed folder; nothing of it is run.
    checkpoint : str
        One of `CHECKPOINTS`.

    Raises
    ------
    ConfigError
        If there is no such checkpoint in the package.
    DataError
        If it cannot be read.
    """
    from safetensors.numpy import save_file

    if checkpoint not in CHECKPOINTS:
        raise ConfigError(f"no checkpoint {checkpoint!r}: there are {', '.join(CHECKPOINTS)}")
    variables = {
        name: one
        for name, one in read_index(_part(package, f"{checkpoint}/.index")).items()
        if _is_weight(name, one)
    }
    arrays = read_variables(variables, _part(package, f"{checkpoint}/.data-00000-of-00001"))
    tags = _tags(_part(package, "configuration.py").decode(), checkpoint)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(whole, out, metadata={"tags": json.dumps(tags), "model": checkpoint})
    return sum(array.size for array in whole.values())


def _is_weight(name: str, one: Variable) -> bool:
    """Whether a variable is of the network, and not of how it was trained."""
    return one.dtype == "<f4" and "/Adam" not in name and "power" not in name and "/" in name


def _part(package: Path, name: str) -> bytes:
    """Return a file of the package, out of its folder or its wheel."""
    try:
        if package.is_dir():
            return (package / name).read_bytes()
        with zipfile.ZipFile(package) as wheel:
            return wheel.read(f"musicnn/{name}")
    except (OSError, KeyError, zipfile.BadZipFile):
        raise ConfigError(
            f"{package} is neither the wheel nor the folder of musicnn: {name} is missing; get it "
            "by `pip download --no-deps musicnn==0.1.0`"
        ) from None


def _tags(source: str, checkpoint: str) -> list[str]:
    """Return the tags out of the package's table of them."""
    wanted = f"{checkpoint.partition('_')[0]}_LABELS"
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == wanted:
            return [str(tag) for tag in ast.literal_eval(node.value)]
    raise DataError(f"the package musicnn has no list {wanted}")


class Musicnn:
    """The network, at 16 kHz log-mel patches; see `convert` for its file of weights.

    Parameters
    ----------
    weights : Path
        What `convert` wrote.

    Raises
    ------
    MediaError
        If torch or safetensors is not installed.
    ConfigError
        If the file is not of this network.
    """

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        try:
            import torch
            from safetensors import SafetensorError, safe_open
        except ImportError:
            raise MediaError(f"the music tagger needs torch: run `{INSTALL}`") from None
        try:
            with safe_open(weights, "pt", device=device) as file:
                self._weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                described: Mapping[str, str] = file.metadata() or {}
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"{weights} holds no weights: {error}") from None
        if "tags" not in described or "dense_1/kernel" not in self._weights:
            raise ConfigError(f"{weights} is no music tagger: make it by `crossrec sound-model`")
        self.tags: list[str] = json.loads(described["tags"])
        self._device, self._torch = device, torch

    def hear(self, bands: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the layer before the tags and the tags' probabilities, each a mean over patches.

        Parameters
        ----------
        bands : float32 array, shape (frames, 96)
            From `crossrec_media.sound.logmel.log_mel`; short sounds are repeated to one patch.

        Returns
        -------
        (float32 array of shape (200,), float32 array of shape (50,))
        """
        torch = self._torch
        repeated = np.tile(bands, (-(-PATCH // len(bands)), 1)) if len(bands) < PATCH else bands
        count = len(repeated) // PATCH
        patches = repeated[: count * PATCH].reshape(count, PATCH, -1)
        with torch.inference_mode():
            vectors, logits = self._forward(torch.from_numpy(np.ascontiguousarray(patches)))
            tags = torch.sigmoid(logits).mean(dim=0)
        return _numpy(vectors.mean(dim=0)), _numpy(tags)

    def named(self, probabilities: FloatArray, count: int = 5) -> list[str]:
        """Return the most probable tags, best first."""
        return [self.tags[at] for at in np.argsort(-probabilities, kind="stable")[:count]]

    def _forward(self, patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        torch = self._torch
        x = self._normal(patches.to(self._device)[:, None], 0)
        heard = [self._front(x, at) for at in range(5)]
        front = torch.cat(heard, dim=1)  # (n, 561, frames)
        middle = [front]
        for at in (5, 6, 7):
            before = middle[-1]
            y = self._normal(self._conv(before.transpose(1, 2)[:, None], at, (3, 3)), at + 1)[
                ..., 0
            ]
            middle.append(y if at == 5 else y + before)
        features = torch.cat(middle, dim=1)
        pooled = torch.stack([features.amax(dim=2), features.mean(dim=2)], dim=2).flatten(1)
        dense = torch.relu(self._dense(self._normal(pooled, 9), "dense"))
        last = self._normal(dense, 10)
        return last, self._dense(last, "dense_1")

    def _front(self, x: torch.Tensor, at: int) -> torch.Tensor:
        """Return one of the five convolutions over time and bands, its maximum over the bands."""
        kernel = self._weights[f"{_named('conv2d', at)}/kernel"].shape[0]
        total = kernel - 1
        y = self._conv(x, at, (total // 2, total - total // 2))
        return self._normal(y, at + 1).amax(dim=3)

    def _conv(self, x: torch.Tensor, at: int, pads: tuple[int, int]) -> torch.Tensor:
        """Convolve (n, 1, frames, bands), padded in time, and cut what is negative."""
        functional = self._torch.nn.functional
        name = _named("conv2d", at)
        kernel = self._weights[f"{name}/kernel"].permute(3, 2, 0, 1)
        padded = functional.pad(x, (0, 0, *pads))
        return self._torch.relu(functional.conv2d(padded, kernel, self._weights[f"{name}/bias"]))

    def _normal(self, x: torch.Tensor, at: int) -> torch.Tensor:
        """Normalise by what the training saw."""
        name = _named("batch_normalization", at)
        parts = ("moving_mean", "moving_variance", "gamma", "beta")
        mean, variance, gamma, beta = (self._weights[f"{name}/{part}"] for part in parts)
        normalise = self._torch.nn.functional.batch_norm
        normal: torch.Tensor = normalise(
            x, mean, variance, gamma, beta, training=False, eps=_EPSILON
        )
        return normal

    def _dense(self, x: torch.Tensor, name: str) -> torch.Tensor:
        out: torch.Tensor = x @ self._weights[f"{name}/kernel"] + self._weights[f"{name}/bias"]
        return out


def _named(kind: str, at: int) -> str:
    """Return TensorFlow's name of the n-th layer of a kind."""
    return f"{kind}_{at}" if at else kind


def _numpy(tensor: torch.Tensor) -> FloatArray:
    array: NDArray[Any] = tensor.float().cpu().numpy()
    return np.asarray(array, dtype=np.float32)
