"""The weight of behaviour against text: folds that leak nothing, and a default that noise keeps."""

from __future__ import annotations

import numpy as np
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.data.dataset import Dataset
from crossrec.data.events import Events
from crossrec.data.vocabulary import Vocabulary
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.adaptation.behaviour_weight import KappaChoice, choose_kappa
from crossrec_backbone.adaptation.folds import held_out_folds
from crossrec_backbone.relations.statistics import BackboneConfig, TextSide
from hypothesis import given, settings
from hypothesis import strategies as st


@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=12), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_folds_hold_out_each_user_once_and_leak_nothing(rows: list[list[int]], n: int) -> None:
    sequences = Ragged.from_rows(rows)
    held: list[int] = []
    for fold in held_out_folds(sequences, n, 0, limit=100):
        for at, user in enumerate(fold.queries.users.tolist()):
            row = sequences.row(user).tolist()
            assert fold.targets[at] == row[-1]
            assert fold.sequences.row(user).tolist() == row[:-1]
            assert fold.queries.history.row(at).tolist() == row[:-1]
            assert row[-1] not in row[:-1]
        others = np.setdiff1d(np.arange(len(rows)), fold.queries.users)
        for user in others:
            assert fold.sequences.row(user).tolist() == sequences.row(user).tolist()
        held += fold.queries.users.tolist()
    fit = [u for u, row in enumerate(rows) if len(row) >= 3 and row[-1] not in row[:-1]]
    assert sorted(held) == fit


def grouped(seed: int, *, text: bool) -> Dataset:
    """Users with a taste for one of 8 groups; titles name the group, or are noise."""
    rng = np.random.default_rng(seed)
    n, groups = 160, np.arange(160) % 8
    named = groups if text else rng.permutation(groups)
    titles = tuple(f"kind{named[i]} thing{rng.integers(50)} w{rng.integers(50)}" for i in range(n))
    catalog = Catalog(
        Vocabulary([f"i{i}" for i in range(n)]),
        titles,
        titles,
        ((),) * n,
        ("",) * n,
        np.ones(n, dtype=bool),
    )
    rows = [rng.choice(np.flatnonzero(groups == user % 8), 6, replace=False) for user in range(400)]
    users = np.repeat(np.arange(400), 6)
    return Dataset.build(
        Vocabulary([f"u{u}" for u in range(400)]),
        catalog,
        Events.from_columns(users, np.concatenate(rows)),
        has_clock=False,
    )


def choose(dataset: Dataset, config: BackboneConfig) -> KappaChoice:
    text = TextSide.fit(dataset, config)
    return choose_kappa(dataset.sequences, text, config, RunOptions())


def test_where_text_is_noise_behaviour_gets_the_weight(config) -> None:
    settings_ = config.model_copy(
        update={"consensus": config.consensus.model_copy(update={"kappa": 1.0})}
    )
    choice = choose(grouped(0, text=False), settings_)
    assert choice.kappa > 50
    assert choice.users == 400
    assert choice.ndcg[choice.kappa] > choice.ndcg[0.0] + 0.1


def test_where_nothing_is_clearly_better_the_default_stands(config) -> None:
    choice = choose(grouped(1, text=True), config)
    best = max(choice.ndcg.values())
    assert choice.ndcg[choice.kappa] >= best - 0.03
    assert set(choice.ndcg) == {config.consensus.kappa, *config.consensus.kappas}


def test_too_few_users_decide_nothing(shop, config) -> None:
    choice = choose(shop(n_users=20), config)
    assert choice == KappaChoice(400.0, 0, {})


def test_the_choice_reports_progress(shop, config) -> None:
    dataset, seen = shop(n_users=80), []
    text = TextSide.fit(dataset, config)
    run = RunOptions(
        threads=1, progress=lambda message, done, total: seen.append((message, done, total))
    )
    choose_kappa(dataset.sequences, text, config, run, folds=2)
    assert [part[1:] for part in seen] == [(0, 2), (1, 2), (2, 2)]
