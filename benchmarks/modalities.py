"""What pictures and texts are worth beside events, on two sets with features of both.

Command: ``python benchmarks/modalities.py --cache FOLDER [--sets a,b]``. Needs the research data
sets in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing. Writes
``results/modalities.json``; figures of other sets stay.

*scientific*: Amazon 2018 Scientific, the part whose items all have pictures; CLIP features of text
and picture, and the text by crossrec's own encoder. *ml-100k*: the 466 films of MovieLens 100K that
have a poster; EfficientNet-lite0 features, and titles with genres as text.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import RESULTS, absent, datasets, print_progress, temporary_workspace, write_result
from real_sets import RealSet, ingest

if TYPE_CHECKING:
    from crossrec.data.dataset import Dataset
    from crossrec.scenario import Scenario
    from crossrec_media.report.variants import Modality

#: What modalities are added to.
BASE = ("ease", "covisitation", "popularity")


@dataclass(frozen=True)
class MediaSet:
    """A set, and what makes its vectors: (folder for files, its items' ids) → modalities."""

    real: RealSet
    vectors: Callable[[Path, Path], list[Modality]]
    only: str = ""


def scientific(folder: Path, files: Path) -> list[Modality]:
    """Write the CLIP features as arrays with their ids."""
    import numpy as np

    with gzip.open(folder / "Scientific.item2index.gz", "rt", encoding="utf-8") as file:
        rows = [line.split("\t") for line in file.read().splitlines()]
    ids = [item for item, _ in sorted(rows, key=lambda row: int(row[1]))]
    found = []
    for name, feature in (("clip text", "feat1CLS"), ("clip image", "feat3CLS")):
        raw = gzip.decompress((folder / f"Scientific.{feature}.gz").read_bytes())
        found.append(
            _given(name, np.frombuffer(raw, dtype="<f4").reshape(len(ids), -1), ids, files)
        )
    return found


def posters(folder: Path, files: Path) -> list[Modality]:
    """Write the features of the posters as an array with its ids."""
    import numpy as np

    with gzip.open(folder / "features.npy.gz") as file:
        vectors = np.load(file, allow_pickle=False)
    return [_given("poster", vectors, poster_ids(folder), files)]


def poster_ids(folder: Path) -> list[str]:
    """Return the films with a poster, in the order of the features; without "unknown" (267)."""
    with gzip.open(folder / "ids.csv.gz", "rt", encoding="utf-8") as file:
        return [line.split(",")[1].strip() for line in file.read().splitlines()[1:]]


def _given(name: str, vectors: Any, ids: list[str], files: Path) -> Modality:
    """Return a modality of ready vectors, written to `files`."""
    import numpy as np
    from crossrec_media.report.variants import Modality

    array, list_ = files / f"{name}.npy", files / f"{name}.ids"
    np.save(array, vectors.astype(np.float32), allow_pickle=False)
    list_.write_text("\n".join(ids) + "\n", encoding="utf-8")
    return Modality(name, "vectors", {"file": str(array), "ids": str(list_)})


SETS = {
    "scientific": MediaSet(
        RealSet("scientific", "ecommerce", "unisrec", "amazon18-scientific-multimodal"), scientific
    ),
    "ml-100k": MediaSet(
        RealSet("ml-100k", "video", "movielens", "movielens-small-timestamps/ml-100k"),
        posters,
        "ml100k-posters-features",
    ),
}


def read(one: MediaSet, only: set[str]) -> tuple[Scenario, Dataset]:
    """Return a set, with the items of `only` alone where there are any."""
    with temporary_workspace() as (workspace, _):
        scenario = ingest(one.real, workspace)
        data = workspace.dataset(scenario)
    return scenario, restricted(data, only) if only else data


def restricted(data: Dataset, only: set[str]) -> Dataset:
    """Return only some items, with their events."""
    import numpy as np

    kept = np.array([id_ in only for id_ in data.catalog.items.ids])
    rows = np.cumsum(kept) - 1
    events = data.events.take(kept[data.events.items])
    from dataclasses import replace

    events = replace(events, items=rows[events.items])
    catalog = data.catalog.take(np.flatnonzero(kept).tolist())
    fresh = type(data).build(data.users, catalog, events, has_clock=data.has_clock)
    return replace(fresh, profiles=data.profiles, event_types=data.event_types)


def measured(name: str, cache: Path) -> dict[str, Any]:
    """Measure one set: leave-one-out, full ranking, nothing of the history."""
    from crossrec.components.run import RunOptions
    from crossrec.evaluation.protocol import EvaluationProtocol
    from crossrec.pipeline.config_files import load_config
    from crossrec.plugins.registry import load_registry
    from crossrec_media.report.choose import modalities_of, verdict
    from crossrec_media.report.measure import modality_report

    one, found = SETS[name], datasets()
    assert found is not None
    files = cache / "features" / name
    files.mkdir(parents=True, exist_ok=True)
    own = one.vectors(found / (one.only or one.real.folder), files)
    scenario, data = read(one, set(poster_ids(found / one.only)) - {"267"} if one.only else set())
    config = load_config(scenario)
    modalities = [*modalities_of(config), *own]
    labels = [source.label for source in config.sources]
    report = modality_report(
        scenario,
        load_registry(),
        data,
        config,
        [label for label in BASE if label in labels],
        modalities,
        RunOptions(cache=cache / "vectors", threads=1, progress=print_progress),
        protocol=EvaluationProtocol("leave-one-out", "unseen"),
    )
    verdicts = {each.name: verdict(report, each)[1] for each in modalities}
    maps = mapped(data, modalities, cache)
    counts = {"events": len(data.interactions)}
    return {**report.to_dict(), **counts, "verdicts": verdicts, "maps": maps}


def mapped(data: Dataset, modalities: list[Modality], cache: Path) -> dict[str, Any]:
    """Return how well held-out pictures find their texts by a linear map, and shuffled pairs."""
    from crossrec.components.run import RunOptions
    from crossrec.plugins.registry import load_registry
    from crossrec_media.images.text_map import map_quality

    registry, run = load_registry(), RunOptions(cache=cache / "vectors", threads=1)
    rows = {
        one.name: registry.get("encoders", one.encoder)
        .build(dict(one.settings))
        .encode(data.catalog, run)
        for one in modalities
    }
    found = {}
    for picture in rows.keys() & {"clip image", "poster"}:
        for text in rows.keys() - {picture}:
            quality, control = map_quality(rows[picture], rows[text])
            found[f"{picture} to {text}"] = {"map": vars(quality), "shuffled": vars(control)}
    return dict(sorted(found.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    options = parser.parse_args()
    if absent():
        return
    unknown = set(options.sets.split(",")) - set(SETS)
    if unknown:
        sys.exit(f"no set {min(unknown)!r}: there are {', '.join(SETS)}")
    path = RESULTS / "modalities.json"
    known = json.loads(path.read_text(encoding="utf-8"))["sets"] if path.is_file() else {}
    for name in options.sets.split(","):
        known[name] = measured(name, options.cache)
        write_result("modalities", {"sets": known})


if __name__ == "__main__":
    main()
