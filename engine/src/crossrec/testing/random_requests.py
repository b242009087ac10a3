"""Random catalogs, people and requests of any scenario, and what must not be shown to them.

The right answers are computed here from the declarations alone, not by what answers requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossrec.components.consumption import EventEffects
from crossrec.components.live_items import LiveItems
from crossrec.components.query import Query
from crossrec.components.run import RunOptions
from crossrec.components.slate import Slate
from crossrec.components.user_state import UserState
from crossrec.data.catalog import Catalog, as_list
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.user_events import UserEvents
from crossrec.data.vocabulary import Vocabulary
from crossrec.data.weights import event_weights
from crossrec.pipeline.config import ABOUT_ITEMS, PipelineConfig
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.request import traced
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.pipeline.serving import Serving
from crossrec.plugins.registry import Registry
from crossrec.scenario import EventType, ItemField, Scenario
from crossrec.testing.requests import with_every_source

N_ITEMS, N_USERS = 36, 24
NOW = 1_700_000_000.0
DAY = 86_400.0
IDS = Vocabulary(f"i{at}" for at in range(N_ITEMS))
#: What random profiles may hold: below PG-13, in Germany, nothing explicit.
PROFILE: Mapping[str, Any] = {
    "maturity_limit": "PG-13",
    "country": "DE",
    "explicit_allowed": False,
}

Draw = Callable[[np.random.Generator], Any]
#: Fields that decide whether an item may be shown, and what they hold at random.
_FIELDS: Mapping[str, Draw] = {
    "availability": lambda rng: rng.choice(["in stock", "in stock", "sold out", ""]),
    "available_quantity": lambda rng: int(rng.integers(4)),
    "is_hidden": lambda rng: bool(rng.random() < 0.1),
    "expires_at": lambda rng: NOW + DAY * float(rng.integers(-3, 20)) + 1.0,
    "available_at": lambda rng: NOW - DAY * float(rng.integers(-2, 20)) + 1.0,
    "content_classification": lambda rng: rng.choice(["G", "PG-13", "R", ""]),
    "is_adult": lambda rng: bool(rng.random() < 0.2),
    "explicit": lambda rng: bool(rng.random() < 0.2),
    "country_rights": lambda rng: rng.choice(["DE", "DE|FR", "US", ""]),
    "visibility": lambda rng: "public",
    "subscription_needed": lambda rng: "",
    "is_consumable": lambda rng: bool(rng.random() < 0.3),
    "media_type": lambda rng: rng.choice(["movie", "episode", "live"]),
}
_KINDS: Mapping[str, Draw] = {
    "number": lambda rng: int(rng.integers(1, 9)),
    "flag": lambda rng: bool(rng.random() < 0.5),
    "time": lambda rng: NOW - DAY * float(rng.integers(1, 30)),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One person before a random catalog.

    Attributes
    ----------
    rows : sequence of mapping
        The fields of every item.
    user : UserState
    serving : Serving
    refused : frozenset of str
        Items of what the person explicitly refused, entities included: never again, anywhere.
    had : frozenset of str
        Items that are consumed for good: only where a surface keeps what was consumed.
    """

    rows: Sequence[Mapping[str, Any]]
    user: UserState
    serving: Serving
    refused: frozenset[str]
    had: frozenset[str]

    def query(self, surface: str, rng: np.random.Generator) -> Query:
        """Return a request as the surface wants it."""
        plan = self.serving.pipeline.surfaces[surface].plan.config
        given = [IDS.id(at) for at in rng.choice(N_ITEMS, 3, replace=False).tolist()]
        about = (
            tuple(given[: 1 if plan.input == "item" else 3]) if plan.input in ABOUT_ITEMS else ()
        )
        session = tuple(given[:2]) if plan.input == "session" else ()
        k = int(rng.integers(1, 12))
        return Query(user_id="u0", item_ids=about, session=session, surface=surface, k=k, now=NOW)

    def answer(self, query: Query, request_id: str = "a request") -> Slate:
        """Return the list of a request; chance is drawn by its id."""
        options: Mapping[str, Any] = {"explain": False, "request_id": request_id}
        return traced(self.serving, query, self.user, query.surface or "", **options).slate

    def cannot_be_had(self, item: str) -> bool:
        """Whether an item is hidden, expired, not yet there or out of stock."""
        row = self.rows[IDS.index(item)]
        return bool(
            row.get("is_hidden")
            or row.get("availability") == "sold out"
            or row.get("available_quantity", 1) <= 0
            or row.get("expires_at", NOW + DAY) <= NOW
            or row.get("available_at", NOW - DAY) > NOW
        )

    def may_not_be_seen(self, item: str) -> bool:
        """Whether an item is above the limit of the profile, explicit, or of another country."""
        row, profile = self.rows[IDS.index(item)], self.user.profile
        adult = row.get("content_classification") == "R" or row.get("is_adult")
        countries = as_list(row.get("country_rights"))
        return bool(
            ("maturity_limit" in profile and adult)
            or ("explicit_allowed" in profile and row.get("explicit"))
            or ("country" in profile and countries and profile["country"] not in countries)
        )


def random_case(pipeline: Pipeline, scenario: Scenario, seed: int) -> Case:
    """Return a random catalog and person; the fitted pipeline stays."""
    rng = np.random.default_rng(seed)
    rows = random_rows(scenario, rng)
    records = dict(zip(IDS.ids, rows, strict=True))
    items = LiveItems(Catalog.from_records(IDS, records, scenario.items), scenario.items)
    events = _history(scenario, rng)
    refused, had = _consequences(scenario, rows, events)
    profile = {name: value for name, value in PROFILE.items() if rng.random() < 0.7}
    user = UserState("u0", _stored(scenario, events), profile=profile, known=True)
    serving = Serving(pipeline, items, EventEffects.of(scenario))
    return Case(rows, user, serving, refused, had)


def random_rows(scenario: Scenario, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return a value of every declared field, for every item."""
    related = {relation.field for relation in scenario.relations}
    return [
        {one.name: _value(one, at, one.name in related, rng) for one in scenario.items.fields}
        for at in range(N_ITEMS)
    ]


def _value(field: ItemField, at: int, related: bool, rng: np.random.Generator) -> Any:
    if field.name in _FIELDS:
        return _FIELDS[field.name](rng)
    if field.kind in _KINDS:
        return _KINDS[field.kind](rng)
    if related or field.kind in ("category", "id"):
        return f"{field.name} {rng.integers(8)}"
    return f"{field.name} {at} {rng.choice(['red', 'blue', 'green'])}"


def _history(scenario: Scenario, rng: np.random.Generator) -> list[tuple[EventType, int]]:
    """Return some events that are liked, then some that refuse: nothing undoes these."""
    likes = [one for one in scenario.events if one.strength > 0 and not one.cancels]
    refuses = [one for one in scenario.events if _refuses(one)]
    first = [(likes[rng.integers(len(likes))], int(rng.integers(N_ITEMS))) for _ in range(6)]
    last = [(one, int(rng.integers(N_ITEMS))) for one in refuses if rng.random() < 0.5]
    return first + last


def _refuses(event: EventType) -> bool:
    """Whether an event says in so many words that something is not wanted."""
    return event.kind == "explicit" and event.polarity < 0 and not event.cancels


def _consequences(
    scenario: Scenario, rows: Sequence[Mapping[str, Any]], events: Sequence[tuple[EventType, int]]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return what the events refuse and what they consume for good."""
    fields = {relation.name: relation.field for relation in scenario.relations}
    refused, had = set(), set()
    for event, item in events:
        if _refuses(event):
            field = fields.get(event.relation)
            shared = set(as_list(rows[item].get(field))) if field else set()
            refused |= {
                at
                for at in range(N_ITEMS)
                if at == item or (field and shared & set(as_list(rows[at].get(field))))
            }
        elif event.consumes == "hard" and event.polarity > 0:
            had.add(item)
    return frozenset(map(IDS.id, refused)), frozenset(map(IDS.id, had))


def _stored(scenario: Scenario, events: Sequence[tuple[EventType, int]]) -> UserEvents:
    """Return events as a store hands them out: the last an hour ago, each a day after another."""
    n = len(events)
    types = np.array([scenario.events.index(one) for one, _ in events], dtype=np.int64)
    values = np.full(n, np.nan)
    return UserEvents(
        tuple(IDS.id(item) for _, item in events),
        types,
        values,
        event_weights(types, values, scenario),
        NOW - 3600.0 - DAY * np.arange(n - 1, -1, -1, dtype=np.float64),
    )


def fitted_on_random_events(
    scenario: Scenario, config: PipelineConfig, registry: Registry
) -> Pipeline:
    """Return a scenario's pipeline, fitted without texts; every source serves where it is named."""
    rng = np.random.default_rng(7)
    records = dict(zip(IDS.ids, random_rows(scenario, rng), strict=True))
    catalog = Catalog.from_records(IDS, records, scenario.items)
    likes = [at for at, one in enumerate(scenario.events) if one.strength > 0 and not one.cancels]
    n = N_USERS * 10
    types = rng.choice(likes, n)
    events = Events.from_columns(
        np.repeat(np.arange(N_USERS), 10),
        (rng.integers(0, N_ITEMS // 2, n) * 2 + np.repeat(np.arange(N_USERS) % 2, 10)) % N_ITEMS,
        NOW - DAY * 40 + np.sort(rng.random(n)) * DAY * 39,
        event_weights(types, np.full(n, np.nan), scenario),
        types,
    )
    users = Vocabulary(f"u{at}" for at in range(N_USERS))
    dataset = Dataset.build(users, catalog, events, has_clock=True)
    dataset = Dataset(users, catalog, dataset.events, True, event_types=scenario.events)
    resolved = resolve_pipeline(config, registry, scenario.main_surface)
    fitted = fit_pipeline(scenario, dataset, resolved, RunOptions(seed=7, threads=1))
    return with_every_source(fitted, dataset)


def without_texts(config: PipelineConfig) -> PipelineConfig:
    """Return a pipeline without its encoder and the source that compares texts."""
    values = config.model_dump(mode="json")
    values["encoder"], values["encoder_settings"] = "", {}
    values["sources"] = [one for one in values["sources"] if one["name"] != "content"]
    left = {one["label"] for one in values["sources"]}
    for surface in values["surfaces"].values():
        surface["sources"] = [one for one in surface["sources"] if one in left]
    values["item_sources"] = [one for one in values["item_sources"] if one in left]
    return PipelineConfig.model_validate(values)
