"""Who serves: the gate's folds, its order, and rankers that fail in it."""

import numpy as np
import pytest
from crossrec.components.fusion import ReciprocalRankFusion
from crossrec.components.ndcg import NdcgScorer
from crossrec.components.protocols import Examples
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.errors import UsageError
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.cut import ENOUGH
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.pipeline import best_of
from crossrec.pipeline.ranker_choice import choose_ranker
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY

N_ITEMS = 30


def examples(n=120, seed=0):
    """Two sources; each knows the targets of every other query."""
    from crossrec.components.pooling import build_pool

    rng = np.random.default_rng(seed)
    targets = rng.integers(0, N_ITEMS, n)
    scores = [rng.normal(size=(n, N_ITEMS)).astype(np.float32) for _ in range(2)]
    for row, target in enumerate(targets):
        scores[row % 2][row, target] += 4.0
    pool = build_pool({"a": top_k(scores[0], N_ITEMS), "b": top_k(scores[1], N_ITEMS)}, N_ITEMS)
    history = Ragged.from_rows([[row] for row in range(n)])  # tells queries apart
    queries = QueryBatch.from_histories(history, exclude=Ragged.empty(n))
    return Examples(queries, pool, Ragged.from_rows([[t] for t in targets]))


class Spy:
    """A ranker that writes down what it saw."""

    seen: list = []  # noqa: RUF012 (shared on purpose: the gate builds several)

    def fit(self, dataset, examples, run):
        self.learnt = set(examples.queries.history.values.tolist())
        Spy.seen.append(("fit", self.learnt))

    def score(self, queries, pool):
        wanted = set(queries.history.values.tolist())
        Spy.seen.append(("score", wanted, self.learnt))
        return np.where(pool.valid, 0.0, -np.inf).astype(np.float32)

    def state(self):
        return State()


class Oracle(Spy):
    """Knows the answer, when it is shown."""

    targets: dict = {}  # noqa: RUF012

    def fit(self, dataset, examples, run):
        pass

    def score(self, queries, pool):
        right = [Oracle.targets[int(row[0])] for row in map(queries.history.row, range(len(pool)))]
        return np.where(pool.index == np.array(right)[:, None], 1.0, 0.0).astype(np.float32)


class Memory(Spy):
    """Knows the targets that it learnt from, and no others: it must not win."""

    def fit(self, dataset, examples, run):
        rows = range(len(examples.targets))
        self.known = {
            int(examples.queries.history.row(i)[0]): int(examples.targets.row(i)[0]) for i in rows
        }

    def score(self, queries, pool):
        shown = [self.known.get(int(queries.history.row(i)[0]), -2) for i in range(len(pool))]
        return np.where(pool.index == np.array(shown)[:, None], 1.0, 0.0).astype(np.float32)


class FailsToFit(Spy):
    def fit(self, dataset, examples, run):
        raise MemoryError("too much")


class FailsToScore(Spy):
    def score(self, queries, pool):
        raise RuntimeError("out of ink")


class GivesNan(Oracle):
    def score(self, queries, pool):
        scores = super().score(queries, pool)
        scores[0, 0] = np.nan
        return scores


class FailsOnAll(Oracle):
    """Right in every fold, and unable to learn from all examples."""

    def fit(self, dataset, examples, run):
        if len(examples.targets) > 100:
            raise MemoryError("all is too much")


class CountsExamples(Oracle):
    def fit(self, dataset, examples, run):
        self.learnt = len(examples.targets)


RANKERS = {
    "counts-examples": CountsExamples,
    "spy": Spy,
    "oracle": Oracle,
    "memory": Memory,
    "fails-to-fit": FailsToFit,
    "fails-to-score": FailsToScore,
    "gives-nan": GivesNan,
    "fails-on-all": FailsOnAll,
}


@pytest.fixture(scope="module")
def crowd(make_registry):
    return make_registry(rankers=RANKERS)


@pytest.fixture
def choose(crowd, make_config):
    def choose(ranker, found=None, seed=0, **settings):
        found = examples() if found is None else found
        pairs = zip(found.queries.history.values, found.targets.values)
        Oracle.targets = {int(row): int(target) for row, target in pairs}
        Spy.seen.clear()
        config = make_config("popular", ranker=ranker, ranker_settings=settings)
        plan = resolve_pipeline(config, crowd).main_surface
        return choose_ranker(plan, None, found, RunOptions(seed=seed))

    return choose


def test_every_query_is_judged_once_by_a_ranker_that_has_not_seen_it(choose):
    choose("spy")
    judged = [step for step in Spy.seen if step[0] == "score"]
    assert len(judged) == 2
    for _, wanted, learnt in judged:
        assert not wanted & learnt
        assert len(wanted) == len(learnt) == 60
    assert judged[0][1] | judged[1][1] == set(range(120))


def test_the_halves_are_drawn_by_the_seed(choose):
    def halves(seed):
        choose("spy", seed=seed)
        return [step[1] for step in Spy.seen if step[0] == "score"]

    assert halves(1) == halves(1)
    assert halves(1) != halves(2)


def test_a_better_ranker_wins_and_the_figures_are_the_cross_validated_ones(choose):
    found = examples()
    winner, report = choose("oracle", found)
    assert isinstance(winner, Oracle)
    assert report.chosen == "oracle"
    assert report.ndcg["oracle"] == 1.0
    assert set(report.ndcg) == {"rrf", "best", "weighted", "oracle"}
    assert report.queries == 120
    fused = ReciprocalRankFusion().score(found.queries, found.pool)
    gains = NdcgScorer(found.pool.index, found.targets).gains(fused)
    assert report.ndcg["rrf"] == pytest.approx(gains.mean())
    assert "ndcg@10 1.0000 on 120 validation queries, against rrf" in report.why


def test_what_was_learnt_by_heart_does_not_serve(choose):
    found = examples()
    winner, report = choose("memory", found)
    assert report.ndcg["memory"] < report.ndcg["rrf"]
    assert not isinstance(winner, Memory)


def test_the_winner_is_fitted_again_on_all_examples(choose):
    winner, report = choose("counts-examples")
    assert report.chosen == "counts-examples"
    assert winner.learnt == 120


def test_among_equals_the_simplest_serves(choose):
    """With one source all baselines give one order: rank fusion, the default, is the simplest."""
    found = examples()
    only = Examples(found.queries, found.pool.select(("a",)), found.targets)
    _, report = choose("auto", only)
    assert report.chosen == "rrf"


def with_noise(n, seed=0):
    """Return the examples of two sources that know half each, and a third that knows nothing."""
    from crossrec.components.pooling import build_pool

    rng = np.random.default_rng(seed)
    targets = rng.integers(0, N_ITEMS, n)
    found = {}
    for name, edge in (("a", 2.5), ("b", 2.5), ("noise", 0.0)):
        scores = rng.normal(size=(n, N_ITEMS)).astype(np.float32)
        scores[np.arange(n), targets] += edge
        found[name] = top_k(scores, N_ITEMS)
    history = Ragged.from_rows([[row] for row in range(n)])
    queries = QueryBatch.from_histories(history, exclude=Ragged.empty(n))
    return Examples(queries, build_pool(found, N_ITEMS), Ragged.from_rows([[t] for t in targets]))


@pytest.mark.parametrize("n", [30, 200])
def test_a_source_that_harms_has_no_vote_and_the_report_has_the_figures(choose, n):
    """Also where too few queries are there to choose between rankers."""
    winner, report = choose("auto", with_noise(n))
    assert report.chosen == "rrf"
    assert list(winner.left_out) == ["noise"]
    assert report.learnt["left_out"]["noise"]["queries"] == n
    gain = report.learnt["left_out"]["noise"]["gain"]
    assert f"source noise has no vote: without it ndcg@10 gains {gain:.4f}" in report.why
    assert report.to_dict()["learnt"] == report.learnt


def test_three_queries_leave_every_source_its_vote(choose):
    winner, report = choose("auto", with_noise(3))
    assert (report.chosen, winner.left_out, report.learnt) == ("rrf", {}, {"left_out": {}})


def test_an_alternative_serves_only_by_a_gain_beyond_noise(choose):
    """Better on average by a query or two is not enough."""
    found = with_noise(60)
    _, report = choose("auto", found)
    ahead = {name for name, value in report.ndcg.items() if value > report.ndcg["rrf"]}
    assert report.chosen == "rrf"
    assert ("more than noise" in report.why) == bool(ahead)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("fails-to-fit", "MemoryError: too much"),
        ("fails-to-score", "RuntimeError: out of ink"),
        ("gives-nan", "ValueError: not every candidate has a finite score"),
        ("fails-on-all", "MemoryError: all is too much"),
    ],
)
def test_a_ranker_that_fails_is_left_out_and_named(choose, name, error):
    winner, report = choose(name)
    assert report.failed == {name: error}
    assert name not in report.ndcg
    assert report.chosen in ("best", "rrf", "weighted")
    assert type(winner).__module__.endswith("fusion")
    assert f"left out: {name} ({error})" in report.why
    assert report.to_dict()["failed"] == {name: error}


def test_one_query_too_few_fuses_ranks_with_the_users_settings(choose):
    found = examples(ENOUGH - 1)
    winner, report = choose("rrf", found, constant=7.0)
    assert (report.chosen, report.queries, report.ndcg) == ("rrf", ENOUGH - 1, {})
    assert winner.config.constant == 7.0
    _, enough = choose("rrf", examples(ENOUGH))
    assert enough.ndcg


def test_an_unknown_ranker_is_found_before_anything_is_fitted(
    dataset, make_registry, make_config, toy_sources
):
    class Counted(toy_sources.popular):
        fits = 0

        def fit(self, dataset, run):
            Counted.fits += 1
            super().fit(dataset, run)

    registry = make_registry(candidate_generators={"counted": Counted})
    for values in (
        {"ranker": "wieghted"},
        {"ranker": "rrf", "ranker_settings": {"constant": -1}},
        {"policies": ["availabilty"]},
        {"encoder": "transfomer"},
    ):
        with pytest.raises(UsageError):
            fit_pipeline(
                TOY,
                dataset,
                resolve_pipeline(make_config("counted", **values), registry),
                RunOptions(),
            )
    with pytest.raises(UsageError, match="populr"):
        fit_pipeline(
            TOY,
            dataset,
            resolve_pipeline(make_config("counted", "populr"), registry),
            RunOptions(),
        )
    assert Counted.fits == 0
    fit_pipeline(TOY, dataset, resolve_pipeline(make_config("counted"), registry), RunOptions())
    assert Counted.fits == 2


def test_best_of_orders_by_score_then_by_index():
    found = examples(3)
    scores = np.where(found.pool.valid, 0.0, -np.inf).astype(np.float32)
    scores[1, 4] = 1.0
    best = best_of(found.pool, scores, 3)
    assert best.index[0].tolist() == found.pool.index[0, :3].tolist()
    assert best.index[1, 0] == found.pool.index[1, 4]
    assert best_of(found.pool, scores, 99).index.shape[1] == found.pool.index.shape[1]


def test_the_served_ranker_is_the_one_in_the_report(dataset, crowd, make_config):
    pipeline = fit_pipeline(
        TOY,
        dataset,
        resolve_pipeline(make_config("popular", "together"), crowd),
        RunOptions(seed=3),
    )
    chosen = pipeline.report["gate"]["chosen"]
    assert type(pipeline.main.ranker) is type(crowd.get("rankers", chosen).build())
    assert pipeline.main.ranker_name == chosen
