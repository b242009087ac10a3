"""The part of `Engine` that says who is one person, and what may be used for them where."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence

from crossrec.components.query import id_tuple
from crossrec.errors import UsageError
from crossrec.plugins.registry import Registry
from crossrec.store.people import Consent, Link
from crossrec.workspace import Workspace


class PeopleCalls(ABC):
    """Links between users of several scenarios, and their consents to the use of histories.

    Without a consent nothing of one scenario is read for another one. What is stored here counts
    from the next request on, and is learnt from by the next fit.
    """

    workspace: Workspace
    registry: Registry

    def link(self, scenario: str, other: str, pairs: Sequence[tuple[str, str]]) -> int:
        """Say that users of two scenarios are the same people; return how many are new.

        Not needed where the ids are the same.

        Parameters
        ----------
        pairs : sequence of (user of `scenario`, user of `other`)

        Raises
        ------
        UsageError
            For an unknown scenario, or an empty id.
        DataError
            If a user would be linked to two users of the other scenario; then none is stored.
        """
        self._known(scenario, other)
        for pair in pairs:
            _check_ids(pair)
        with self.workspace.writing():
            return self.workspace.store().add_links(scenario, other, pairs)

    def unlink(self, scenario: str, other: str, user_id: str | None = None) -> int:
        """Delete the link of a user of `scenario` to `other`, or all of them; return how many."""
        with self.workspace.writing():
            return self.workspace.store().remove_links(scenario, other, user_id)

    def links(
        self,
        scenario: str | None = None,
        user_id: str | None = None,
        *,
        limit: int = 20,
        offset: int = 0,
    ) -> list[Link]:
        """Return a page of the links."""
        store = self.workspace.store()
        return store.list_links(scenario=scenario, user_id=user_id, limit=limit, offset=offset)

    def grant_consent(self, source: str, target: str, user_ids: Sequence[str]) -> int:
        """Store that histories in `source` may be used in `target`; return how many are new.

        Parameters
        ----------
        user_ids : sequence of str
            Users of `source`.

        Raises
        ------
        UsageError
            For an unknown scenario, the same one twice, or an empty id.
        """
        self._known(source, target)
        _check_ids(id_tuple("user_ids", user_ids))
        with self.workspace.writing():
            return self.workspace.store().grant(source, target, user_ids)

    def revoke_consent(
        self, source: str, target: str, user_ids: Sequence[str] | None = None
    ) -> int:
        """Take consents back, those of all users where None; return how many held before.

        What fits that were stopped have learnt so far is deleted.
        """
        from crossrec.pipeline.kept_fits import drop_kept_fits

        users = None if user_ids is None else id_tuple("user_ids", user_ids)
        with self.workspace.writing():
            gone = self.workspace.store().revoke(source, target, users)
            if gone and target in self.workspace.store().scenarios():
                drop_kept_fits(self.workspace.cache, target)
        return gone

    def consents(
        self,
        source: str | None = None,
        target: str | None = None,
        user_id: str | None = None,
        *,
        limit: int = 20,
        offset: int = 0,
    ) -> list[Consent]:
        """Return a page of the consents, also of those that were taken back."""
        return self.workspace.store().list_consents(
            source=source, target=target, user_id=user_id, limit=limit, offset=offset
        )

    def _known(self, *scenarios: str) -> None:
        for name in scenarios:
            self.registry.scenario(name)


def _check_ids(ids: Sequence[str]) -> None:
    if not all(ids):
        raise UsageError("an id is empty: name every user")
