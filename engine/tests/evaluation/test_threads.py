"""Blocks of queries on several threads."""

from threading import Barrier

import numpy as np
import pytest
from crossrec.components.candidates import Candidates
from crossrec.components.query import QueryBatch
from crossrec.evaluation.evaluate import evaluate
from crossrec.evaluation.protocol import EvaluationProtocol


def test_blocks_that_are_answered_together_give_the_same_figures(checkerboard, covisitation):
    met: set[int] = set()

    class Waits:
        """Answers once two blocks are waiting at the same time."""

        name, fit_seconds = "waits", 0.0
        both = Barrier(2, timeout=30)

        def top(self, queries: QueryBatch, k: int) -> Candidates:
            self.both.wait()
            met.add(len(queries))
            index = np.tile(np.arange(min(k, 20)), (len(queries), 1))
            return Candidates(index, -index.astype(np.float32))

    def figures(threads, *more):
        def models(train, validation):
            return [covisitation(train), *more]

        # 20 users: four blocks.
        protocol = EvaluationProtocol(split="leave-one-out", candidates="unseen", block=5)
        report = evaluate(checkerboard, models, protocol, threads=threads)
        assert not report.failed
        return {row.model: str((row.metrics, row.ci95)) for row in report.results}

    alone, together = figures(1), figures(2, Waits())
    assert alone.items() <= together.items()
    assert met == {5}


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
def test_progress_rises_to_all_users_whatever_the_threads(checkerboard, covisitation, threads):
    seen: dict[str, list[int]] = {}

    def progress(message: str, done: int, total: int) -> None:
        assert total == 20
        seen.setdefault(message, []).append(done)

    protocol = EvaluationProtocol(split="leave-one-out", candidates="unseen", block=3)

    def models(train, validation):
        return [covisitation(train)]

    evaluate(checkerboard, models, protocol, threads=threads, progress=progress)
    assert set(seen) == {"covisitation", "popularity", "repeat-last"}
    for steps in seen.values():
        assert steps == sorted(set(steps))
        assert steps[-1] == 20
        assert len(steps) == -(-7 // threads)


def test_a_model_that_fails_in_one_of_two_threads_is_left_out_and_named(checkerboard, covisitation):
    class Fails(covisitation):
        calls = 0

        def top(self, queries: QueryBatch, k: int) -> Candidates:
            Fails.calls += 1
            if Fails.calls == 3:
                raise ZeroDivisionError("no luck")
            return super().top(queries, k)

    protocol = EvaluationProtocol(split="leave-one-out", candidates="unseen", block=5)

    def models(train, validation):
        return [Fails(train, "fails"), covisitation(train)]

    report = evaluate(checkerboard, models, protocol, threads=2)
    assert [(one.model, one.error) for one in report.failed] == [
        ("fails", "ZeroDivisionError: no luck")
    ]
    assert report.result("fails") is None
    assert report.result("covisitation") is not None
