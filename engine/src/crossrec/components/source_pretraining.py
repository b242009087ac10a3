"""What sources learn on several scenarios, for fits on others to start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from crossrec.components.protocols import CandidateGenerator, SourceReport
from crossrec.components.run import RunOptions
from crossrec.components.state import State
from crossrec.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Pretrained:
    """What a source learnt on several scenarios.

    Attributes
    ----------
    state : State
        What a fit with the setting ``pretrained`` reads.
    report : SourceReport
        How the training went; its values go into the card.
    """

    state: State
    report: SourceReport


class PretrainingSource(CandidateGenerator, Protocol):
    """A generator with the capability ``pretrain``.

    Its settings have ``pretrained``, a name in ``run.pretrained`` or the path of a folder that
    `crossrec.artifacts.write_pretrained` wrote, and ``encoder``, the name of the vectors it reads.
    """

    def pretrain(self, datasets: Mapping[str, Dataset], run: RunOptions) -> Pretrained:
        """Learn from the datasets of several scenarios, by name, on the unfitted component.

        Deterministic for a seed on one thread. What it keeps in ``run.checkpoints`` lets a killed
        run go on.
        """
        ...
