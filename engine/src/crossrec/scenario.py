"""What a scenario package declares of its domain: frozen values without behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

ValueKind = Literal["none", "count", "portion", "rating", "money", "seconds"]
Consumption = Literal["none", "soft", "hard"]
FieldKind = Literal["text", "category", "number", "time", "flag", "id"]
#: What a request on a surface brings.
Input = Literal["user", "item", "items", "session", "entity", "list", "nothing"]


@dataclass(frozen=True)
class EventType:
    """A kind of event and how much one observation of it counts.

    Attributes
    ----------
    strength : float
        Weight of one event in training, co-occurrence and popularity; negative for dislike.
    value : str
        Meaning of the event's `value` column. ``"portion"`` and ``"rating"`` multiply the strength
        (a rating is scaled to [-1, 1]); ``"seconds"`` multiply it by ``min(value / value_cap, 1)``.
    value_cap : float or None
        Seconds at which an event counts in full.
    value_range : (float, float) or None
        Lowest and highest rating of the source scale, mapped to [-1, 1]: ``(0.5, 5)`` for stars.
    consumes : {"none", "soft", "hard"}
        Whether an item may be recommended after this event: ``hard`` never, ``soft`` after a while.
    half_life_days : float or None
        Half-life of a soft consumption.
    relation : str
        Name of the relation whose entity the event acts on, with all its items: ``"artist"`` for
        the ban of an artist. "" where it acts on its item alone.
    cancels : tuple of str
        Event types that a later event of this one undoes: ``("like",)`` for unlike. An explicit
        positive event undoes earlier negative ones without being declared.
    aliases : tuple of str
        Other names of the same event in public formats.
    """

    name: str
    kind: Literal["implicit", "explicit"] = "implicit"
    polarity: Literal[-1, 0, 1] = 1
    strength: float = 1.0
    value: ValueKind = "none"
    value_cap: float | None = None
    value_range: tuple[float, float] | None = None
    consumes: Consumption = "none"
    half_life_days: float | None = None
    relation: str = ""
    cancels: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class ItemField:
    """A column of the item table, with the other names that public formats give it."""

    name: str
    kind: FieldKind = "text"
    aliases: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class UserField(ItemField):
    """A column of the users table, which filters read as ``user.NAME`` and policies by its name.

    A category that holds several values, as a list or separated by ``|``, is read as a list.
    """


#: What every scenario may know of its users.
COMMON_USER_FIELDS = (
    UserField("created_at", "time", ("signed_up_at", "registered_at", "creation_timestamp")),
    UserField("language", "category", ("language_code", "lang", "locale")),
    UserField("country", "category", ("country_code",), "where they are, for the rights there"),
    UserField("age_group", "category", ("age_range", "age_band")),
    UserField("gender", "category", ("sex",)),
    UserField("subscription_model", "category", ("subscription", "plan"), "the plans they have"),
    UserField("labels", "category", ("segments", "user_labels")),
)


@dataclass(frozen=True)
class ItemSchema:
    """The fields of an item and how they become text.

    Attributes
    ----------
    title, categories, creator : str
        Names of the fields that hold the title, the categories (a list, or paths ``A > B``) and
        the creator of the item (brand, author, artist, channel); "" where the scenario has none.
    text_template : str
        How the item's text is written for an encoder, e.g. ``"{title}. {categories}. {brand}"``.
        Empty fields are left out together with the punctuation that follows them.
    """

    fields: tuple[ItemField, ...]
    text_template: str
    title: str = "title"
    categories: str = "categories"
    creator: str = ""

    def field(self, name: str) -> ItemField | None:
        """Return the field called `name`, or None."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True)
class Relation:
    """A relation between items that share a field: author, brand, artist, series."""

    name: str
    field: str


@dataclass(frozen=True)
class Surface:
    """A place where recommendations are shown.

    Attributes
    ----------
    input : {"user", "item", "items", "session", "entity", "list", "nothing"}
        What a request on this surface brings.
    """

    name: str
    input: Input = "user"
    summary: str = ""
    k: int = 10


@dataclass(frozen=True)
class Scenario:
    """Everything that a scenario package declares.

    Attributes
    ----------
    pipeline : str
        The default pipeline as a resource, ``"package:file.toml"``.
    demo : str, callable or None
        ``"package.module:function"`` that makes the generated demo data
        (``seed -> crossrec.ingest.frames.Frames``).
    users : tuple of UserField
        What is known of users beside their events. Other columns of a users table are kept as they
        are.
    """

    name: str
    summary: str
    events: tuple[EventType, ...]
    items: ItemSchema
    surfaces: tuple[Surface, ...]
    pipeline: str
    default_event: str
    main_surface: str
    relations: tuple[Relation, ...] = ()
    metrics: tuple[str, ...] = ("recall@10", "ndcg@10")
    demo: str | Callable[..., Any] | None = None
    users: tuple[UserField, ...] = ()

    def event(self, name: str) -> EventType | None:
        """Return the event type with this name or alias; None if unknown."""
        wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
        for event in self.events:
            names = {event.name, *event.aliases}
            if wanted in {n.lower().replace("-", "_").replace(" ", "_") for n in names}:
                return event
        return None

    def surface(self, name: str) -> Surface | None:
        """Return the surface called `name`, or None."""
        return next((surface for surface in self.surfaces if surface.name == name), None)
