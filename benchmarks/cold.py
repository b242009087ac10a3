"""Items without any event, and users who are just arriving: strict cold starts on real sets.

Command: ``python benchmarks/cold.py --cache FOLDER [--targets a,b] [--seeds 3]``. Needs the
research data sets in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does
nothing. Writes ``results/cold.json``; figures of other targets stay.

Item-cold: 20 % of the items lose all interactions; recall@20 over all items, and over items of one
kind, as the published figures have it. What is chosen (text or regression, and how readily a cold
item is shown beside warm ones) is chosen on the validation part of the split. User-cold: a fifth of
the longer users take no part in the training and show their first 0, 1, 3, 5, 10 items.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cold_start.scorers import ItemScorers, user_scorers
from common import RESULTS, absent, datasets, machine
from real_sets import SETS, RealSet
from real_sets import read as read_set

if TYPE_CHECKING:
    from cold_start.protocol import CatalogScorer, ItemCold
    from crossrec.data.dataset import Dataset

#: Cold recall@20 among cold items, in units of the nearest texts', and how much warm may lose.
AIM, WARM = 1.5, 0.005
#: Two-sided 95 % quantiles of Student's t for 1, 2, … degrees of freedom.
_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
GAINS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
SHOWN = (0, 1, 3, 5, 10)
K = 20


@dataclass(frozen=True)
class Target:
    """A set to measure on.

    Attributes
    ----------
    real : RealSet or None
        How its importer reads it; None for CiteULike-t, which no scenario has an importer for.
    reg : float
        λ of EASE: of ML-1M chosen on its validation part, the others at usual values.
    items, users : bool
        Which of the two protocols is measured.
    """

    name: str
    real: RealSet | None
    reg: float
    items: bool = True
    users: bool = False


TARGETS = (
    Target("ml-1m", replace(SETS["ml-1m"], least=1), 1500.0, users=True),
    Target("citeulike", None, 50.0),
    Target("uci", SETS["uci"], 40.0, items=False, users=True),
)


def read(target: Target, cache: Path) -> Dataset:
    """Read a set, with vectors where it has titles."""
    return citeulike() if target.real is None else read_set(target.real, cache)


def citeulike() -> Dataset:
    """Read CiteULike-t: bags of words and the papers of each user, in no order.

    Tags are left out: users gave them to papers that they had.
    """
    import numpy as np
    from crossrec.data.catalog import Catalog
    from crossrec.data.dataset import Dataset
    from crossrec.data.events import Events
    from crossrec.data.vocabulary import Vocabulary

    folder = datasets()
    assert folder is not None

    def lines(name: str) -> list[list[str]]:
        path = folder / "citeulike-t" / name
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            return [line.split() for line in file.read().split("\n")]

    # A word may be blank and still has its number; a paper or a user has a line with a count.
    words = [line[0] if line else "" for line in lines("vocabulary.dat.gz")]
    texts = []
    for line in filter(None, lines("mult.dat.gz")):
        counted = (part.split(":") for part in line[1:])
        repeated = (word for at, n in counted for word in [words[int(at)]] * int(n))
        texts.append(" ".join(filter(None, repeated)))
    users = [[int(item) for item in line[1:]] for line in filter(None, lines("users.dat.gz"))]
    n = len(texts)
    ids = Vocabulary([str(i) for i in range(n)])
    catalog = Catalog(ids, ("",) * n, tuple(texts), ((),) * n, ("",) * n, np.ones(n, dtype=bool))
    rows = np.repeat(np.arange(len(users)), [len(items) for items in users])
    events = Events.from_columns(rows, np.array([item for items in users for item in items]))
    names = Vocabulary([str(user) for user in range(len(users))])
    return Dataset.build(names, catalog, events, has_clock=False)


def item_seed(data: Dataset, target: Target, seed: int, users: int) -> dict[str, Any]:
    """Measure one split."""
    from cold_start.kernel import best_for_cold
    from cold_start.protocol import item_cold, measure_items

    split = item_cold(data, seed=seed)
    methods = ItemScorers(split, target.reg)
    choice: dict[str, CatalogScorer] = {
        "text-kNN": methods.text,
        "both": methods.both,
        "kernel": methods.kernel,
    }
    chosen = best_for_cold(choice, split, k=K, users=users)
    careful, open_ = gains(methods, choice[chosen], split, users)
    methods.forget()
    scorers: dict[str, CatalogScorer] = {
        **({"text-kNN, plain cosine": methods.plain_text} if methods.vectors is not None else {}),
        "text-kNN": methods.text,
        "text consensus": methods.consensus,
        "ease": methods.ease,
        "text ridge": methods.text_ridge,
        "kernel": methods.kernel,
        "kernel + text-kNN": methods.both,
        "crossrec": methods.served(choice[chosen], careful),
        "crossrec, open": methods.served(choice[chosen], open_),
    }
    figures = measure_items(scorers, split, part="test", k=K, users=users)
    print(f"  seed {seed}: {chosen}, gains {careful} and {open_}", flush=True)
    return {"chosen": chosen, "gains": [careful, open_], "figures": figures}


def gains(
    methods: ItemScorers, cold: CatalogScorer, split: ItemCold, users: int
) -> tuple[float, float]:
    """Choose on validation how strongly cold items enter the common list.

    Returns the largest gain that costs warm items at most `WARM` of their recall, and the one with
    the best overall recall.
    """
    from cold_start.protocol import measure_items

    scorers = {str(gain): methods.served(cold, gain) for gain in GAINS}
    figures = measure_items(scorers, split, part="validation", k=K, users=users)
    warm = {gain: figures[str(gain)]["warm"][f"recall@{K}"] for gain in GAINS}
    able = [gain for gain in GAINS if warm[gain] >= (1 - WARM) * warm[0.0]]
    return max(able), max(GAINS, key=lambda gain: figures[str(gain)]["overall"][f"recall@{K}"])


def items_report(data: Dataset, target: Target, seeds: int, users: int) -> dict[str, Any]:
    """Measure the item-cold protocol."""
    runs = [item_seed(data, target, seed, users) for seed in range(seeds)]
    methods = {
        name: {
            group: {
                metric: spread([run["figures"][name][group][metric] for run in runs])
                for metric in (f"recall@{K}", f"ndcg@{K}")
            }
            for group in runs[0]["figures"][name]
        }
        for name in runs[0]["figures"]
    }

    def mean(name: str, group: str) -> float:
        return float(methods[name][group][f"recall@{K}"]["mean"])

    texts = [name for name in methods if name.startswith("text-kNN")]
    among = "cold among cold"
    ratios = {name: round(mean("crossrec", among) / mean(name, among), 3) for name in texts}
    lost = {
        group: round(1 - mean("crossrec", group) / mean("ease", group), 4)
        for group in ("warm", "warm among warm")
    }
    return {
        "target": target.name,
        "protocol": "20 % of items cold; cold 1:1 and warm 8:1:1, interactions as sets",
        "items": data.n_items,
        "users": users,
        "seeds": seeds,
        "chosen": [{key: run[key] for key in ("chosen", "gains")} for run in runs],
        "methods": methods,
        "ratio to": ratios,
        "warm lost": lost,
        "limit": AIM,
        "reached": min(ratios.values()) >= AIM and max(lost.values()) <= WARM,
    }


def users_report(data: Dataset, target: Target, seeds: int) -> dict[str, Any]:
    """Measure the user-cold protocol."""
    from cold_start.protocol import measure_users, user_cold

    runs = []
    for seed in range(seeds):
        split = user_cold(data, seed=seed)
        runs.append(measure_users(user_scorers(split), split, shown=SHOWN, k=K))
        print(f"  seed {seed}: {len(split.users)} users", flush=True)
    methods = {
        name: {
            str(count): {
                metric: spread([run[name][count][metric] for run in runs])
                for metric in (f"recall@{K}", f"ndcg@{K}")
            }
            for count in SHOWN
        }
        for name in runs[0]
    }
    protocol = "20 % of the users with more than 10 items; what came after the tenth is to be found"
    return {"target": target.name, "protocol": protocol, "seeds": seeds, "methods": methods}


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Return the mean over seeds and its 95 % interval (Student's t); none of a single seed."""
    n = len(values)
    mean = sum(values) / n
    if n == 1:
        return {"mean": round(mean, 5)}
    error = (sum((value - mean) ** 2 for value in values) / (n - 1) / n) ** 0.5
    half = _T[min(n - 2, len(_T) - 1)] * error
    return {"mean": round(mean, 5), "ci95": [round(mean - half, 5), round(mean + half, 5)]}


def write(kind: str, report: dict[str, Any], out: Path) -> None:
    """Put a report into the file; those of other targets stay."""
    path = out / "cold.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    results["command"] = "python benchmarks/cold.py --cache FOLDER"
    others = [one for one in results.get(kind, []) if one["target"] != report["target"]]
    order = [target.name for target in TARGETS]
    report["machine"] = machine()
    results[kind] = sorted([*others, report], key=lambda one: order.index(one["target"]))
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of encoded vectors")
    parser.add_argument("--targets", default="", help="only these, as a,b")
    parser.add_argument("--protocols", default="items,users", help="only these, as a,b")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--users", type=int, default=1_000, help="test users, item-cold")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    if absent():
        return 0
    wanted = [name.strip() for name in options.targets.split(",") if name.strip()]
    options.out.mkdir(parents=True, exist_ok=True)
    for target in TARGETS:
        if wanted and target.name not in wanted:
            continue
        print(f"{target.name} …", flush=True)
        data = read(target, options.cache)
        for kind in ("items", "users"):
            if not getattr(target, kind) or kind not in options.protocols:
                continue
            start = time.process_time()
            if kind == "items":
                report = items_report(data, target, options.seeds, options.users)
            else:
                report = users_report(data, target, options.seeds)
            report["cpu_seconds"] = round(time.process_time() - start)
            write(kind, report, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
