from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.errors import DataError
from crossrec_music.importers import hetrec, llara

Write = Callable[..., Path]
Real = Callable[[str], Path]


class TestHetrec:
    @pytest.fixture
    def folder(self, write: Write) -> Path:
        write(
            "user_artists.dat",
            "userID\tartistID\tweight\r\n2\t51\t13883\r\n2\t52\t1\r\n4\t51\t7\r\n",
        )
        write("user_friends.dat", "userID\tfriendID\r\n2\t4\r\n2\t9\r\n4\t2\r\n")
        return write(
            "artists.dat",
            "id\tname\turl\tpictureURL\n"
            '51\t"Weird Al" Yankovic\thttp://x\thttp://y\n52\tSigur Rós \thttp://x\t\n',
        )

    def test_play_counts(self, folder: Path) -> None:
        frames = hetrec.read(folder)
        assert frames.events is not None
        assert frames.events["user_id"].tolist() == ["2", "2", "4"]
        assert frames.events["item_id"].tolist() == ["51", "52", "51"]
        # Lines that end in CRLF leave nothing on the numbers.
        assert frames.events["value"].tolist() == [13_883.0, 1.0, 7.0]
        assert set(frames.events["event_type"]) == {"play_count"}

    def test_says_that_there_is_no_order(self, folder: Path) -> None:
        frames = hetrec.read(folder)
        assert not frames.has_clock
        assert "no times and no order" in frames.note
        assert "2 users for 2 artists" in frames.note

    def test_artists(self, folder: Path) -> None:
        items = hetrec.read(folder).items
        assert items is not None
        assert items.to_dict("list") == {
            "item_id": ["51", "52"],
            "title": ['"Weird Al" Yankovic', "Sigur Rós"],
            "item_type": ["artist", "artist"],
        }

    def test_friends(self, folder: Path) -> None:
        users = hetrec.read(folder).users
        assert users is not None
        assert users.to_dict("list") == {"user_id": ["2", "4"], "friends": [["4", "9"], ["2"]]}

    def test_without_friends(self, folder: Path) -> None:
        (folder / "user_friends.dat").unlink()
        assert hetrec.read(folder).users is None

    def test_names_in_latin_1(self, folder: Path, write: Write) -> None:
        write("artists.dat", "id\tname\n51\tSigur Rós\n", "latin-1")
        items = hetrec.read(folder).items
        assert items is not None
        assert items["title"].tolist() == ["Sigur Rós"]

    def test_gzipped(self, folder: Path, write: Write) -> None:
        plain = hetrec.read(folder)
        for path in list(folder.iterdir()):
            write(f"{path.name}.gz", path.read_bytes().decode())
            path.unlink()
        packed = hetrec.read(folder)
        assert plain.events is not None
        assert plain.items is not None
        assert plain.events.equals(packed.events)
        assert plain.items.equals(packed.items)

    @pytest.mark.parametrize("name", ["user_artists.dat", "artists.dat"])
    def test_missing_files(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(DataError, match=f"no hetrec-lastfm folder: {name}"):
            hetrec.read(folder)

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder"):
            hetrec.importer()(tmp_path / "nowhere")

    def test_missing_column(self, folder: Path, write: Write) -> None:
        write("user_artists.dat", "userID\tartist\n1\t2\n")
        with pytest.raises(DataError, match="no column 'artistID'"):
            hetrec.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = hetrec.read(real("hetrec2011-lastfm-2k"))
        assert frames.events is not None
        assert frames.items is not None
        assert frames.users is not None
        assert len(frames.events) == 92_834
        assert frames.events["user_id"].nunique() == 1_892
        assert frames.events["item_id"].nunique() == 17_632
        assert len(frames.items) == 17_632
        assert frames.users["friends"].map(len).sum() == 25_434
        assert frames.events["value"].iloc[0] == 13_883
        assert frames.items["item_id"].is_unique
        titles = frames.items.set_index("item_id")["title"]
        assert titles["1"] == "MALICE MIZER"
        assert not titles.str.contains("\r").any()
        assert (titles != "").all()


class TestLlara:
    @pytest.fixture
    def folder(self, write: Write) -> Path:
        write("sequences.tsv", "sequence_id\tsplit\titem_ids\n0\ttrain\t2 0\n1\ttest\t1\n")
        return write("id2name.txt", "0::Morcheeba\n1::Enigma::2\n2::Café Del Mar\n")

    def test_sequences_are_users(self, folder: Path) -> None:
        frames = llara.read(folder)
        assert frames.events is not None
        assert frames.events["user_id"].tolist() == ["0", "0", "1"]
        assert frames.events["item_id"].tolist() == ["2", "0", "1"]
        assert set(frames.events["event_type"]) == {"play"}
        assert not frames.has_clock
        assert "3 events in 2 sequences, order only" in frames.note

    def test_names(self, folder: Path) -> None:
        items = llara.read(folder).items
        assert items is not None
        # Only the first "::" parts; names may hold another.
        assert items["title"].tolist() == ["Morcheeba", "Enigma::2", "Café Del Mar"]
        assert items["item_id"].tolist() == ["0", "1", "2"]
        assert set(items["item_type"]) == {"artist"}

    @pytest.mark.parametrize("name", ["sequences.tsv", "id2name.txt"])
    def test_missing_files(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(DataError, match=f"no llara-lastfm folder: {name}"):
            llara.read(folder)

    def test_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="no such folder"):
            llara.importer()(tmp_path / "nowhere")

    def test_a_broken_line_is_named(self, folder: Path, write: Write) -> None:
        write("id2name.txt", "0::Morcheeba\n1 Enigma\n")
        with pytest.raises(DataError, match="line 2 is not id::name"):
            llara.read(folder)

    @pytest.mark.real
    def test_real(self, real: Real) -> None:
        frames = llara.read(real("lastfm-llara"))
        assert frames.events is not None
        assert frames.items is not None
        assert frames.events["user_id"].nunique() == 1_220
        assert frames.events["item_id"].nunique() == 4_606
        assert len(frames.events) == 56_794
        assert len(frames.items) == 4_606
        lengths = frames.events["user_id"].value_counts()
        assert (lengths.min(), lengths.max(), lengths.median()) == (4, 986, 16)
        assert not frames.events.duplicated(["user_id", "item_id"]).any()
