"""What one request changes about policies, and what policies of a surface know of each other."""

from __future__ import annotations

import numpy as np
import pytest
from crossrec.components.ranked import PolicyChange, Ranked
from crossrec.components.run import RunOptions
from crossrec.components.settings import Settings
from crossrec.components.state import State
from crossrec.errors import ConfigError, UsageError
from crossrec.pipeline.decision_record import policies_hash
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.request_policies import with_policies
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY, ask, serve, with_parts


class BelowConfig(Settings):
    least: int = 2


class DropsBelow:
    """Drops items with a small index, and says so to those that put items in."""

    able = frozenset({"bars"})
    settings_model = BelowConfig

    def __init__(self, config):
        self.config = config

    def bars(self, index, context):
        return index < self.config.least

    def apply(self, ranked, context):
        return ranked.without(self.bars(ranked.index, context), "below")


class PutsInFirst:
    """Puts the first eligible item of the catalogue in front."""

    def apply(self, ranked, context):
        free = np.flatnonzero(context.eligible(np.arange(len(context.items))))[:1]
        rest = ranked.take(~np.isin(ranked.index, free))
        change = PolicyChange(int(free[0]), "inserted", "first")
        return Ranked.of(
            np.concatenate([free, rest.index]), np.linspace(1, 0.1, len(rest) + 1)
        ).take(np.arange(len(rest) + 1), *ranked.changes, change)


class Learns(PutsInFirst):
    able = frozenset({"learn"})

    def learn(self, feedback):
        pass

    def state(self):
        return State()

    def restore(self, state, catalog):
        pass


@pytest.fixture(scope="module")
def pipeline(make_registry, make_shop, make_config):
    registry = make_registry(
        policies={"first": PutsInFirst, "below": DropsBelow, "learns": Learns},
    )
    config = make_config("popular", policies=["first", "below", "learns"])
    return fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())


def changed(pipeline, **changes):
    return with_policies(serve(pipeline), "user", changes).pipeline


def test_a_policy_that_puts_in_asks_those_that_drop_wherever_they_stand(pipeline):
    slate = ask(pipeline, history=("i5",))
    assert slate.item_ids[0] == "i2"
    assert slate.degraded == ()
    assert {"i0", "i1"} == {c.item_id for c in slate.changes if c.action == "dropped"}


def test_what_is_excluded_is_not_eligible_either(pipeline):
    assert ask(pipeline, history=("i5",), exclude=("i2", "i3")).item_ids[0] == "i4"


def test_other_settings_for_one_request(pipeline):
    slate = ask(changed(pipeline, below={"least": 7}), history=("i5",))
    assert slate.item_ids[0] == "i7", "the rule that it is put to has the new settings too"
    assert ask(changed(pipeline, below=None), history=("i5",)).item_ids[0] == "i0"
    assert ask(pipeline, history=("i5",)).item_ids[0] == "i2"


def test_without_changes_it_is_the_same_serving(pipeline):
    serving = serve(pipeline)
    assert with_policies(serving, "user", None) is with_policies(serving, "user", {}) is serving


def test_only_the_surface_of_the_request_is_changed_and_its_hash_with_it(pipeline):
    other = changed(pipeline, below={"least": 7})
    assert other.surfaces["item"] is pipeline.surfaces["item"]
    hashes = {policies_hash(one.surfaces["user"].plan) for one in (pipeline, other)}
    assert len(hashes) == 2
    same = changed(pipeline, below={"least": 2}).surfaces["user"].plan
    assert dict(same.policies["below"].settings) == {"least": 2}


def test_errors_say_what_there_is(pipeline):
    with pytest.raises(UsageError, match="has no policy 'above': it has first, below, learns;"):
        changed(pipeline, above={"least": 1})
    with pytest.raises(ConfigError, match="below has no setting 'most'"):
        changed(pipeline, below={"most": 1})
    with pytest.raises(ConfigError, match="below: setting 'least'"):
        changed(pipeline, below={"least": "many"})
    with pytest.raises(UsageError, match="'learns' learns: change its settings in the pipeline"):
        changed(pipeline, learns={"rate": 1})


def test_scores_of_what_fills_a_list_fall_below_those_of_the_ranker(pipeline):
    seen = []

    class Looks:
        def apply(self, ranked, context):
            seen.append(ranked)
            return ranked

    ask(with_parts(pipeline, policies={"looks": Looks()}), history=("i5",))
    (pool,) = seen
    assert len(pool) > 10
    assert (np.diff(pool.score) < 0).all(), "so that weights move what fills the list as well"
    assert (pool.score > 0).all()
