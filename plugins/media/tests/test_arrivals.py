"""Items that come after the fit: their vectors place them in lists at once, without a fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from crossrec import Engine
from crossrec.ingest import ingest_files
from crossrec.plugins.registry import load_registry
from crossrec.workspace import Workspace
from crossrec_media.tiny import picture_of, png

#: Six items of each of two kinds: what their vectors, or their pictures, say.
KINDS = {"warm": ([1.0, 0.1], "scarlet"), "cold": ([0.1, 1.0], "navy")}

PIPELINE = """
encoder = ""
sources = ["popularity", {{ name = "alike", settings = {{ encoder = "{label}" }} }}]
[[encoders]]
name = "{label}"
settings = {settings}
[surfaces.similar_items]
sources = ["alike"]
"""


class Shop:
    """One workspace, and an engine on it."""

    def __init__(self, folder: Path, label: str, settings: str) -> None:
        self.folder = folder
        (folder / "pictures").mkdir()
        place = Workspace.create(folder / "ws")
        self.engine = Engine(place, load_registry(), background=False)
        self.add(*((f"{kind}{at}", kind) for kind in KINDS for at in range(6)))
        events = folder / "events.csv"
        rows = [f"u{u},{kind}{(u + at) % 6}" for u in range(6) for kind in KINDS for at in (0, 1)]
        events.write_text("user_id,item_id\n" + "\n".join(rows) + "\n")
        self.engine.ingest("ecommerce", events=str(events))
        file = folder / "media.toml"
        file.write_text(PIPELINE.format(label=label, settings=settings.format(folder=folder)))
        self.engine.fit("ecommerce", pipeline_file=file, backbone="")

    def add(self, *items: tuple[str, str]) -> None:
        """Ingest items with their vectors, as another process would, and write their pictures."""
        lines = []
        for at, (id_, kind) in enumerate(items):
            vector, colour = KINDS[kind]
            near = [vector[0] + 0.01 * at, vector[1]]
            lines.append(json.dumps({"item_id": id_, "title": f"thing {id_}", "v": near}))
            (self.folder / "pictures" / f"{id_}.png").write_bytes(png(picture_of(colour, 20)))
        table = self.folder / "items.jsonl"
        table.write_text("\n".join(lines) + "\n")
        place = Workspace.open(self.folder / "ws")
        ingest_files(place, load_registry().scenario("ecommerce"), items=table)

    def similar(self, item: str) -> list[str]:
        return list(self.engine.similar("ecommerce", item, k=6).item_ids)


@pytest.fixture(params=["vectors", "image"])
def shop(request, tmp_path) -> Shop:
    if request.param == "vectors":
        return Shop(tmp_path, "vectors", '{{ column = "v" }}')
    pytest.importorskip("PIL")
    model = request.getfixturevalue("tiny_vit")
    return Shop(tmp_path, "image", f'{{{{ folder = "{{folder}}/pictures", model = "{model}" }}}}')


def test_a_new_item_is_found_by_what_it_is_like(shop) -> None:
    assert all(id_.startswith("warm") for id_ in shop.similar("warm0")[:5])
    shop.add(("warm-new", "warm"), ("cold-new", "cold"))
    assert "warm-new" in shop.similar("warm0")
    assert "cold-new" in shop.similar("cold0")
    assert "cold-new" not in shop.similar("warm0")[:5]


def test_a_new_item_has_neighbours_itself(shop) -> None:
    shop.similar("warm0")
    shop.add(("warm-new", "warm"))
    assert all(id_.startswith("warm") for id_ in shop.similar("warm-new")[:6])
