"""The benchmark of one person in two scenarios: who is hidden, what is learnt, what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossrec.components.linked_learning import MOMENTS
from crossrec.components.run import RunOptions
from crossrec.data.catalog import Catalog
from crossrec.numeric.ragged import Ragged
from crossrec.pipeline.with_backbone import LINKED
from crossrec.testing.scripts import imported
from person_tables import direction_table, moment_rows, person_tables

ROOT = Path(__file__).resolve().parent.parent
PEOPLE, ITEMS = 260, 60


@pytest.fixture(scope="module")
def person() -> Iterator[Any]:
    """Return benchmarks/person.py, and leave nothing of it behind."""
    with imported(ROOT / "benchmarks", "person", "common") as script:
        yield script


@pytest.fixture(scope="module")
def directions(person: Any) -> list[Any]:
    found: list[Any] = person.generated(PEOPLE, ITEMS)
    return found


class Initials:
    """Vectors of the two first letters of a text: enough to tell the themes of the world apart."""

    def encode(self, catalog: Catalog, run: RunOptions) -> Any:
        vectors = np.zeros((len(catalog), 128), np.float32)
        for row, text in enumerate(catalog.texts):
            for at, letter in enumerate(text[:2]):
                vectors[row, (ord(letter) * (at + 1)) % 128] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def measured(person: Any, directions: list[Any]) -> tuple[Any, dict[str, Any]]:
    """Return the pipeline of one direction, fitted with light vectors, and its figures."""
    from crossrec_text.transformer import TransformerEncoder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransformerEncoder, "encode", Initials.encode)
        pipeline = person.fitted(directions[0], RunOptions())
    return pipeline, person.measured(directions[0], pipeline)


def test_about_a_quarter_is_hidden_and_was_never_looked_at(person: Any) -> None:
    hidden = person.hidden_people(1000)
    assert 200 < hidden.sum() < 300
    rng = np.random.default_rng(0)
    for _ in range(2):
        assert not hidden[rng.permutation(1000)[:500]].any()
    np.testing.assert_array_equal(hidden, person.hidden_people(1000))


def test_the_scenarios_of_the_world_share_people_and_no_words(
    person: Any, directions: list[Any]
) -> None:
    there, back = directions
    assert there.source is back.target
    assert there.target is back.source
    np.testing.assert_array_equal(there.hidden, back.hidden)
    words = [{title.split()[0] for title in side.catalog.titles} for side in
             (there.source, there.target)]  # fmt: skip
    assert len(there.source.catalog) == ITEMS
    assert {"Wolves", "Orbit"} <= words[0]
    assert "Wolves" not in words[1]


def test_of_the_hidden_people_nothing_is_learnt(person: Any, directions: list[Any]) -> None:
    direction = directions[0]
    train = person.training(direction)
    gone = direction.pairs[direction.hidden, 1]
    assert not np.isin(train.events.users, gone).any()
    assert not np.isin(train.linked.users, gone).any()
    kept = direction.pairs[~direction.hidden]
    assert train.linked.people == len(kept) == len(train.linked.users)
    assert len(train.events) < len(direction.target.events)


def test_linked_histories_are_those_of_the_same_person(person: Any, directions: list[Any]) -> None:
    direction = directions[0]
    shuffled = replace(
        direction, pairs=np.stack([np.arange(PEOPLE), np.arange(PEOPLE)[::-1]], axis=1)
    )
    found = person.linked(shuffled)
    assert (np.diff(found.users) > 0).all()
    for row in range(0, len(found.users), 40):
        source = PEOPLE - 1 - found.users[row]
        expected = direction.source.sequences.row(int(source))
        np.testing.assert_array_equal(found.histories.row(row), expected)
    assert found.catalog.items.id(0).startswith("source/")


def test_every_model_is_measured_at_every_number_of_own_events(
    measured: tuple[Any, dict[str, Any]],
) -> None:
    _, found = measured
    assert [one["own_events"] for one in found["moments"]] == list(MOMENTS)
    assert found["linked"] + found["hidden"] == PEOPLE
    for moment in found["moments"]:
        figures = {one["model"]: one for one in moment["models"]}
        assert len(figures) == 6
        assert figures["target only"]["gain"] == figures["target only"]["noise"] == 0
        assert all(0 <= one["ndcg@10"] <= 1 for one in figures.values())
        assert all(
            one["gain"] == pytest.approx(one["ndcg@10"] - figures["target only"]["ndcg@10"],
                                         abs=2e-4)
            for one in figures.values()
        )  # fmt: skip
    people = [one["people"] for one in found["moments"]]
    assert people == sorted(people, reverse=True)


def test_shared_tastes_help_who_is_new(measured: tuple[Any, dict[str, Any]]) -> None:
    _, found = measured
    figures = {one["model"]: one["ndcg@10"] for one in found["moments"][0]["models"]}
    assert figures["target and linked, as served"] > figures["popularity"] + 0.02
    assert figures["target only"] == pytest.approx(figures["popularity"], abs=0.02)


def test_the_gate_can_be_opened_for_comparison(
    person: Any, measured: tuple[Any, dict[str, Any]]
) -> None:
    pipeline, _ = measured
    opened = person.ungated(pipeline)
    own, other = (one.sources[LINKED].report().values for one in (pipeline, opened))
    assert other["serves_up_to"] == 10**6
    assert own["serves_up_to"] <= 5
    assert own["measured"] == other["measured"]


def test_a_gain_is_paired(person: Any) -> None:
    values = np.array([0.5, 0.6, 0.7, 0.8])
    assert person.paired(values, values) == {"gain": 0.0, "noise": 0.0}
    assert person.paired(values, values - 0.1) == {"gain": 0.1, "noise": 0.0}
    noisy = person.paired(values, np.zeros(4))
    assert noisy["gain"] == pytest.approx(0.65)
    assert noisy["noise"] > 0


def test_targets_are_the_next_five(person: Any, measured: tuple[Any, dict[str, Any]]) -> None:
    pipeline, _ = measured
    seen: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:

        def keep(_: Any, known: Ragged, __: Ragged, targets: Ragged) -> dict[str, Any]:
            seen.append((known, targets))
            return {"target only": np.zeros(len(known))}

        patch.setattr(person, "gains_of", keep)
        sequences = Ragged.from_rows([[0, 1, 2, 3, 4, 5, 6, 7], [9]])
        person.at_moment(pipeline, Ragged.from_rows([[1], [2]]), sequences, 1)
    ((known, targets),) = seen
    assert len(known) == 1, "who has nothing left is not measured"
    assert known.row(0).tolist() == [0]
    assert targets.row(0).tolist() == [1, 2, 3, 4, 5]


DIRECTION = {
    "name": "a → b",
    "linked": 1200,
    "hidden": 400,
    "cpu_seconds": 12.3,
    "report": {"serves_up_to": 1, "learnt_from": 1100},
    "moments": [
        {
            "own_events": 0,
            "people": 1234,
            "models": [
                {"model": "popularity", "ndcg@10": 0.01, "gain": -0.01, "noise": 0.002},
                {"model": "target only", "ndcg@10": 0.02, "gain": 0.0, "noise": 0.0},
                {"model": "linked", "ndcg@10": 0.03, "gain": 0.01, "noise": 0.001},
            ],
        }
    ],
}


def test_the_table_shows_the_best_in_bold_and_gains_with_noise() -> None:
    first, second, third = moment_rows(DIRECTION["moments"][0])  # type: ignore[index, arg-type]
    assert first == ("0", "1,234", "popularity", "0.0100", "-0.0100 ± 0.0020")
    assert second == ("", "", "target only", "0.0200", "–")
    assert third == ("", "", "linked", "**0.0300**", "+0.0100 ± 0.0010")
    text = direction_table(DIRECTION)
    assert "**a → b**: learnt from 1,100 people, measured on 400 others" in text
    assert "it answers up to 1 own events" in text
    nobody = {**DIRECTION, "report": {"serves_up_to": -1, "learnt_from": 0}}
    assert "it answers nobody" in direction_table(nobody)


def test_all_directions_are_shown_and_none_where_nothing_is_measured() -> None:
    assert person_tables({}) == ""
    assert person_tables({"directions": [DIRECTION, DIRECTION]}).count("| own events |") == 2
