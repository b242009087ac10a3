"""The adapter: what a fit learns on the target itself, and how much each part weighs there.

Folds of users lose events from the statistics; those events are the targets. On these examples a
small ranker is fitted, the weights of the parts are chosen, and the gate compares the result with
the plain methods. With too few examples the defaults serve, and the target's own ranker is left
out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from crossrec.components.repeats import RepeatRate, repeat_rate
from crossrec.components.run import Effort, RunOptions
from crossrec.components.settings import Settings
from crossrec.components.threads import threads_of
from crossrec.data.dataset import Dataset
from crossrec.numeric.ragged import FloatArray
from pydantic import Field

from crossrec_backbone.adaptation.folds import held_out_folds
from crossrec_backbone.adaptation.gate import MIXTURE, decide
from crossrec_backbone.adaptation.report import build_report, pretraining_gain
from crossrec_backbone.adaptation.target_ranker import (
    HeldOutExamples,
    TargetRanker,
    cross_fit,
    head_scores,
    held_out_examples,
    why_no_ranker,
)
from crossrec_backbone.pretrained.model import GENERAL, Backbone
from crossrec_backbone.ranking.examples import Groups
from crossrec_backbone.ranking.mixture import Mixture, Parts, choose, mixed, parts_of
from crossrec_backbone.ranking.trees import TreeRanker
from crossrec_backbone.relations.statistics import BackboneConfig

#: Held-out events of a large catalogue.
_LEAST_QUERIES = 1_000


class AdapterConfig(Settings):
    """How the adapter learns.

    Attributes
    ----------
    folds : int
        Parts of the held-out events; each is predicted by what the others taught. Costs statistics
        and trees once each; with 1 there is no ranker of the target. On a validation event of each
        of 4,000 users of Scientific 4 are not better than 2 (ndcg@10 + .0003 ± .0009), at 1.6
        times the time.
    queries : int
        Held-out events at most, drawn at random.
    cells : int
        Held-out events times items of the catalogue: where there are more, fewer events are held
        out, but not under 1,000.
    floor : int
        With fewer held-out events nothing is chosen and β is 0.
    rounds : int
        Trees of the target's ranker; 0 fits none. 50 at a rate of .1 predict held-out events as
        well as 100 at .05: out of fold ndcg@10 .1114 and .1110 on Scientific, .2612 and .2597 on
        Last.fm, .1756 and .1757 on ML-1M, ± .0009; 25 at .2 lose .0003 on Scientific.
    learning_rate : float
        Of these trees.
    head_weights, target_weights, plain_weights : tuple of float
        Options of w, of β, and of the weights of EASE and content; β within its `Tier`.
    """

    folds: int = Field(2, ge=1)
    queries: int = Field(6_000, ge=1)
    cells: int = Field(600_000_000, ge=1)
    floor: int = Field(50, ge=2)
    rounds: int = Field(50, ge=0)
    learning_rate: float = Field(0.1, gt=0)
    head_weights: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)
    target_weights: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    plain_weights: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0)

    def queries_in(self, n_items: int) -> int:
        """Return how many events of a catalogue are held out at most."""
        return min(self.queries, max(self.cells // max(n_items, 1), _LEAST_QUERIES))

    def at(self, effort: Effort) -> AdapterConfig:
        """Return what an effort makes of these settings.

        Quick: no trees, weights chosen on at most 500 held-out events of one fold. Thorough: twice
        the events in four folds, four times the trees at half the rate.
        """
        if effort == "quick":
            few = {"folds": 1, "queries": min(self.queries, 500), "rounds": 0}
            return self.model_copy(update=few)
        if effort == "thorough":
            more = {"queries": 2 * self.queries, "rounds": 4 * self.rounds}
            rate = self.learning_rate / 2
            return self.model_copy(update={"folds": 4, "learning_rate": rate, **more})
        return self


@dataclass(frozen=True, eq=False)
class Adapter:
    """What was learnt on a target.

    Attributes
    ----------
    mixture : Mixture
    head, target : TreeRanker or None
        The pretrained head and the target's own ranker; None where they do not serve.
    serves : str
        "mixture", or the plain method that the gate found better.
    repeats : bool
        Whether the items of a history are candidates.
    report : mapping of JSON values
        What was learnt, how much each part weighs, what was left out and why.
    """

    mixture: Mixture
    head: TreeRanker | None
    target: TreeRanker | None
    serves: str
    repeats: bool
    report: Mapping[str, Any]

    def scores(self, groups: Groups) -> FloatArray:
        """Return the mixture's scores, float32 (n, m); -inf at padding.

        Where a plain method serves, the mixture was not kept.
        """
        heads = {} if self.head is None else {self.mixture.head: self.head.scores(groups.columns)}
        target = None if self.target is None else self.target.scores(groups.columns)
        return mixed(parts_of(groups, heads, target), self.mixture)

    def values(self) -> dict[str, Any]:
        """Return JSON values for an artifact."""
        return {
            "mixture": asdict(self.mixture),
            "head": None if self.head is None else self.head.values(),
            "target": None if self.target is None else self.target.values(),
            "serves": self.serves,
            "repeats": self.repeats,
            "report": dict(self.report),
        }

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Adapter:
        """Return what `values` describes."""
        head, target = values["head"], values["target"]
        return cls(
            Mixture(**values["mixture"]),
            None if head is None else TreeRanker.restored(head),
            None if target is None else TreeRanker.restored(target),
            values["serves"],
            values["repeats"],
            values["report"],
        )


@dataclass(frozen=True, eq=False)
class PreparedTarget:
    """What is computed from a target's events before any weight is chosen, for every backbone.

    Attributes
    ----------
    events : int
        Interactions of the target.
    examples : HeldOutExamples or None
        None with fewer held-out events than the floor.
    ranker : TargetRanker or None
        None where there is too little to learn from.
    threads : int
        How many may score the examples.
    """

    config: BackboneConfig
    settings: AdapterConfig
    events: int
    repeats: RepeatRate
    examples: HeldOutExamples | None = None
    ranker: TargetRanker | None = None
    threads: int = 1


def fit_adapter(
    dataset: Dataset,
    backbone: Backbone | None,
    config: BackboneConfig,
    run: RunOptions,
    *,
    family: str = "",
    settings: AdapterConfig | None = None,
) -> Adapter:
    """Learn on the events of `dataset` how the parts add up there.

    Parameters
    ----------
    backbone : Backbone, optional
        None runs without pretraining.
    family : str
        Family of domains of the target; where the backbone has a head of it, that head is the
        default, else the general one.
    """
    settings = (settings or AdapterConfig()).at(run.effort)
    adapter = adapt(prepare_target(dataset, config, settings, run), backbone, family)
    run.progress("fitting the adapter", settings.folds + 1, settings.folds + 1)
    return adapter


def prepare_target(
    dataset: Dataset, config: BackboneConfig, settings: AdapterConfig, run: RunOptions
) -> PreparedTarget:
    """Hold out events of the target and cross-fit its ranker on them."""
    sequences = dataset.sequences
    repeats = repeat_rate(sequences)
    prepared = PreparedTarget(
        config, settings, len(sequences.values), repeats, threads=threads_of(run)
    )
    folds = held_out_folds(
        sequences,
        settings.folds,
        run.seed,
        limit=settings.queries_in(dataset.n_items),
        least=settings.floor,
        repeats=repeats.comes_back,
    )
    if not folds:
        return prepared
    examples = held_out_examples(dataset, folds, config, run)
    ranker = cross_fit(examples, settings.rounds, settings.learning_rate, run)
    return replace(prepared, examples=examples, ranker=ranker)


def adapt(prepared: PreparedTarget, backbone: Backbone | None, family: str) -> Adapter:
    """Choose the weights of all parts by the held-out events, and let the gate decide what serves.

    Without held-out examples the defaults serve.
    """
    examples, ranker = prepared.examples, prepared.ranker
    heads = dict(backbone.heads) if backbone else {}
    default = default_mixture(prepared, backbone, family)
    if examples is None:
        return _default_adapter(prepared, default, heads)
    by_head = head_scores(_tried(default.head, heads), examples.groups, prepared.threads)
    parts = parts_of(examples.groups, by_head, None if ranker is None else ranker.out_of_fold)
    options = _options(prepared, default.head, heads)
    chosen, steps = choose(parts, examples.groups.place, examples.n, default, options)
    gains = examples.gains(mixed(parts, chosen))
    decision = decide(gains, examples.plain, prepared.settings.floor)
    pretraining = None
    if heads:
        without = _without_head(parts, examples, default, options)
        pretraining = pretraining_gain(gains, examples.gains(mixed(parts, without)), without)
    report = build_report(
        default,
        chosen,
        steps,
        prepared.repeats,
        users=examples.n,
        decision=decision,
        why=why_no_ranker(prepared.settings.rounds) if ranker is None else "",
        pretraining=pretraining,
    )
    serves = decision.serves == MIXTURE
    return Adapter(
        chosen,
        heads.get(chosen.head) if serves and chosen.head_weight else None,
        ranker.fitted if serves and ranker is not None and chosen.target_weight else None,
        decision.serves,
        prepared.repeats.comes_back,
        report,
    )


def default_mixture(prepared: PreparedTarget, backbone: Backbone | None, family: str) -> Mixture:
    """Return the weights that serve where nothing can be validated, and that others must beat."""
    head, weight = backbone.default_head(family, prepared.events) if backbone else ("", 0.0)
    own = 0.0 if prepared.ranker is None else prepared.ranker.weight
    return Mixture(prepared.config.consensus.kappa, head, weight, target_weight=own)


def _default_adapter(
    prepared: PreparedTarget, default: Mixture, heads: Mapping[str, TreeRanker]
) -> Adapter:
    """Return what serves where too few events are held out."""
    why = f"fewer than {prepared.settings.floor} events to hold out: the defaults serve"
    repeats = prepared.repeats
    report = build_report(default, default, [], repeats, users=0, why=why)
    head = heads.get(default.head) if default.head_weight else None
    return Adapter(default, head, None, MIXTURE, repeats.comes_back, report)


def _tried(default: str, heads: Mapping[str, TreeRanker]) -> dict[str, TreeRanker]:
    """Return the heads that are tried: that of the target's family, and the general one."""
    return {name: heads[name] for name in dict.fromkeys((default, GENERAL)) if name in heads}


def _without_head(
    parts: Parts,
    examples: HeldOutExamples,
    default: Mixture,
    options: Mapping[str, tuple[float | str, ...]],
) -> Mixture:
    """Choose the weights once more, as if there were no pretrained head."""
    others = {part: values for part, values in options.items() if not part.startswith("head")}
    bare = replace(default, head="", head_weight=0.0)
    return choose(parts, examples.groups.place, examples.n, bare, others)[0]


def _options(
    prepared: PreparedTarget, head: str, heads: Mapping[str, TreeRanker]
) -> dict[str, tuple[float | str, ...]]:
    """Return the options of each weight, in the order in which they are chosen."""
    settings, ranker = prepared.settings, prepared.ranker
    options: dict[str, tuple[float | str, ...]] = {"kappa": prepared.config.consensus.kappas}
    if ranker is not None:
        options["target_weight"] = tuple(
            weight for weight in settings.target_weights if weight <= ranker.largest
        )
    if heads:
        options["head"] = tuple(_tried(head, heads))
        options["head_weight"] = settings.head_weights
    options["ease"] = settings.plain_weights
    options["content"] = settings.plain_weights
    return options
