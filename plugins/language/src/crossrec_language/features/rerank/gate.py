"""Whether a model may reorder lists here: measured on the last choices of users, and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from crossrec.components.paired_gain import choose_option
from crossrec.components.slate import Slate
from crossrec.errors import UsageError
from crossrec.jsonio import encode
from crossrec.pipeline.engine import Engine

from crossrec_language.calls.caller import NO_MODEL, Caller
from crossrec_language.features.describe.describe import liked_by
from crossrec_language.features.rerank.order import TOP, mixed, model_order

#: What a model may weigh against the list's own order.
WEIGHTS = (0.25, 0.5, 1.0)
#: Users that are needed, and the events of each.
FEWEST, _EVENTS = 20, 3


@dataclass(frozen=True)
class Gate:
    """What was measured.

    Attributes
    ----------
    weight : float
        What the model weighs from now on; 0 where its gain is not proven: then it is off.
    gain, error : float
        Of ndcg within the top 20, of the best weight over the list as it is.
    users, failed : int
        How many lists were reordered, and for how many the model gave no order.
    model, version : str
        What it holds for: this model, on this artifact.
    """

    weight: float
    gain: float
    error: float
    users: int
    failed: int
    model: str
    version: str


def measure_gate(engine: Engine, scenario: str, caller: Caller, *, users: int = 100) -> Gate:
    """Reorder lists of users whose last choice is hidden from the history, and keep what is found.

    A list that has not the last choice among its first 20 is left as it is by every weight, and
    counts so. The fit has seen these choices, which favours the list's own order: what passes here
    passes in spite of that.

    Raises
    ------
    UsageError
        Without a model, or with too few users.
    """
    if caller.model is None:
        raise UsageError(f"{NO_MODEL}: name one with --model")
    gains: dict[float, list[float]] = {weight: [] for weight in (0.0, *WEIGHTS)}
    failed = 0
    serving = engine.serving(scenario)
    index = serving.pipeline.catalog.items.index
    for history, target in _cases(engine, scenario, users):
        slate = engine.recommend(scenario, history=history, k=TOP, explain=False)
        places = [index(one) for one in slate.item_ids]
        if index(target) not in places:
            continue
        past = [one for one in map(index, history) if one >= 0]
        found = model_order(serving.items, past, places, caller)
        failed += found.score is None
        for weight, own in gains.items():
            order = range(len(places)) if found.score is None else mixed(found.score, weight)
            at = [places[one] for one in order].index(index(target))
            own.append(1.0 / float(np.log2(at + 2)))
    n = len(gains[0.0])
    if n < FEWEST:
        raise UsageError(f"only {n} lists to judge by, {FEWEST} are needed: more users are needed")
    choice = choose_option({weight: np.array(own) for weight, own in gains.items()}, 0.0)
    version = serving.pipeline.version
    gate = Gate(choice.option, choice.gain.mean, choice.gain.error, n, failed, caller.name, version)
    with engine.workspace.writing():
        path = _path(engine, scenario)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(asdict(gate), "the gate of a model"))
    return gate


def kept_gate(engine: Engine, scenario: str) -> Gate | None:
    """Return what was measured last; None where nothing was, or it cannot be read."""
    try:
        return Gate(**json.loads(_path(engine, scenario).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def rerank(
    engine: Engine, scenario: str, slate: Slate, history: Sequence[str], caller: Caller
) -> tuple[Slate, str]:
    """Return a list in the order that the gate admits, and why it stays as it is ("" if not).

    A model that fails is named in ``degraded``; no item comes in and none goes.
    """
    gate = kept_gate(engine, scenario)
    why = _closed(gate, caller, engine.pipeline(scenario).version)
    if gate is None or why:
        return slate, why
    serving = engine.serving(scenario)
    index = serving.pipeline.catalog.items.index
    past = [one for one in map(index, history) if one >= 0]
    top, rest = slate.items[:TOP], slate.items[TOP:]
    found = model_order(serving.items, past, [one.index for one in top], caller)
    if found.score is None:
        failed = (*slate.degraded, *found.outcome.degraded)
        return replace(slate, degraded=failed), found.outcome.problem
    items = (*(top[at] for at in mixed(found.score, gate.weight)), *rest)
    scored = tuple(
        replace(one, score=round(1.0 - at / len(items), 6)) for at, one in enumerate(items)
    )
    notes = [f"reordered by {caller.name}"]
    notes += [f"dropped {len(found.dropped)} names that are no candidates"] if found.dropped else []
    return replace(slate, items=scored, notes=(*slate.notes, *notes)), ""


def _closed(gate: Gate | None, caller: Caller, version: str) -> str:
    """Return why a model may not reorder; "" where it may."""
    if caller.model is None:
        return NO_MODEL
    if gate is None:
        return "off: nothing was measured here yet; `--measure` does"
    if (gate.model, gate.version) != (caller.name, version):
        return "off: it was measured for another model or another fit; `--measure` again"
    if not gate.weight:
        gain = f"{gate.gain:+.4f} ± {gate.error:.4f} ndcg on {gate.users} lists"
        return f"off: its gain is not proven here ({gain})"
    return ""


def _cases(engine: Engine, scenario: str, users: int) -> list[tuple[tuple[str, ...], str]]:
    """Return histories without their last choice, and that choice."""
    store = engine.workspace.store()
    found: list[tuple[tuple[str, ...], str]] = []
    name = engine.registry.scenario(scenario).name
    for user in store.list_users(name, limit=20 * users):
        ids = tuple(liked_by(engine, scenario, user.user_id))
        if len(ids) >= _EVENTS and ids[-1] not in ids[:-1]:
            found.append((ids[:-1], ids[-1]))
        if len(found) == users:
            break
    return found


def _path(engine: Engine, scenario: str) -> Path:
    return engine.workspace.cache / f"rerank-{engine.registry.scenario(scenario).name}.json"
