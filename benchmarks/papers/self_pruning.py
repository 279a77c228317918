"""Self-Pruning Neural Network: 10 to 90 % of CIFAR-10 networks, several seeds, mean and spread.

    EDGEPRUNE_DATA=... python -m benchmarks.papers.self_pruning [--seeds 3] [--jobs 1]

Learned gates on frozen weights and the top share of them kept, as in the paper but for whole
neurons (the paper masks single weights, which saves no memory), beside other criteria; a dense
network and the ResNet-8 of MLPerf Tiny, 1,000 images to rank with, 1,000 test images. The paper
reports "near-constant accuracy up to approximately 70 % sparsity".
"""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib as mpl
import numpy as np

from benchmarks.papers.cifar import dense, images, resnet
from benchmarks.papers.common import arguments, keep, table
from benchmarks.pruning.mnist_nets import cache
from edgeprune.pruning.sweep import NINE_LEVELS, Sweep, sweep

mpl.use("Agg")
import matplotlib.pyplot as plt

CRITERIA = ("gates", "taylor1_abs", "fisher", "l1", "activation_mean", "random")


def main() -> None:
    started = time.perf_counter()
    args = arguments(__doc__, jobs=1)
    result = {}
    for name, graph in (("dense 3072-256-128-10", dense()), ("ResNet-8", resnet())):
        train, _, test = images(flat=len(graph.types[graph.inputs[0]].shape) == 1)
        found = sweep(
            graph,
            train.first(2000),
            test.first(1000),
            criteria=CRITERIA,
            schedule="topk",
            seeds=range(args.seeds),
            jobs=args.jobs,
            journal=cache() / "self_pruning.jsonl",
        )
        rows = []
        for criterion in CRITERIA:
            trends = [t for t in found.trends if t.criterion == criterion]
            rows.append([criterion, *(f"{t.accuracy:.3f} ±{t.accuracy_std:.3f}" for t in trends)])
        print(f"\n{name}: {found.source_accuracy:.3f} with all neurons; share removed:")
        print(table(["criterion", *(f"{v:.0%}" for v in NINE_LEVELS)], rows))
        plot(args.out / f"self-pruning-{name.split()[0].lower()}.png", name, found)
        result[name] = {
            "source": found.source_accuracy,
            "trends": [
                {
                    k: getattr(t, k)
                    for k in ("criterion", "level", "runs", "accuracy", "accuracy_std")
                }
                for t in found.trends
            ],
        }
    keep("self_pruning", result, started)


def plot(path: Path, name: str, found: Sweep) -> None:
    """The trade-off: mean and spread."""
    fig, ax = plt.subplots(figsize=(7, 4.5))
    for criterion in CRITERIA:
        trends = [t for t in found.trends if t.criterion == criterion]
        mean, spread = (
            np.asarray([getattr(t, k) for t in trends]) for k in ("accuracy", "accuracy_std")
        )
        ax.errorbar([t.level for t in trends], mean, spread, marker="o", capsize=3, label=criterion)
    ax.axhline(found.source_accuracy, color="gray", linewidth=0.8)
    ax.set(xlabel="share of neurons removed", ylabel="test accuracy", title=name)
    ax.legend()
    fig.savefig(path, dpi=80)
    plt.close(fig)


if __name__ == "__main__":
    main()
