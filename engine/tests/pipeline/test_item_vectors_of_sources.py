"""What policies compare items by: the vectors of the first source that has any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.run import RunOptions
from crossrec.pipeline.fit import fit_pipeline
from crossrec.pipeline.resolved import resolve_pipeline
from crossrec.testing.requests import TOY, ask, with_parts
from crossrec.testing.toy_sources import Popular


class Described(Popular):
    """Popular items, with a vector for each."""

    able = frozenset({"vectors"})

    def vectors(self):
        return np.eye(len(self.learnt()), dtype=np.float32)


class Wordless(Popular):
    """A source that could have vectors, and has read no text."""

    able = frozenset({"vectors"})

    def vectors(self):
        return None


class Outdated(Described):
    """A source whose vectors end before the newest items."""

    def vectors(self):
        return super().vectors()[:-1]


class Looks:
    """A policy that remembers the vectors it was given."""

    seen = ()

    def apply(self, ranked, context):
        Looks.seen = (*Looks.seen, context.vectors)
        return ranked


@pytest.fixture
def fitted(make_registry, make_shop, make_config):
    registry = make_registry(
        candidate_generators={
            "described": Described,
            "wordless": Wordless,
            "outdated": Outdated,
        }
    )

    def fit(*names):
        config = make_config(*names)
        return fit_pipeline(TOY, make_shop(), resolve_pipeline(config, registry), RunOptions())

    return fit


def test_the_first_source_that_has_vectors_gives_them(fitted):
    pipeline = fitted("popular", "wordless", "outdated", "described")
    assert "described" in pipeline.sources
    rows = pipeline.item_vectors
    assert rows is not None
    assert rows.shape == (20, 20)
    assert not rows.flags.writeable
    assert pipeline.item_vectors is rows, "read once"


@pytest.mark.parametrize("names", [("popular",), ("wordless",), ("outdated",)])
def test_where_no_source_has_one_for_every_item_there_are_none(fitted, names):
    assert fitted(*names).item_vectors is None


def test_a_source_that_is_gone_has_none(fitted):
    pipeline = fitted("described")
    assert pipeline.item_vectors is not None
    assert replace(pipeline, sources={}).item_vectors is None


def test_policies_get_them_only_when_they_look(fitted):
    pipeline = with_parts(fitted("described"), policies={"looks": Looks()})
    Looks.seen = ()
    ask(pipeline, history=("i1",))
    (seen,) = Looks.seen
    np.testing.assert_array_equal(seen, np.eye(20, dtype=np.float32))
