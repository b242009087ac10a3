"""Measured: the text encoder adapted by behaviour, on a target that it never saw.

Command: ``python benchmarks/trials/adapted_encoder.py --cache FOLDER [--sources uci,beauty]
[--target scientific] [--steps 200] [--share 0.5]``. Needs the research data sets, as
``benchmarks/transfer.py`` does.

The encoder learns on the sources as ``crossrec pretrain --adapt-encoder`` makes it. The target is
evaluated on the last items but one by its texts alone, with the original vectors, the adapted ones
and both side by side, over dense similarity alone and inside the whole text consensus.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crossrec.components.encoder_training import EncoderTraining
from crossrec.components.paired_gain import PairedGain
from crossrec.components.run import RunOptions
from crossrec.components.vectors import with_vectors
from crossrec_backbone.adaptation.select_encoder import text_gains
from crossrec_backbone.pretrained.encoder_weights import adapted_vectors, base_encoder, beside
from crossrec_backbone.pretraining.joint_items import joint_items
from crossrec_backbone.pretraining.low_data_tasks import hold_out, without_last
from crossrec_backbone.relations.config import ConsensusConfig
from crossrec_backbone.relations.statistics import BackboneConfig
from real_sets import ENCODER, Sets

#: What is measured: dense similarity of title and text alone, and the consensus as it serves.
CONFIGS = {
    "dense": BackboneConfig(
        consensus=ConsensusConfig(weights={"text_dense": (0.5, 0.25), "title_dense": (0.25, 0.0)})
    ),
    "consensus": BackboneConfig(),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors")
    parser.add_argument("--sources", default="uci,beauty")
    parser.add_argument("--target", default="scientific")
    parser.add_argument("--steps", type=int, default=EncoderTraining().steps)
    parser.add_argument("--share", type=float, default=EncoderTraining().share)
    parser.add_argument("--users", type=int, default=3_000)
    options = parser.parse_args()
    sources = options.sources.split(",")
    sets = Sets(options.cache, sources)
    run = RunOptions(threads=1, cache=options.cache / "vectors")
    encoder = base_encoder(ENCODER)
    training = EncoderTraining(steps=options.steps, share=options.share)
    started = time.process_time()
    weights = encoder.adapt([joint_items(name, sets[name]) for name in sources], training, run)
    print(f"adapted in {time.process_time() - started:.0f} s of CPU", flush=True)
    target = sets[options.target]
    text = CONFIGS["consensus"].text
    fresh = adapted_vectors(target.catalog, encoder.with_weights(weights), text, True, run)
    both = {name: beside(target.vectors[name], rows) for name, rows in fresh.items()}
    held = hold_out(without_last(target.sequences, 1))
    rows = np.sort(np.random.default_rng(0).permutation(len(held.targets))[: options.users])
    queries, targets = held.queries.take(rows), held.targets[rows]
    print(f"{options.sources} → {options.target}, {len(rows)} users: recall@10 / ndcg@10")
    print("| | original | adapted | both | both − original |\n| --- | --- | --- | --- | --- |")
    for name, config in CONFIGS.items():
        tables = [
            text_gains(with_vectors(target, vectors.items()), queries, targets, config)
            for vectors in ({}, fresh, both)
        ]
        cells = [f"{(table > 0).mean():.4f} / {table.mean():.4f}" for table in tables]
        gain = PairedGain.between(tables[2], tables[0])
        cells.append(f"{gain.mean:+.4f} ± {gain.error:.4f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
