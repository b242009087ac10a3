"""``crossrec demo``: the main job in every installed scenario, offline, in about a minute."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crossrec.errors import CrossrecError, DataError
from crossrec.terminal import echo_json, json_option, progress, table

if TYPE_CHECKING:
    from crossrec.components.run import RunOptions
    from crossrec.components.slate import Slate
    from crossrec.evaluation.report import Report
    from crossrec.numeric.ragged import IntArray
    from crossrec.pipeline.engine import Engine
    from crossrec.scenario import Scenario

#: The order of the tour; other installed scenarios with demo data follow.
_ORDER = ("ecommerce", "social", "video", "music")


@dataclass(frozen=True)
class _DemoResult:
    """The results of the demo in one scenario."""

    scenario: str
    data: str
    user: str
    slate: Slate
    report: Report


@click.command()
@click.option("--into", type=click.Path(path_type=Path), help="Keep the workspace in this folder.")
@click.option("--seed", default=0, show_default=True, help="Seed of the generated data.")
@json_option
def demo(into: Path | None, seed: int, as_json: bool) -> None:
    """Ingest, fit, recommend and evaluate in every installed scenario, on embedded data.

    The e-commerce data are a real sample that its package ships; the others are generated.
    """
    with tempfile.TemporaryDirectory(prefix="crossrec-demo-") as temporary:
        shown, failed = _tour(into or Path(temporary), seed)
    if as_json:
        echo_json(
            [
                {
                    "scenario": one.scenario,
                    "data": one.data,
                    "recommendations": one.slate.to_dict(),
                    "evaluation": one.report.to_dict(),
                }
                for one in shown
            ]
        )
    elif shown:
        _print(shown, into)
    if failed:
        causes = "; ".join(f"{name}: {error}" for name, error in failed.items())
        raise CrossrecError(f"the demo failed in {len(failed)} scenario(s): {causes}")


def _print(shown: list[_DemoResult], into: Path | None) -> None:
    for one in shown:
        click.echo(f"\n{one.scenario}: {one.data}\n5 recommendations for user {one.user}")
        _print_slate(one.slate)
    click.echo("\nHow well each list predicts what users chose later (full ranking, unseen items)")
    _print_metrics(shown)
    if into is not None:
        place, user = shlex.quote(str(into)), shlex.quote(shown[0].user)
        call = f"crossrec recommend {shown[0].scenario} -w {place} --user {user}"
        click.echo(f"\nThe workspace is kept: {call}")


def _tour(folder: Path, seed: int) -> tuple[list[_DemoResult], dict[str, str]]:
    """Return what was found in each scenario, and the errors of those that failed."""
    from crossrec.components.run import RunOptions
    from crossrec.pipeline.engine import Engine
    from crossrec.plugins.registry import load_registry
    from crossrec.workspace import Workspace

    registry = load_registry()
    scenarios = [registry.scenario(name) for name in registry.names("scenarios")]
    scenarios = [scenario for scenario in scenarios if scenario.demo is not None]
    if not scenarios:
        raise CrossrecError(
            "no scenario with demo data is installed: run `crossrec install crossrec-ecommerce`"
        )
    scenarios.sort(key=lambda s: _ORDER.index(s.name) if s.name in _ORDER else len(_ORDER))
    engine = Engine(Workspace.create(folder, registry), registry, background=False)
    shown: list[_DemoResult] = []
    failed: dict[str, str] = {}
    with progress() as report_progress:
        run = RunOptions(seed=seed, cache=engine.workspace.cache, progress=report_progress)
        for scenario in scenarios:
            try:
                shown.append(_show(engine, scenario, run))
            except Exception as error:  # a broken package must not hide the others
                failed[scenario.name] = f"{type(error).__name__}: {error}"
    return shown, failed


def _show(engine: Engine, scenario: Scenario, run: RunOptions) -> _DemoResult:
    """Walk the main job in one scenario."""
    from crossrec.components.threads import threads_of
    from crossrec.evaluation.evaluate import evaluate
    from crossrec.evaluation.protocol import EvaluationProtocol
    from crossrec.ingest import ingest_frames
    from crossrec.pipeline.chosen_encoder import with_chosen_encoder
    from crossrec.pipeline.evaluate_models import build_models, pipeline_to_evaluate, rule_for
    from crossrec.pipeline.pretrained import FOLDER
    from crossrec.plugins.registration import resolve

    assert scenario.demo is not None
    frames = resolve(scenario.demo)(run.seed)
    ingest_frames(engine.workspace, scenario, frames)
    engine.fit(scenario.name, run=run, budget="quick")  # the figures below take a standard fit
    dataset = engine.workspace.dataset(scenario)
    if not len(dataset.interactions):
        raise DataError("its demo data hold no positive event")
    user = dataset.users.id(_typical_user(dataset.sequences.lengths))
    slate = engine.recommend(scenario.name, user, k=5)
    resolved, run = pipeline_to_evaluate(
        scenario, engine.registry, run, engine.workspace.path / FOLDER
    )
    resolved = with_chosen_encoder(resolved, engine.registry, dataset.catalog)
    protocol = EvaluationProtocol.default_for(dataset)
    rule = rule_for(scenario, resolved, protocol.candidates)
    place = engine.workspace
    build = partial(
        build_models, scenario, resolved, run=run, rule_for=rule, executor=place.executor()
    )
    report = evaluate(
        dataset,
        build,
        protocol,
        rule_for=rule,
        scenario=scenario.name,
        threads=threads_of(run),
    )
    size = f"{dataset.n_users:,} users, {dataset.n_items:,} items, {len(dataset.events):,} events"
    return _DemoResult(scenario.name, f"{frames.note} ({size})", user, slate, report)


def _typical_user(lengths: IntArray) -> int:
    """Return a user with a history of median length among those with at least five events."""
    import numpy as np

    enough = np.flatnonzero(lengths >= min(5, lengths.max()))
    order = enough[np.argsort(lengths[enough], kind="stable")]
    return int(order[len(order) // 2])


def _print_slate(slate: Slate) -> None:
    rows = [
        (place, item.title or item.item_id, "; ".join(reason.text for reason in item.reasons[:1]))
        for place, item in enumerate(slate.items, 1)
    ]
    table(("#", "TITLE", "WHY"), rows)


def _print_metrics(shown: list[_DemoResult]) -> None:
    rows = []
    for one in shown:
        for result in one.report.results:
            recall, ndcg = result.metrics["recall@10"], result.metrics["ndcg@10"]
            rows.append((one.scenario, result.model, f"{recall:.3f}", f"{ndcg:.3f}"))
    table(("SCENARIO", "MODEL", "RECALL@10", "NDCG@10"), rows)
