"""One person in several scenarios: which users are the same, and who agreed to what use of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Link(NamedTuple):
    """A user of one scenario and a user of another who are the same person.

    Attributes
    ----------
    time : float
        When it was stored, seconds since 1970.
    """

    scenario: str
    user_id: str
    other: str
    other_user_id: str
    time: float


class Consent(NamedTuple):
    """That what a person does in one scenario may be used for them in another: one direction.

    Attributes
    ----------
    source : str
        The scenario whose history may be read.
    user_id : str
        The person's id in `source`.
    target : str
        The scenario that may use it.
    granted : float
        When it was given last, seconds since 1970.
    revoked : float or None
        When it was taken back; None while it holds.
    """

    source: str
    user_id: str
    target: str
    granted: float
    revoked: float | None


class LinkedUser(NamedTuple):
    """A user of another scenario whose history may be used for a user of this one."""

    source: str
    source_user_id: str
    user_id: str


class People(Protocol):
    """The part of a store that knows one person in several scenarios.

    A user of another scenario is the same person where a link says so. Where neither of the two is
    linked to anybody in the other's scenario, the same id is the same person. Links are not
    followed any further: of three scenarios each pair has its own.
    """

    def add_links(self, scenario: str, other: str, pairs: Iterable[tuple[str, str]]) -> int:
        """Store pairs of (user of `scenario`, user of `other`); return how many are new.

        All or none is stored.

        Raises
        ------
        DataError
            If a user would be linked to two users of the other scenario.
        """

    def remove_links(self, scenario: str, other: str, user_id: str | None = None) -> int:
        """Delete the link of a user of `scenario` to `other`, or all of them; return how many."""

    def list_links(
        self,
        *,
        scenario: str | None = None,
        user_id: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> list[Link]:
        """Return a page of the links, of one scenario (on either side) or user where given."""

    def grant(self, source: str, target: str, user_ids: Iterable[str]) -> int:
        """Store the consents of users of `source`; return how many did not hold before."""

    def revoke(self, source: str, target: str, user_ids: Iterable[str] | None = None) -> int:
        """Take consents back, those of all users where None; return how many held before.

        It is kept when they were given and taken back.
        """

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

    def linked_users(self, target: str, user_id: str) -> list[LinkedUser]:
        """Return whose history may be used for one user of `target` now, by scenario."""

    def all_linked_users(self, target: str) -> list[LinkedUser]:
        """Return whose histories may be used in `target` now, by scenario and id."""

    def forget_person(self, user_id: str) -> int:
        """Delete every link and consent that names this id, in any scenario; return how many."""
