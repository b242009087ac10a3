"""The engine's commands: name → (import path, one line of help); listing them imports nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossrec.commands import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("crossrec.cli.demo:demo", "Run the main job end to end in four scenarios."),
    "scenarios": ("crossrec.cli.scenarios:scenarios", "What each scenario expects and shows."),
    "ingest": ("crossrec.cli.ingest:ingest", "Read items and events from your files."),
    "fit": ("crossrec.cli.fit:fit", "Learn from what was ingested."),
    "refresh": ("crossrec.cli.refresh:refresh", "Learn what came since the fit, without one."),
    "recommend": ("crossrec.cli.recommend:recommend", "Recommend for a user or a history."),
    "similar": ("crossrec.cli.recommend:similar", "More like these items."),
    "explain": ("crossrec.cli.recommend:explain", "Why an item is recommended to a user."),
    "export": ("crossrec.cli.export:export", "Recommendations of many users, as a file."),
    "why-not": ("crossrec.cli.why_not:why_not", "Why an item is not recommended to a user."),
    "rate": ("crossrec.cli.rate:rate", "What a user would rate an item, or a text."),
    "feedback": ("crossrec.cli.decisions:feedback", "What somebody did with a recommended item."),
    "log": ("crossrec.cli.decisions:log", "What was recommended to whom, and what came of it."),
    "evaluate": ("crossrec.cli.evaluate:evaluate", "Measure every source and the pipeline."),
    "items": ("crossrec.cli.records.items:items", "Look into the stored items, and delete some."),
    "users": ("crossrec.cli.records.users:users", "Look into the stored users, and delete some."),
    "events": (
        "crossrec.cli.records.events:events",
        "Look into the stored events, and delete some.",
    ),
    "link": ("crossrec.cli.people:link", "Which users of two scenarios are the same people."),
    "consent": ("crossrec.cli.people:consent", "Whose history may be used in which scenario."),
    "pipeline": ("crossrec.cli.pipeline:pipeline", "The pipeline that a fit would use, or used."),
    "forget": ("crossrec.cli.forget:forget", "Delete everything about one user."),
    "doctor": ("crossrec.cli.doctor:doctor", "What serves, what was left out, and why."),
    "plugins": ("crossrec.cli.plugins:plugins", "List and check what is installed."),
    "install": ("crossrec.cli.install:install", "Install plugins or scenario packages."),
    "uninstall": ("crossrec.cli.install:uninstall", "Remove plugins or scenario packages."),
}


def add_commands(cli: LazyGroup) -> None:
    """Add the engine's commands to a group, unimported."""
    for name, (target, summary) in COMMANDS.items():
        cli.add_lazy(name, target, summary)
