"""Generated readers of a generated newspaper."""

from __future__ import annotations

from crossrec.ingest.frames import Frames
from crossrec.simulation import Reaction, Setting, Theme, World

DAYS = 21

_DESKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "politics": (("Parliament", "The Mayor", "The Coalition"), ("Votes", "under Fire", "Agrees")),
    "climate": (("The River", "Wind Power", "The Forest"), ("Rises", "Recovers", "in Numbers")),
    "football": (("The Derby", "The Keeper", "The Coach"), ("Explained", "Wins", "Quits")),
    "markets": (("Interest Rates", "The Bakery", "Chip Makers"), ("Fall", "Surprise", "Hold On")),
    "science": (("A Comet", "The Vaccine", "Deep Sea"), ("Up Close", "Tested", "Returns")),
    "culture": (("The Opera", "A Debut Novel", "The Museum"), ("Opens", "Divides", "Reviewed")),
}
NEWSPAPER = Setting(
    name="news",
    themes=tuple(Theme(desk, {desk: 1.0}, *words) for desk, words in _DESKS.items()),
    reactions=(
        Reaction("read"),
        Reaction("share", least=0.6, share=0.1),
        Reaction("save", least=0.5, share=0.1),
        Reaction("follow_author", least=0.7, share=0.1),
        Reaction("not_interested", most=0.2, share=0.2),
    ),
    makers=("{subject} Desk", "{subject} Editor"),
    maker_field="author",
    release_days=DAYS,
)


def generate(seed: int = 0) -> Frames:
    """Return articles, of which every fifth is behind a paywall, and what their readers do."""
    world = World.generate([NEWSPAPER], n_people=300, n_items=300, seed=seed)
    items = world.items("news")
    items["subscription_needed"] = ["plus" if at % 5 == 4 else "" for at in range(len(items))]
    events = world.events("news", days=DAYS, sessions=10)
    note = f"generated: {len(items)} articles, 300 readers, {len(events)} events, seed {seed}"
    return Frames(items=items, events=events, has_clock=True, note=note)
