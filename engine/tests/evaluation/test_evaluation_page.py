"""The page on evaluation: its Python runs, and it explains every figure and option there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from crossrec.cli.evaluate import evaluate as command
from crossrec.evaluation.report import Report
from crossrec.evaluation.segments import OFTEN

PAGE = Path(__file__).parents[3] / "docs" / "evaluation.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(page) -> dict[str, object]:
    """Run the page's Python and return its names."""
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict[str, object] = {"print": lambda *parts: None}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def test_the_example_runs_and_learns(example):
    report = example["report"]
    assert isinstance(report, Report)
    row = report.result("next item")
    assert row is not None
    assert row.metrics["recall@10"] == 1.0
    verdicts = {
        (p.against, p.metric): p.verdict for p in report.comparisons if p.model == row.model
    }
    assert verdicts["popularity", "ndcg@10"] == "better"


def test_every_metric_is_explained(page, example):
    report = example["report"]
    assert isinstance(report, Report)
    names = {name.split("@")[0] for name in report.results[0].metrics} | {"diversity"}
    for name in names:
        assert f"| `{name}@k` |" in page


def test_every_key_of_the_json_is_shown(page, example):
    report = example["report"]
    assert isinstance(report, Report)
    found = report.to_dict()
    for key in (*found, *found["results"][0], *found["comparisons"][0]):
        assert f'"{key}"' in page


def test_every_option_that_changes_the_figures_is_explained(page):
    own = {"workspace", "as_json", "pipeline_file", "device", "scenario", "protocol"}
    for option in command.params:
        if isinstance(option, click.Option) and option.name not in own:
            assert option.opts[0] in page
    for protocol in ("temporal", "leave-one-out"):
        assert f"| `{protocol}` |" in page


def test_thresholds_are_those_of_the_code(page):
    assert f"| {OFTEN} or more training interactions | 1 to {OFTEN - 1} | none |" in page
