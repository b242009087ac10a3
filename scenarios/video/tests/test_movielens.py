from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from crossrec.errors import DataError
from crossrec.ingest.frames import Frames
from crossrec_video.importers.movielens import GENRES, importer, read

Write = Callable[..., Path]
Real = Callable[[str], Path]


def latest(write: Write) -> Path:
    write("ratings.csv", "userId,movieId,rating,timestamp\n1,2,4.5,300\n2,1,0.5,100\n1,1,3.0,200\n")
    return write(
        "movies.csv",
        "movieId,title,genres\n"
        '1,"Amélie, or Fate (2001)",Comedy|Romance\n2,No Year,(no genres listed)\n',
    )


def one_million(write: Write) -> Path:
    write("ratings.dat", "1::2::4.5::300\n2::1::0.5::100\n1::1::3.0::200\n")
    return write(
        "movies.dat",
        "1::Amélie, or Fate (2001)::Comedy|Romance\n2::No Year::(no genres listed)\n",
        "latin-1",
    )


def hundred_thousand(write: Write) -> Path:
    write("u.data", "1\t2\t4.5\t300\n2\t1\t0.5\t100\n1\t1\t3.0\t200\n")
    romance = ["1" if genre in ("Comedy", "Romance") else "0" for genre in GENRES]
    unknown = ["1" if genre == "unknown" else "0" for genre in GENRES]
    return write(
        "u.item",
        f"1|Amélie, or Fate (2001)|01-Jan-2001||http://x|{'|'.join(romance)}\n"
        f"2|No Year|||http://y|{'|'.join(unknown)}\n",
        "latin-1",
    )


def atomic(write: Write) -> Path:
    write(
        "ml-100k.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "1\t2\t4.5\t300\n2\t1\t0.5\t100\n1\t1\t3.0\t200\n",
    )
    return write(
        "ml-100k.item",
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "1\tAmélie, or Fate\t2001\tComedy Romance\n2\tNo Year\t\tunknown\n",
    )


FORMS = [latest, one_million, hundred_thousand, atomic]


@pytest.fixture(params=FORMS, ids=lambda form: form.__name__)
def frames(request: pytest.FixtureRequest, write: Write) -> Frames:
    return read(request.param(write))


def test_ratings_in_the_order_of_time(frames: Frames) -> None:
    assert frames.events is not None
    assert frames.events["user_id"].tolist() == ["2", "1", "1"]
    assert frames.events["item_id"].tolist() == ["1", "1", "2"]
    assert frames.events["value"].tolist() == [0.5, 3.0, 4.5]
    assert frames.events["time"].tolist() == [100.0, 200.0, 300.0]
    assert set(frames.events["event_type"]) == {"rating"}
    assert frames.has_clock


def test_films(frames: Frames) -> None:
    assert frames.items is not None
    assert frames.items["item_id"].tolist() == ["1", "2"]
    assert frames.items["title"].str.startswith("Amélie, or Fate").tolist() == [True, False]
    assert frames.items["categories"].tolist() == [["Comedy", "Romance"], []]
    assert frames.items["production_year"].tolist()[0] == 2001
    assert frames.items["production_year"].isna().tolist() == [False, True]


def test_note(frames: Frames) -> None:
    assert frames.note == "MovieLens: 3 ratings of 2 users, 2 films listed"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_gzipped(form: Callable[[Write], Path], write: Write) -> None:
    folder = form(write)
    plain = read(folder)
    for path in list(folder.iterdir()):
        encoding = "latin-1" if path.name in ("movies.dat", "u.item") else "utf-8"
        write(f"{path.name}.gz", path.read_text(encoding), encoding)
        path.unlink()
    packed = read(folder)
    assert plain.events is not None
    assert plain.items is not None
    assert plain.events.equals(packed.events)
    assert plain.items.equals(packed.items)


@pytest.mark.parametrize(
    ("form", "items"),
    list(zip(FORMS, ("movies.csv", "movies.dat", "u.item", "ml-100k.item"))),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_films_are_needed(form: Callable[[Write], Path], items: str, write: Write) -> None:
    folder = form(write)
    (folder / items).unlink()
    with pytest.raises(DataError, match=f"{items} .* is missing"):
        read(folder)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no movielens folder: .*ratings\.csv or ratings\.dat"):
        read(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        importer()(tmp_path / "nowhere")


def test_missing_column(write: Write) -> None:
    folder = write("ratings.csv", "userId,movieId,rating\n1,2,3\n")
    with pytest.raises(DataError, match="no column 'timestamp'"):
        read(folder)


def test_ratings_of_another_set(write: Write) -> None:
    write("ratings.dat", "1::2::3::4\n1::2::3::4::5::6\n1::2\n1::2::3::4::5::6::7\n")
    folder = write("movies.dat", "1::A::B\n")
    with pytest.raises(DataError, match="cannot be read as fields separated by '::'"):
        read(folder)


def test_quotation_marks_in_dat_files(write: Write) -> None:
    write("ratings.dat", "1::1::3::4\n")
    folder = write("movies.dat", '1::"Great" Performances (1971)::Drama\n2::X::Drama\n')
    items = read(folder).items
    assert items is not None
    assert items["title"].tolist() == ['"Great" Performances (1971)', "X"]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "users", "rated", "events", "listed", "first"),
    [
        ("ml-latest-small", 671, 9_066, 100_004, 9_125, "Toy Story (1995)"),
        ("ml-100k", 943, 1_682, 100_000, 1_682, "Toy Story"),
    ],
)
def test_real(
    real: Real, name: str, users: int, rated: int, events: int, listed: int, first: str
) -> None:
    frames = read(real(f"movielens-small-timestamps/{name}"))
    assert frames.events is not None
    assert frames.items is not None
    assert frames.events["user_id"].nunique() == users
    assert frames.events["item_id"].nunique() == rated
    assert len(frames.events) == events
    assert len(frames.items) == listed
    assert frames.events["value"].between(0.5, 5).all()
    assert frames.events["time"].is_monotonic_increasing
    film = frames.items.set_index("item_id").loc["1"]
    assert film["title"] == first
    assert film["production_year"] == 1995
    assert "Comedy" in film["categories"]
    assert set(frames.events["item_id"]) <= set(frames.items["item_id"])
