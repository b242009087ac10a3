"""The parts of ``benchmarks/language.py``: one function for each feature and its control."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from crossrec.pipeline.engine import Engine
from crossrec_language.features.describe.describe import describe_taste, recommend_for_taste
from crossrec_language.features.explain.review_phrases import counted, judged
from crossrec_language.features.explain.statements import LEAST_REVIEWS
from crossrec_language.features.intent.recommend import recommend_for_wish

if TYPE_CHECKING:
    from language import Case

SCENARIO, DEEP = "video", 100
_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")


def films(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return films with genres and years, and what was rated 3.5 or more."""
    movies = pd.read_csv(folder / "movies.csv.gz")
    years = movies["title"].str.extract(_YEAR.pattern)[0]
    items = pd.DataFrame(
        {
            "item_id": movies["movieId"].astype(str),
            "title": movies["title"].str.replace(_YEAR.pattern, "", regex=True),
            "categories": movies["genres"].where(movies["genres"].str.contains("[a-z]"), ""),
            "production_year": pd.to_numeric(years),
        }
    )
    ratings = pd.read_csv(folder / "ratings.csv.gz")
    ratings = ratings[ratings["rating"] >= 3.5]
    events = pd.DataFrame(
        {
            "user_id": "u" + ratings["userId"].astype(str),
            "item_id": ratings["movieId"].astype(str),
            "event_type": "watch",
            "time": ratings["timestamp"],
        }
    )
    return items, events


def rank_of(ids: Sequence[str], target: str) -> float:
    """Return one over the place of an item; 0 where it is not in the list."""
    return 1.0 / (ids.index(target) + 1) if target in ids else 0.0


def mean_rank(engine: Engine, cases: Sequence[Case], kind: str, seed: int) -> dict[str, float]:
    """Return the mean reciprocal rank and recall@10 of what was chosen next.

    ``with`` words that are true of it (two genres, or one, and its decade), ``against`` it (as many
    that are not), ``without`` words; ``alone``: the words without the history, ``popular`` neither.
    """
    rng = np.random.default_rng(seed)
    catalog = engine.pipeline(SCENARIO).catalog
    years = catalog.attributes["production_year"]
    genres = sorted({name for names in catalog.categories for name in names})
    ranks = []
    for case in cases:
        item = catalog.items.index(case.target)
        own = list(catalog.categories[item]) if item >= 0 else []
        rng.shuffle(own)
        others = [name for name in genres if name not in own]
        rng.shuffle(others)
        shown = own[:2] if kind != "against" else others[: max(len(own[:2]), 1)]
        decade = f"from the {int(years[item]) // 10 * 10}s" if item >= 0 and years[item] else ""
        words = " ".join(shown) if kind == "against" else f"{' '.join(shown)} {decade}".strip()
        history = () if kind in ("alone", "popular") else case.history
        if kind in ("without", "popular") or not words:
            slate = engine.recommend(SCENARIO, history=history, k=DEEP, explain=False)
        else:
            slate = recommend_for_wish(
                engine, SCENARIO, words, history=history, k=DEEP, explain=False,
                exclude=case.history,
            ).slate  # fmt: skip
        ranks.append(rank_of(list(slate.item_ids), case.target))
    found = np.array(ranks)
    error = found.std(ddof=1) / np.sqrt(len(found))
    return {
        "mrr": round(float(found.mean()), 4),
        "error": round(float(error), 4),
        "recall_10": round(float((found >= 0.1).mean()), 4),
    }


def conditions(engine: Engine, seed: int, wishes: int = 300) -> dict[str, Any]:
    """Return how many items of generated wishes meet what was wished, read from the items."""
    rng = np.random.default_rng(seed)
    catalog = engine.pipeline(SCENARIO).catalog
    years = catalog.attributes["production_year"]
    genres = [
        name
        for name, n in Counter(one for names in catalog.categories for one in names).items()
        if n >= 20
    ]
    forms = (
        "I'd like something without {a}, please",
        "anything but {a} or {b}",
        "{c}, but no {a}",
        "only {c}, nothing made before {y}",
        "no {a}, no {b}, and after {y}",
        "a {c} film from between {y} and {z}",
        "{c} from the {d}s, and never {a}",
        "please avoid {a} and {b}; older than {z}",
    )
    shown = met = whole = short = 0
    for at in range(wishes):
        a, b, c = rng.choice(genres, 3, replace=False).tolist()
        y = int(rng.integers(1940, 2000))
        values = {"a": a, "b": b, "c": c, "y": y, "z": y + 10, "d": y // 10 * 10}
        form = forms[at % len(forms)]
        answer = recommend_for_wish(
            engine, SCENARIO, form.format(**values), history=(), k=10, explain=False
        )
        good = [
            _meets(form, values, set(catalog.categories[one.index]), years[one.index])
            for one in answer.slate.items
        ]
        shown, met = shown + len(good), met + sum(good)
        whole += all(good)
        short += len(good) < 10
    return {
        "wishes": wishes,
        "items": shown,
        "items_that_meet_them": round(met / max(shown, 1), 4),
        "wishes_met_by_all_items": round(whole / wishes, 4),
        "short_lists": short,
    }


def _meets(form: str, values: dict[str, Any], genres: set[str], year: float | None) -> bool:
    """Whether an item meets a wish, by what the sentence says."""
    a, b, c, y, z, d = (values[name] for name in "abcyzd")
    known = year is not None
    at = float(year) if year is not None else 0.0
    return {
        "I'd": a not in genres,
        "anything": not {a, b} & genres,
        "{c},": a not in genres,
        "only": c in genres and known and at >= y,
        "no": not {a, b} & genres and known and at > y,
        "a": known and y <= at <= z,
        "{c}": a not in genres and known and d <= at <= d + 9,
        "please": not {a, b} & genres and known and at < z,
    }[form.split()[0]]


def description(engine: Engine, cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """Return what an edit changes, beside edits that say nothing, and a description as a query."""
    rng = np.random.default_rng(seed)
    catalog = engine.pipeline(SCENARIO).catalog
    genres = sorted({name for names in catalog.categories for name in names})
    rows: dict[str, list[float]] = {name: [] for name in ("shift", "control", "same", "hit", "pop")}
    for case in cases:
        text = describe_taste(engine, SCENARIO, history=case.history).text
        new = str(rng.choice([one for one in genres if one not in text]))
        other = str(rng.choice([one for one in genres if one not in (*text.split(), new)]))

        def listed(text: str, past: Sequence[str] = case.history, case: Case = case) -> list[str]:
            return list(
                recommend_for_taste(
                    engine, SCENARIO, text, history=past, k=10, explain=False, exclude=case.history
                ).slate.item_ids
            )

        def share(ids: list[str], name: str = new) -> float:
            own = [catalog.categories[catalog.items.index(one)] for one in ids]
            return sum(name in names for names in own) / max(len(own), 1)

        before = listed(text)
        rows["shift"].append(share(listed(f"Likes: {new}.")) - share(before))
        rows["control"].append(share(listed(f"Likes: {other}.")) - share(before))
        rows["same"].append(len(set(before) & set(listed(text.replace("\n", "\n\n")))) / 10)
        rows["hit"].append(float(case.target in listed(text, ())))
        popular = engine.recommend(SCENARIO, history=(), k=10, explain=False, exclude=case.history)
        rows["pop"].append(float(case.target in popular.item_ids))
    mean = {name: round(float(np.mean(values)), 4) for name, values in rows.items()}
    return {
        "more_of_the_new_genre": mean["shift"],
        "more_of_it_after_another_edit": mean["control"],
        "same_list_after_an_edit_that_says_nothing": mean["same"],
        "recall_10_of_the_description_alone": mean["hit"],
        "recall_10_of_popularity": mean["pop"],
    }


def deletion(engine: Engine, cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """Return what is lost where the named evidence is deleted, and where as much else is."""
    rng = np.random.default_rng(seed)
    cited_lost, other_lost = [], []
    for case in cases:
        slate = engine.recommend(SCENARIO, history=case.history, k=1)
        if not slate.items:
            continue
        first = slate.items[0]
        cited = {one for reason in first.reasons for one in reason.history}
        others = [one for one in case.history if one not in cited]
        if not cited or len(others) < len(cited):
            continue
        random = set(rng.choice(others, len(cited), replace=False).tolist())

        def score(out: set[str], item: str = first.item_id, past: Any = case.history) -> float:
            left = [one for one in past if one not in out]
            found = engine.explain(SCENARIO, item, history=left)
            values = [view.z or 0.0 for view in found.sources if view.source != "popularity"]
            return float(sum(values))

        whole = score(set())
        cited_lost.append(whole - score(cited))
        other_lost.append(whole - score(random))
    difference = np.array(cited_lost) - np.array(other_lost)
    return {
        "users": len(difference),
        "z_lost_without_the_cited_items": round(float(np.mean(cited_lost)), 3),
        "z_lost_without_as_many_others": round(float(np.mean(other_lost)), 3),
        "cited_cost_more": round(float((difference > 0).mean()), 3),
    }


def statements(folder: Path, seed: int, least: int = 5) -> dict[str, Any]:
    """Return how well statements about an item foresee what its next reviewer writes.

    Of each item with enough reviews the last one is held out; its statements are those that at
    least two of the others make.
    """
    rng = np.random.default_rng(seed)
    reviews = pd.read_json(folder / "reviews.jsonl.gz", lines=True)
    summaries = reviews["summary"].astype(object).fillna("")
    reviews["text"] = summaries + ". " + reviews["text"].fillna("")
    by_item = {
        name: [judged(text) for text in own.sort_values("time", kind="stable")["text"]]
        for name, own in reviews.groupby("asin")
        if len(own) > least
    }
    everywhere = Counter(key for own in by_item.values() for one in own for key in one)
    names = list(by_item)
    hits: dict[str, list[float]] = {}
    for at, own in enumerate(by_item.values()):
        held = set(own[-1])
        made = [one.key for one in counted(own[:-1]) if one.reviews >= LEAST_REVIEWS]
        if not held or len(made) < 3:
            continue
        foreign = by_item[names[(at + 1) % len(names)]]
        orders = {
            "by_reviews": made,
            "at_random": rng.permutation(np.arange(len(made))).tolist(),
            "by_the_whole_catalogue": sorted(made, key=lambda key: -everywhere[key]),
            "of_another_item": [one.key for one in counted(foreign[:-1])],
        }
        orders["at_random"] = [made[place] for place in orders["at_random"]]
        for name, order in orders.items():
            hits.setdefault(name, []).append(sum(key in held for key in order[:3]) / 3)
    return {
        "items": len(hits["by_reviews"]),
        "precision_3": {name: round(float(np.mean(own)), 4) for name, own in hits.items()},
        "error": {
            name: round(float(np.std(own, ddof=1) / np.sqrt(len(own))), 4)
            for name, own in hits.items()
        },
    }
