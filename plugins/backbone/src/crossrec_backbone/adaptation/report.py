"""The adapter's report: what was learnt, what each part weighs, what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from crossrec.components.paired_gain import PairedGain
from crossrec.components.repeats import RepeatRate
from numpy.typing import NDArray

from crossrec_backbone.adaptation.gate import MIXTURE, GateDecision
from crossrec_backbone.ranking.mixture import Mixture, Step

_NAMES = {
    "kappa": "behaviour against text",
    "head_weight": "pretrained head",
    "target_weight": "ranker of this scenario",
    "ease": "EASE",
    "content": "content",
}


def build_report(
    default: Mixture,
    chosen: Mixture,
    steps: Sequence[Step],
    repeats: RepeatRate,
    *,
    users: int,
    decision: GateDecision | None = None,
    why: str = "",
    pretraining: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put together what was learnt, in JSON values.

    Parameters
    ----------
    default, chosen : Mixture
        The default weights, and those that serve.
    users : int
        Held-out events that decided; 0 where there were too few.
    why : str
        Why nothing was learnt on the target, where that is so.
    """
    out: dict[str, Any] = {
        "users": users,
        "defaults": asdict(default),
        "weights": asdict(chosen),
        "steps": [asdict(step) for step in steps],
        "repeats": {**asdict(repeats), "candidates": repeats.comes_back},
        "left_out": _left_out(chosen, why, users, decision),
    }
    if pretraining is not None:
        out["pretraining"] = dict(pretraining)
    if decision is not None:
        out["gate"] = asdict(decision)
    return out


def pretraining_gain(
    full: NDArray[np.float64], bare: NDArray[np.float64], without: Mixture
) -> dict[str, Any]:
    """Return what pretraining adds: both are ndcg@10 of the same held-out events, (n,)."""
    gain = PairedGain.between(full, bare)
    return {
        "ndcg_with": float(full.mean()),
        "ndcg_without": float(bare.mean()),
        "gain": gain.mean,
        "error": gain.error,
        "mixture_without": asdict(without),
    }


def lines(report: Mapping[str, Any]) -> list[str]:
    """Return the report in plain lines, for a terminal."""
    weights = report["weights"]
    parts = [f"{_NAMES[name]} {weights[name]:g}" for name in _NAMES if weights[name]]
    head = f" (head {weights['head']})" if weights["head_weight"] else ""
    out = [f"weights: {', '.join(parts) or 'text alone'}{head}"]
    if report["users"]:
        out.append(f"chosen by {report['users']} held-out events")
    if "pretraining" in report:
        gain = report["pretraining"]
        out.append(
            f"pretraining: ndcg@10 {gain['ndcg_with']:.4f} with, {gain['ndcg_without']:.4f} "
            f"without ({gain['gain']:+.4f} ± {gain['error']:.4f})"
        )
    if "gate" in report and report["gate"]["users"]:
        gate = report["gate"]
        ordered = sorted(gate["ndcg"].items(), key=lambda one: -one[1])
        figures = ", ".join(f"{name} {value:.4f}" for name, value in ordered)
        out.append(f"gate: {gate['serves']} serves ({figures})")
    if "encoder" in report:
        out.append(_encoder_line(report["encoder"]))
    out += [f"left out: {part}: {reason}" for part, reason in report["left_out"].items()]
    repeats = report["repeats"]
    rule = "are candidates" if repeats["candidates"] else "are left out"
    out.append(f"repeats: {repeats['rate']:.1%} of users; items of the history {rule}")
    return out


def _encoder_line(choice: Mapping[str, Any]) -> str:
    """Return what the backbone's adapted encoder is worth here."""
    if not choice["users"]:
        return f"left out: adapted encoder: {choice['why']}"
    figures = (
        f"ndcg@10 {choice['both']:.4f} beside the original, {choice['original']:.4f} without "
        f"({choice['gain']:+.4f} ± {choice['error']:.4f})"
    )
    if choice["used"]:
        return f"adapted encoder: {figures}"
    return f"left out: adapted encoder: {choice['why']}; {figures}"


def _left_out(
    chosen: Mixture, why: str, users: int, decision: GateDecision | None
) -> dict[str, str]:
    """Return each part that weighs nothing, and why."""
    noise = "no gain that cross-validation could tell from noise"
    untried = noise if users else why  # without held-out events nothing was tried
    reasons = {
        "pretrained head": (chosen.head_weight, noise if chosen.head else "no backbone"),
        "target ranker": (chosen.target_weight, why or noise),
        "EASE": (chosen.ease, untried or noise),
        "content": (chosen.content, untried or noise),
    }
    out = {part: reason for part, (weight, reason) in reasons.items() if not weight}
    if decision is not None and decision.serves != MIXTURE:
        out["mixture"] = f"{decision.serves} alone is better by {-decision.gain:.4f} ndcg@10"
    return out
