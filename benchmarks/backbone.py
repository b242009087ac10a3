"""Pretrain the backbones that the distribution crossrec-backbone ships.

Command: ``make backbone``, or ``python benchmarks/backbone.py --cache FOLDER``. Needs the research
data sets in ``../shared/datasets`` or ``CROSSREC_DATASETS``; without them it does nothing.
Settings and the cache are those of ``transfer.py``: with the same cache the examples of every set
are computed once for both, and a stopped run goes on. The same data, settings and versions give
the same bytes.

``--sources``, ``--levels`` and ``--positives`` make small trials, which need an ``--out`` of their
own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import HERE, absent, print_progress
from real_sets import TRANSFER, Sets
from transfer import pretraining

if TYPE_CHECKING:
    from crossrec_backbone.pretrained.model import Backbone
    from crossrec_backbone.pretraining.pretrain import PretrainConfig

MODELS = HERE.parent / "plugins" / "backbone" / "src" / "crossrec_backbone" / "models"
#: All files of the distribution together.
LIMIT = 20_000_000


@dataclass(frozen=True)
class Recipe:
    """One backbone that is shipped.

    Attributes
    ----------
    about, use : str
        What it is and what it is for, for the model card.
    without : tuple of str
        Sets that it must never have seen.
    """

    name: str
    about: str
    use: str
    without: tuple[str, ...] = ()


RECIPES = (
    Recipe(
        "four-scenarios",
        "a ranker over relations between items, pretrained on all sets below",
        "every catalogue; the default of a scenario without events. Not for figures on its own "
        "sources: it has seen them",
    ),
    Recipe(
        "without-scientific",
        "the same, with Amazon Scientific left out",
        "figures on Amazon Scientific, which it has never seen",
        ("scientific",),
    ),
)

#: Set → its title, and what its publishers allow.
DATA = {
    "scientific": (
        "Amazon reviews 2018, Industrial and Scientific, split of UniSRec (Hou et al., 2022)",
        "none stated; Amazon review data (Ni, Li and McAuley, 2019), published for research",
    ),
    "uci": (
        "UCI Online Retail (Chen, Sain and Guo, 2012)",
        "Apache-2.0 for the copy used; CC BY 4.0 at the UCI repository as far as known",
    ),
    "lastfm": (
        "Last.fm of HetRec 2011, sequences of LLaRA (Liao et al., 2024)",
        "HetRec 2011: non-commercial use only",
    ),
    "ml-1m": (
        "MovieLens 1M (Harper and Konstan, 2015), order of the ratings",
        "GroupLens terms: research use, no commercial use, no endorsement",
    ),
    "beauty": (
        "Amazon reviews 2014, Beauty, 5-core (McAuley et al., 2015)",
        "research use",
    ),
    "microlens": (
        "MicroLens-50k (Ni et al., 2023, arXiv 2309.15379)",
        "terms of MicroLens: research use, no modified copy of the data may be offered",
    ),
    "yelp": (
        "Yelp 2019 as in S3-Rec (Zhou et al., 2020)",
        "Yelp Dataset terms: academic, non-commercial, no redistribution of the data",
    ),
}
LICENCE = (
    "Apache-2.0 for these files; most of the data behind them are for research or non-commercial "
    "use only, as each source says"
)
LIMITS = (
    "holds thresholds and leaf values of trees over relations, as a rule from hundreds of "
    "candidates each; no item, user, text or event of a source, and nothing to restore one from",
    "texts of the sources are mostly English; texts were read through the encoder all-MiniLM-L6-v2",
)


def settings_of(positives: int | None = None, levels: Sequence[int] = ()) -> PretrainConfig:
    """Return the settings of ``transfer.pretraining``; the arguments make them smaller."""
    config = pretraining()
    changes: dict[str, Any] = {} if positives is None else {"positives": positives}
    if levels:
        changes["tasks"] = config.tasks.model_copy(update={"levels": tuple(levels)})
    return config.model_copy(update=changes)


def build(recipe: Recipe, sets: Sets, config: PretrainConfig, out: Path) -> Backbone:
    """Pretrain one backbone and write it to ``out/<name>``."""
    from crossrec.components.run import RunOptions
    from crossrec_backbone.pretrained.model import save_backbone
    from crossrec_backbone.pretraining.pretrain import pretrain

    sources = sets.without(*recipe.without)
    backbone = pretrain(
        sources,
        config,
        RunOptions(threads=1, progress=print_progress),
        checkpoint=sets.cache / "pretraining",
        licences={name: DATA[name][1] for name, _, _ in sources},
    )
    backbone = replace(backbone, card=card_of(recipe, backbone.card))
    out.mkdir(parents=True, exist_ok=True)
    save_backbone(out / recipe.name, backbone)
    return backbone


def card_of(recipe: Recipe, card: Any) -> dict[str, Any]:
    """Return the model card with what only the maker knows."""
    sources = [{**source, "title": DATA[source["name"]][0]} for source in card["sources"]]
    return {
        "name": recipe.name,
        "about": recipe.about,
        "use": recipe.use,
        "licence": LICENCE,
        "domains": list(dict.fromkeys(source["family"] for source in sources)),
        "never_seen": list(recipe.without),
        **card,
        "sources": sources,
        "limits": [*card["limits"], *LIMITS],
        "made_by": "make backbone",
    }


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder of finished parts")
    parser.add_argument("--out", type=Path, default=MODELS, help="folder of the backbones")
    parser.add_argument("--sources", default="", help="pretrain on these only, as a,b")
    parser.add_argument("--levels", default="", help="events that sources are thinned to, as 0,100")
    parser.add_argument("--positives", type=int, help="examples of each source and level")
    options = parser.parse_args(arguments)
    options.sources = [one.strip() for one in options.sources.split(",") if one.strip()]
    options.levels = [int(one) for one in options.levels.split(",") if one.strip()]
    unknown = [name for name in options.sources if name not in TRANSFER]
    if unknown:
        parser.error(f"no set is called {unknown[0]}: {', '.join(TRANSFER)}")
    trial = options.sources or options.levels or options.positives is not None
    if trial and options.out == MODELS:
        parser.error("a trial is not shipped: give it an --out of its own")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if absent("pretrained"):
        return 0
    sets = Sets(options.cache, options.sources or TRANSFER)
    for recipe in RECIPES:
        print(f"{recipe.name} …", flush=True)
        backbone = build(recipe, sets, settings_of(options.positives, options.levels), options.out)
        size = size_of(options.out / recipe.name)
        print(f"{recipe.name}: heads {', '.join(backbone.heads)}; {size:,} bytes", flush=True)
    if size_of(options.out) > LIMIT:
        print(f"{size_of(options.out):,} bytes are more than {LIMIT:,}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
