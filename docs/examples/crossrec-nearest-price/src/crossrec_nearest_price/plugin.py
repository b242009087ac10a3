"""What this package registers with crossrec; imports nothing heavy."""

from __future__ import annotations

from crossrec import hookimpl
from crossrec.hookspecs import Register


@hookimpl
def register_candidate_generators(register: Register) -> None:
    """Register the source by its import path: it is imported when a pipeline uses it."""
    register(
        "nearest-price",
        "crossrec_nearest_price.nearest_price:NearestPrice",
        config="crossrec_nearest_price.nearest_price:NearestPriceConfig",
        capabilities={"score", "explain"},
        summary="What costs about as much as the history's items",
    )
