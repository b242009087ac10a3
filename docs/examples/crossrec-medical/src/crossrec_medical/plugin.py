"""What medical registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossrec import hookimpl

if TYPE_CHECKING:
    from crossrec.hookspecs import Register


@hookimpl
def register_scenarios(register: Register) -> None:
    """Register the scenario `medical`."""
    register(
        "medical",
        "crossrec_medical.scenario:scenario",
        summary="medical documents: guidelines, trials, reviews",
    )
