"""The tables on the pages of surfaces, of scenarios and of the pipeline file."""

from __future__ import annotations

import numpy as np
from crossrec.components.consumption import DAY, EventEffects, PastEvents, ages_of, effects_of
from crossrec.pipeline.config import (
    EncoderConfig,
    PipelineConfig,
    PolicyConfig,
    RowsConfig,
    SourceConfig,
    SurfaceConfig,
)
from crossrec.pipeline.config_files import load_config
from crossrec.plugins.registry import load_registry
from crossrec.scenario import EventType, ItemSchema, Scenario
from markdown_table import table
from pydantic import BaseModel
from settings_tables import model_table

#: Table of a pipeline file → its model.
TABLES: dict[str, type[BaseModel]] = {
    "pipeline": PipelineConfig,
    "encoder": EncoderConfig,
    "source": SourceConfig,
    "policy": PolicyConfig,
    "surface": SurfaceConfig,
    "rows": RowsConfig,
}
_AGES = (0.5, 1.0, 2.0, 3.0, 5.0)
_SETTINGS = ((1.0, 1.0), (0.0, 1.0), (1.0, 0.5), (2.0, 0.0), (0.0, 0.0))


def keys_region(name: str) -> str:
    """Return the keys of one table of a pipeline file."""
    if name not in TABLES:
        raise SystemExit(f"no table {name!r}: there are {', '.join(TABLES)}")
    return model_table(TABLES[name], "key")


def surfaces_region(name: str) -> str:
    """Return the surfaces that a scenario declares, and what answers them by default."""
    scenario = load_registry().scenario(name)
    config = load_config(scenario)
    rows = []
    for surface in scenario.surfaces:
        plan = config.surfaces[surface.name]
        rules = [f"`{plan.filter}`"] if plan.filter else []
        if plan.policies is not None:
            rules += [f"`{one.name}`" for one in plan.policies]
        sources = ", ".join(f"`{label}`" for label in config.sources_of(surface.name))
        fallback = ", ".join(f"`{one}`" for one in plan.fallback) or "stays short"
        own = ", ".join(rules)
        rows.append(
            (f"`{surface.name}`", plan.input, plan.k, surface.summary, sources, own, fallback)
        )
    heads = ("surface", "input", "k", "what it shows", "sources", "rules of its own", "fallback")
    return table(heads, rows)


def fading_region() -> str:
    """Return what a soft consumption leaves of an item's score, by age and the surface's keys."""
    rows = [
        (
            f"`fresh = {fresh:g}`, `weighs = {weighs:g}`",
            *(_left(age, fresh, weighs) for age in _AGES),
        )
        for fresh, weighs in _SETTINGS
    ]
    return table(("the surface says", *(f"after {age:g} half-lives" for age in _AGES)), rows)


def _left(age: float, fresh: float, weighs: float) -> str:
    """Return what is left of the score of an item that was consumed `age` half-lives ago."""
    play = EventType("play", consumes="soft", half_life_days=1.0)
    scenario = Scenario("", "", (play,), ItemSchema((), ""), (), "", "play", "")
    one, now = np.zeros(1, dtype=np.int64), np.array([age * DAY])
    past = PastEvents(one, one, one, np.ones(1, np.float32), ages_of(one, np.zeros(1), now, 1))
    found = effects_of(past, EventEffects.of(scenario), fresh=fresh, weighs=weighs)
    if len(found.removed.values):
        return "removed"
    return f"{found.factors[0]:.0%}" if len(found.factors) else "100%"
