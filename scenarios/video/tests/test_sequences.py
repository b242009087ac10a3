from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.data.catalog import render
from crossrec.errors import DataError
from crossrec_video.importers import microlens, ml1m
from crossrec_video.importers.microlens import split
from crossrec_video.scenario import ITEMS

Write = Callable[..., Path]
Real = Callable[[str], Path]


class TestMicrolens:
    @pytest.fixture
    def folder(self, write: Write) -> Path:
        write("MicroLens-50k_pairs.tsv", "1\t3 1 2\r\n2\t2\r\n")
        return write(
            "MicroLens-50k_titles.csv",
            'item,title\r\n1,"Gu long, song # comic # Two Yuan"\r\n2,Duck\r\n3,# a # b\r\n',
        )

    def test_views_in_their_order(self, folder: Path) -> None:
        frames = microlens.read(folder)
        assert frames.events is not None
        assert frames.events["user_id"].tolist() == ["1", "1", "1", "2"]
        assert frames.events["item_id"].tolist() == ["3", "1", "2", "2"]
        assert set(frames.events["event_type"]) == {"watch"}
        assert not frames.has_clock
        assert "4 views of 2 users, order only" in frames.note

    def test_captions_and_hashtags(self, folder: Path) -> None:
        items = microlens.read(folder).items
        assert items is not None
        assert items["item_id"].tolist() == ["1", "2", "3"]
        assert items["title"].tolist() == ["Gu long, song", "Duck", "a b"]
        assert items["categories"].tolist() == [["comic", "Two Yuan"], [], ["a", "b"]]

    @pytest.mark.parametrize(
        ("caption", "parts"),
        [
            ("words", ("words", [])),
            ("words #one#two", ("words", ["one", "two"])),
            ("words \uff03 wide", ("words", ["wide"])),
            ("# only # tags", ("only tags", ["only", "tags"])),
            ("##", ("", [])),
            ("", ("", [])),
        ],
    )
    def test_split(self, caption: str, parts: tuple[str, list[str]]) -> None:
        assert split(caption) == parts

    def test_other_sizes_of_the_set(self, folder: Path) -> None:
        for path in list(folder.iterdir()):
            path.rename(folder / path.name.replace("50k", "100k"))
        events = microlens.read(folder).events
        assert events is not None
        assert len(events) == 4

    def test_missing_files(self, folder: Path, tmp_path: Path) -> None:
        (folder / "MicroLens-50k_titles.csv").unlink()
        with pytest.raises(DataError, match=r"no microlens folder: \*_titles\.csv"):
            microlens.read(folder)
        (folder / "MicroLens-50k_pairs.tsv").unlink()
        with pytest.raises(DataError, match=r"no microlens folder: \*_pairs\.tsv"):
            microlens.read(folder)
        with pytest.raises(DataError, match="no such folder"):
            microlens.importer()(tmp_path / "nowhere")

    def test_two_sizes_in_one_folder(self, folder: Path, write: Write) -> None:
        write("MicroLens-100k_pairs.tsv", "1\t2\n")
        with pytest.raises(DataError, match=r"2 files \*_pairs\.tsv"):
            microlens.read(folder)

    def test_a_line_without_tab_is_named(self, folder: Path, write: Write) -> None:
        write("MicroLens-50k_pairs.tsv", "1\t3 1 2\n2 2 2\n")
        with pytest.raises(DataError, match="line 2 is not a user, a tab and videos"):
            microlens.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = microlens.read(real("microlens-50k"))
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["user_id"].nunique() == 50_000
        assert frames.events["item_id"].nunique() == 19_220
        assert len(frames.events) == 359_708
        assert frames.events["user_id"].value_counts().max() == 218
        assert len(frames.items) == 19_220
        assert (frames.items["title"] != "").all()
        first = frames.events.loc[frames.events["user_id"] == "1", "item_id"]
        assert first.tolist() == ["1958", "6346", "15223", "17700", "1707"]


class TestMl1m:
    EXTRA = (
        "1::Amélie::2001::R::2 Nov 2001::Comedy::Jean-Pierre Jeunet::X (story), Y::"
        "Audrey Tautou, Mathieu Kassovitz, A, B, C::A waitress: helps.::http://p\n"
        "2::Short line::1995\n"
        "3::N::N/A::N/A::N/A::N/A::N/A::N/A::N/A::N/A::N/A\n"
    )

    @pytest.fixture
    def folder(self, write: Write) -> Path:
        write(
            "sequences.tsv", "user_id\tvalid_item_status\tmovie_ids_chronological\n7\tx\t2 1 g9\n"
        )
        write("movies_extrainfos.dat", self.EXTRA)
        return write(
            "movies.dat",
            "1::Amélie (2001)::Comedy|Romance\n2::Two (1995)::Drama\n3::Three (1999)::War\n",
            "latin-1",
        )

    def test_sequences(self, folder: Path) -> None:
        frames = ml1m.read(folder)
        assert frames.events is not None
        assert frames.events["user_id"].tolist() == ["7"] * 3
        assert frames.events["item_id"].tolist() == ["2", "1", "g9"]
        assert set(frames.events["event_type"]) == {"watch"}
        assert not frames.has_clock

    def test_unmatched_films_are_counted(self, folder: Path) -> None:
        assert "on 3 films, 2 of them with a title" in ml1m.read(folder).note

    def test_films(self, folder: Path) -> None:
        items = ml1m.read(folder).items
        assert items is not None
        film = items.set_index("item_id").loc["1"]
        assert film["title"] == "Amélie (2001)"
        assert film["categories"] == ["Comedy", "Romance"]
        assert film["creator"] == ["Jean-Pierre Jeunet"]
        assert film["persons"] == ["Audrey Tautou", "Mathieu Kassovitz", "A", "B"]
        assert film["production_year"] == 2001
        assert film["content_classification"] == "R"
        assert film["description"] == "A waitress: helps."

    def test_short_lines_and_missing_values(self, folder: Path) -> None:
        items = ml1m.read(folder).items
        assert items is not None
        table = items.set_index("item_id")
        assert table.loc["3", "creator"] == []
        assert table.loc["3", "description"] == ""
        assert table["production_year"].isna().tolist() == [False, True, True]
        rows = items.to_dict("records")
        assert render(ITEMS.text_template, rows[1]) == "Two (1995). Drama"

    def test_without_extra_information(self, folder: Path) -> None:
        (folder / "movies_extrainfos.dat").unlink()
        items = ml1m.read(folder).items
        assert items is not None
        assert list(items) == ["item_id", "title", "categories"]

    @pytest.mark.parametrize("name", ["sequences.tsv", "movies.dat"])
    def test_missing_files(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(DataError, match=f"no ml1m-sequences folder: {name}"):
            ml1m.read(folder)

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder"):
            ml1m.importer()(tmp_path / "nowhere")

    def test_a_broken_line_is_named(self, folder: Path, write: Write) -> None:
        write("movies.dat", "1::A::B\n2:A:B\n")
        with pytest.raises(DataError, match="line 2 is not id::title::genres"):
            ml1m.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = ml1m.read(real("ml-1m-sequences"))
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["user_id"].nunique() == 6_040
        assert frames.events["item_id"].nunique() == 3_416
        assert len(frames.events) == 999_601
        assert len(frames.items) == 3_881
        named = set(frames.items["item_id"]) & set(frames.events["item_id"])
        assert len(named) == 3_259
        unmatched = frames.events["item_id"].str.startswith("g")
        assert frames.events.loc[unmatched, "item_id"].nunique() == 156
        assert unmatched.sum() == 1_062
        first = frames.events["item_id"].head(3).tolist()
        assert first == ["3186", "1270", "1721"]
