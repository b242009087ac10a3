from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.data.catalog import render
from crossrec.errors import DataError
from crossrec_ecommerce.importers.unisrec import JoinedText, importer, parse, read
from crossrec_ecommerce.scenario import ITEMS

Write = Callable[..., Path]
Real = Callable[[str], Path]

HEAD = "user_id:token\titem_id_list:token_seq\titem_id:token\n"
TEXT_HEAD = "item_id:token\ttext:token_seq\n"
SCIENCE = "Industrial & Scientific"


@pytest.fixture
def shop(write: Write) -> Path:
    """Two users, four items: one with fields, one to be parsed, one without category."""
    write("Shop.train.inter", HEAD + "0\t0\t1\n1\t2\t0\n")
    write("Shop.valid.inter", HEAD + "0\t0 1\t2\n1\t2 0\t1\n")
    write("Shop.test.inter", HEAD + "0\t0 1 2\t3\n1\t2 0 1\t0\n")
    write("Shop.item2index", "B0\t0\nB1\t1\nB2\t2\nB3\t3\n")
    write("Shop.user2index", "ANN\t0\nBOB\t1\n")
    write(
        "Shop.text",
        TEXT_HEAD
        + f"B0\tGlue, brown. {SCIENCE} Tapes, Adhesives Glue. Gorilla. \n"
        + f"B1\tDrill bit. {SCIENCE} Cutting Tools. Dewalt. \n"
        + f"B2\tGrinder. {SCIENCE} Abrasives. Dewalt. \n"
        + "B3\tYeast. . Red Star. \n",
    )
    fields = {
        "asin": "B0",
        "title": "Glue, brown.",
        "brand": "Gorilla",
        "categories": f"{SCIENCE},Tapes, Adhesives,Glue",
        "description": "Sticks.",
    }
    return write("Shop.fields_joined.jsonl", json.dumps(fields) + "\n")


def test_history_and_target_are_the_whole_sequence(shop: Path) -> None:
    events = read(shop).events
    assert events is not None
    rows = list(zip(events["user_id"], events["item_id"]))
    assert rows == [
        *[("ANN", item) for item in ("B0", "B1", "B2", "B3")],
        *[("BOB", item) for item in ("B2", "B0", "B1", "B0")],
    ]


def test_order_only_and_of_the_default_type(shop: Path) -> None:
    frames = read(shop)
    assert frames.events is not None
    assert list(frames.events) == ["user_id", "item_id"]
    assert not frames.has_clock
    assert "8 events of 2 users, order only" in frames.note


def test_fields_where_there_are_some(shop: Path) -> None:
    items = read(shop).items
    assert items is not None
    glue = items.set_index("item_id").loc["B0"]
    assert glue["title"] == "Glue, brown"
    # A comma with a blank belongs to the category.
    assert glue["categories"] == [SCIENCE, "Tapes, Adhesives", "Glue"]
    assert glue["brand"] == "Gorilla"
    assert glue["description"] == "Sticks."


def test_joined_texts_are_taken_apart(shop: Path) -> None:
    items = read(shop).items
    assert items is not None
    drill = items.set_index("item_id").loc["B1"]
    assert drill["title"] == "Drill bit"
    assert drill["categories"] == [SCIENCE, "Cutting Tools"]
    assert drill["brand"] == "Dewalt"
    assert drill["description"] == ""


def test_a_text_without_category(shop: Path) -> None:
    items = read(shop).items
    assert items is not None
    yeast = items.set_index("item_id").loc["B3"]
    assert (yeast["title"], yeast["categories"], yeast["brand"]) == ("Yeast", [], "Red Star")


def test_rendered_texts_are_the_joined_texts(shop: Path) -> None:
    items = read(shop).items
    assert items is not None
    assert [render(ITEMS.text_template, row) for row in items.to_dict("records")] == [
        f"Glue, brown. {SCIENCE} Tapes, Adhesives Glue. Gorilla",
        f"Drill bit. {SCIENCE} Cutting Tools. Dewalt",
        f"Grinder. {SCIENCE} Abrasives. Dewalt",
        "Yeast. Red Star",
    ]


def test_gzipped(shop: Path, write: Write) -> None:
    plain = read(shop)
    for path in list(shop.iterdir()):
        write(f"{path.name}.gz", path.read_text())
        path.unlink()
    packed = read(shop)
    assert plain.events is not None
    assert plain.items is not None
    assert plain.events.equals(packed.events)
    assert plain.items.equals(packed.items)


def test_fields_that_do_not_make_the_text_are_not_used(shop: Path) -> None:
    fields = {"asin": "B2", "title": "Sander", "brand": "", "categories": SCIENCE}
    (shop / "Shop.fields_joined.jsonl").write_text(json.dumps(fields) + "\n")
    items = read(shop).items
    assert items is not None
    assert items.set_index("item_id").loc["B2", "title"] == "Grinder"


def test_without_index_files_the_numbers_are_the_ids(shop: Path) -> None:
    (shop / "Shop.item2index").unlink()
    (shop / "Shop.user2index").unlink()
    events = read(shop).events
    assert events is not None
    assert events["user_id"].unique().tolist() == ["0", "1"]
    assert events["item_id"].tolist()[:4] == ["0", "1", "2", "3"]


def test_without_texts_there_are_no_items(shop: Path) -> None:
    (shop / "Shop.text").unlink()
    assert read(shop).items is None


def test_test_file_alone(shop: Path) -> None:
    whole = read(shop).events
    (shop / "Shop.train.inter").unlink()
    (shop / "Shop.valid.inter").unlink()
    alone = read(shop).events
    assert whole is not None
    assert whole.equals(alone)


def test_a_user_who_is_in_training_only_is_kept(shop: Path, write: Write) -> None:
    write("Shop.train.inter", HEAD + "0\t0\t1\n5\t2 3\t1\n5\t2\t3\n")
    events = read(shop).events
    assert events is not None
    assert events.loc[events["user_id"] == "5", "item_id"].tolist() == ["B2", "B3", "B1"]


def test_an_empty_history(shop: Path, write: Write) -> None:
    write("Shop.test.inter", HEAD + "7\t\t3\n")
    events = read(shop).events
    assert events is not None
    assert events.loc[events["user_id"] == "7", "item_id"].tolist() == ["B3"]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no unisrec folder: NAME\.test\.inter .* is missing"):
        read(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        importer()(tmp_path / "nowhere")


def test_two_sets_in_one_folder(shop: Path, write: Write) -> None:
    write("Mall.test.inter", HEAD)
    with pytest.raises(DataError, match="holds Mall, Shop"):
        read(shop)


def test_plain_interactions_are_another_format(write: Write) -> None:
    folder = write("Shop.test.inter", "user_id:token\titem_id:token\n0\t1\n")
    with pytest.raises(DataError, match="try --format recbole"):
        read(folder)


def test_a_broken_line_is_named(write: Write) -> None:
    folder = write("Shop.test.inter", HEAD + "0\t0 1\t2\n1 2 3\n")
    with pytest.raises(DataError, match="line 3 has 1 cells instead of 3"):
        read(folder)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (f"A. {SCIENCE} B C. D.", JoinedText("A", (SCIENCE, "B C"), "D")),
        (f"A. {SCIENCE}. D. ", JoinedText("A", (SCIENCE,), "D")),
        (
            f"A, 1.5 in. {SCIENCE} B. D & E Inc.",
            JoinedText("A, 1.5 in", (SCIENCE, "B"), "D & E Inc"),
        ),
        ("A. . D.", JoinedText("A", (), "D")),
        ("Only words", JoinedText("Only words")),
        ("Words. And more.", JoinedText("Words. And more")),
    ],
)
def test_parse(text: str, fields: JoinedText) -> None:
    assert parse(text, SCIENCE) == fields


def test_parse_without_department() -> None:
    assert parse("White lantern", "") == JoinedText("White lantern")


@pytest.mark.real
class TestScientific:
    """The counts are those of the published tables, less 43 events that the cut at 50 hides."""

    FOLDER = "amazon18-scientific-unisrec"

    def test_counts(self, real: Real) -> None:
        frames = read(real(self.FOLDER))
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["user_id"].nunique() == 8_442
        assert frames.events["item_id"].nunique() == 4_385
        assert len(frames.events) == 59_384
        assert len(frames.items) == 4_385
        assert set(frames.events["item_id"]) == set(frames.items["item_id"])

    def test_original_ids(self, real: Real) -> None:
        frames = read(real(self.FOLDER))
        assert frames.events is not None
        assert frames.events.iloc[0].tolist() == ["ABW8NXS7SV55K", "B00TNNWMXI"]

    def test_every_rendered_text_is_the_joined_text(self, real: Real) -> None:
        import gzip

        folder = real(self.FOLDER)
        items = read(folder).items
        assert items is not None
        rendered = {
            row["item_id"]: render(ITEMS.text_template, row) for row in items.to_dict("records")
        }
        raw = gzip.decompress((folder / "Scientific.text.gz").read_bytes()).decode()
        lines = [line.split("\t", 1) for line in raw.split("\n")[1:] if line]
        assert len(lines) == 4_385
        for id_, text in lines:
            # Where there is no category the file has an empty part; it falls out. So do the blanks
            # that some titles have before their full stop.
            joined = re.sub(r"(?:\s*\.)+ ", ". ", text.strip()).strip(" .,;|-")
            assert rendered[id_] == joined

    def test_nearly_all_items_have_their_parts(self, real: Real) -> None:
        items = read(real(self.FOLDER)).items
        assert items is not None
        assert (items["title"] != "").all()
        assert (items["brand"] != "").mean() > 0.95
        assert (items["categories"].map(len) > 0).mean() > 0.95
        assert (items["description"] != "").sum() > 4_000

    def test_the_other_split(self, real: Real) -> None:
        frames = read(real("amazon18-scientific-multimodal"))
        assert frames.events is not None
        assert frames.events["user_id"].nunique() == 2_928
        assert frames.events["item_id"].nunique() == 1_585
        assert len(frames.events) == 19_712
