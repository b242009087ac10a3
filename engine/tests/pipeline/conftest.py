"""A shop with structure, and a registry with small real sources to fit on it."""

import types

import numpy as np
import pytest
from crossrec import hookimpl
from crossrec.components.evidence import Evidence
from crossrec.components.history import weigh
from crossrec.components.state import State
from crossrec.components.topk import top_k
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.config import parse_config
from crossrec.plugins.found import FoundPlugin, find_plugins
from crossrec.plugins.loader import load_plugins
from crossrec.plugins.registry import Registry
from crossrec.scenario import ItemField, ItemSchema

SCHEMA = ItemSchema((ItemField("title"), ItemField("is_hidden", "flag")), "{title}")


class Popular:
    """Counts."""

    def fit(self, dataset, run):
        self.counts = dataset.item_counts.astype(np.float32)

    def generate(self, queries, k):
        scores = np.tile(self.counts, (len(queries), 1))
        return top_k(scores, k, queries.exclude, source="popular", minimum=0.0)

    def explain(self, queries, index):
        return [Evidence(f"popular: {int(self.counts[i])} events") for i in index]

    def state(self):
        return State({"counts": self.counts})

    def restore(self, state, catalog):
        self.counts = state.arrays["counts"]


class Together:
    """Co-occurrence counts, by hand-checkable arithmetic."""

    def fit(self, dataset, run):
        matrix = dataset.matrix(binary=True)
        self.counts = (matrix.T @ matrix).toarray().astype(np.float32)
        np.fill_diagonal(self.counts, 0)

    def generate(self, queries, k):
        scores = weigh(queries, len(self.counts)).matrix @ self.counts
        return top_k(np.asarray(scores, np.float32), k, queries.exclude, minimum=0.0)

    def explain(self, queries, index):
        history = queries.history.row(0)
        found = []
        for item in index:
            counts = self.counts[history, item]
            order = np.argsort(-counts, kind="stable")
            named = tuple(int(history[at]) for at in order if counts[at] > 0)
            found.append(Evidence("often together with", named) if named else None)
        return found

    def state(self):
        return State({"counts": self.counts})

    def restore(self, state, catalog):
        self.counts = state.arrays["counts"]


class Broken(Popular):
    """Fits, then fails at every request."""

    def generate(self, queries, k):
        raise RuntimeError("out of order")


class Unfit(Popular):
    """Cannot be fitted."""

    def fit(self, dataset, run):
        raise MemoryError("too large")


class DropsFirst:
    """A policy that drops the first item."""

    def apply(self, slate, context):
        from crossrec.components.slate import Change

        first = slate.items[0]
        return slate.with_items(
            slate.items[1:], Change("drops-first", first.item_id, "dropped", "because it is first")
        )


class Raises:
    """A policy that fails."""

    def apply(self, slate, context):
        raise ValueError("no rules today")


class Inverted:
    """A ranker that is always wrong: the gate must not let it serve."""

    def fit(self, dataset, examples, run):
        self.fitted = True

    def score(self, queries, pool):
        best = np.nan_to_num(pool.scores, nan=0.0).sum(axis=2)
        return np.where(pool.valid, -best, -np.inf).astype(np.float32)

    def state(self):
        return State()

    def restore(self, state, catalog):
        pass


@hookimpl
def register_candidate_generators(register):
    able = {"explain"}
    register("popular", Popular, capabilities=able, summary="counts")
    register("together", Together, capabilities=able, summary="co-occurrence")
    register("broken", Broken, capabilities=able, summary="fails at requests")
    register("unfit", Unfit, summary="fails at fits")


@hookimpl
def register_policies(register):
    register("drops-first", DropsFirst, summary="drops the first")
    register("raises", Raises, summary="fails")


@hookimpl
def register_rankers(register):
    register("inverted", Inverted, summary="always wrong")


@pytest.fixture(scope="session")
def registry():
    toy = types.ModuleType("toy_plugin")
    toy.register_candidate_generators = register_candidate_generators
    toy.register_policies = register_policies
    toy.register_rankers = register_rankers
    builtin = find_plugins()[0]
    plugins = load_plugins([builtin, FoundPlugin("toy", "toy", "1", lambda: toy)], strict=True)
    return Registry(plugins)


@pytest.fixture(scope="session")
def make_registry():
    """Build a registry with the toy components above and further ones, given by kind and name."""

    def make(**kinds):
        toy = types.ModuleType("toy_plugin")
        toy.register_candidate_generators = register_candidate_generators
        toy.register_policies = register_policies
        toy.register_rankers = register_rankers
        extra = types.ModuleType("extra_plugin")

        def hook(parts):
            def hand_over(register):
                for name, factory in parts.items():
                    able = getattr(factory, "able", frozenset())
                    register(name, factory, capabilities=able, summary=name)

            return hookimpl(hand_over)

        for kind, parts in kinds.items():
            setattr(extra, f"register_{kind}", hook(parts))
        found = [
            find_plugins()[0],
            FoundPlugin("toy", "toy", "1", lambda: toy),
        ]
        if kinds:
            found.append(FoundPlugin("extra", "extra", "1", lambda: extra))
        return Registry(load_plugins(found, strict=True))

    return make


@pytest.fixture(scope="session")
def toy_sources():
    """The classes of the small sources, to be bent."""
    return types.SimpleNamespace(popular=Popular, together=Together)


def shop(n_users=120, n_items=20, seed=0, has_clock=True):
    """Even users like even items, odd users odd ones; time runs over all users together."""
    rng = np.random.default_rng(seed)
    users, items = [], []
    for user in range(n_users):
        own = np.arange(user % 2, n_items, 2)
        chosen = rng.permutation(own)[:6]
        users += [user] * len(chosen)
        items += chosen.tolist()
    order = rng.permutation(len(users))
    events = Events.from_columns(np.array(users)[order], np.array(items)[order])
    vocabulary = Vocabulary(f"i{i}" for i in range(n_items))
    records = {f"i{i}": {"title": f"item {i}"} for i in range(n_items)}
    catalog = Catalog.from_records(vocabulary, records, SCHEMA)
    return Dataset.build(
        Vocabulary(f"u{u}" for u in range(n_users)), catalog, events, has_clock=has_clock
    )


@pytest.fixture(scope="session")
def make_shop():
    return shop


@pytest.fixture(scope="session")
def dataset():
    return shop()


@pytest.fixture(scope="session")
def make_config():
    def make(*sources, **values):
        return parse_config({"sources": [{"name": name} for name in sources], **values}, "test")

    return make
