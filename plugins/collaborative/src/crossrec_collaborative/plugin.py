"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from crossrec import hookimpl
from crossrec.hookspecs import Register

_ABLE = frozenset({"score", "explain", "estimate"})
#: Sources that learn new events without a fit, and can forget a user.
_LEARN = ("popularity", "covisitation", "item-knn", "user-knn", "next-basket", "bought-together")
#: Sources that say what their fit learnt.
_REPORT = ("next-basket", "buy-again")
#: Sources that take in new items without a fit.
_GROW = ("own-history", "continuation", "following", "newest")
#: Sources of what the user had: evaluation asks them for what is taken again.
_OWN = ("own-history", "continuation", "buy-again")

#: Sources that count and choose nothing: they answer without a fit.
_COUNT = (
    *("popularity", "popularity-decayed", "trending", "event-count", "newest", "following"),
    *("who-to-follow", "continuation", "own-history"),
)

#: name → (module, class, one-line summary); the configuration is `<class>Config` beside it.
_SOURCES = {
    "popularity": ("popularity", "Popularity", "Items with the most events, of all time"),
    "popularity-decayed": (
        "popularity",
        "DecayedPopularity",
        "Items with the most events, where an event halves in weight with age",
    ),
    "trending": (
        "popularity",
        "Trending",
        "Items with more events in the latest window than in the one before",
    ),
    "event-count": (
        "shelves.event_count",
        "EventCount",
        "Items that most people did one thing with: bought, viewed, played",
    ),
    "newest": (
        "shelves.newest",
        "Newest",
        "Items that came lately, nearest to the taste of the history",
    ),
    "following": (
        "shelves.following",
        "Following",
        "Items of followed creators in reverse time",
    ),
    "who-to-follow": (
        "shelves.who_to_follow",
        "WhoToFollow",
        "Accounts that people with the same follows follow, each by one item",
    ),
    "continuation": (
        "shelves.continuation",
        "Continuation",
        "What the user has begun, and the next episode of a series",
    ),
    "own-history": (
        "shelves.own_history",
        "OwnHistory",
        "The user's own items, the latest or the most frequent first",
    ),
    "covisitation": (
        "covisitation",
        "Covisitation",
        "Items close to those of the history in other people's histories",
    ),
    "item-knn": (
        "item_knn",
        "ItemKnn",
        "Items chosen by the same people as those of the history (cosine with shrinkage)",
    ),
    "user-knn": ("user_knn", "UserKnn", "Items chosen by people with a similar history (cosine)"),
    "ease": ("ease", "Ease", "Item-item weights in closed form (Steck 2019)"),
    "als": (
        "als",
        "Als",
        "Factors by alternating least squares (Hu et al. 2008)",
    ),
    "bpr": ("bpr", "Bpr", "Factors by Bayesian personalised ranking (Rendle et al. 2009)"),
    "next-basket": (
        "baskets.next_basket",
        "NextBasket",
        "The next basket: what is bought again and again, what follows, what all buy",
    ),
    "buy-again": (
        "baskets.buy_again",
        "BuyAgain",
        "What the user bought before and is due again, by learnt intervals",
    ),
    "bought-together": (
        "baskets.bought_together",
        "BoughtTogether",
        "Complements: items of one basket, by lift beyond doubt, without substitutes",
    ),
}


@hookimpl
def register_candidate_generators(register: Register) -> None:
    """Register the sources by import path."""
    for name, (module, cls, summary) in _SOURCES.items():
        path = f"crossrec_collaborative.{module}:{cls}"
        able = _ABLE | {"update", "forget"} if name in _LEARN else _ABLE
        able |= {"report"} if name in _REPORT else set()
        able |= {"add_items"} if name in _GROW else set()
        able |= {"own_items"} if name in _OWN else set()
        able |= {"counts"} if name in _COUNT else set()
        register(name, path, config=f"{path}Config", capabilities=able, summary=summary)
