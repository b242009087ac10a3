"""The part of `Engine` that looks back: the decision log, feedback on answers, single events."""

from __future__ import annotations

import time
import weakref
from functools import cached_property
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from crossrec.components.slate import Slate
from crossrec.data.ids import requested_id
from crossrec.pipeline.decision_writer import DecisionWriter
from crossrec.pipeline.pipeline import Pipeline
from crossrec.plugins.registry import Registry
from crossrec.store.decisions import Decision
from crossrec.workspace import Workspace

# What only some calls need is imported by them: answers start faster.
if TYPE_CHECKING:
    from crossrec.pipeline.feedback import AppendedEvent, Feedbacks
    from crossrec.workspace_settings import DecisionLogSettings


class LoggedAnswers:
    """Writes answers down and takes in what comes of them."""

    def __init__(self, workspace: Workspace, registry: Registry, *, log: bool) -> None:
        self.workspace = workspace
        self.registry = registry
        self._log = log
        self._writer: DecisionWriter | None = None
        self._opening = Lock()

    @cached_property
    def _feedbacks(self) -> Feedbacks:
        """What stores single events and feedback."""
        from crossrec.pipeline.feedback import Feedbacks

        return Feedbacks(self.workspace, self.registry)

    def close(self) -> None:
        """Write the decisions that wait, and release the store; the next use opens it again."""
        with self._opening:
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        self.workspace.close()

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the engine."""
        self.close()

    def append_event(
        self,
        scenario: str,
        user_id: str,
        item_id: str,
        event_type: str,
        value: float | None = None,
        time: Any = None,
        request_id: str | None = None,
    ) -> AppendedEvent:
        """Store one event, by the rules of ingestion; it counts from the next request on.

        Does not wait for a running fit. The same event again changes nothing.

        Parameters
        ----------
        time : float, str or datetime, optional
            Now by default. Events of a scenario without times take none.
        request_id : str, optional
            The answer that the event came from. Where the decision log has it, and it showed the
            item to this user, the event is also kept as feedback on it.

        Raises
        ------
        UsageError
            For an unknown scenario.
        DataError
            For an event that ingestion would reject, such as one of an unknown type.
        """
        if request_id:
            self.flush()
        return self._feedbacks.append_event(
            self.registry.scenario(scenario), user_id, item_id, event_type, value, time, request_id
        )

    def feedback(
        self,
        request_id: str,
        item_id: str,
        event_type: str,
        value: float | None = None,
        time: float | None = None,
    ) -> AppendedEvent:
        """Keep what somebody did with an item that was shown to them.

        It is attributed to the decision, and stored as an event of its user where it has one.

        Parameters
        ----------
        time : float, optional
            Seconds since 1970; now by default. Give it where the same feedback may be sent twice.

        Raises
        ------
        UsageError
            If the decision log has no such request, or did not keep the item of it.
        DataError
            For an event that ingestion would reject, such as one of an unknown type.
        """
        self.flush()
        return self._feedbacks.give(request_id, item_id, event_type, value, time)

    def decisions(
        self, scenario: str, limit: int = 20, *, user_id: str | None = None
    ) -> list[Decision]:
        """Return the latest decisions of a scenario, or of one of its users, the newest first."""
        name = self.registry.scenario(scenario).name
        self.flush()
        user = None if user_id is None else requested_id("user_id", user_id)
        return self.workspace.decision_log().latest(name, limit, user_id=user)

    def flush(self) -> None:
        """Wait until the answers given so far are in the decision log."""
        if self._writer is not None:
            self._writer.flush()

    def _logged(
        self, slate: Slate, user_id: str | None, pipeline: Pipeline, started: float
    ) -> Slate:
        """Return an answer, handed to the writer of the decision log where that is on."""
        if self._log:
            from crossrec.pipeline.decision_record import decision_of

            settings = self.workspace.settings.decision_log
            milliseconds = 1000 * (time.perf_counter() - started)
            decision = decision_of(slate, user_id, pipeline, milliseconds, settings.items)
            self._decision_writer(settings).add(decision)
        return slate

    def _decision_writer(self, settings: DecisionLogSettings) -> DecisionWriter:
        """Return the writer, made for the first answer."""
        with self._opening:
            if self._writer is None:
                self._writer = DecisionWriter(
                    self.workspace.decision_log(),
                    sample=settings.sample,
                    keep_days=settings.keep_days,
                )
                weakref.finalize(self, self._writer.close)  # also when the process ends
            return self._writer
