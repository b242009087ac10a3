"""Accounts that a person may want to follow, each by one item of its own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from crossrec.components.evidence import Evidence
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State, pack_sparse, unpack_sparse
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import IntArray, Ragged
from pydantic import Field
from scipy.sparse import csr_matrix

from crossrec_collaborative.base import not_fitted
from crossrec_collaborative.popularity import people_text
from crossrec_collaborative.shelves.follow_graph import FollowGraph
from crossrec_collaborative.shelves.lists import (
    CREATOR,
    Lists,
    ListSource,
    Past,
    columns_of,
    follow_types,
)


class WhoToFollowConfig(Settings):
    """Settings of `who-to-follow`.

    Attributes
    ----------
    shrink : float
        Added to the norm of two accounts: the larger, the less a few common followers prove.
    through : float
        Weight of accounts that the followed ones follow, where 1 is that of accounts with the same
        followers.
    back : float
        Weight of the accounts of one's own followers.
    wrote : tuple of str
        Event types by which a person's own items are known, and with them their account.
    most : int
        Longest list.
    """

    shrink: Annotated[float, Field(ge=0)] = 5.0
    through: Annotated[float, Field(ge=0)] = 0.5
    back: Annotated[float, Field(ge=0)] = 1.0
    wrote: tuple[str, ...] = ("post",)
    most: Annotated[int, Field(ge=1, le=2000)] = 200


class WhoToFollow(ListSource):
    """Friends of friends: who is followed by people with the same follows, and by those followed.

    Follows are positive events that act on a relation (``follow_author``), until an event that
    cancels them. A person has the account that is called like their id, or that has what they
    wrote. Each account is proposed by its most chosen item that the query admits; a surface that
    answers with the creator names the account. Without follows those with most followers lead.
    """

    name: ClassVar[str] = "who-to-follow"

    def __init__(self, config: WhoToFollowConfig | None = None) -> None:
        self.config = config or WhoToFollowConfig()
        self._graph: FollowGraph | None = None
        self._follows = self._counts = np.zeros(0, dtype=np.int64)
        self._creators = self._items = Ragged.empty(0)

    @property
    def graph(self) -> FollowGraph:
        """Who follows whom."""
        if self._graph is None:
            raise not_fitted(self.name)
        return self._graph

    @property
    def n_items(self) -> int:
        """Number of items that the source knows."""
        return len(self._creators)

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Read who follows whom, and whose account is whose."""
        self._follows = follow_types(dataset.event_types)
        self._read(dataset.catalog, dataset.item_counts)
        rows, accounts = self._edges(dataset)
        shape = (dataset.n_users, len(self._items))
        follows = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, accounts)), shape)
        self._graph = self._of(follows, self._owned(dataset))

    def state(self) -> State:
        """Return the graph, and how often each item was chosen."""
        graph = self.graph
        arrays = {"own": graph.own, "follow_types": self._follows, "counts": self._counts}
        return State({**arrays, **pack_sparse("follows", graph.follows)})

    def restore(self, state: State, catalog: Catalog) -> None:
        """Take back the graph; whose item is whose is read from the catalogue."""
        arrays = state.arrays
        self._follows = np.asarray(arrays["follow_types"])
        self._read(catalog, np.asarray(arrays["counts"]))
        self._graph = self._of(unpack_sparse("follows", arrays), np.asarray(arrays["own"]))

    def _of(self, follows: Any, own: IntArray) -> FollowGraph:
        config = self.config
        return FollowGraph(follows, own, config.shrink, config.through, config.back)

    def _read(self, catalog: Catalog, counts: IntArray) -> None:
        """Read the accounts of items, and the items of accounts, the most chosen first."""
        entities = columns_of(catalog).entities(CREATOR)
        self._names, self._creators, self._counts = entities.names, entities.codes, counts
        accounts, items = self._creators.values, self._creators.row_of
        order = np.lexsort((-counts[items], accounts))
        self._items = Ragged.grouped(accounts[order], items[order], len(entities.names))

    def _edges(self, dataset: Dataset) -> tuple[IntArray, IntArray]:
        """Return who follows which account: by the last event that says so or not."""
        events, types = dataset.events, dataset.event_types
        names = {types[at].name for at in self._follows.tolist()}
        ends = [at for at, one in enumerate(types) if names & set(one.cancels)]
        chosen = np.isin(events.types, [*self._follows.tolist(), *ends])
        at = np.flatnonzero(chosen)
        at = at[np.argsort(events.times[at], kind="stable")]
        named = self._creators.take(events.items[at])
        event = at[named.row_of]
        keys = events.users[event] * max(len(self._items), 1) + named.values
        _, last = np.unique(keys[::-1], return_index=True)
        last = len(keys) - 1 - last
        last = last[np.isin(events.types[event[last]], self._follows)]
        return events.users[event[last]], named.values[last]

    def _owned(self, dataset: Dataset) -> IntArray:
        """Return the account of each person, int64 (n_users,); -1 for none."""
        own = np.full(dataset.n_users, -1, dtype=np.int64)
        names = [one.name for one in dataset.event_types]
        kinds = [names.index(one) for one in self.config.wrote if one in names]
        wrote = np.flatnonzero(np.isin(dataset.events.types, kinds))
        named = self._creators.take(dataset.events.items[wrote])
        own[dataset.events.users[wrote][named.row_of]] = named.values
        called = {name: code for code, name in enumerate(self._names)}
        for user, name in enumerate(dataset.users.ids):
            own[user] = called.get(name.casefold(), own[user])
        return own

    def _lists(self, queries: QueryBatch) -> Lists:
        graph, past = self.graph, Past.of(queries, self.n_items)
        rows, scores, says = [], [], []
        for row in range(len(queries)):
            begin, end = past.items.indptr[row : row + 2].tolist()
            direct = np.isin(past.types[begin:end], self._follows)
            causes = past.items.values[begin:end][direct]
            named = self._creators.take(causes)
            followed = np.unique(named.values)
            cause = dict(zip(named.values.tolist(), causes[named.row_of].tolist(), strict=True))
            user = int(queries.users[row])
            own = int(graph.own[user]) if 0 <= user < len(graph.own) else -1
            score = graph.scores(followed, own)
            best = np.argsort(-score, kind="stable")[: self.config.most]
            best = best[score[best] > 0]
            items = self._shown(best, queries.exclude.row(row))
            has = items >= 0
            # An item of two accounts stands for the better one.
            first = np.sort(np.unique(items[has], return_index=True)[1])
            rows.append(items[has][first])
            scores.append(score[best][has][first])
            says += [(followed, own, cause, one) for one in best[has][first].tolist()]

        def say(at: int) -> Evidence:
            return self._in_words(*says[at])

        return Lists(Ragged.from_rows(rows), np.concatenate([np.zeros(0), *scores]), say)

    def _shown(self, accounts: IntArray, excluded: IntArray) -> IntArray:
        """Return the most chosen item of each account that is not excluded; -1 for none."""
        own = self._items.take(accounts)
        free = own.where(~np.isin(own.values, excluded))
        found = np.full(len(accounts), -1, dtype=np.int64)
        has = free.lengths > 0
        found[has] = free.values[free.indptr[:-1][has]]
        return found

    def _in_words(
        self, followed: IntArray, own: int, cause: dict[int, int], account: int
    ) -> Evidence:
        """Say what speaks most for an account."""
        graph = self.graph
        if graph.following_back(own)[account]:
            return Evidence("follows you")
        near = graph.nearness(account, followed)
        if near.max(initial=0.0) > 0:
            nearest = int(followed[int(np.argmax(near))])
            return Evidence(
                "followed by the same people as the maker of", (cause[nearest],), (1.0,)
            )
        if graph.by_followed(followed)[account] > 0:
            return Evidence("followed by accounts that you follow")
        people = int(graph.followers[account])
        return Evidence(f"followed by {people_text(people)}", values={"people": people})
