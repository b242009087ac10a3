"""Time to generate a world of a million events, as a ratio to its limit.

Command: ``python benchmarks/world.py [EVENTS]``. The limit is 30 s of CPU time for a
million events; CPU time, since other processes may run beside it.
"""

from __future__ import annotations

import sys
import time

from common import peak_mib, write_result

LIMIT_S_PER_MILLION = 30.0
#: Events that a person leaves in 20 sessions, by which the number of people is chosen.
EVENTS_OF_PERSON, SESSIONS, DAYS, N_ITEMS = 45, 20.0, 60.0, 20_000


def main(n_events: int) -> None:
    from crossrec.simulation import Reaction, Setting, Theme, World

    names = ("nature", "crime", "cooking", "space", "comedy", "history", "horror", "travel")
    words = {"subjects": ("Wolves", "Noodles", "Castle"), "scenes": ("at Dawn", "Twice")}
    themes = tuple(
        Theme(name, {name: 2.0, names[i - 1]: 1.0}, **words) for i, name in enumerate(names)
    )
    setting = Setting(
        "video",
        themes,
        (Reaction("watch", value="liking"), Reaction("like", least=0.7, share=0.2)),
        parts=6,
        price=4.0,
        release_days=30.0,
    )
    started = time.process_time()
    n_people = max(1, n_events // EVENTS_OF_PERSON)
    world = World.generate([setting], n_people=n_people, n_items=N_ITEMS)
    log = world.live("video", days=DAYS, sessions=SESSIONS)
    events, impressions = log.events(), log.impressions()
    seconds = time.process_time() - started
    limit = LIMIT_S_PER_MILLION * len(events) / 1e6
    write_result(
        "world",
        {
            "people": n_people,
            "items": N_ITEMS,
            "events": len(events),
            "impressions": len(impressions),
            "cpu_seconds": round(seconds, 1),
            "of_limit": round(seconds / limit, 3),
            "peak_mib": peak_mib(),
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
