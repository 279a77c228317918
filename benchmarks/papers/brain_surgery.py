"""Brain Surgery for AI: the tightest activity threshold that keeps an accuracy.

    EDGEPRUNE_DATA=... python -m benchmarks.papers.brain_surgery [--seeds 3]

784-100-10 ReLU on MNIST, one ranking, the threshold searched on 10,000 validation images for a
floor of 95 % (the paper's) and for a loss of half a point and of one; what is left is measured on
the 10,000 test images. The paper claims half of the neurons, "or more", and 60 to 80 %.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.papers.common import arguments, keep, table
from benchmarks.pruning.mnist_nets import mnist, network
from edgeprune.pruning.search import prune
from edgeprune.pruning.truth import Truth, accuracy

BOUNDS = {
    "at least 95 %": {"min_accuracy": 0.95},
    "at most 0.5 pt": {"max_drop": 0.005},
    "at most 1 pt": {"max_drop": 0.01},
}
CRITERIA = {
    "firing_rate": "threshold",
    "activation_mean": "threshold",
    "gates": "threshold",
    "l2": "threshold",
    "taylor2": "threshold",
    "brute_force": "iterative",
}
PAPER = {("firing_rate", "at least 95 %"): "50 % or more"}


def main() -> None:
    started = time.perf_counter()
    args = arguments(__doc__)
    train, validation, test = mnist()
    rows, result = [], []
    for criterion, schedule in CRITERIA.items():
        for bound, limits in BOUNDS.items():
            removed, before, after = [], [], []
            for seed in range(args.seeds):
                graph = network("relu100", seed)
                pruned = prune(
                    graph,
                    train.first(5000),
                    validation=validation,
                    criterion=criterion,
                    schedule=schedule,
                    seed=seed,
                    **limits,  # type: ignore[arg-type]
                )
                removed.append(len(pruned.order) / 100)
                before.append(accuracy(graph, test.x, Truth(test.y)))
                after.append(accuracy(pruned.graph, test.x, Truth(test.y)))
            row = {
                "criterion": criterion,
                "schedule": schedule,
                "bound": bound,
                "paper": PAPER.get((criterion, bound), ""),
                "removed": float(np.mean(removed)),
                "spread": float(np.std(removed)),
                "test_before": float(np.mean(before)),
                "test_after": float(np.mean(after)),
            }
            result.append(row)
            rows.append([*row.values()])
    print(
        table(
            [
                "criterion",
                "schedule",
                "validation accuracy",
                "paper",
                "removed",
                "spread",
                "test before",
                "test after",
            ],
            rows,
        )
    )
    keep("brain_surgery", result, started)


if __name__ == "__main__":
    main()
