from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.errors import DataError
from crossrec_ecommerce.importers.atomic import read_atomic
from crossrec_ecommerce.importers.recbole import importer, read

Write = Callable[..., Path]
Real = Callable[[str], Path]

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


@pytest.fixture
def films(write: Write) -> Path:
    write("films.inter", INTER + "u2\ti1\t5\t300\nu1\ti2\t1\t100\nu1\ti1\t3.5\t200\n")
    write(
        "films.item",
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        'i1\tThe "Best" Story\t1995\tAction Comedy\ni2\tOther\t1996\t\n',
    )
    return write("films.user", "user_id:token\tage:token\nu1\t24\nu2\t53\n")


def test_events_in_the_order_of_time(films: Path) -> None:
    frames = read(films)
    assert frames.events is not None
    assert frames.has_clock
    assert frames.events["item_id"].tolist() == ["i2", "i1", "i1"]
    assert frames.events["user_id"].tolist() == ["u1", "u1", "u2"]
    assert frames.events["time"].tolist() == [100.0, 200.0, 300.0]


def test_ratings_are_values(films: Path) -> None:
    events = read(films).events
    assert events is not None
    assert set(events["event_type"]) == {"rating"}
    assert events["value"].tolist() == [1.0, 3.5, 5.0]


def test_items_under_our_names(films: Path) -> None:
    items = read(films).items
    assert items is not None
    assert list(items) == ["item_id", "title", "release_year", "categories"]
    # A quotation mark is part of the title.
    assert items["title"].tolist() == ['The "Best" Story', "Other"]
    assert items["categories"].tolist() == [["Action", "Comedy"], []]


def test_users(films: Path) -> None:
    users = read(films).users
    assert users is not None
    assert users.to_dict("list") == {"user_id": ["u1", "u2"], "age": ["24", "53"]}


def test_without_items_and_users(films: Path) -> None:
    (films / "films.item").unlink()
    (films / "films.user").unlink()
    frames = read(films)
    assert frames.items is None
    assert frames.users is None


def test_without_rating_and_time(write: Write) -> None:
    frames = read(write("plays.inter", "user_id:token\titem_id:token\nu1\tb\nu1\ta\n"))
    assert frames.events is not None
    assert list(frames.events) == ["user_id", "item_id"]
    assert frames.events["item_id"].tolist() == ["b", "a"]
    assert not frames.has_clock
    assert "order only" in frames.note


def test_equal_times_keep_the_order_of_the_file(write: Write) -> None:
    rows = "".join(f"u1\ti{i}\t5\t100\n" for i in (3, 1, 2))
    events = read(write("x.inter", INTER + rows)).events
    assert events is not None
    assert events["item_id"].tolist() == ["i3", "i1", "i2"]


def test_sessions_and_other_ids(write: Write) -> None:
    events = read(write("x.inter", "session_id:token\tsong_id:token\tn:float\ns1\ta\t1\n")).events
    assert events is not None
    assert events.to_dict("list") == {"user_id": ["s1"], "item_id": ["a"]}


def test_gzipped(films: Path, write: Write) -> None:
    plain = read(films).events
    for path in list(films.iterdir()):
        write(f"{path.name}.gz", path.read_text())
        path.unlink()
    packed = read(films).events
    assert plain is not None
    assert plain.equals(packed)


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("Action Comedy", ["Action", "Comedy"]),
        ("Home & Kitchen, Cutlery", ["Home & Kitchen", "Cutlery"]),
        ("Sci-Fi|Film Noir", ["Sci-Fi", "Film Noir"]),
        ("", []),
    ],
)
def test_categories(write: Write, cell: str, parts: list[str]) -> None:
    write("x.inter", INTER + "u\ti\t5\t1\n")
    folder = write("x.item", f"item_id:token\tcategories:token_seq\ni\t{cell}\n")
    items = read(folder).items
    assert items is not None
    assert items["categories"].tolist() == [parts]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no recbole folder: no NAME\.inter"):
        read(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        importer()(tmp_path / "nowhere")


def test_two_sets_in_one_folder(films: Path, write: Write) -> None:
    write("songs.inter", INTER)
    with pytest.raises(DataError, match=r"2 \.inter files"):
        read(films)


def test_split_files_are_another_format(write: Write) -> None:
    folder = write("Shop.test.inter", "user_id:token\titem_id_list:token_seq\titem_id:token\n")
    with pytest.raises(DataError, match="--format unisrec"):
        read(folder)


def test_sequences_are_another_format(write: Write) -> None:
    folder = write("Shop.inter", "user_id:token\titem_id_list:token_seq\titem_id:token\n")
    with pytest.raises(DataError, match="--format unisrec"):
        read(folder)


def test_a_header_without_types_is_named(write: Write) -> None:
    folder = write("x.inter", "user_id\titem_id\nu\ti\n")
    with pytest.raises(DataError, match="header 'user_id' has no type"):
        read(folder)


def test_no_user_column(write: Write) -> None:
    folder = write("x.inter", "a:token\tb:token\n1\t2\n")
    with pytest.raises(DataError, match="no user and item column; its tokens are: a, b"):
        read(folder)


def test_numbers_that_are_none(write: Write) -> None:
    folder = write("x.inter", "user_id:token\trating:float\nu\t3\nv\tgood\nw\t\n")
    numbers = read_atomic(folder / "x.inter").numbers("rating")
    assert numbers.tolist()[0] == 3.0
    assert numbers.isna().tolist() == [False, True, True]


@pytest.mark.real
def test_real_movielens_100k(real: Real) -> None:
    frames = read(real("movielens-small-timestamps/ml-100k"))
    assert frames.events is not None
    assert frames.items is not None
    assert frames.users is not None
    assert frames.has_clock
    assert len(frames.events) == 100_000
    assert frames.events["user_id"].nunique() == 943
    assert frames.events["item_id"].nunique() == 1_682
    assert len(frames.users) == 943
    first = frames.items.set_index("item_id").loc["1"]
    assert first["title"] == "Toy Story"
    assert first["categories"] == ["Animation", "Children's", "Comedy"]
