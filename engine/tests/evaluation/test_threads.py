"""Blocks of queries on several threads."""

from threading import Barrier

import numpy as np
from crossrec.components.candidates import Candidates
from crossrec.components.query import QueryBatch
from crossrec.evaluation.evaluate import evaluate
from crossrec.evaluation.protocol import EvaluationProtocol


def test_blocks_that_are_asked_for_together_give_the_same_figures(checkerboard, covisitation):
    met: set[int] = set()

    class Waits:
        """Answers once two blocks are asked for at the same time."""

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
