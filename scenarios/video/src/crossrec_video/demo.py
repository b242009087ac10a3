"""Simulated watching for the demo: channels of twelve genres, viewers who like some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from crossrec.ingest.frames import Frames
from crossrec.simulation import Habits, SimulatedCatalog, Walks, walk

if TYPE_CHECKING:
    import pandas as pd

N_USERS = 500
DAYS = 56
START = 1_767_571_200.0  # 2026-01-05, a Monday
TITLES_OF_CHANNEL = 9

#: Genre → subjects, and scenes in which they are met.
GENRES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nature": (("Wolves", "Whales", "Rainforest"), ("of the North", "at Dawn", "in Winter")),
    "crime": (("Detective", "The Heist", "Cold Case"), ("in the Harbour", "at Midnight", "Twice")),
    "cooking": (("Noodles", "Sourdough", "Street Food"), ("in Ten Minutes", "for Two", "Slowly")),
    "space": (("Rocket", "Mars Colony", "Starship"), ("Adrift", "Beyond Saturn", "Countdown")),
    "comedy": (("My Neighbour", "The Wedding", "Flatmates"), ("Again", "in Trouble", "on Tour")),
    "history": (("The Romans", "Castle", "The Silk Road"), ("Revealed", "Under Siege", "Rebuilt")),
    "horror": (("The Cellar", "Haunted House", "The Doll"), ("Awakes", "Next Door", "Returns")),
    "travel": (("By Train", "On Foot", "By Canoe"), ("through Peru", "across Japan", "to Iceland")),
    "football": (
        ("The Derby", "Penalty Kicks", "Goalkeeper"),
        ("Explained", "in Slow Motion", "Live"),
    ),
    "romance": (
        ("Letters", "Second Chance", "A Kiss"),
        ("from Paris", "in the Rain", "by the Sea"),
    ),
    "science": (("Magnets", "Your Brain", "Volcanoes"), ("up Close", "in Numbers", "at the Limit")),
    "gaming": (
        ("Speedrun", "Pixel Dungeon", "Boss Fight"),
        ("World Record", "Blindfolded", "Part II"),
    ),
}
#: First names of those who play in a genre; the genre is their family name.
CAST = ("Mira", "Tom", "Ines", "Kofi")
MAKERS = ("{0} Channel", "Studio {0}", "All About {0}")
FORMS = ("{s} {c}", "{s} {c}: The Story", "{s} {c}: Uncut")


def generate(seed: int = 0) -> Frames:
    """Return titles and what simulated viewers do with them; the same for the same seed."""
    rng = np.random.default_rng(seed)
    items = _titles(rng)
    genres = {genre: i for i, genre in enumerate(GENRES)}
    channels = {channel: i for i, channel in enumerate(dict.fromkeys(items["creator"]))}
    catalog = SimulatedCatalog(
        themes=np.array([genres[row[0]] for row in items["categories"]], dtype=np.int64),
        makers=np.array([channels[channel] for channel in items["creator"]], dtype=np.int64),
        appeal=rng.lognormal(0.0, 0.9, size=len(items)),
    )
    habits = Habits(follow=0.3, stay=0.25, events=(8, 40))
    walks = walk(catalog, habits, rng, n_users=N_USERS, start=START, days=DAYS)
    events = _events(items, walks, rng)
    note = f"generated: {len(items)} titles, {N_USERS} viewers, {len(events)} events, seed {seed}"
    return Frames(items=items, events=events, has_clock=True, note=note)


def _titles(rng: np.random.Generator) -> pd.DataFrame:
    """Name the titles of each channel; those of a channel are adjacent, like episodes."""
    import pandas as pd

    rows: list[dict[str, object]] = []
    for genre, (subjects, scenes) in GENRES.items():
        names = [form.format(s=s, c=c) for s in subjects for c in scenes for form in FORMS]
        titles = iter(rng.permutation(names).tolist())
        for maker in MAKERS:
            channel = maker.format(genre.title())
            for i in range(TITLES_OF_CHANNEL):
                rows.append(
                    {
                        "item_id": f"v{len(rows) + 1:03d}",
                        "title": next(titles),
                        "categories": [genre],
                        "creator": channel,
                        "persons": [f"{CAST[i % len(CAST)]} {genre.title()}"],
                        "media_type": "episode",
                        "episode_number": i + 1,
                        "duration_s": int(rng.integers(3, 110)) * 60,
                    }
                )
    return pd.DataFrame(rows)


def _events(items: pd.DataFrame, walks: Walks, rng: np.random.Generator) -> pd.DataFrame:
    """Turn each step into a watched portion or a complete watch, and sometimes a reaction."""
    import pandas as pd

    n = len(walks.users)
    portion = np.clip(walks.liking + rng.normal(0, 0.15, n), 0.03, 1.0)
    kinds = np.where(portion >= 0.9, "complete", np.where(portion < 0.12, "click", "watch"))
    base = pd.DataFrame(
        {
            "user_id": [f"u{user + 1:03d}" for user in walks.users],
            "item_id": items["item_id"].to_numpy()[walks.items],
            "event_type": kinds,
            "time": walks.times,
            "value": np.where(kinds == "watch", np.round(portion, 2), np.nan),
        }
    )
    draw = rng.random(n)
    liked = base[(walks.liking > 0.7) & (draw < 0.15)]
    disliked = base[(walks.liking < 0.3) & (draw < 0.1)]
    kept = base[(walks.liking > 0.6) & (draw > 0.95)]
    extra = [
        rows.assign(event_type=name, value=np.nan, time=rows["time"] + 20)
        for rows, name in ((liked, "like"), (disliked, "dislike"), (kept, "add_to_watchlist"))
    ]
    events: pd.DataFrame = pd.concat([base, *extra], ignore_index=True)
    return events.sort_values(["user_id", "time"], kind="stable", ignore_index=True)
