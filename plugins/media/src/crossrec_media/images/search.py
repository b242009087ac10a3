"""From one picture to the items whose texts it finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.errors import DataError
from crossrec.pipeline.config_files import load_config
from crossrec.plugins.registry import Registry

from crossrec_media.errors import Refused
from crossrec_media.images.encoder import ImageEncoder
from crossrec_media.images.models import find_image_model, load_image_model
from crossrec_media.images.pictures import read_picture
from crossrec_media.images.text_map import MapQuality, TextMap, map_quality
from crossrec_media.inputs.encode import unit_rows
from crossrec_media.settings import ImageConfig


@dataclass(frozen=True)
class Found:
    """Items for a picture, and what the map behind them is worth.

    Attributes
    ----------
    items : tuple of (id, title), best first
    quality, control : MapQuality
        On held-out pictures, and of a map that was learned on shuffled pairs.
    """

    items: tuple[tuple[str, str], ...]
    quality: MapQuality
    control: MapQuality

    @property
    def line(self) -> str:
        """What held-out pictures say of the map."""
        own, other = self.quality, self.control
        return (
            f"learned on {own.items} items: a held-out picture is nearer to its own text than to "
            f"{own.percentile:.0%} of the others (shuffled pairs: {other.percentile:.0%}), and "
            f"{own.recall[10]:.0%} find it among the first 10 (shuffled: {other.recall[10]:.0%})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        items = [{"item_id": id_, "title": title} for id_, title in self.items]
        return {"items": items, "quality": vars(self.quality), "control": vars(self.control)}


def search(
    catalog: Catalog,
    registry: Registry,
    scenario: str,
    picture: Path,
    images: Path,
    model: str,
    count: int,
    run: RunOptions,
) -> Found:
    """Learn the map on the catalogue, and return the items nearest to a picture.

    Raises
    ------
    DataError
        If the picture is no good one, the scenario's pipeline has no encoder, or fewer than 20
        items have a picture and a text.
    MediaError
        If a library or model is not installed.
    """
    config = load_config(registry.scenario(scenario))
    if not config.encoder:
        raise DataError(f"the default pipeline of {scenario} encodes no texts")
    files = find_image_model(model)
    settings = ImageConfig(folder=str(images), model=model)
    try:
        pixels = read_picture(picture.read_bytes(), files.side, settings.megapixels)
    except Refused as refused:
        raise DataError(f"{picture.name}: {refused}") from None
    pictures = ImageEncoder(settings).encode(catalog, run)
    encoder = registry.get("encoders", config.encoder).build(dict(config.encoder_settings))
    texts = encoder.encode(catalog, run)
    quality, control = map_quality(pictures, texts, seed=run.seed)
    one = unit_rows(load_image_model(files, run.device, run.threads)([pixels]))[0]
    near = TextMap.fit(pictures, texts, run.seed).texts_of(one, texts, count)
    return Found(tuple((catalog.items.id(at), catalog.titles[at]) for at in near), quality, control)
