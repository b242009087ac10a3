"""MovieLens in its four forms: ml-latest (csv), ml-1m (dat), ml-100k (u.data or atomic files)."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import DataError
from crossrec.ingest.formats import find_file, look_for, read_table, read_text
from crossrec.ingest.frames import Frames, Importer

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "movielens"
NAMES = ("user_id", "item_id", "value", "time")
#: Genres of ml-100k's u.item, in the order of its flags.
GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


def importer() -> Importer:
    """Return the importer."""
    return read


def read(folder: Path) -> Frames:
    """Read the folder: every rating is an event with its stars as value, sorted by time.

    Raises
    ------
    DataError
        If the folder holds none of the four forms.
    """
    if look_for(folder, "ratings.csv"):
        ratings, items = _latest(folder)
    elif look_for(folder, "ratings.dat"):
        ratings, items = _one_million(folder)
    elif look_for(folder, "u.data"):
        ratings, items = _hundred_thousand(folder)
    else:
        ratings, items = _atomic(folder)
    events = ratings.assign(
        event_type="rating",
        value=ratings["value"].astype(float),
        time=ratings["time"].astype(float),
    )
    events = events.sort_values("time", kind="stable", ignore_index=True)
    users = events["user_id"].nunique()
    note = f"MovieLens: {len(events)} ratings of {users} users, {len(items)} films listed"
    return Frames(items=items, events=events, has_clock=True, note=note)


def _latest(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read ``ratings.csv`` and ``movies.csv``."""
    columns = ["userId", "movieId", "rating", "timestamp"]
    ratings = read_table(find_file(folder, "ratings.csv", of=FORMAT), columns=columns)
    movies = read_table(
        find_file(folder, "movies.csv", of=FORMAT), columns=("movieId", "title", "genres")
    )
    items = _films(movies["movieId"], movies["title"], movies["genres"].str.split("|"))
    return ratings[columns].set_axis(list(NAMES), axis="columns"), items


def _one_million(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read ``ratings.dat`` and ``movies.dat``, whose fields are separated by ``::``."""
    ratings = _double_colon(find_file(folder, "ratings.dat", of=FORMAT), list(NAMES))
    movies = _double_colon(
        find_file(folder, "movies.dat", of=FORMAT), ["item_id", "title", "genres"]
    )
    return ratings, _films(movies["item_id"], movies["title"], movies["genres"].str.split("|"))


def _double_colon(path: Path, names: list[str]) -> pd.DataFrame:
    """Read a file with fields separated by ``::``; old files are in latin-1."""
    import pandas as pd

    # pandas' fast parser takes one character, and tabs occur in none of these files.
    text = read_text(path, "utf-8", "latin-1").replace("::", "\t")
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep="\t",
            names=names,
            dtype=str,
            keep_default_na=False,
            quoting=csv.QUOTE_NONE,
        )
    except pd.errors.ParserError as error:
        raise DataError(f"{path} cannot be read as fields separated by '::': {error}") from error


def _hundred_thousand(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read ``u.data`` and ``u.item``."""
    data = find_file(folder, "u.data", of=FORMAT)
    ratings = read_table(data, sep="\t", header=None, names=list(NAMES))
    movies = read_table(
        find_file(folder, "u.item", of=FORMAT),
        "utf-8",
        "latin-1",
        sep="|",
        header=None,
        quoting=csv.QUOTE_NONE,
    )
    flags = (movies.iloc[:, 5 : 5 + len(GENRES)] == "1").to_numpy()
    genres = [[genre for genre, flag in zip(GENRES, row) if flag] for row in flags]
    return ratings, _films(movies[0], movies[1], genres)


def _atomic(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read ``ml-100k.inter`` and ``ml-100k.item``, as RecBole has them."""
    inter = find_file(folder, "ml-100k.inter", "ratings.csv", "ratings.dat", "u.data", of=FORMAT)
    columns = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    ratings = read_table(inter, columns=columns, sep="\t")
    movies = read_table(
        find_file(folder, "ml-100k.item", of=FORMAT), sep="\t", quoting=csv.QUOTE_NONE
    )
    movies = movies.rename(columns=lambda column: str(column).split(":")[0])
    items = _films(movies["item_id"], movies["movie_title"], movies["class"].str.split())
    items["production_year"] = _numbers(movies["release_year"])
    return ratings[columns].set_axis(list(NAMES), axis="columns"), items


def _films(ids: pd.Series[str], titles: pd.Series[str], genres: object) -> pd.DataFrame:
    """Return an item table; the year is taken from the end of the title."""
    import pandas as pd

    items = pd.DataFrame({"item_id": ids.astype(str), "title": titles.str.strip()})
    items["categories"] = [
        [genre for genre in row if genre not in ("(no genres listed)", "unknown")]
        for row in genres  # type: ignore[attr-defined]
    ]
    items["production_year"] = _numbers(items["title"].str.extract(r"\((\d{4})\)\s*$")[0])
    return items


def _numbers(texts: pd.Series[str]) -> pd.Series[float]:
    """Return texts as numbers, NaN where they are none."""
    import pandas as pd

    return pd.to_numeric(texts, errors="coerce").astype(float)
