"""What news registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

if TYPE_CHECKING:
    from crossrec.hookspecs import Register


@hookimpl
def register_scenarios(register: Register) -> None:
    """Register the scenario `news`."""
    register(
        "news",
        "crossrec_news.scenario:scenario",
        summary="articles of a newspaper: reads, shares, follows",
    )
