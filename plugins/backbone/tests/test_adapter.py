"""The adapter: weights that noise does not move, parts left out, and the report."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.candidates import PAD
from crossrec.components.ndcg import target_gains
from crossrec.components.repeats import RepeatRate
from crossrec.components.run import RunOptions
from crossrec.data.events import Events
from crossrec.errors import ConfigError
from crossrec.numeric.standard import standardised
from crossrec_backbone.adaptation.adapter import (
    Adapter,
    AdapterConfig,
    fit_adapter,
    prepare_target,
)
from crossrec_backbone.adaptation.baselines import PLAIN
from crossrec_backbone.adaptation.gate import MIXTURE, GateDecision
from crossrec_backbone.adaptation.report import build_report, lines
from crossrec_backbone.adaptation.target_ranker import TIERS, HeldOutExamples, cross_fit
from crossrec_backbone.pretrained.model import GENERAL
from crossrec_backbone.pretraining.low_data_tasks import hold_out
from crossrec_backbone.ranking.examples import collect
from crossrec_backbone.ranking.mixture import Mixture, Parts, choose, mixed, parts_of
from crossrec_backbone.relations.config import GraphConfig, PriorConfig, TextConfig
from crossrec_backbone.relations.statistics import BackboneConfig, Statistics
from hypothesis import given, settings
from hypothesis import strategies as st

RUN = RunOptions(seed=1, threads=1)
SETTINGS = AdapterConfig(rounds=20)
BELOW = BackboneConfig(
    text=TextConfig(encoder="enc"), graph=GraphConfig(neighbours=8), prior=PriorConfig(reg=5.0)
)


def made(n: int = 300, m: int = 12, seed: int = 0, **strength: float) -> tuple[Parts, np.ndarray]:
    """Parts of pure noise; those named see the target with some strength."""
    rng = np.random.default_rng(seed)
    place = rng.integers(0, m, n)
    valid = np.ones((n, m), dtype=bool)

    def part(name: str) -> np.ndarray:
        scores = rng.normal(size=(n, m)).astype(np.float32)
        scores[np.arange(n), place] += strength.get(name, 0.0)
        return scores

    names = ("text", "behaviour", "ease", "content", "head", "target")
    text, behaviour, ease, content, head, target = (part(name) for name in names)
    parts = Parts(
        text,
        behaviour,
        standardised(ease, valid),
        standardised(content, valid),
        {GENERAL: standardised(head, valid)},
        standardised(target, valid),
        valid,
    )
    return parts, place.astype(np.int64)


OPTIONS = {
    "kappa": (0.0, 1.0),
    "target_weight": (0.0, 1.0, 2.0),
    "head_weight": (0.0, 1.0),
    "ease": (0.0, 1.0),
    "content": (0.0, 1.0),
}


def test_standardised_by_hand() -> None:
    scores = np.array([[1.0, 3.0, 99.0], [5.0, 5.0, 5.0]], dtype=np.float32)
    valid = np.array([[True, True, False], [True, True, True]])
    np.testing.assert_allclose(standardised(scores, valid), [[-1, 1, 0], [0, 0, 0]])


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 1e3), st.floats(-1e3, 1e3), st.integers(0, 99))
def test_standardised_knows_no_scale(scale: float, shift: float, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(3, 9)).astype(np.float32)
    valid = np.random.default_rng(seed + 1).random((3, 9)) < 0.7
    moved = (scores * np.float32(scale) + np.float32(shift)).astype(np.float32)
    np.testing.assert_allclose(
        standardised(scores, valid),
        standardised(moved, valid),
        atol=0.02 + abs(shift) / scale / 1e4,
    )


def test_the_mixture_by_hand() -> None:
    valid = np.array([[True, True, False]])
    part = np.array([[0.0, 2.0, 9.0]], dtype=np.float32)
    z = standardised(part, valid)  # -1, 1
    parts = Parts(part, -part, z, -z, {"h": z}, z, valid)
    scores = mixed(parts, Mixture(3.0, "h", 0.5, 2.0, 4.0, 1.0))
    np.testing.assert_allclose(scores[0, :2], [1 - 0.5 - 2 - 4 + 1, -1 + 0.5 + 2 + 4 - 1])
    assert scores[0, 2] == -np.inf
    np.testing.assert_allclose(mixed(parts, Mixture(0.5))[0, :2], [-1, 1])


def test_the_weight_of_a_part_that_helps_goes_up() -> None:
    parts, place = made(text=1.0, ease=2.0)
    best, steps = choose(parts, place, len(place), Mixture(0.0), OPTIONS)
    assert best.ease == 1.0
    assert [step.part for step in steps] == list(OPTIONS)
    moved = {step.part: step for step in steps}["ease"]
    assert (moved.before, moved.after) == (0.0, 1.0)
    assert moved.gain > moved.error > 0


def test_a_part_that_hurts_is_left_out() -> None:
    parts, place = made(text=2.0)
    start = Mixture(0.0, GENERAL, 1.0, 2.0)
    best, _ = choose(parts, place, len(place), start, OPTIONS)
    assert best.target_weight == 0.0
    assert best.head_weight == 0.0


def test_noise_rarely_moves_the_defaults() -> None:
    """Parts of noise are seldom brought in, however many are tried."""
    moved = 0
    for seed in range(40):
        parts, place = made(60, seed=seed, text=2.0)
        best, _ = choose(parts, place, 400, Mixture(0.0), OPTIONS)
        moved += best != Mixture(0.0)
    assert moved <= 4


def test_a_gain_within_two_standard_errors_moves_nothing() -> None:
    unclear = clear = 0
    for seed in range(100):
        parts, place = made(80, seed=seed, text=1.5, ease=0.6)
        step = choose(parts, place, 80, Mixture(0.0), {"ease": (0.0, 1.0)})[1][0]
        moved = step.gain > 2 * step.error
        assert step.after == (1.0 if moved else 0.0)
        clear += moved
        unclear += step.gain > 0 and not moved
    assert clear
    assert unclear


def test_queries_without_the_target_widen_the_interval() -> None:
    parts, place = made(100, text=1.0, ease=1.0)
    few, many = (
        choose(parts, place, queries, Mixture(0.0), {"ease": (0.0, 1.0)})[1][0]
        for queries in (100, 1_000)
    )
    assert many.gain == pytest.approx(few.gain / 10)
    assert many.error < few.error
    assert many.gain / many.error < few.gain / few.error * 1.2


def test_below_the_floor_the_defaults_serve(shop, backbone) -> None:
    nothing = shop().with_events(Events.empty())
    adapter = fit_adapter(nothing, backbone, BELOW, RUN, family="shops")
    assert adapter.mixture == Mixture(BELOW.consensus.kappa, "shops", 1.0)
    assert adapter.head is backbone.heads["shops"]
    assert (adapter.target, adapter.serves, adapter.repeats) == (None, MIXTURE, False)
    assert adapter.report["users"] == 0
    assert "fewer than 50 events" in adapter.report["left_out"]["target ranker"]


def test_a_family_without_a_head_gets_the_general_one(shop, backbone) -> None:
    nothing = shop().with_events(Events.empty())
    adapter = fit_adapter(nothing, backbone, BELOW, RUN, family="music")
    assert adapter.mixture.head == GENERAL
    bare = fit_adapter(nothing, None, BELOW, RUN, family="music")
    assert bare.mixture == Mixture(BELOW.consensus.kappa)
    assert bare.report["left_out"]["pretrained head"] == "no backbone"


def test_it_learns_and_says_what(shop, backbone) -> None:
    dataset = shop(n_items=120, n_users=400)
    seen: list[tuple[int, int]] = []
    run = replace(RUN, progress=lambda _, done, total: seen.append((done, total)))
    adapter = fit_adapter(dataset, backbone, BELOW, run, family="shops", settings=SETTINGS)
    report = json.loads(json.dumps(adapter.report, allow_nan=False))
    assert report["users"] == 400
    assert report["weights"] == json.loads(json.dumps(vars(adapter.mixture)))
    assert set(report["gate"]["ndcg"]) == {MIXTURE, *PLAIN}
    assert set(report["pretraining"]) >= {"ndcg_with", "ndcg_without", "gain", "error"}
    assert {step["part"] for step in report["steps"]} >= {"kappa", "target_weight", "head_weight"}
    assert (adapter.target is None) == (adapter.mixture.target_weight == 0)
    assert (adapter.head is None) == (adapter.mixture.head_weight == 0)
    assert seen[-1] == (3, 3)
    weights = {"EASE": adapter.mixture.ease, "content": adapter.mixture.content}
    for part, weight in weights.items():
        assert (part in report["left_out"]) == (weight == 0)


def test_it_is_at_least_as_good_as_the_closed_form_on_new_events(shop) -> None:
    dataset = shop(n_items=120, n_users=600)
    held = hold_out(dataset.sequences)
    heads = held.known.lengths
    rows = [held.known.row(i) for i in range(len(heads))]
    users = np.repeat(np.arange(len(rows)), heads)
    young = dataset.with_events(Events.from_columns(users, np.concatenate(rows)))
    adapter = fit_adapter(young, None, BELOW, RUN, settings=SETTINGS)
    found = collect(Statistics.fit(young, BELOW), held.queries, held.targets)
    place = found.groups.place
    own = target_gains(adapter.scores(found.groups), place).mean()
    plain = target_gains(
        mixed(parts_of(found.groups, {}, None), Mixture(BELOW.consensus.kappa)), place
    ).mean()
    assert own > 0.95 * plain


def test_the_same_seed_learns_the_same(shop, backbone) -> None:
    dataset = shop(n_items=80, n_users=150)
    values = [
        fit_adapter(dataset, backbone, BELOW, RUN, settings=SETTINGS).values() for _ in range(2)
    ]
    assert values[0] == values[1]


def test_values_and_back(shop, backbone) -> None:
    dataset = shop(n_items=80, n_users=200)
    adapter = fit_adapter(dataset, backbone, BELOW, RUN, family="shops", settings=SETTINGS)
    again = Adapter.restored(json.loads(json.dumps(adapter.values())))
    held = hold_out(dataset.sequences)
    groups = collect(Statistics.fit(dataset, BELOW), held.queries, held.targets, limit=20).groups
    np.testing.assert_array_equal(adapter.scores(groups), again.scores(groups))
    assert again.values() == adapter.values()


def examples_of(dataset) -> HeldOutExamples:
    examples = prepare_target(dataset, BELOW, SETTINGS, RUN).examples
    assert examples is not None
    return examples


def test_examples_cover_every_user_once(shop) -> None:
    dataset = shop(n_items=80, n_users=100)
    examples = examples_of(dataset)
    assert examples.n == (dataset.sequences.lengths >= 3).sum()
    assert len(np.unique(examples.rows)) == len(examples.rows) == len(examples.groups)
    assert set(examples.fold.tolist()) == {0, 1}
    assert all(len(gains) == examples.n for gains in examples.plain.values())
    few = AdapterConfig(queries=20, floor=30)
    prepared = prepare_target(dataset, BELOW, few, RUN)
    assert prepared.examples is None
    assert prepared.ranker is None


def test_the_order_of_the_catalogue_does_not_change_the_examples(shop) -> None:
    order = np.random.default_rng(3).permutation(40)
    first, second = (examples_of(shop(order=turn)) for turn in (None, order))
    moved = np.where(second.groups.valid, order[second.groups.index], PAD)
    np.testing.assert_array_equal(first.groups.index, moved)
    np.testing.assert_array_equal(first.groups.place, second.groups.place)
    np.testing.assert_allclose(first.groups.columns, second.groups.columns, atol=1e-4)


def test_the_default_weight_of_the_own_ranker_is_larger_where_more_is_held_out(shop) -> None:
    examples = examples_of(shop(n_items=80, n_users=150))
    amounts = (100, 400, 401, 2_000, 2_001, 50_000)
    rankers = [cross_fit(replace(examples, n=n), SETTINGS.rounds, 0.1, RUN) for n in amounts]
    assert [own and own.weight for own in rankers] == [1.0, 1.0, 4.0, 4.0, 32.0, 32.0]
    assert [own and own.largest for own in rankers] == [16.0, 16.0, 16.0, 16.0, 64.0, 64.0]
    assert {tier.target_weight for tier in TIERS} <= set(AdapterConfig().target_weights)


def test_where_people_repeat_the_history_is_open(shop) -> None:
    dataset = shop(n_items=60, n_users=120)
    rows = [np.append(dataset.sequences.row(u), dataset.sequences.row(u)[0]) for u in range(120)]
    users = np.repeat(np.arange(120), [len(row) for row in rows])
    repeating = dataset.with_events(Events.from_columns(users, np.concatenate(rows)))
    adapter = fit_adapter(repeating, None, BELOW, RUN, settings=SETTINGS)
    assert adapter.repeats
    assert adapter.report["repeats"]["rate"] == 1.0
    assert not fit_adapter(dataset, None, BELOW, RUN, settings=SETTINGS).repeats


def test_without_lightgbm_the_closed_forms_serve(shop, monkeypatch) -> None:
    monkeypatch.setattr("crossrec_backbone.adaptation.target_ranker.trees_available", lambda: False)
    adapter = fit_adapter(shop(n_items=80, n_users=150), None, BELOW, RUN, settings=SETTINGS)
    assert adapter.target is None
    assert adapter.mixture.target_weight == 0.0
    assert "pip install lightgbm" in adapter.report["left_out"]["target ranker"]


def test_the_report_in_plain_lines(shop, backbone) -> None:
    dataset = shop(n_items=120, n_users=300)
    adapter = fit_adapter(dataset, backbone, BELOW, RUN, family="shops", settings=SETTINGS)
    report = lines(adapter.report)
    assert report[0].startswith("weights: ")
    assert "chosen by 300 held-out events" in report
    assert any(line.startswith("pretraining: ndcg@10 ") for line in report)
    assert any(line.startswith(f"gate: {adapter.serves} serves (") for line in report)
    assert report[-1] == "repeats: 0.0% of users; items of the history are left out"
    for part, reason in adapter.report["left_out"].items():
        assert f"left out: {part}: {reason}" in report
    nothing = fit_adapter(shop().with_events(Events.empty()), None, BELOW, RUN)
    assert not any("gate" in line or "chosen" in line for line in lines(nothing.report))


def test_a_mixture_that_loses_is_reported_as_left_out() -> None:
    decision = GateDecision("EASE", 100, {MIXTURE: 0.1, "EASE": 0.2}, "EASE", -0.1, 0.01)
    report = build_report(
        Mixture(1.0), Mixture(1.0), [], RepeatRate(0.0, 100), users=100, decision=decision
    )
    assert report["left_out"]["mixture"] == "EASE alone is better by 0.1000 ndcg@10"


def test_settings_are_checked() -> None:
    with pytest.raises((ConfigError, ValueError), match="rounds"):
        AdapterConfig(rounds=-1)


def test_every_group_is_scored_by_a_ranker_that_did_not_see_it(shop, monkeypatch) -> None:
    from crossrec_backbone.adaptation import target_ranker as module

    real, fits = module.BinnedGroups.fit, []

    def counted(self, run, chosen):
        fits.append((chosen, real(self, run, chosen)))
        return fits[-1][1]

    monkeypatch.setattr(module.BinnedGroups, "fit", counted)
    examples = examples_of(shop(n_items=80, n_users=300))
    fits.clear()
    ranker = cross_fit(examples, SETTINGS.rounds, 0.1, RUN)
    assert sorted(len(chosen) for chosen, _ in fits)[-1] == len(examples.groups)
    for number in (0, 1):
        own = examples.fold == number
        (unseen,) = [fit for chosen, fit in fits if not own[chosen].any()]
        expected = unseen.scores(examples.groups.columns[own])
        np.testing.assert_array_equal(ranker.out_of_fold[own], expected)


def test_threads_change_nothing_but_rounding(shop) -> None:
    dataset = shop(n_items=80, n_users=600)
    one, two = (
        fit_adapter(dataset, None, BELOW, replace(RUN, threads=n), settings=SETTINGS)
        for n in (1, 2)
    )
    assert one.mixture == two.mixture
    assert one.report["users"] == two.report["users"]
    for method, ndcg in one.report["gate"]["ndcg"].items():
        tolerance = 0.02 if method == MIXTURE else 1e-3  # a split of a tree may fall otherwise
        assert two.report["gate"]["ndcg"][method] == pytest.approx(ndcg, abs=tolerance)


def test_a_quick_run_chooses_weights_and_fits_no_trees(shop, backbone) -> None:
    dataset = shop(n_items=120, n_users=700)
    run = replace(RUN, effort="quick")
    adapter = fit_adapter(dataset, backbone, BELOW, run, family="shops")
    assert adapter.report["users"] == 500
    assert adapter.target is None
    assert "quick" in adapter.report["left_out"]["target ranker"]
    assert all(
        "quick" not in adapter.report["left_out"].get(part, "") for part in ("EASE", "content")
    )
    assert {step["part"] for step in adapter.report["steps"]} >= {"kappa", "head_weight"}


def test_a_thorough_run_holds_out_more(shop) -> None:
    dataset = shop(n_items=120, n_users=400)
    few = SETTINGS.model_copy(update={"queries": 150})
    users = {}
    for effort in ("standard", "thorough"):
        run = replace(RUN, effort=effort)
        adapter = fit_adapter(dataset, None, BELOW, run, settings=few)
        users[effort] = adapter.report["users"]
    assert users == {"standard": 150, "thorough": 300}
    assert few.at("thorough").folds == 4
