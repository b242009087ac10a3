"""Transfer, measured: what a backbone brings to a scenario that it has never seen.

`transfer` draws budgets of the target's training part, evaluates every method on the same test
users and returns a `TransferReport` with intervals and verdicts.
"""

from crossrec_backbone.transfer.bodies import MeasuredBody
from crossrec_backbone.transfer.report import Point, TransferReport, TransferVerdict
from crossrec_backbone.transfer.run import transfer
from crossrec_backbone.transfer.settings import Level, TransferSettings, parse_events

__all__ = [
    "Level",
    "MeasuredBody",
    "Point",
    "TransferReport",
    "TransferSettings",
    "TransferVerdict",
    "parse_events",
    "transfer",
]
