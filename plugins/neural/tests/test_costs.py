"""What a training is estimated to cost: more work costs more, limits hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from crossrec.components.cost import Cost, DatasetSize
from crossrec.components.run import RunOptions
from crossrec_neural import settings as given
from crossrec_neural.sources.costs import training_cost

RUN = RunOptions()
SIZE = DatasetSize(
    users=9_000, items=5_000, events=60_000, interactions=60_000, active_items=4_800, queries=500
)


def seconds(size: DatasetSize = SIZE, run: RunOptions = RUN, **settings: Any) -> float:
    return training_cost(size, given.TransformerSettings(**settings), run).total


def test_more_of_anything_costs_more() -> None:
    base = seconds()
    assert seconds(embedding_size=256) > base
    assert seconds(layers=4) > base
    assert seconds(loss={"name": "softmax"}) > base
    assert seconds(loss={"negatives": 2048}) > base
    assert seconds(training={"epochs": 64}) > base
    assert seconds(inputs={"ids": False}) < base


@pytest.mark.parametrize("what", ["users", "items", "interactions", "queries"])
def test_larger_data_costs_more(what: str) -> None:
    larger = replace(SIZE, **{what: 10 * getattr(SIZE, what)})
    assert seconds(larger) >= seconds()


def test_layers_of_the_text_encoder_cost_what_passes_them() -> None:
    def cost(layers: int, size: DatasetSize, **training: Any) -> Cost:
        inputs = {"text_layers": layers}
        return training_cost(size, given.TransformerSettings(inputs=inputs, training=training), RUN)

    texts = replace(SIZE, texts=5_000, characters=900_000)
    frozen, one, two = (cost(layers, texts) for layers in (0, 1, 2))
    assert frozen.total == seconds(texts)
    assert two.total - one.total > 60
    assert one.total - frozen.total > 60
    assert one.memory - frozen.memory == pytest.approx(4e8 + 768 * 900_000 / 4.2)
    assert cost(1, texts, text_items=64).total > one.total
    assert cost(1, replace(texts, characters=1_800_000)).total > one.total
    assert cost(1, SIZE).total == seconds(), "no texts, nothing to train"
    many = replace(texts, texts=5_000_000, characters=900_000_000, items=5_000_000)
    same = cost(0, many).memory
    assert cost(1, many).memory - same < 1e9, "token states of a large catalogue lie in a file"


def test_a_sample_is_never_larger_than_the_catalogue() -> None:
    few = replace(SIZE, items=100, active_items=100)
    assert seconds(few, loss={"negatives": 512}) == pytest.approx(
        seconds(few, loss={"negatives": 5000})
    )


def test_less_effort_a_card_and_a_limit_cost_less() -> None:
    larger = replace(SIZE, interactions=3_000_000, users=300_000)
    base = seconds(larger)
    assert seconds(larger, replace(RUN, effort="quick")) < base / 2
    assert seconds(larger, replace(RUN, device="cuda")) < base
    assert seconds(larger, training={"seconds": 5.0}) < base


def test_small_data_is_not_cheaper_than_its_steps() -> None:
    tiny = DatasetSize(users=50, items=40, events=300, interactions=300, active_items=40)
    assert seconds(tiny, training={"steps": 4000}) > seconds(tiny, training={"steps": 1})


def test_memory_grows_with_the_catalogue() -> None:
    settings = given.RnnSettings()
    small, large = (
        training_cost(replace(SIZE, items=items), settings, RUN).memory
        for items in (5_000, 500_000)
    )
    assert large - small > 495_000 * 4 * settings.embedding_size
