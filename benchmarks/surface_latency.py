"""Time of one request on every surface of every scenario, on generated catalogs of 20,000 items.

Command: ``python benchmarks/surface_latency.py [SCENARIO ...] [--folder FOLDER]``. A request is
whole: history from the store, sources, ranker, filter and all policies of the surface, in process.
The limits are p50 ≤ 10 ms and p99 ≤ 30 ms, and at least 500 lists a second of many users at once,
as ``crossrec export`` writes them. People, catalogs and events are those of `crossrec.simulation`,
with the fields that policies and surfaces read; the pipelines are the scenarios' own, without a
backbone. All have the same texts, so that these are encoded once. With `--folder` the fitted
workspaces are kept there, and a later run measures them anew.

Other processes lengthen the times: the load of the machine before each scenario is in the result.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common import temporary_workspace, write_result
from generated_shop import generated_shop

if TYPE_CHECKING:
    import pandas as pd
    from crossrec import Engine
    from crossrec.ingest.frames import Frames
    from crossrec.simulation import Setting

N_ITEMS, N_PEOPLE, SESSIONS, DAYS = 20_000, 1_500, 15.0, 60.0
P50_LIMIT_MS, P99_LIMIT_MS, LEAST_LISTS = 10.0, 30.0, 500.0
THEMES = ("nature", "crime", "cooking", "space", "comedy", "history", "horror", "travel")
WORDS = ("Wolves", "Noodles", "Castle", "Rocket", "Harbour", "Garden", "Letters", "Winter")
SCENES = ("at Dawn", "Twice", "in Winter", "for Two", "Adrift", "Rebuilt", "Next Door", "Live")
#: Scenario → the fields of which its texts are made besides the title, in their order.
TEXTS = {
    "ecommerce": ("categories", "brand"),
    "video": ("categories", "creator"),
    "music": ("artist", "categories"),
    "social": ("categories", "text"),
}
SCENARIOS = ("ecommerce", "video", "music", "social")


def setting_of(scenario: str) -> Setting:
    """Return what a scenario gives to the generated world."""
    from crossrec.simulation import Reaction, Setting, Theme

    themes = tuple(Theme(name, {name: 1.0}, WORDS, SCENES) for name in THEMES)
    liked = {"least": 0.6, "share": 0.3}
    rare = {"least": 0.8, "share": 0.1}
    if scenario == "ecommerce":
        reactions = (Reaction("view"), Reaction("purchase", value="price", **liked))
        return Setting(scenario, themes, reactions, maker_field="brand", price=20.0, repeats=True)
    if scenario == "video":
        reactions = (Reaction("watch", value="liking"), Reaction("like", **liked))
        return Setting(scenario, themes, reactions, parts=6, release_days=DAYS)
    if scenario == "music":
        reactions = (Reaction("play", value="liking"), Reaction("save_track", **liked))
        return Setting(scenario, themes, reactions, maker_field="artist", repeats=True)
    reactions = (Reaction("click"), Reaction("like", **liked), Reaction("follow_author", **rare))
    return Setting(scenario, themes, reactions, maker_field="author", release_days=DAYS)


def with_fields(scenario: str, items: pd.DataFrame) -> pd.DataFrame:
    """Return the items with texts of many words, and what filters and policies read."""
    at = np.arange(len(items))
    shop = generated_shop(len(items), 1, 1, families=200).items
    texts = dict(zip(TEXTS[scenario], (shop["categories"], shop["brand"]), strict=True))
    items = items.assign(title=shop["title"], **texts)
    if scenario == "ecommerce":
        before = np.where(at % 4 == 0, items["price"] * 1.25, items["price"])
        stock = np.where(at % 20 == 0, "OUT_OF_STOCK", "IN_STOCK")
        sellers, groups = np.char.mod("seller %d", at % 300), np.char.mod("group %d", at // 3)
        return items.assign(
            original_price=before, availability=stock, seller_id=sellers, primary_product_id=groups
        )
    if scenario == "video":
        kinds = np.where(at % 40 == 0, "live", "series")
        ages = np.where(at % 30 == 0, "18", "6")
        return items.assign(
            series_id=np.char.mod("series %d", at // 6),
            media_type=kinds,
            content_classification=ages,
        )
    if scenario == "music":
        return items.assign(isrc=np.char.mod("recording %d", at // 2), explicit=at % 10 == 0)
    return items.assign(conversation_id=np.char.mod("talk %d", at // 4), language="en")


def generated(scenario: str, n_items: int, n_people: int) -> Frames:
    """Return the tables of a scenario."""
    from crossrec.ingest.frames import Frames
    from crossrec.simulation import World

    world = World.generate([setting_of(scenario)], n_people=n_people, n_items=n_items)
    events = world.live(scenario, days=DAYS, sessions=SESSIONS).events()
    items = with_fields(scenario, world.items(scenario))
    events["item_id"] = items["item_id"].take(events.pop("item")).to_numpy()
    events["user_id"] = np.char.mod("u%d", events.pop("person"))
    return Frames(items=items, events=events, has_clock=True, note="generated")


def request_maker(
    input_: str, users: list[str], items: list[str], seed: int
) -> Callable[[], dict[str, Any]] | None:
    """Return what draws the arguments of a request; None for an input that it does not know."""
    rng = np.random.default_rng(seed)

    def some(names: list[str], n: int) -> list[str]:
        return [names[at] for at in rng.integers(0, len(names), n)]

    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "user": lambda: {"user_id": some(users, 1)[0]},
        "item": lambda: {"user_id": some(users, 1)[0], "item_ids": some(items, 1)},
        "items": lambda: {"user_id": some(users, 1)[0], "item_ids": some(items, 5)},
        "session": lambda: {"user_id": some(users, 1)[0], "session": some(items, 5)},
        "nothing": lambda: {},
    }
    return makers.get(input_)


def timed(
    engine: Engine, scenario: str, surface: str, make: Callable[[], dict[str, Any]], n: int
) -> dict[str, Any]:
    """Return the times of `n` requests on a surface, after some that warm it up."""
    wall, cpu, lengths, dropped = [], [], [], 0
    for at in range(n + 20):
        arguments = make()
        before, started = time.process_time(), time.perf_counter()
        slate = engine.recommend(scenario, surface=surface, **arguments)
        seconds, busy = time.perf_counter() - started, time.process_time() - before
        assert not slate.degraded, slate.degraded
        if at >= 20:
            wall.append(seconds)
            cpu.append(busy)
            lengths.append(len(slate.items))
            dropped += sum(change.action == "dropped" for change in slate.changes)
    p50, p99 = (float(np.percentile(wall, q)) * 1000 for q in (50, 99))
    return {
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
        "cpu_p50_ms": round(float(np.median(cpu)) * 1000, 2),
        "items": round(float(np.mean(lengths)), 1),
        "dropped": round(dropped / n, 1),
        "reached": p50 <= P50_LIMIT_MS and p99 <= P99_LIMIT_MS,
    }


def lists_per_second(engine: Engine, scenario: str, surface: str, users: list[str]) -> float:
    """Return how many lists of a surface about users are made a second, as an export does it."""
    from crossrec.pipeline.exporting import BLOCK

    engine.recommend_many(scenario, users[:BLOCK], surface=surface)
    started = time.perf_counter()
    for at in range(0, len(users), BLOCK):
        engine.recommend_many(scenario, users[at : at + BLOCK], surface=surface)
    return len(users) / (time.perf_counter() - started)


def measured(scenario: str, folder: Path | None, requests: int) -> dict[str, Any]:
    """Fit a scenario where there is no fit, and measure all its surfaces."""
    from crossrec import Engine
    from crossrec.components.run import RunOptions
    from crossrec.ingest import ingest_frames

    with temporary_workspace(None if folder is None else folder / scenario) as (workspace, _):
        engine = Engine(workspace)
        known = engine.registry.scenario(scenario)
        if not workspace.artifact_path(scenario).exists():
            ingest_frames(workspace, known, generated(scenario, N_ITEMS, N_PEOPLE))
            cache = workspace.cache if folder is None else folder / "cache"
            engine.fit(scenario, backbone="", run=RunOptions(cache=cache))
        load = round(os.getloadavg()[0], 1)
        print(f"{scenario}: load {load}", flush=True)
        pipeline = engine.pipeline(scenario)
        assert len(pipeline.catalog) == N_ITEMS
        users, items = list(pipeline.users.ids), list(pipeline.catalog.items.ids)
        surfaces, export = {}, {}
        for seed, (name, served) in enumerate(pipeline.surfaces.items()):
            make = request_maker(served.plan.config.input, users, items, seed)
            if make is None:
                print(f"{scenario} {name}: no request for input {served.plan.config.input!r}")
                continue
            surfaces[name] = timed(engine, scenario, name, make, requests)
            print(f"{scenario} {name}: {surfaces[name]}", flush=True)
        main = pipeline.resolved.main
        export[main] = round(lists_per_second(engine, scenario, main, users[:1536]), 1)
        print(f"{scenario} {main}: {export[main]} lists a second", flush=True)
        return {
            "events": int(pipeline.report["events"]),
            "users": len(users),
            "load": load,
            "surfaces": surfaces,
            "lists_per_second": export,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--folder", type=Path, help="keep fitted workspaces here, or reuse them")
    options = parser.parse_args()
    names = [name for name in SCENARIOS if not options.scenarios or name in options.scenarios]
    found: dict[str, Any] = {}
    for name in names:
        found[name] = measured(name, options.folder, options.requests)
        write_result(
            "surface_latency",
            {
                "items": N_ITEMS,
                "requests": options.requests,
                "p50_limit_ms": P50_LIMIT_MS,
                "p99_limit_ms": P99_LIMIT_MS,
                "least_lists_per_second": LEAST_LISTS,
                "scenarios": found,
            },
        )


if __name__ == "__main__":
    main()
