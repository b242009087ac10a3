"""What the adapter says of itself: what was learnt, what each part weighs, what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from crossrec.numeric.ragged import FloatArray

from crossrec_backbone.adaptation.gate import MIXTURE, Verdict
from crossrec_backbone.adaptation.repeats import Repeats
from crossrec_backbone.ranking.mixture import Mixture, Step

_NAMES = {
    "kappa": "behaviour against text",
    "head_weight": "pretrained head",
    "target_weight": "ranker of this scenario",
    "ease": "EASE",
    "content": "content",
}


def build_report(
    begin: Mixture,
    best: Mixture,
    steps: Sequence[Step],
    repeats: Repeats,
    *,
    users: int,
    verdict: Verdict | None = None,
    why: str = "",
    pretraining: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Put together what was learnt, in JSON values.

    Parameters
    ----------
    begin, best : Mixture
        The weights to begin with, and those that serve.
    users : int
        Held-out events that decided; 0 where there were too few.
    why : str
        Why nothing was learnt on the target, where that is so.
    """
    out: dict[str, Any] = {
        "users": users,
        "defaults": asdict(begin),
        "weights": asdict(best),
        "steps": [asdict(step) for step in steps],
        "repeats": asdict(repeats),
        "left_out": _left_out(best, why, verdict),
    }
    if pretraining is not None:
        out["pretraining"] = dict(pretraining)
    if verdict is not None:
        out["gate"] = asdict(verdict)
    return out


def pretraining_gain(full: FloatArray, bare: FloatArray, without: Mixture) -> dict[str, Any]:
    """Return what pretraining adds: both are ndcg@10 of the same held-out events, (n,)."""
    difference = full - bare
    return {
        "ndcg_with": float(full.mean()),
        "ndcg_without": float(bare.mean()),
        "gain": float(difference.mean()),
        "error": float(difference.std(ddof=1) / np.sqrt(len(difference))),
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
        told = report["pretraining"]
        out.append(
            f"pretraining: ndcg@10 {told['ndcg_with']:.4f} with, {told['ndcg_without']:.4f} "
            f"without ({told['gain']:+.4f} ± {told['error']:.4f})"
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


def _encoder_line(told: Mapping[str, Any]) -> str:
    """Return what was found of the backbone's adapted encoder."""
    if not told["users"]:
        return f"left out: adapted encoder: {told['why']}"
    figures = (
        f"ndcg@10 {told['both']:.4f} beside the original, {told['original']:.4f} without "
        f"({told['gain']:+.4f} ± {told['error']:.4f})"
    )
    if told["used"]:
        return f"adapted encoder: {figures}"
    return f"left out: adapted encoder: {told['why']}; {figures}"


def _left_out(best: Mixture, why: str, verdict: Verdict | None) -> dict[str, str]:
    """Return each part that weighs nothing, and why."""
    noise = "adds nothing that cross-validation could tell from noise"
    reasons = {
        "pretrained head": (best.head_weight, noise if best.head else "no backbone"),
        "target ranker": (best.target_weight, why or noise),
        "EASE": (best.ease, why or noise),
        "content": (best.content, why or noise),
    }
    out = {part: reason for part, (weight, reason) in reasons.items() if not weight}
    if verdict is not None and verdict.serves != MIXTURE:
        out["mixture"] = f"{verdict.serves} alone is better by {-verdict.gain:.4f} ndcg@10"
    return out
