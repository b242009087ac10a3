"""The encoder adapted by behaviour: pairs, weights, the verdict on sources and on a target."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from crossrec.components.encoder_training import EncoderTraining
from crossrec.components.query import QueryBatch
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.catalog import Catalog
from crossrec.data.events import Events
from crossrec.errors import ArtifactError, ConfigError, CrossrecError, UsageError
from crossrec.numeric.ragged import Ragged
from crossrec_backbone.adaptation.encoder_choice import judge, text_gains, verdict_of
from crossrec_backbone.adaptation.encoder_reading import read_beside
from crossrec_backbone.adaptation.report import lines
from crossrec_backbone.pretrained import encoder_weights as weights
from crossrec_backbone.pretrained.encoder_weights import (
    AdaptedEncoder,
    base_encoder,
    beside,
    with_adapted,
)
from crossrec_backbone.pretrained.library import keep
from crossrec_backbone.pretrained.model import (
    ENCODER,
    MANIFEST,
    Backbone,
    load_backbone,
    save_backbone,
)
from crossrec_backbone.pretraining import encoder as offer
from crossrec_backbone.pretraining.encoder import offer_encoder, verdict
from crossrec_backbone.pretraining.joint_items import joint_items
from crossrec_backbone.pretraining.low_data_tasks import WorldConfig
from crossrec_backbone.sources.backbone import BackboneSource, BackboneSourceConfig

RUN = RunOptions(seed=1, threads=1)
TRAINING = EncoderTraining(steps=3)
WORDS = ("sanding", "gorilla", "drill", "safety")


class Words:
    """An encoder whose weights are one number for each kind of item: the louder, the clearer.

    Its vectors tell the kind of an item by the first word of its text, as loudly as its weights
    say, over noise that is the same for the same text.
    """

    def __init__(self, loud: float = 0.0, model: str = "words@1") -> None:
        self.loud, self.model, self.lessons = loud, model, 0

    def encode(self, catalog: Catalog, run: RunOptions) -> np.ndarray:
        out = np.zeros((len(catalog), 16), dtype=np.float32)
        for at, text in enumerate(catalog.texts):
            if text:
                out[at] = np.random.default_rng(list(text.encode())).normal(size=16)
                out[at, WORDS.index(text.split()[0])] += self.loud
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)

    def adapt(self, lessons, training: EncoderTraining, run: RunOptions) -> State:
        self.lessons += 1
        loud = np.full(4, training.steps * len(lessons), dtype=np.float16)
        return State({"layer.loud": loud}, {"model": self.model})

    def with_weights(self, state: State) -> Words:
        if state.values["model"] != self.model:
            raise ConfigError(f"the weights belong to {state.values['model']}: pretrain again")
        return Words(float(state.arrays["layer.loud"][0]), self.model)


@pytest.fixture
def words(monkeypatch) -> Words:
    """Put the encoder in the place of the registered one."""
    encoder = Words()
    for module in (offer, weights):
        monkeypatch.setattr(module, "base_encoder", lambda name, settings: encoder)
    return encoder


@pytest.fixture
def adapted() -> AdaptedEncoder:
    told = State({"layer.loud": np.full(4, 9, dtype=np.float16)}, {"model": "words@1"})
    return AdaptedEncoder("enc", told)


@pytest.fixture
def dull(shop):
    """A shop whose vectors are noise, so that an encoder that tells the kinds helps."""

    def build(**size):
        dataset = shop(**{"n_items": 60, "n_users": 400, **size})
        # Words and categories would tell the kinds as well.
        catalog = replace(dataset.catalog, categories=((),) * dataset.n_items)
        told = replace(dataset, catalog=catalog)
        told = told.with_vectors("enc", Words().encode(catalog, RUN))
        titles = Words().encode(catalog.with_texts(catalog.titles), RUN)
        return told.with_vectors("enc:title", titles)

    return build


@pytest.fixture
def dense(config):
    """Settings that read vectors only."""
    consensus = config.consensus.model_copy(
        update={"weights": {"text_dense": (0.5, 0.2), "title_dense": (0.3, 0)}}
    )
    return config.model_copy(update={"consensus": consensus})


def with_sequences(dataset, rows: list[list[int]]):
    users = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return dataset.with_events(Events.from_columns(users, np.concatenate(rows)))


def test_items_of_one_history_are_pairs_in_both_directions(shop) -> None:
    lesson = joint_items("x", with_sequences(shop(), [[0, 1], [1, 2], [3]]))
    found = set(zip(lesson.first.tolist(), lesson.second.tolist(), strict=True))
    assert found == {(0, 1), (1, 0), (1, 2), (2, 1)}
    np.testing.assert_allclose(np.diff(lesson.odds, prepend=0), 0.25)
    assert len(lesson.texts) == 40


def test_pairs_are_drawn_by_joint_histories_over_popularity(shop) -> None:
    rows = [[0, 1], [0, 1], [2, 3], *([[3]] * 14)]
    lesson = joint_items("x", with_sequences(shop(), rows))
    # Twice together over (2 · 2)^¼ against once together over (1 · 15)^¼.
    shares = {(0, 1): 2 / 4**0.25, (2, 3): 1 / 15**0.25}
    first, _ = lesson.draw(np.random.default_rng(0), 4_000)
    expected = shares[0, 1] / sum(shares.values())
    assert np.isin(first, [0, 1]).mean() == pytest.approx(expected, abs=0.03)


def test_items_without_text_teach_nothing(shop) -> None:
    dataset = with_sequences(shop(), [[0, 1], [1, 2]])
    texts = ("", *dataset.catalog.texts[1:])
    silent = replace(dataset, catalog=dataset.catalog.with_texts(texts))
    assert 0 not in joint_items("x", silent).first
    none = replace(dataset, catalog=dataset.catalog.with_texts(("",) * 40))
    with pytest.raises(CrossrecError, match="shoes: no two items with a text"):
        joint_items("shoes", none)


def test_joint_items_are_no_negatives(shop) -> None:
    lesson = joint_items("x", with_sequences(shop(), [[0, 1], [1, 2]]))
    told = lesson.related(np.array([0, 1]), np.array([0, 1, 2]))
    np.testing.assert_array_equal(told, [[True, True, False], [True, True, True]])


def test_the_cosine_of_both_is_the_mean_of_both_cosines() -> None:
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(5, 4)).astype(np.float32) for _ in range(2))
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    left[3] = right[4] = 0
    both = beside(left, right)
    assert both.shape == (5, 8)
    expected = (left @ left.T + right @ right.T)[:3, :3] / 2
    np.testing.assert_allclose((both @ both.T)[:3, :3], expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), [1, 1, 1, 0, 0], atol=1e-6)


def test_only_items_from_the_start_on_are_encoded(dull, config, words, adapted) -> None:
    dataset = dull()
    wider = with_adapted(dataset, adapted.encoder(), config.text, RUN)
    late = with_adapted(dataset, adapted.encoder(), config.text, RUN, 50)
    assert wider.vectors["enc"].shape == (60, 32)
    assert wider.vectors["enc:title"].shape == (60, 32)
    np.testing.assert_array_equal(late.vectors["enc"][50:], wider.vectors["enc"][50:])
    assert not late.vectors["enc"][:50].any()
    assert dataset.vectors["enc"].shape == (60, 16)


def test_without_title_vectors_titles_are_not_encoded(dull, config, words, adapted) -> None:
    dataset = dull()
    bare = replace(dataset, vectors={"enc": dataset.vectors["enc"]})
    assert set(with_adapted(bare, adapted.encoder(), config.text, RUN).vectors) == {"enc"}


def test_weights_go_into_an_artifact_and_back(adapted) -> None:
    arrays, told = adapted.packed()
    again = AdaptedEncoder.restored(State({**arrays, "other": np.zeros(1)}, {"encoder": told}))
    assert again is not None
    assert again.base == "enc"
    assert again.weights.values == {"model": "words@1"}
    assert list(again.weights.arrays) == ["layer.loud"]
    assert again.size == 8
    assert AdaptedEncoder.restored(State()) is None


def test_an_encoder_that_cannot_be_adapted_is_refused() -> None:
    with pytest.raises(UsageError, match="no-such"):
        base_encoder("no-such", {})
    with pytest.raises(ConfigError, match="adapted encoder cannot be used"):
        AdaptedEncoder("no-such", State()).encoder()


def test_the_verdict_needs_more_than_two_standard_errors() -> None:
    rng = np.random.default_rng(0)
    one = rng.random(400).astype(np.float32)
    better = verdict_of(one, one + 0.1)
    assert better.used
    assert better.gain == pytest.approx(0.1, abs=1e-6)
    assert better.why == ""
    noise = verdict_of(one, one + rng.normal(size=400).astype(np.float32) * 0.2)
    assert not noise.used
    assert "noise" in noise.why
    assert noise.error == pytest.approx(0.01, rel=0.2)
    assert not verdict_of(one, one - 0.1).used


def test_a_target_reads_what_its_own_events_speak_for(dull, dense, words, adapted) -> None:
    dataset = dull()
    silent = AdaptedEncoder("enc", State({"layer.loud": np.zeros(4)}, {"model": "words@1"}))
    for encoder, used in ((adapted, True), (silent, False)):
        wider = with_adapted(dataset, encoder.encoder(), dense.text, RUN)
        verdict = judge(dataset, wider, dense, RUN)
        assert verdict.used is used
        assert verdict.users > 100
        assert (verdict.both > verdict.original + 2 * verdict.error) is used


def test_few_events_judge_nothing(dull, dense, words, adapted) -> None:
    dataset = dull(n_users=20)
    wider = with_adapted(dataset, adapted.encoder(), dense.text, RUN)
    verdict = judge(dataset, wider, dense, RUN)
    assert not verdict.used
    assert verdict.users == 0
    assert "50 held-out events" in verdict.why


def test_text_gains_by_hand(dull, dense, words, adapted) -> None:
    """A vector that tells the kind alone puts every item of the kind above all others."""
    dataset = dull()
    loud = AdaptedEncoder("enc", State({"layer.loud": np.full(4, 1e3)}, {"model": "words@1"}))
    clear = loud.encoder().encode(dataset.catalog, RUN)
    for name in ("enc", "enc:title"):
        dataset = dataset.with_vectors(name, clear)
    queries = QueryBatch.from_histories(Ragged.from_rows([[0], [0]]))
    gains = text_gains(dataset, queries, np.array([4, 1]), dense)  # the same kind, and another
    assert gains[1] == 0.0
    alike = dataset.vectors["enc"] @ dataset.vectors["enc"][0]
    assert sorted(np.argsort(-alike)[:15] % 4) == [0] * 15
    assert gains[0] >= 0.0


SOURCES = ("tools", "parts")
WORLDS = WorldConfig(queries=100)


def test_each_source_is_measured_with_an_encoder_that_never_saw_it(dull, dense, words) -> None:
    sources = [(name, "shops", dull(seed=at)) for at, name in enumerate(SOURCES)]
    encoder, card = offer_encoder(sources, dense, WORLDS, TRAINING, RUN)
    assert words.lessons == 3  # without each of the two, and with both
    assert float(encoder.weights.arrays["layer.loud"][0]) == 6  # from both
    results = card["leave_one_out"]["results"]
    assert set(results) == set(SOURCES)
    for told in results.values():
        assert told["both"] - told["original"] == pytest.approx(told["gain"], abs=2e-5)
        assert told["adapted"] > told["original"]
    assert card["verdict"] == "helps"
    assert card["bytes"] == encoder.size == 8
    assert card["model"] == "words@1"
    json.dumps(card, allow_nan=False)


def test_one_source_leaves_nothing_to_measure(dull, dense, words) -> None:
    _, card = offer_encoder([("tools", "shops", dull())], dense, WORLDS, TRAINING, RUN)
    assert card["leave_one_out"]["results"] == {}
    assert card["verdict"].startswith("not measured")


@pytest.mark.parametrize(
    ("gain", "word"), [(0.01, "helps"), (0.001, "no difference"), (-0.01, "hurts")]
)
def test_the_verdict_in_a_word(gain: float, word: str) -> None:
    told = {"gain": gain, "error": 0.002}
    assert verdict({"a": told, "b": told}) == word


def test_a_run_that_is_started_again_trains_only_what_is_missing(
    dull, dense, words, tmp_path
) -> None:
    sources = [(name, "shops", dull(seed=at)) for at, name in enumerate(SOURCES)]
    first, card = offer_encoder(sources, dense, WORLDS, TRAINING, RUN, tmp_path / "c")
    again, same = offer_encoder(sources, dense, WORLDS, TRAINING, RUN, tmp_path / "c")
    assert words.lessons == 3
    assert same == card
    for name, array in first.weights.arrays.items():
        np.testing.assert_array_equal(array, again.weights.arrays[name])
    next((tmp_path / "c").glob("*.json")).unlink()  # as if killed between the two files
    offer_encoder(sources, dense, WORLDS, TRAINING, RUN, tmp_path / "c")
    assert words.lessons == 4
    words.model = "words@2"
    offer_encoder(sources, dense, WORLDS, TRAINING, RUN, tmp_path / "c")
    assert words.lessons == 7, "weights of another model are not taken up"


def test_a_backbone_carries_the_weights(adapted, tmp_path) -> None:
    save_backbone(tmp_path / "b", Backbone({}, {"sources": []}, adapted))
    assert (tmp_path / "b" / ENCODER).is_file()
    again = load_backbone(tmp_path / "b").encoder
    assert again is not None
    assert again.base == "enc"
    assert again.weights.values == adapted.weights.values
    np.testing.assert_array_equal(again.weights.arrays["layer.loud"], [9] * 4)
    save_backbone(tmp_path / "c", load_backbone(tmp_path / "b"))  # as export and import do
    assert (tmp_path / "c" / ENCODER).read_bytes() == (tmp_path / "b" / ENCODER).read_bytes()


def test_a_backbone_without_one_has_no_such_file(tmp_path) -> None:
    save_backbone(tmp_path / "b", Backbone({}, {}))
    assert load_backbone(tmp_path / "b").encoder is None
    assert not (tmp_path / "b" / ENCODER).exists()
    assert "encoder" not in json.loads((tmp_path / "b" / MANIFEST).read_text())


def test_damaged_weights_are_refused(adapted, tmp_path) -> None:
    save_backbone(tmp_path / "b", Backbone({}, {}, adapted))
    path = tmp_path / "b" / ENCODER
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"encoder.safetensors is damaged"):
        load_backbone(tmp_path / "b")


def test_what_keeps_the_encoder_out_is_said(dull, dense, words, adapted) -> None:
    dataset = dull()
    same, none, verdict = read_beside(dataset, None, dense, RUN)
    assert same is dataset
    assert none is None
    assert verdict is None
    assert read_beside(dataset, Backbone({}, {}), dense, RUN)[2] is None
    other = replace(adapted, base="other")
    foreign = replace(adapted, weights=State(adapted.weights.arrays, {"model": "words@0"}))
    empty = dataset.with_events(Events.empty())
    for encoder, told, why in (
        (other, dataset, "no vectors of other"),
        (foreign, dataset, "pretrain again"),
        (adapted, empty, "no events to judge it by"),
    ):
        read, used, verdict = read_beside(told, Backbone({}, {}, encoder), dense, RUN)
        assert read is told
        assert used is None
        assert verdict is not None
        assert why in verdict.why
        assert not verdict.used


@pytest.fixture
def source(dull, dense, words, adapted, tmp_path) -> BackboneSource:
    keep("base", Backbone({}, {}, adapted), tmp_path)
    settings = BackboneSourceConfig(
        **dense.model_dump(), backbone="base", adapter={"floor": 10_000}
    )
    source = BackboneSource(settings)
    source.fit(dull(), replace(RUN, pretrained={"base": tmp_path / "base"}))
    return source


def test_a_fit_says_what_the_adapted_encoder_is_worth(source) -> None:
    told = source.report().values["encoder"]
    assert told["used"]
    (line,) = [line for line in lines(source.report().values) if "adapted encoder" in line]
    assert line.startswith("adapted encoder: ndcg@10 ")
    out = {**source.report().values, "encoder": {**told, "used": False, "why": "adds nothing"}}
    assert any(line.startswith("left out: adapted encoder: adds nothing; n") for line in lines(out))
    few = {**source.report().values, "encoder": {**told, "users": 0, "why": "too few"}}
    assert "left out: adapted encoder: too few" in lines(few)


def test_new_items_are_read_by_the_adapted_encoder_after_a_restart(source, dull) -> None:
    dataset = dull()
    again = BackboneSource(source.config)
    again.restore(source.state(), dataset.catalog)
    longer = dull(n_items=64)  # the titles of the first 60 differ; only what is behind is read
    told = replace(longer, catalog=dataset.catalog.followed_by(longer.catalog.take(range(60, 64))))
    for fitted in (source, again):
        fitted.add_items(told.with_events(Events.empty()))
    queries = QueryBatch.from_histories(Ragged.from_rows([[0, 4]]))
    first, second = (fitted.score(queries, np.arange(64)[None, :]) for fitted in (source, again))
    np.testing.assert_allclose(first, second, rtol=1e-5)
    assert np.isfinite(second[0, 60:]).any()
