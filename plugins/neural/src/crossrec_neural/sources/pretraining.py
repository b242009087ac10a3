"""Sources whose body can be pretrained on other scenarios, and start from such a body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from crossrec.components.paired_gain import choose_option
from crossrec.components.protocols import SourceReport
from crossrec.components.run import RunOptions
from crossrec.components.source_pretraining import Pretrained
from crossrec.data.dataset import Dataset

from crossrec_neural.pretraining.body import PretrainedBody, load_body
from crossrec_neural.pretraining.pretrain import pretrain
from crossrec_neural.settings import BodySettings
from crossrec_neural.sources.fitted import Fitted
from crossrec_neural.sources.fitting import Trained, retrained, trained
from crossrec_neural.sources.source import NeuralSource

#: The two that held-out events decide between, and the name of the second among the checkpoints.
WITH, WITHOUT = "pretrained", "without pretraining"


class PretrainingSource(NeuralSource):
    """A source that may start from a body that was pretrained on other scenarios.

    First what is around the body is trained: the text adapter with its bias, the gate, embeddings
    of items, tags, types and gaps; then the body too, slowly. Where nothing can be held out,
    nothing is trained: text and body serve as they are. Else the same model is also trained from
    nothing, and serves where the held-out events prove it to be better.
    """

    settings: ClassVar[type[BodySettings]]
    config: BodySettings

    def fit(self, dataset: Dataset, run: RunOptions) -> None:
        """Train on the interactions; deterministic for a seed on one thread.

        Raises
        ------
        UsageError
            If there is no such device, or no pretrained body of the configured name.
        ConfigError
            If the dataset has vectors, but none of the configured encoder; or if the body is of
            another source, of other sizes than configured, or reads another encoder.
        ArtifactError
            If the pretrained body is damaged or of another format.
        DataError
            If it reads vectors of another width.
        CapacityError
            If memory is not enough.
        CrossrecError
            If training diverges.
        """
        name, config = self.name, self.config
        if not config.pretrained:
            super().fit(dataset, run)
            return
        body = load_body(name, self.settings, config.pretrained, run.pretrained)
        settings = body.settings(name, config)
        body.check(name, settings, dataset)
        rate = config.tune_body
        first = trained(name, dataset, settings, run, body=body, rate=rate, judged=True)
        other = None
        if len(first.gains):
            alone = settings.model_copy(update={"pretrained": "", "inputs": config.inputs})
            other = trained(name, dataset, alone, run, judged=True, key=WITHOUT)
        self._fitted = _chosen(body, first, other)

    def _again(self, before: Fitted, dataset: Dataset, run: RunOptions) -> Fitted:
        """Return a model of the kind that serves, trained on other events."""
        if before.start.get("serves") != WITH:
            return super()._again(before, dataset, run)
        body = load_body(self.name, self.settings, before.start["body"], run.pretrained)
        rate = self.config.tune_body
        return retrained(self.name, before, dataset, run, body=body, rate=rate)

    def pretrain(self, datasets: Mapping[str, Dataset], run: RunOptions) -> Pretrained:
        """Train a body on several scenarios; see `crossrec_neural.pretraining.pretrain`."""
        return pretrain(self.name, datasets, self.config, run)

    def report(self) -> SourceReport:
        """Return how training went, and what the pretrained body was worth."""
        report, start = super().report(), self._trained.start
        if not start:
            return report
        line = f"pretrained body {start['body']} ({', '.join(start['scenarios'])}): "
        if not start["users"]:
            line += "serves as it is, since there are too few people to judge by"
        else:
            ndcg = start["ndcg@10"]
            line += (
                f"ndcg@10 {ndcg['untrained']:.4f} untrained, {ndcg[WITH]:.4f} trained, "
                f"{ndcg[WITHOUT]:.4f} {WITHOUT}; {start['serves']} serves"
            )
        values = {**report.values, "start": dict(start)}
        return SourceReport(values, (*report.lines, line))


def _chosen(body: PretrainedBody, first: Trained, other: Trained | None) -> Fitted:
    """Return the model that serves, with what was compared."""
    values: dict[str, Any] = {"body": body.name, "scenarios": list(body.scenarios), "users": 0}
    if other is None:
        return replace(first.fitted, start={**values, "serves": WITH})
    choice = choose_option({WITH: first.gains, WITHOUT: other.gains}, WITH)
    ndcg = {
        "untrained": round(first.before or 0.0, 5), WITH: round(float(first.gains.mean()), 5),
        WITHOUT: round(float(other.gains.mean()), 5),
    }  # fmt: skip
    values |= {"users": len(first.gains), "serves": choice.option, "ndcg@10": ndcg}
    values |= {"difference": round(-choice.gain.mean, 5), "error": round(choice.gain.error, 5)}
    return replace((first if choice.option == WITH else other).fitted, start=values)
