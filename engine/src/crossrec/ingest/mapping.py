"""The meaning of a file's columns: guessed from usual names, shown, and settable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from crossrec.errors import DataError, UsageError, nearest
from crossrec.ingest.columns import (
    EVENT,
    EVENT_ID,
    ITEM,
    REQUEST,
    SESSION,
    TEXT,
    TIME,
    USER,
    VALUE,
)
from crossrec.ingest.measures import measure_of
from crossrec.ingest.reading.layout import looks_like_data
from crossrec.scenario import ItemField, Scenario

TableKind = Literal["items", "events", "users"]

#: What `--map` calls the columns of an events table.
ROLES = {
    "user": USER,
    "item": ITEM,
    "event": EVENT,
    "time": TIME,
    "value": VALUE,
    "event_id": EVENT_ID,
    "request": REQUEST,
    "text": TEXT,
    "session": SESSION,
}

#: Names that public data sets and shops use, the most specific first, separated by spaces.
#: Compared by `compact`.
ALIASES: dict[str, str] = {
    USER: (
        "user_id user uid customer_id customer visitor_id visitor client_id member_id reviewer_id "
        "account_id person_id household_id household_key household profile_id subscriber_id "
        "listener_id viewer_id buyer_id shopper_id user_name anonymous_id device_id session_id"
    ),
    ITEM: (
        "item_id iid product_id product asin parent_asin sku article_id stock_code movie_id "
        "film_id video_id track_id song_id artist_id post_id news_id content_id book_id "
        "business_id goods_id listing_id game_id recipe_id episode_id podcast_id show_id "
        "question_id document_id doc_id isbn target_id item"
    ),
    EVENT: (
        "event_type event event_name action action_type behavior behaviour behavior_type "
        "behaviour_type interaction interaction_type activity activity_type feedback_type feedback "
        "verb type"
    ),
    TIME: (
        "time timestamp event_time event_timestamp date_time ts unix_time unix_review_time "
        "unix_timestamp time_stamp created_at created occurred_at event_date invoice_date "
        "order_date transaction_timestamp transaction_date purchase_date rating_date review_time "
        "played_at listened_at watched_at viewed_at date"
    ),
    VALUE: (
        "value event_value rating ratings stars score overall watch_ratio play_ratio completion "
        "portion quantity qty play_count plays count weight dwell_time watch_time play_time "
        "listening_time"
    ),
    EVENT_ID: "event_id event_uuid interaction_id review_id",
    REQUEST: "request_id recommendation_request_id",
    TEXT: "review review_text text body comment",
    SESSION: "session_id basket_id order_id invoice_id invoice_no transaction_id visit_id",
}  # fmt: skip

#: Columns that ingestion adds to rejected rows; they are no fields of an item.
REJECTED_COLUMNS = ("rejected_line", "rejected_cause")

_WANTED: dict[str, tuple[str, ...]] = {
    "events": (USER, ITEM, EVENT, TIME, VALUE, EVENT_ID, REQUEST, TEXT, SESSION),
    "items": (ITEM,),
    "users": (USER,),
}
_REQUIRED: dict[str, tuple[str, ...]] = {"events": (USER, ITEM), "items": (ITEM,), "users": (USER,)}
_ROLE_OF = {column: role for role, column in ROLES.items()}


@dataclass(frozen=True)
class ColumnMap:
    """What was found in one table.

    Attributes
    ----------
    columns : dict of str to str
        Source column by crossrec's column name.
    fields : dict of str to str
        Source column by field name; items and users only. Columns without a known meaning keep
        their own name, so that nothing is lost.
    unused : tuple of str
        Source columns that are left out.
    measured : tuple of str
        Further columns with numbers of events, whose names tell what they measure.
    """

    columns: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """All columns with numbers of events."""
        main = self.source(VALUE)
        return self.measured if main is None else (main, *self.measured)

    def source(self, name: str) -> str | None:
        """Return the source column of crossrec's column `name`, or None."""
        return self.columns.get(name)

    def described(self) -> dict[str, str]:
        """Return source columns by the names that ``--map`` uses."""
        roles = {_ROLE_OF[name]: column for name, column in self.columns.items()}
        more = {f"value {number}": name for number, name in enumerate(self.measured, start=2)}
        return {**roles, **more, **self.fields}


def compact(name: str) -> str:
    """Return what makes two column names equal: ``movieId``, ``movie_id``, ``movie_id:token``."""
    return "".join(letter for letter in name.split(":")[0].lower() if letter.isalnum())


def parse_map(options: Iterable[str], scenario: Scenario) -> dict[str, str]:
    """Return source columns by crossrec's column or field name, from ``user=customer_id``.

    Raises
    ------
    UsageError
        If an option has no ``=``, or its left side is neither a role nor a field of items or users.
    """
    fields = list(dict.fromkeys(one.name for one in (*scenario.items.fields, *scenario.users)))
    overrides: dict[str, str] = {}
    for option in options:
        left, equals, right = option.partition("=")
        left, right = left.strip(), right.strip()
        if not equals or not left or not right:
            raise UsageError(f"--map {option!r} should read NAME=COLUMN, such as user=customer_id")
        name = ROLES.get(left, left)
        if name not in ROLES.values() and name not in fields:
            names = [*ROLES, *fields]
            near = nearest(left, names)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"
            raise UsageError(f"--map {option!r}: there is no column or field {left!r}; {hint}")
        overrides[name] = right
    return overrides


def parse_events(options: Iterable[str], scenario: Scenario) -> dict[str, str]:
    """Return event types by the names that a source has for them, from ``Kauf=purchase``.

    Raises
    ------
    UsageError
        If an option has no ``=``, or its right side is no event type.
    """
    events: dict[str, str] = {}
    for option in options:
        left, _, right = (part.strip() for part in option.rpartition("="))
        if not left or not right:
            raise UsageError(
                f"--event-map {option!r} should read NAME=EVENT, such as Kauf=purchase"
            )
        event = scenario.event(right)
        if event is None:
            names = [one.name for one in scenario.events]
            near = nearest(right, names)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"
            raise UsageError(f"--event-map {option!r}: there is no event type {right!r}; {hint}")
        events[left] = event.name
    return events


def parse_headers(
    options: Iterable[str], given: Collection[TableKind]
) -> dict[TableKind, tuple[str, ...]]:
    """Return names of columns by table, from ``user,item,time`` or ``items=item,title``.

    Parameters
    ----------
    given : collection of table kinds
        The tables that there are files of.

    Raises
    ------
    UsageError
        If it is not clear which table is meant, or there is no such table.
    """
    found: dict[TableKind, tuple[str, ...]] = {}
    for option in options:
        left, equals, right = option.partition("=")
        kind = left.strip() if equals else next(iter(given), "events")
        if kind not in given or (not equals and len(given) > 1):
            raise UsageError(
                f"--header {option!r}: say which table it is of, such as --header "
                f"{next(iter(given), 'events')}={right or left}"
            )
        names = tuple(name.strip() for name in (right if equals else left).split(","))
        found[cast(TableKind, kind)] = names
    return found


def parse_scale(option: str | None) -> tuple[float, float] | None:
    """Return lowest and highest value from ``0:10``.

    Raises
    ------
    UsageError
        If that is no scale.
    """
    if option is None:
        return None
    try:
        low, high = (float(part) for part in option.split(":"))
    except ValueError:
        low = high = 0.0
    if not low < high:
        raise UsageError(f"--value-scale {option!r} should read LOW:HIGH, such as 0:10")
    return low, high


def guess_columns(
    header: Sequence[str],
    kind: TableKind,
    scenario: Scenario,
    overrides: Mapping[str, str],
    *,
    source: str,
    has_clock: bool = True,
) -> ColumnMap:
    """Return the meaning of the columns of `header`.

    An override whose column is not in this table is left to the others. No column gets two
    meanings. Sessions count only where no times do: of events with times these tell what came
    together.

    Raises
    ------
    DataError
        If a column that is needed cannot be found: names those that were found and what to add.
    UsageError
        If sessions are mapped and times are used.
    """
    taken = {name: column for name, column in overrides.items() if column in header}
    found: dict[str, str] = {}
    for name in _WANTED[kind]:
        column = taken.get(name) or _first(header, _aliases(name, kind, scenario), taken, found)
        if column is not None:
            found[name] = column
    if has_clock and TIME in found and SESSION in found:
        if SESSION in taken:
            raise UsageError(
                f"{source}: times say what came together, so sessions are not used: leave out "
                "--map session, or the times with --no-clock"
            )
        del found[SESSION]
    missing = [name for name in _REQUIRED[kind] if name not in found]
    if missing:
        raise DataError(_missing(header, missing[0], kind, source, only=not found))
    used = {*found.values(), *REJECTED_COLUMNS}
    rest = [column for column in header if column not in used]
    if kind == "events":
        # A column that was named for the values is the only one.
        measured = () if VALUE in taken else _measured(rest, found.get(VALUE))
        unused = tuple(column for column in rest if column not in measured)
        return ColumnMap(found, {}, unused, measured)
    declared = scenario.items.fields if kind == "items" else scenario.users
    return ColumnMap(found, _fields(rest, declared, taken))


def _aliases(name: str, kind: TableKind, scenario: Scenario) -> list[str]:
    """Return the names to look for, the most specific first."""
    names = ALIASES[name].split()
    own = scenario.items.field(ITEM) if name == ITEM else None
    if own is not None:
        names[1:1] = own.aliases
    if (kind, name) in (("items", ITEM), ("users", USER)):
        names.append("id")
    return names


def _first(
    header: Sequence[str],
    aliases: Iterable[str],
    taken: Mapping[str, str],
    found: Mapping[str, str],
) -> str | None:
    """Return the column that bears the first of `aliases` that any free column bears."""
    used = {*taken.values(), *found.values()}
    free = {compact(column): column for column in reversed(header) if column not in used}
    return next((free[compact(alias)] for alias in aliases if compact(alias) in free), None)


def _measured(rest: Sequence[str], main: str | None) -> tuple[str, ...]:
    """Return the columns whose names tell a unit that no column before them has."""
    main_measure = None if main is None else measure_of(main)
    if main is not None and main_measure is None:
        return ()
    seen = set() if main_measure is None else {main_measure.kind}
    found = []
    for column in rest:
        measure = measure_of(column)
        if measure is not None and measure.kind not in seen:
            seen.add(measure.kind)
            found.append(column)
    return tuple(found)


def _fields(
    rest: Sequence[str], declared: Sequence[ItemField], taken: Mapping[str, str]
) -> dict[str, str]:
    """Name the remaining columns after the declared fields, or after themselves."""
    fields: dict[str, str] = {}
    free = list(rest)
    for one in declared:
        wanted = [one.name, *one.aliases]
        others = {name: column for name, column in taken.items() if name != one.name}
        column = taken.get(one.name) or _first(free, wanted, others, fields)
        if column in free:
            fields[one.name] = column
            free.remove(column)
    for column in free:
        name = column.split(":")[0] or column
        while name in fields:
            name += " (source)"
        fields[name] = column
    return fields


def _missing(header: Sequence[str], name: str, kind: TableKind, source: str, *, only: bool) -> str:
    """Return the message for a needed column that was not found."""
    role = _ROLE_OF[name]
    if len(header) == 1 and only:
        shown = header[0] if len(header[0]) <= 60 else header[0][:57] + "..."
        return (
            f"{source}: only one column was found ({shown!r}), and none for the {role}: give the "
            f"delimiter with --delimiter, or the column with --map {role}=COLUMN"
        )
    if looks_like_data(header):
        return (
            f"{source} has no header, its first line is {', '.join(header[:6])}: name its columns, "
            "such as --header user,item,value,time"
        )
    unnamed = any(any(letter.isdigit() for letter in cell) for cell in header)
    no_header = "; if that is a row, name the columns with --header" if unnamed else ""
    shown = ", ".join(header[:20]) + (", ..." if len(header) > 20 else "")
    return (
        f"{source}: no column for the {role} of the {kind}; found: {shown}; name it with "
        f"--map {role}=COLUMN{no_header}"
    )
