"""Trees are added up as LightGBM does, whatever was missing; what is damaged is refused."""

from __future__ import annotations

import subprocess
import sys

import lightgbm
import numpy as np
import pytest
from crossrec.errors import ArtifactError
from crossrec_backbone.ranking.tree_model import TreeModel
from crossrec_backbone.ranking.trees import TreeRanker
from hypothesis import given, settings
from hypothesis import strategies as st

ONE_SPLIT = """tree
num_class=1
num_tree_per_iteration=1
max_feature_idx=1
tree_sizes=100

Tree=0
num_leaves=2
num_cat=0
split_feature=1
split_gain=7
threshold=0.5
decision_type={kind}
left_child=-1
right_child=-2
leaf_value=-1 3
is_linear=0

end of trees
"""


def trained(seed: int, leaves: int, missing: float, rounds: int = 5) -> lightgbm.Booster:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(300, 5)).round(1).astype(np.float32)
    rows[rng.random(rows.shape) < missing] = np.nan
    target = np.nan_to_num(rows) @ rng.normal(size=5) + np.isnan(rows[:, 0])
    settings_ = {"num_leaves": leaves, "min_data_in_leaf": 2, "verbose": -1, "num_threads": 1}
    return lightgbm.train(settings_, lightgbm.Dataset(rows, target), rounds)


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 1000), leaves=st.integers(2, 64), missing=st.sampled_from((0.0, 0.2, 1.0))
)
def test_the_sum_is_that_of_lightgbm(seed: int, leaves: int, missing: float) -> None:
    booster = trained(seed, leaves, missing)
    model = TreeModel.parsed(booster.model_to_string())
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(2000, 5)).round(1).astype(np.float32)  # on the thresholds too
    rows[rng.random(rows.shape) < 0.3] = np.nan
    rows[0], rows[1], rows[2] = np.inf, -np.inf, 0.0
    np.testing.assert_allclose(model.scores(rows), booster.predict(rows), atol=1e-6, rtol=1e-6)
    gain = booster.feature_importance("gain")
    np.testing.assert_allclose(model.gain, gain, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("2", -1.0), ("8", 3.0), ("10", -1.0)],
    ids=["never missing: 0, which goes left", "goes right", "goes left"],
)
def test_a_value_goes_where_the_split_says(kind: str, missing: float) -> None:
    model = TreeModel.parsed(ONE_SPLIT.format(kind=kind))
    rows = np.array([[9, 0.5], [-9, 0.6], [0, np.nan]], dtype=np.float32)
    assert model.scores(rows).tolist() == [-1.0, 3.0, missing]
    assert model.scores(rows[:0]).tolist() == []
    assert model.gain.tolist() == [0.0, 7.0]


def test_a_tree_without_splits_adds_its_leaf() -> None:
    rows = np.zeros((50, 2), dtype=np.float32)
    booster = lightgbm.train({"verbose": -1}, lightgbm.Dataset(rows, np.full(50, 2.5)), 3)
    model = TreeModel.parsed(booster.model_to_string())
    np.testing.assert_allclose(model.scores(rows), booster.predict(rows))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("end of trees", "", "end is missing"),
        ("max_feature_idx=1", "max_feature_idx=0", "column that is not there"),
        ("tree_sizes=100", "tree_sizes=100 100", "1 trees instead of 2"),
        ("leaf_value=-1 3", "leaf_value=-1", "leaf_value has 1 values instead of 2"),
        ("threshold=0.5\n", "", "threshold is missing"),
        ("threshold=0.5", "threshold=high", "high"),
        ("right_child=-2", "right_child=0", "no tree"),
        ("right_child=-2", "right_child=-1", "no tree"),
        ("right_child=-2", "right_child=-9", "no tree"),
        ("num_leaves=2", "num_leaves=65", "64 at most"),
        ("num_cat=0", "num_cat=1", "categorical"),
        ("decision_type=2", "decision_type=1", "categorical"),
        ("decision_type=2", "decision_type=6", "zeros as missing"),
        ("num_class=1", "average_output", "sum of trees"),
    ],
)
def test_what_is_damaged_or_not_understood_is_refused(old: str, new: str, message: str) -> None:
    text = ONE_SPLIT.format(kind="2")
    assert old in text
    with pytest.raises(ValueError, match=message):
        TreeModel.parsed(text.replace(old, new))


def test_a_ranker_that_reads_other_columns_than_its_trees_is_refused() -> None:
    text = ONE_SPLIT.format(kind="2")
    assert TreeRanker(text, ("popularity", "late")).importance() == {"late": 1.0}
    with pytest.raises(ArtifactError, match="it reads 2 columns, 1 named"):
        TreeRanker(text, ("popularity",))


def test_an_answer_imports_neither_lightgbm_nor_what_it_imports() -> None:
    code = f"""
import sys
import numpy as np
import crossrec_backbone.sources.backbone
from crossrec_backbone.ranking.features import COLUMNS
from crossrec_backbone.ranking.trees import TreeRanker
columns = np.zeros((1, 3, len(COLUMNS)), np.float32)
TreeRanker({ONE_SPLIT.format(kind="2")!r}, ("popularity", "late")).scores(columns)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"lightgbm", "pandas", "sklearn", "torch"}
