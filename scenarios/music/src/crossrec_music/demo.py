"""Simulated listening for the demo: artists of twelve genres, listeners who like some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from crossrec.ingest.frames import Frames
from crossrec.simulation import Habits, SimulatedCatalog, Walks, walk

if TYPE_CHECKING:
    import pandas as pd

N_USERS = 500
DAYS = 42
START = 1_767_571_200.0  # 2026-01-05, a Monday
TRACKS_OF_ARTIST = 8

#: Genre → adjectives and nouns that name its artists and tracks.
GENRES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "folk": (("Willow", "Hollow", "Autumn"), ("Lantern", "Orchard", "River", "Fiddle")),
    "techno": (("Voltage", "Concrete", "Strobe"), ("Machine", "Circuit", "Warehouse", "Pulse")),
    "jazz": (("Midnight", "Indigo", "Velvet"), ("Quartet", "Saxophone", "Swing", "Boulevard")),
    "metal": (("Iron", "Burning", "Obsidian"), ("Throne", "Thunder", "Wolf", "Anvil")),
    "hip hop": (("Golden", "Corner", "Uptown"), ("Cypher", "Rhyme", "Block", "Cassette")),
    "ambient": (("Drifting", "Glacial", "Silent"), ("Nebula", "Tide", "Horizon", "Cloud")),
    "indie rock": (("Paper", "Neon", "Lazy"), ("Bicycle", "Telephone", "Basement", "Summer")),
    "soul": (("Tender", "Honey", "Sunday"), ("Promise", "Heart", "Choir", "Embrace")),
    "country": (("Dusty", "Lonesome", "Copper"), ("Highway", "Saddle", "Canyon", "Whiskey")),
    "classical": (("Winter", "Nocturnal", "Grand"), ("Sonata", "Prelude", "Cello", "Overture")),
    "reggae": (("Island", "Roots", "Easy"), ("Sunrise", "Rhythm", "Harbour", "Steppers")),
    "punk": (("Broken", "Rusty", "Cheap"), ("Riot", "Amplifier", "Alley", "Chainsaw")),
}
BANDS = ("The {a} {n}s", "{a} {n} Club", "{n} & Sons", "{a} {n}")
TRACKS = (
    "{a} {n}",
    "{n} Song",
    "Under the {n}",
    "Back to the {n}",
    "{a} Days",
    "{a} Nights",
    "One More {n}",
)


def generate(seed: int = 0) -> Frames:
    """Return tracks, plays, skips and saves of simulated listeners; the same for the same seed."""
    rng = np.random.default_rng(seed)
    items = _tracks(rng)
    genres = {genre: i for i, genre in enumerate(GENRES)}
    artists = {artist: i for i, artist in enumerate(dict.fromkeys(items["artist"]))}
    catalog = SimulatedCatalog(
        themes=np.array([genres[row[0]] for row in items["categories"]], dtype=np.int64),
        makers=np.array([artists[artist] for artist in items["artist"]], dtype=np.int64),
        appeal=rng.lognormal(0.0, 0.8, size=len(items)),
    )
    habits = Habits(follow=0.3, stay=0.25, again=0.15, events=(10, 60))
    walks = walk(catalog, habits, rng, n_users=N_USERS, start=START, days=DAYS)
    events = _events(items, walks, rng)
    note = f"generated: {len(items)} tracks, {N_USERS} listeners, {len(events)} events, seed {seed}"
    return Frames(items=items, events=events, has_clock=True, note=note)


def _tracks(rng: np.random.Generator) -> pd.DataFrame:
    """Name four artists per genre and their tracks; the tracks of an artist are adjacent."""
    import pandas as pd

    rows: list[dict[str, object]] = []
    for genre, (adjectives, nouns) in GENRES.items():
        names = [track.format(a=a, n=n) for track in TRACKS for a in adjectives for n in nouns]
        titles = iter(rng.permutation(list(dict.fromkeys(names))).tolist())
        for i, (band, noun) in enumerate(zip(BANDS, nouns)):
            artist = band.format(a=adjectives[i % len(adjectives)], n=noun)
            for number in range(1, TRACKS_OF_ARTIST + 1):
                rows.append(
                    {
                        "item_id": f"t{len(rows) + 1:03d}",
                        "title": next(titles),
                        "artist": artist,
                        "album": f"{artist} {'I' if number <= TRACKS_OF_ARTIST // 2 else 'II'}",
                        "categories": [genre],
                        "track_number": number,
                        "duration_ms": int(rng.integers(120, 420)) * 1000,
                    }
                )
    return pd.DataFrame(rows)


def _events(items: pd.DataFrame, walks: Walks, rng: np.random.Generator) -> pd.DataFrame:
    """Turn each step into a play, complete play or skip, and sometimes a save or a ban."""
    import pandas as pd

    n = len(walks.users)
    luck = rng.random(n)
    kinds = np.where(walks.liking < 0.3, "skip", np.where(luck < 0.4, "complete", "play"))
    seconds = np.round(30 + walks.liking * 150)
    base = pd.DataFrame(
        {
            "user_id": [f"u{user + 1:03d}" for user in walks.users],
            "item_id": items["item_id"].to_numpy()[walks.items],
            "event_type": kinds,
            "time": walks.times,
            "value": np.where(kinds == "play", seconds, np.nan),
        }
    )
    draw = rng.random(n)
    saved = base[(kinds != "skip") & (walks.liking > 0.6) & (draw < 0.12)]
    listed = base[(kinds != "skip") & (walks.liking > 0.7) & (draw > 0.95)]
    banned = base[(kinds == "skip") & (draw < 0.05)]
    extra = [
        rows.assign(event_type=name, value=np.nan, time=rows["time"] + 20)
        for rows, name in (
            (saved, "save_track"),
            (listed, "add_to_playlist"),
            (banned, "ban_track"),
        )
    ]
    events: pd.DataFrame = pd.concat([base, *extra], ignore_index=True)
    return events.sort_values(["user_id", "time"], kind="stable", ignore_index=True)
