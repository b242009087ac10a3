"""Transfer, measured: what a backbone brings to a scenario that it has never seen.

`transfer` draws budgets of the target's training part, asks every method about the same test users
and returns a `TransferReport` with intervals and verdicts.
"""

from crossrec_backbone.transfer.report import Point, TransferReport, Verdict
from crossrec_backbone.transfer.run import transfer
from crossrec_backbone.transfer.settings import Level, TransferSettings, parse_events

__all__ = [
    "Level",
    "Point",
    "TransferReport",
    "TransferSettings",
    "Verdict",
    "parse_events",
    "transfer",
]
