"""The policy `rights`: what this person may see, here, on this profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from crossrec.components.item_columns import codes_of, values_of
from crossrec.components.live_items import LiveItems
from crossrec.components.policies import flag
from crossrec.components.policy_context import PolicyContext
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.settings import Settings
from crossrec.data.catalog import as_list, as_text
from crossrec.numeric.arrays import among
from numpy.typing import NDArray

from crossrec_policies.limits.maturity import age_of

Mask = NDArray[np.bool_]
_NO_PLAN = frozenset({"", "0", "false", "no", "none", "free"})
_ANY_PLAN = frozenset({"1", "true", "yes", "any"})


class RightsConfig(Settings):
    """Settings of `rights`: the fields of items, and the keys of the profile or the context.

    Attributes
    ----------
    countries : str
        Field with the countries that an item may be shown in.
    country : str
        Key of where the person is.
    classification : str
        Field with the age rating of an item: a name such as PG-13, or an age.
    maturity_limit : str
        Key of the highest rating or age of the profile.
    explicit : str
        Flag of explicit items.
    explicit_allowed : str
        Key of whether the profile allows them.
    kids : str
        Flag of items for children.
    kids_profile : str
        Key of whether the profile sees these alone.
    subscription_needed : str
        Field with the plans of which an item needs one, or a flag: any plan.
    subscription : str
        Key of the person's plans.
    visibility : str
        Field that says ``followers``, ``subscribers`` or ``private`` where not all may see an item.
    follows : tuple of str
        Event types that make a person a follower of the creator.
    unfollows : tuple of str
        Event types that end it.
    own : bool
        Whether items that the person made, by the name of their creator, are left out.
    strict : bool
        Whether a limit of maturity and a profile for children bar items that say nothing.
    """

    countries: str = "country_rights"
    country: str = "country"
    classification: str = "content_classification"
    maturity_limit: str = "maturity_limit"
    explicit: str = "explicit"
    explicit_allowed: str = "explicit_allowed"
    kids: str = "is_kids"
    kids_profile: str = "is_kids"
    subscription_needed: str = "subscription_needed"
    subscription: str = "subscription_model"
    visibility: str = "visibility"
    follows: tuple[str, ...] = ("follow_author", "follow_artist", "subscribe_channel")
    unfollows: tuple[str, ...] = ("unfollow_author",)
    own: bool = False
    strict: bool = False


class Cause(NamedTuple):
    """Why some items are not shown: a code, which items, and the numbers behind each."""

    code: str
    bars: Mask
    values: Callable[[int], Mapping[str, Any]]


class Rights:
    """Drops what the person may not see: by country, age rating, plan, visibility, profile.

    A key counts from the request's context, else from the user's profile. What an item or a person
    does not say bars nothing, but under ``strict``.
    """

    def __init__(self, config: RightsConfig | None = None) -> None:
        self.config = config or RightsConfig()

    def bars(self, index: NDArray[np.int64], context: PolicyContext) -> Mask:
        """Return which items the person may not see, bool (n,)."""
        barred = np.zeros(len(index), dtype=bool)
        for cause in self._causes(index, context):
            barred |= cause.bars
        return barred

    def reads(self, items: LiveItems) -> tuple[str, ...]:
        """Return the keys of profile or context that decide about some item of the catalog."""
        own = self.config
        keys = {
            own.country: (own.countries,),
            own.maturity_limit: (own.classification, "is_adult"),
            own.explicit_allowed: (own.explicit,),
            own.kids_profile: (own.kids,),
            own.subscription: (own.subscription_needed,),
        }
        return tuple(key for key, fields in keys.items() if any(map(items.has, fields)))

    def apply(self, ranked: Ranked, context: PolicyContext) -> Ranked:
        """Return the pool without what the person may not see."""
        barred = np.zeros(len(ranked), dtype=bool)
        changes: list[PolicyChange] = []
        for cause in self._causes(ranked.index, context):
            for at in np.flatnonzero(cause.bars & ~barred).tolist():
                detail = cause.values(at)
                changes.append(PolicyChange(int(ranked.index[at]), "dropped", cause.code, detail))
            barred |= cause.bars
        return ranked.take(~barred, *changes) if changes else ranked

    def _causes(self, index: NDArray[np.int64], context: PolicyContext) -> list[Cause]:
        checks = (_country, _maturity, _kids, _explicit, _plan, _visibility, _own)
        found = (check(self.config, index, context) for check in checks)
        return [cause for cause in found if cause is not None]


def _said(context: PolicyContext, key: str) -> Any:
    """Return what the request says of a key, else the profile; None where neither does."""
    given = context.query.context.get(key)
    return context.user.profile.get(key) if given is None else given


def _country(
    config: RightsConfig, index: NDArray[np.int64], context: PolicyContext
) -> Cause | None:
    country = as_text(_said(context, config.country))
    _, entities = values_of(context.items, config.countries)
    if not country or entities is None:
        return None
    bars = (codes_of(entities, index).lengths > 0) & ~among(index, entities.items(country))
    return Cause("no_rights", bars, lambda at: {"country": country})


def _maturity(
    config: RightsConfig, index: NDArray[np.int64], context: PolicyContext
) -> Cause | None:
    limit = age_of(_said(context, config.maturity_limit))
    if np.isnan(limit):
        return None
    ages = context.items.numbers(config.classification, age_of)[index]
    ages = np.where(context.items.numbers("is_adult", flag)[index] == 1, 18.0, ages)
    bars = (ages > limit) | (np.isnan(ages) & config.strict)

    def values(at: int) -> Mapping[str, Any]:
        age = None if np.isnan(ages[at]) else int(ages[at])
        return {"age": "unknown" if age is None else age, "limit": int(limit)}

    return Cause("above_maturity_limit", bars, values)


def _kids(config: RightsConfig, index: NDArray[np.int64], context: PolicyContext) -> Cause | None:
    if flag(_said(context, config.kids_profile)) != 1:
        return None
    kids = context.items.numbers(config.kids, flag)[index]
    return Cause("not_for_kids", (kids == 0) | (np.isnan(kids) & config.strict), lambda at: {})


def _explicit(
    config: RightsConfig, index: NDArray[np.int64], context: PolicyContext
) -> Cause | None:
    if flag(_said(context, config.explicit_allowed)) != 0:
        return None
    explicit = context.items.numbers(config.explicit, flag)[index]
    return Cause("explicit", explicit == 1, lambda at: {})


def _plan(config: RightsConfig, index: NDArray[np.int64], context: PolicyContext) -> Cause | None:
    said = _said(context, config.subscription)
    _, entities = values_of(context.items, config.subscription_needed)
    if said is None or entities is None:
        return None
    own = {plan.casefold() for plan in as_list(said)} - _NO_PLAN
    # Which values a person without any plan, with some plan, with this plan meets.
    met = np.array(
        [
            name in _NO_PLAN or name in own or (name in _ANY_PLAN and bool(own))
            for name in entities.names
        ],
        dtype=bool,
    )
    rows = codes_of(entities, index)
    meets = np.zeros(len(index), dtype=bool)
    meets[rows.row_of[met[rows.values]]] = True
    bars = (rows.lengths > 0) & ~meets

    def values(at: int) -> Mapping[str, Any]:
        return {"plan": ", ".join(entities.names[code] for code in rows.row(at).tolist())}

    return Cause("subscription_needed", bars, values)


def _visibility(
    config: RightsConfig, index: NDArray[np.int64], context: PolicyContext
) -> Cause | None:
    _, entities = values_of(context.items, config.visibility)
    if entities is None:
        return None
    rows = codes_of(entities, index)
    of_followers = [name in ("followers", "subscribers") for name in entities.names]
    limited = np.zeros(len(index), dtype=bool)
    limited[rows.row_of[np.array(of_followers, dtype=bool)[rows.values]]] = True
    bars = np.zeros(len(index), dtype=bool)
    for name in ("private", "hidden", "nobody"):
        bars |= among(index, entities.items(name))
    if limited.any():
        bars |= limited & ~among(index, _of_followed(config, context))

    def values(at: int) -> Mapping[str, Any]:
        return {"visibility": ", ".join(entities.names[code] for code in rows.row(at).tolist())}

    return Cause("not_visible", bars, values)


def _own(config: RightsConfig, index: NDArray[np.int64], context: PolicyContext) -> Cause | None:
    _, creators = values_of(context.items, "")
    if not config.own or creators is None or context.query.user_id is None:
        return None
    bars = among(index, creators.items(context.query.user_id))
    return Cause("own_item", bars, lambda at: {})


def _of_followed(config: RightsConfig, context: PolicyContext) -> NDArray[np.int64]:
    """Return all items of the creators whom the person follows, int64, ascending."""
    past = context.user.past
    kinds = np.array(
        [
            1 if name in config.follows else -1 if name in config.unfollows else 0
            for name in context.event_types
        ],
        dtype=np.int64,
    )
    _, creators = values_of(context.items, "")
    none = np.zeros(0, dtype=np.int64)
    if creators is None or not len(past) or not len(kinds):
        return none
    followed: dict[str, bool] = {}
    acts = kinds[np.clip(past.types, 0, len(kinds) - 1)]
    vocabulary = context.items.catalog.items
    for at in np.flatnonzero(acts).tolist():
        item = vocabulary.index(past.item_ids[at])
        for name in creators.of(item) if item >= 0 else ():
            followed[name] = acts[at] > 0
    parts = [creators.items(name) for name, follows in followed.items() if follows]
    return np.unique(np.concatenate([none, *parts]))
