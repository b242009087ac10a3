"""A simulated network for the demo: authors on twelve topics, readers who like some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from crossrec.ingest.frames import Frames
from crossrec.simulation import DAY, Habits, SimulatedCatalog, Walks, walk

if TYPE_CHECKING:
    import pandas as pd

N_USERS = 500
DAYS = 28
START = 1_767_571_200.0  # 2026-01-05, a Monday
AUTHORS_OF_TOPIC = 4
POSTS_OF_AUTHOR = 10

#: Topic → what its posts are about.
TOPICS: dict[str, tuple[str, ...]] = {
    "gardening": ("tomatoes", "compost", "roses", "raised beds", "slugs"),
    "cycling": ("gravel bikes", "tubeless tyres", "commuting", "hill climbs", "bike bags"),
    "astronomy": ("the Perseids", "telescopes", "Jupiter's moons", "dark skies", "eclipses"),
    "baking": ("sourdough", "croissants", "rye bread", "cinnamon rolls", "proofing"),
    "chess": ("the Sicilian", "rook endgames", "blitz", "opening traps", "chess clocks"),
    "photography": ("street portraits", "film cameras", "long exposure", "lenses", "golden hour"),
    "climbing": ("bouldering", "belay devices", "crack climbing", "finger strength", "chalk"),
    "programming": ("unit tests", "type hints", "code review", "regular expressions", "databases"),
    "birds": ("owls", "bird feeders", "migration", "woodpeckers", "binoculars"),
    "music making": ("synthesizers", "home studios", "drum machines", "mixing", "bass guitars"),
    "running": ("marathons", "trail shoes", "interval training", "warm-ups", "pacing"),
    "knitting": ("cable patterns", "wool socks", "circular needles", "blocking", "yarn"),
}
FORMS = (
    "What I learned about {0} this month",
    "Five mistakes with {0} and how to avoid them",
    "Is anybody else obsessed with {0}?",
    "A beginner's guide to {0}",
    "My unpopular take on {0}",
    "My week with {0}, in pictures",
    "The best thing about {0} that nobody mentions",
    "How do you start with {0}?",
)
FIRST = ("Ana", "Ben", "Chidi", "Dana", "Emre", "Fay", "Goro", "Hana", "Igor", "Jun", "Kaya", "Leo")
LAST = ("Okafor", "Lindqvist", "Moreau", "Tanaka")


def generate(seed: int = 0) -> Frames:
    """Return posts, clicks, likes and replies of simulated users; the same for the same seed."""
    rng = np.random.default_rng(seed)
    items = _posts(rng)
    topics = {topic: i for i, topic in enumerate(TOPICS)}
    authors = {author: i for i, author in enumerate(dict.fromkeys(items["author"]))}
    catalog = SimulatedCatalog(
        themes=np.array([topics[row[0]] for row in items["categories"]], dtype=np.int64),
        makers=np.array([authors[author] for author in items["author"]], dtype=np.int64),
        appeal=rng.lognormal(0.0, 0.8, size=len(items)),
        created=items["created_at"].to_numpy(dtype=np.float64),
    )
    habits = Habits(follow=0.15, stay=0.3, fresh_days=4.0, events=(8, 40))
    walks = walk(catalog, habits, rng, n_users=N_USERS, start=START, days=DAYS)
    events = _events(items, walks, rng)
    note = f"generated: {len(items)} posts, {N_USERS} readers, {len(events)} events, seed {seed}"
    return Frames(items=items, events=events, has_clock=True, note=note)


def _posts(rng: np.random.Generator) -> pd.DataFrame:
    """Write the posts of each author, oldest first."""
    import pandas as pd

    rows: list[dict[str, object]] = []
    for t, (topic, subjects) in enumerate(TOPICS.items()):
        titles = [form.format(subject) for form in FORMS for subject in subjects]
        order = rng.permutation(len(titles))
        for a in range(AUTHORS_OF_TOPIC):
            # Some posts are older than the first event.
            created = np.sort(rng.uniform(START - 4 * DAY, START + DAYS * DAY, POSTS_OF_AUTHOR))
            for i in range(POSTS_OF_AUTHOR):
                rows.append(
                    {
                        "item_id": f"p{len(rows) + 1:03d}",
                        "title": titles[order[a * POSTS_OF_AUTHOR + i]],
                        "categories": [topic],
                        "author": f"{FIRST[t]} {LAST[a]}",
                        "community": f"{topic} club",
                        "media_type": ("text", "photo", "link")[int(rng.integers(3))],
                        "created_at": float(np.floor(created[i])),
                    }
                )
    return pd.DataFrame(rows)


def _events(items: pd.DataFrame, walks: Walks, rng: np.random.Generator) -> pd.DataFrame:
    """Turn each step into a dwell or a click, and sometimes a like, a reply or a complaint."""
    import pandas as pd

    n = len(walks.users)
    kinds = np.where((walks.liking < 0.35) | (rng.random(n) < 0.2), "dwell", "click")
    base = pd.DataFrame(
        {
            "user_id": [f"u{user + 1:03d}" for user in walks.users],
            "item_id": items["item_id"].to_numpy()[walks.items],
            "event_type": kinds,
            "time": walks.times,
            "value": np.where(kinds == "dwell", np.round(2 + walks.liking * 40), np.nan),
        }
    )
    draw = rng.random(n)
    chosen = (
        ("like", (walks.liking > 0.6) & (draw < 0.3)),
        ("reply", (walks.liking > 0.7) & (draw > 0.93)),
        ("bookmark", (walks.liking > 0.75) & (draw > 0.86) & (draw < 0.92)),
        ("follow_author", (walks.liking > 0.8) & (draw > 0.8) & (draw < 0.84)),
        ("not_interested", (walks.liking < 0.3) & (draw < 0.08)),
    )
    extra = [
        base[mask].assign(event_type=name, value=np.nan, time=base["time"] + 20)
        for name, mask in chosen
    ]
    events: pd.DataFrame = pd.concat([base, *extra], ignore_index=True)
    return events.sort_values(["user_id", "time"], kind="stable", ignore_index=True)
