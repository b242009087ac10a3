"""A shop with structure, and a registry with small real sources to fit on it."""

import types

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.pipeline.config_files import parse_config
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.scenario import ItemField, ItemSchema
from crossrec.testing.requests import TOY as TOY_SHOP
from crossrec.testing.requests import with_every_source
from crossrec.testing.toy_sources import Popular, Together, failing, registry_of, unfit

SCHEMA = ItemSchema((ItemField("title"), ItemField("is_hidden", "flag")), "{title}")


class DropsFirst:
    """A policy that drops the first item."""

    def apply(self, ranked, context):
        return ranked.without(np.arange(len(ranked)) == 0, "because_it_is_first")


class Raises:
    """A policy that fails."""

    def apply(self, ranked, context):
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


TOY = {
    "candidate_generators": {
        "popular": Popular,
        "together": Together,
        "broken": failing(RuntimeError("out of order")),
        "unfit": unfit(MemoryError("too large")),
    },
    "policies": {"drops-first": DropsFirst, "raises": Raises},
    "rankers": {"inverted": Inverted},
}


@pytest.fixture(scope="session")
def registry():
    return registry_of(**TOY)


@pytest.fixture(scope="session")
def make_registry():
    """Build a registry with the toy components above and further ones, given by kind and name."""

    def make(**kinds):
        return registry_of(
            **{kind: {**TOY.get(kind, {}), **kinds.get(kind, {})} for kind in {**TOY, **kinds}}
        )

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


@pytest.fixture(scope="session")
def pipeline(registry, make_shop, make_config):
    """The toy shop with two sources that both count, one of them on lists about an item."""
    config = make_config("popular", "together", item_sources=["together"])
    fitted = fit_pipeline(TOY_SHOP, make_shop(), resolve_pipeline(config, registry), RunOptions())
    return with_every_source(fitted, make_shop())
