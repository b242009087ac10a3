"""The part of `Engine` that answers many users at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from crossrec.components.query import Query, id_tuple
from crossrec.components.slate import Slate
from crossrec.pipeline.request import answer_batch
from crossrec.pipeline.serving import Serving, surface_for
from crossrec.pipeline.user_states import user_state_of
from crossrec.plugins.registry import Registry
from crossrec.workspace import Workspace


class BatchAnswers(ABC):
    """Answers many users from what `serving` returns."""

    workspace: Workspace
    registry: Registry

    @abstractmethod
    def serving(self, scenario: str) -> Serving:
        """Return what requests are answered from."""

    def recommend_many(
        self,
        scenario: str,
        user_ids: Sequence[str],
        *,
        k: int | None = None,
        surface: str | None = None,
        context: Mapping[str, Any] | None = None,
        filter: str = "",
        boost: str = "",
        now: float | None = None,
        explain: bool = False,
    ) -> list[Slate]:
        """Recommend `k` items to each of many users: the lists that `recommend` gives to each.

        They are scored together, which is several times as fast. Nothing is written to the decision
        log, for nobody has seen these lists yet. Memory grows with the number of users: some
        hundred at a time are plenty.

        Parameters
        ----------
        surface : str, optional
            One about users; the scenario's main one where None.

        Raises
        ------
        UsageError
            For what `recommend` refuses.
        NotFittedError
            If the scenario was not fitted yet.
        """
        known, serving = self.registry.scenario(scenario), self.serving(scenario)
        place = surface_for(serving.pipeline, surface)
        length = place.plan.config.k if k is None else k
        store = self.workspace.store()
        requests = []
        for user_id in id_tuple("user_ids", user_ids):
            query = Query(
                user_id=user_id,
                context=dict(context or {}),
                now=now,
                surface=place.plan.name,
                k=length,
                filter=filter,
                boost=boost,
            )
            requests.append((query, user_state_of(store, known, query, self.registry.scenario)))
        return answer_batch(serving, requests, place.plan.name, explain=explain, name_sources=True)
