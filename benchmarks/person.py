"""One person in two scenarios: what a history in one is worth in the other.

Command: ``python benchmarks/person.py``. Needs the research data sets in ``../shared/datasets`` or
``CROSSREC_DATASETS`` for Amazon Beauty and Sports and the people who are in both; the generated
world is measured without them. Writes ``results/person.json``.

Of the people who are in both, some are linked with consent: the fit learns and chooses on them. The
target side of the others is hidden wholly but for their first 0, 1, 3 or 5 events; the next five
items are to be found. Whoever was looked at when the method was made is among the linked. The
target's pipeline is content, covisitation and popularity; EASE and the backbone are left out to
keep it quick.
"""

from __future__ import annotations

import csv
import gzip
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import HERE, absent, datasets, temporary_workspace, write_result
from numpy.typing import NDArray

if TYPE_CHECKING:
    from crossrec.components.run import RunOptions
    from crossrec.data.dataset import Dataset
    from crossrec.data.linked import LinkedHistories
    from crossrec.numeric.ragged import Ragged
    from crossrec.pipeline.pipeline import Pipeline

CACHE = HERE.parent / "build" / "person"
SHARED = "amazon14-shared-users/pairs.csv.gz"
SOURCES = ("content", "covisitation", "popularity")
NEXT = 5
WORLD_PEOPLE, WORLD_ITEMS = 2500, 1200

Pairs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Direction:
    """One scenario's people in another.

    Attributes
    ----------
    source, target : Dataset
    pairs : int64 array, shape (n, 2)
        Users of `source` and of `target` who are the same people.
    hidden : bool array, shape (n,)
        Whose target side is hidden, and is to be found.
    """

    name: str
    scenario: str
    source: Dataset
    target: Dataset
    pairs: Pairs
    hidden: NDArray[np.bool_]

    def turned(self, name: str, scenario: str) -> Direction:
        """Return the other direction of the same people."""
        return Direction(name, scenario, self.target, self.source, self.pairs[:, ::-1], self.hidden)


def amazon() -> list[Direction]:
    """Return Beauty to Sports and back."""
    from crossrec.ingest import ingest_frames
    from crossrec.plugins.registry import load_registry

    folder, registry = datasets(), load_registry()
    assert folder is not None
    scenario = registry.scenario("ecommerce")
    sides = []
    for name in ("beauty", "sports"):
        with temporary_workspace() as (workspace, _):
            frames = registry.get("importers", "amazon14").build()(folder / f"amazon14-{name}")
            ingest_frames(workspace, scenario, frames)
            sides.append(workspace.dataset(scenario))
    with gzip.open(folder / SHARED, "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    columns = [side.users.indexes([row[at] for row in rows]) for at, side in enumerate(sides)]
    pairs = np.stack(columns, axis=1)
    assert (pairs >= 0).all(), "a pair names a user who is in no sequence"
    beauty, sports = sides
    hidden = hidden_people(len(pairs))
    first = Direction("Beauty → Sports", "ecommerce", beauty, sports, pairs, hidden)
    return [first, first.turned("Sports → Beauty", "ecommerce")]


def hidden_people(n: int, seed: int = 0) -> NDArray[np.bool_]:
    """Return the people who were in no half on which the method was made: about a quarter."""
    rng = np.random.default_rng(seed)
    seen = [rng.permutation(n)[: n // 2] for _ in range(2)]
    hidden = np.ones(n, dtype=bool)
    hidden[np.concatenate(seen)] = False
    return hidden


def generated(n_people: int = WORLD_PEOPLE, n_items: int = WORLD_ITEMS) -> list[Direction]:
    """Return video to music and back, in a world where tastes are shared."""
    from crossrec.simulation import World

    settings = world_settings()
    world = World.generate(settings, n_people=n_people, n_items=n_items)
    sides = [lived_in(world, setting.name) for setting in settings]
    people = np.arange(n_people)
    hidden = np.random.default_rng(0).random(n_people) < 0.2
    pairs = np.stack([people, people], axis=1)
    video, music = sides
    first = Direction("video → music (generated)", "music", video, music, pairs, hidden)
    return [first, first.turned("music → video (generated)", "video")]


def world_settings() -> list[Any]:
    """Return two scenarios whose themes serve the same interests in other words."""
    from crossrec.simulation import Reaction, Setting, Theme

    kinds = {
        "nature": ("Wolves", "Forest Songs"),
        "crime": ("The Heist", "Midnight Blues"),
        "space": ("Orbit", "Ambient Stars"),
        "comedy": ("Two Fools", "Novelty Hits"),
        "history": ("The Castle", "Baroque Suite"),
        "travel": ("Far Roads", "Bossa Nights"),
    }
    scenes = ("at Dawn", "Returns", "in Winter", "for Two", "by the Sea", "Again")
    return [
        Setting(
            name,
            tuple(Theme(kind, {kind: 1.0}, (words[at],), scenes) for kind, words in kinds.items()),
            (Reaction("watch" if name == "video" else "play"),),
        )
        for at, name in enumerate(("video", "music"))
    ]


def lived_in(world: Any, name: str) -> Dataset:
    """Return what people clicked in one scenario of the world, with titles as texts."""
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary

    shown = world.live(name, days=30, sessions=6).impressions()
    clicked = shown[shown["clicked"]].sort_values(["person", "time"], kind="stable")
    titles = world.items(name)["title"].tolist()
    catalog = replace(Catalog.of_texts(titles), titles=tuple(titles))
    users = Vocabulary(f"p{at}" for at in range(len(world.people)))
    events = Events.from_columns(clicked["person"].to_numpy(), clicked["item"].to_numpy())
    return Dataset.build(users, catalog, events, has_clock=False)


def training(direction: Direction) -> Dataset:
    """Return the target without the hidden people, and with the linked histories of the others."""
    target = direction.target
    gone = np.isin(target.events.users, direction.pairs[direction.hidden, 1])
    return replace(target.with_events(target.events.take(~gone)), linked=linked(direction))


def linked(direction: Direction) -> LinkedHistories:
    """Return what the people who are not hidden did in the source."""
    from crossrec.data.linked import LinkedHistories, linked_id
    from crossrec.data.vocabulary import Vocabulary

    pairs = direction.pairs[~direction.hidden]
    pairs = pairs[np.argsort(pairs[:, 1])]
    catalog = direction.source.catalog
    ids = Vocabulary(linked_id("source", one) for one in catalog.items.ids)
    histories = direction.source.sequences.take(pairs[:, 0])
    catalog = replace(catalog, items=ids, attributes={})
    return LinkedHistories(catalog, pairs[:, 1], histories, len(pairs))


def fitted(direction: Direction, run: RunOptions, encoder: str = "transformer") -> Pipeline:
    """Return the pipeline of the target, with the source that answers from linked histories."""
    from crossrec.pipeline.config_files import parse_config
    from crossrec.pipeline.fit import fit_pipeline
    from crossrec.pipeline.resolved import resolve_pipeline
    from crossrec.pipeline.with_backbone import with_linked
    from crossrec.plugins.registry import load_registry

    registry = load_registry()
    sources: list[dict[str, Any]] = [{"name": name} for name in SOURCES]
    sources[0] |= {"settings": {"text": {"encoder": encoder}}}
    values = {"encoder": encoder, "sources": sources, "policies": []}
    config = with_linked(parse_config(values, "the pipeline of the benchmark"))
    scenario = registry.scenario(direction.scenario)
    resolved = resolve_pipeline(config, registry, scenario.main_surface)
    return fit_pipeline(scenario, training(direction), resolved, run)


def measured(direction: Direction, pipeline: Pipeline) -> dict[str, Any]:
    """Measure every model on the hidden people at each number of own events."""
    from crossrec.components.linked_learning import MOMENTS
    from crossrec.pipeline.with_backbone import LINKED

    pairs = direction.pairs[direction.hidden]
    histories = direction.source.sequences.take(pairs[:, 0])
    sequences = direction.target.sequences.take(pairs[:, 1]).distinct()
    source: Any = pipeline.sources[LINKED]
    return {
        "name": direction.name,
        "linked": int((~direction.hidden).sum()),
        "hidden": len(pairs),
        "report": source.report().values,
        "moments": [at_moment(pipeline, histories, sequences, moment) for moment in MOMENTS],
    }


def at_moment(
    pipeline: Pipeline, histories: Ragged, sequences: Ragged, moment: int
) -> dict[str, Any]:
    """Measure every model on people of whom the first `moment` events are known."""
    kept = np.flatnonzero(sequences.lengths > moment)
    own = sequences.take(kept)
    known = own.heads(np.full(len(kept), moment))
    targets = own.where(own.from_start() >= moment).heads(np.full(len(kept), NEXT))
    gains = gains_of(pipeline, known, histories.take(kept), targets)
    without = gains["target only"]
    return {
        "own_events": moment,
        "people": len(kept),
        "models": [
            {"model": name, "ndcg@10": round(float(values.mean()), 4), **paired(values, without)}
            for name, values in gains.items()
        ],
    }


def gains_of(
    pipeline: Pipeline, known: Ragged, histories: Ragged, targets: Ragged
) -> dict[str, NDArray[np.float64]]:
    """Return ndcg@10 of each person's list by each model."""
    from crossrec.components.linked_learning import ndcg
    from crossrec.components.linked_model import text_alone
    from crossrec.components.ndcg import NdcgScorer
    from crossrec.components.query import QueryBatch
    from crossrec.pipeline.with_backbone import LINKED

    queries = QueryBatch.from_histories(known)
    both = replace(queries, linked=histories)
    source: Any = pipeline.sources[LINKED]
    state = source.state()
    space = state.arrays
    features = source.features(histories)
    popular = np.tile(pipeline.people.astype(np.float32), (len(known), 1))
    among = np.tile(space["base"], (len(known), 1))
    text = text_alone(pipeline.people, space["own"].shape[1]).scores(features, space["own"])

    def served(one: Pipeline, batch: QueryBatch) -> NDArray[np.float64]:
        best = one.ranked(batch, 10)[0]
        return NdcgScorer(best.index, targets).gains(best.score)

    return {
        "popularity": ndcg(popular, targets, known),
        "popularity among linked people": ndcg(among, targets, known),
        "text of the other history": ndcg(text, targets, known),
        "target only": served(pipeline, queries),
        "target and linked, as served": served(pipeline, both),
        "target and linked, without the gate": served(ungated(pipeline), both),
    }


def ungated(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline whose linked source answers however many own events there are."""
    from crossrec.components.linked_source import LinkedHistorySource
    from crossrec.components.state import State
    from crossrec.pipeline.with_backbone import LINKED

    state = pipeline.sources[LINKED].state()
    said = {**state.values["said"], "serves_up_to": 10**6}
    source = LinkedHistorySource()
    source.restore(State(state.arrays, {**state.values, "said": said}), pipeline.catalog)
    return replace(pipeline, sources={**pipeline.sources, LINKED: source})


def paired(values: NDArray[np.float64], against: NDArray[np.float64]) -> dict[str, float]:
    """Return the gain over the target alone with its interval of two standard errors."""
    from crossrec.components.paired_gain import PairedGain

    gain = PairedGain.between(values, against)
    return {"gain": round(gain.mean, 4), "noise": round(2 * gain.error, 4)}


def main(names: list[str]) -> int:
    from crossrec.components.run import RunOptions

    directions = [] if absent() else amazon()
    directions += generated()
    run = RunOptions(cache=Path(CACHE), threads=1)
    outcome = []
    for direction in directions:
        if names and not any(name in direction.name for name in names):
            continue
        started = time.process_time()
        pipeline = fitted(direction, run)
        one = measured(direction, pipeline)
        one["cpu_seconds"] = round(time.process_time() - started, 1)
        outcome.append(one)
        print(one, flush=True)
    write_result("person", {"directions": outcome})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
