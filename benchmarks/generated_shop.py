"""A generated shop of any size, made by whole columns: a million items take seconds.

Items come in families with words of their own, most brands have one family, and people shop in a
few families. Within a family few items have most of the purchases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from crossrec.ingest.frames import Frames

#: Seconds since 1970 when the first purchase may be, and how long the shop is open.
OPENED, OPEN_SECONDS = 1_600_000_000, 365 * 86_400
#: Families that one person shops in.
TASTES = 4
#: Words that name families, and words that any title may have.
_OWN, _COMMON = 20_000, 2_000
_SYLLABLES = np.array([a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an")])


def generated_shop(
    n_items: int, n_users: int, events_per_user: int, *, families: int, seed: int = 0
) -> Frames:
    """Return the tables of a shop.

    Parameters
    ----------
    families : int
        Kinds of items; each has two words of its own, which few other families share.
    """
    import pandas as pd
    from crossrec.ingest.frames import Frames

    rng = np.random.default_rng(seed)
    family = rng.integers(0, families, n_items)
    numbers = np.char.mod("%d", np.arange(n_items))
    items = pd.DataFrame(
        {
            "item_id": np.char.add("i", numbers),
            "title": _titles(rng, family, families, numbers),
            "categories": np.char.add("family ", np.char.mod("%d", family)),
            "brand": np.char.add("brand ", np.char.mod("%d", family % max(families // 5, 1))),
        }
    )
    users, chosen = _purchases(rng, family, families, n_users, events_per_user)
    times = OPENED + rng.integers(0, OPEN_SECONDS, len(users))
    order = np.lexsort((times, users))
    events = pd.DataFrame(
        {
            "user_id": pd.Series(np.char.add("u", np.char.mod("%d", np.arange(n_users))))
            .take(users)
            .to_numpy(),
            "item_id": items["item_id"].take(chosen[order]).to_numpy(),
            "event_type": "purchase",
            "time": times[order],
        }
    )
    return Frames(items=items, events=events, has_clock=True, note="generated")


def _titles(
    rng: np.random.Generator, family: NDArray[np.int64], families: int, numbers: NDArray[np.str_]
) -> list[str]:
    """Return titles of two words of the family, four common ones and a number."""
    own = rng.integers(0, _OWN, (families, 2))[family]
    common = _OWN + rng.zipf(1.15, (len(family), 4)) % _COMMON
    # Spread over all of three syllables, so that a word has one number and a number one word.
    names = _SYLLABLES[
        np.stack(
            np.unravel_index(
                rng.permutation(len(_SYLLABLES) ** 3)[: _OWN + _COMMON], (len(_SYLLABLES),) * 3
            ),
            axis=1,
        )
    ]
    words = np.array(["".join(row) for row in names.tolist()], dtype=object)
    columns = words[np.concatenate([own, common], axis=1)]
    return [" ".join([*row, n]) for row, n in zip(columns.tolist(), numbers.tolist(), strict=True)]


def _purchases(
    rng: np.random.Generator,
    family: NDArray[np.int64],
    families: int,
    n_users: int,
    events_per_user: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return users, ascending, and the items that they buy."""
    by_family = np.argsort(family, kind="stable")
    sizes = np.bincount(family, minlength=families)
    starts = np.cumsum(sizes) - sizes
    tastes = rng.integers(0, families, (n_users, TASTES))
    at = tastes[:, np.arange(events_per_user) % TASTES]
    place = (sizes[at] * rng.random(at.shape) ** 2).astype(np.int64)
    chosen = by_family[np.minimum(starts[at] + place, len(by_family) - 1)]
    return np.repeat(np.arange(n_users), events_per_user), chosen.ravel()
