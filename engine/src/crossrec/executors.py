"""Where heavy work runs: in this process, on as many threads as are configured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Job = TypeVar("Job")
Result = TypeVar("Result")


class Executor(Protocol):
    """Maps a function over independent jobs."""

    def map(self, function: Callable[[Job], Result], jobs: Iterable[Job]) -> list[Result]:
        """Return ``[function(job) for job in jobs]``, in the order of the jobs.

        The first job that raises, in that order, ends the map with its exception; jobs that have
        not started by then are not started.
        """
        ...


class LocalConfig(BaseModel):
    """Settings of `LocalExecutor`.

    Attributes
    ----------
    workers : int
        Jobs that run at the same time. Each holds its own memory, so the default is 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=1, ge=1)


class LocalExecutor:
    """Threads of this process: numpy, scipy, torch and implicit release the lock as they work."""

    def __init__(self, config: LocalConfig | None = None) -> None:
        self.config = config or LocalConfig()

    def map(self, function: Callable[[Job], Result], jobs: Iterable[Job]) -> list[Result]:
        """Return ``[function(job) for job in jobs]``; see `Executor.map`."""
        waiting = list(jobs)
        workers = min(self.config.workers, len(waiting))
        if workers <= 1:
            return [function(job) for job in waiting]
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="crossrec")
        try:
            return list(pool.map(function, waiting))
        finally:
            pool.shutdown(cancel_futures=True)
