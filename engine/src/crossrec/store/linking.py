"""Links between users of several scenarios and their consents, in a SQLite store."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

from crossrec.errors import DataError, UsageError, WorkspaceError
from crossrec.store.connections import explain
from crossrec.store.people import Consent, Link, LinkedUser
from crossrec.store.tables import Tables

# Links are stored from both sides, so that each is found by the key from either.
_INSERT_LINK = "INSERT INTO links VALUES (?, ?, ?, ?, ?)"
_SELECT_LINK = "SELECT other_user FROM links WHERE scenario = ? AND user = ? AND other = ?"
_GRANT = (
    "INSERT INTO consents (target, user, source, granted, revoked) VALUES (?, ?, ?, ?, NULL) "
    "ON CONFLICT (target, user, source) DO UPDATE SET granted = excluded.granted, revoked = NULL "
    "WHERE revoked IS NOT NULL"
)
# By a link: the consent is that of the user at the other end of it.
_BY_LINK = (
    "SELECT c.source, c.user, l.user FROM links l JOIN consents c "
    "ON c.target = l.scenario AND c.user = l.other_user AND c.source = l.other "
    "WHERE l.scenario = ?1 AND c.revoked IS NULL"
)
# By the same id: only where neither side is linked to somebody else.
_BY_ID = (
    "SELECT c.source, c.user, c.user FROM consents c "
    "WHERE c.target = ?1 AND c.revoked IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM links WHERE scenario = c.target AND user = c.user "
    "AND other = c.source) "
    "AND NOT EXISTS (SELECT 1 FROM links WHERE scenario = c.source AND user = c.user "
    "AND other = c.target)"
)


class Linking(Tables):
    """Implements `crossrec.store.people.People`; a store from before has no links and consents."""

    def add_links(self, scenario: str, other: str, pairs: Iterable[tuple[str, str]]) -> int:
        """Store pairs of users; see `People.add_links`.

        Raises
        ------
        DataError
            If a user would be linked to two users of the other scenario.
        """
        _refuse_one_scenario(scenario, other)
        now, new = time.time(), 0
        with self._writing() as connection:
            for user, other_user in pairs:
                left = connection.execute(_SELECT_LINK, [scenario, user, other]).fetchone()
                right = connection.execute(_SELECT_LINK, [other, other_user, scenario]).fetchone()
                if left == (other_user,):
                    continue
                if left or right:
                    raise DataError(_conflict(scenario, user, other, other_user, left, right))
                rows = [
                    (scenario, user, other, other_user, now),
                    (other, other_user, scenario, user, now),
                ]
                connection.executemany(_INSERT_LINK, rows)
                new += 1
        return new

    def remove_links(self, scenario: str, other: str, user_id: str | None = None) -> int:
        """Delete the link of a user of `scenario` to `other`, or all of them; return how many."""
        both = [
            ("scenario = ? AND other = ?", "user = ?"),
            ("other = ? AND scenario = ?", "other_user = ?"),
        ]
        gone = 0
        with self._erasing_rows() as connection:
            for where, one in both:
                values = [scenario, other]
                if user_id is not None:
                    where, values = f"{where} AND {one}", [*values, user_id]
                gone += connection.execute(f"DELETE FROM links WHERE {where}", values).rowcount
        return gone // 2

    def list_links(
        self,
        *,
        scenario: str | None = None,
        user_id: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> list[Link]:
        """Return a page of the links; see `People.list_links`."""
        # Each link once: from the side that is given, else from the one that comes first.
        where, values = ("scenario = ?", [scenario]) if scenario else ("scenario < other", [])
        if user_id is not None:
            one_side = "(scenario < other OR user != other_user)"
            where = f"{where if scenario else one_side} AND user = ?"
            values = [*values, user_id]
        select = (
            f"SELECT * FROM links WHERE {where} ORDER BY scenario, other, user LIMIT ? OFFSET ?"
        )
        return [Link(*row) for row in self._people(select, [*values, limit, offset])]

    def grant(self, source: str, target: str, user_ids: Iterable[str]) -> int:
        """Store the consents of users of `source`; return how many did not hold before."""
        _refuse_one_scenario(source, target)
        now = time.time()
        with self._writing() as connection:
            before = connection.total_changes
            connection.executemany(_GRANT, [(target, user, source, now) for user in user_ids])
            return connection.total_changes - before

    def revoke(self, source: str, target: str, user_ids: Iterable[str] | None = None) -> int:
        """Take consents back, those of all users where None; return how many held before."""
        update = (
            "UPDATE consents SET revoked = ? WHERE source = ? AND target = ? AND revoked IS NULL"
        )
        now = time.time()
        with self._writing() as connection:
            if user_ids is None:
                return connection.execute(update, [now, source, target]).rowcount
            before = connection.total_changes
            rows = [(now, source, target, user) for user in user_ids]
            connection.executemany(f"{update} AND user = ?", rows)
            return connection.total_changes - before

    def list_consents(
        self,
        *,
        source: str | None = None,
        target: str | None = None,
        user_id: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> list[Consent]:
        """Return a page of the consents, also of those that were taken back."""
        given = {"source": source, "target": target, "user": user_id}
        chosen = {name: value for name, value in given.items() if value is not None}
        where = " AND ".join(["1", *(f"{name} = ?" for name in chosen)])
        select = (
            f"SELECT source, user, target, granted, revoked FROM consents WHERE {where} "
            "ORDER BY source, target, user LIMIT ? OFFSET ?"
        )
        return [Consent(*row) for row in self._people(select, [*chosen.values(), limit, offset])]

    def linked_users(self, target: str, user_id: str) -> list[LinkedUser]:
        """Return whose history may be used for one user of `target` now, by scenario."""
        select = f"{_BY_LINK} AND l.user = ?2 UNION {_BY_ID} AND c.user = ?2 ORDER BY 1"
        return [LinkedUser(*row) for row in self._people(select, [target, user_id])]

    def all_linked_users(self, target: str) -> list[LinkedUser]:
        """Return whose histories may be used in `target` now, by scenario and id."""
        select = f"{_BY_LINK} UNION {_BY_ID} ORDER BY 1, 2"
        return [LinkedUser(*row) for row in self._people(select, [target])]

    def forget_person(self, user_id: str) -> int:
        """Delete every link and consent that names this id, in any scenario; return how many."""
        with self._erasing_rows() as connection:
            delete = "DELETE FROM links WHERE user = ?1 OR other_user = ?1"
            links = connection.execute(delete, [user_id]).rowcount // 2
            return (
                links
                + connection.execute("DELETE FROM consents WHERE user = ?", [user_id]).rowcount
            )

    def _people(self, select: str, values: Sequence[Any]) -> list[Any]:
        """Read links or consents; none where the store is from before there were any."""
        try:
            return self._connections.reader().execute(select, values).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise WorkspaceError(explain(self._connections.path, error)) from error


def forget_users(connection: sqlite3.Connection, scenario: str, user_ids: Sequence[str]) -> None:
    """Delete the links of users of one scenario, and their consents to the use of it elsewhere."""
    rows = [(scenario, user) for user in user_ids]
    connection.executemany("DELETE FROM links WHERE scenario = ? AND user = ?", rows)
    connection.executemany("DELETE FROM links WHERE other = ? AND other_user = ?", rows)
    connection.executemany("DELETE FROM consents WHERE source = ? AND user = ?", rows)


def _refuse_one_scenario(one: str, other: str) -> None:
    if one == other:
        raise UsageError(f"{one!r} twice: name two different scenarios")


def _conflict(scenario: str, user: str, other: str, other_user: str, left: Any, right: Any) -> str:
    """Say which of two users is linked to whom already."""
    if left:
        taken = f"user {user!r} of {scenario} is linked to {left[0]!r} of {other} already"
    else:
        taken = f"user {other_user!r} of {other} is linked to {right[0]!r} of {scenario} already"
    return (
        f"{user!r} and {other_user!r} cannot be linked: {taken}; `crossrec link remove` ends that"
    )
