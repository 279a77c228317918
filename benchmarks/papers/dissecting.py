"""Dissecting the Neural Code: how many neurons are rotten, and whether they stay so on new data.

    EDGEPRUNE_DATA=... python -m benchmarks.papers.dissecting [--seeds 3]

Every neuron is taken out alone; rotten are those without which the accuracy rises. The paper counts
them on MNIST and SVHN; SVHN cannot be had here, CIFAR-10 stands in for it. Counted on one set of
images, looked at on another; and all that were counted are taken out together.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.papers.cifar import dense, images, resnet
from benchmarks.papers.common import arguments, keep, table
from benchmarks.pruning.mnist_nets import mnist, network
from edgeprune.ir import Graph, Samples, couple
from edgeprune.pruning.analyze import Analysis, analyze
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import channel_names
from edgeprune.pruning.truth import Truth, accuracy


def main() -> None:
    started = time.perf_counter()
    args = arguments(__doc__, images=1000)
    rows, result = [], []
    _, validation, test = mnist()
    for name in ("sig100", "relu100", "sig50x50", "paper100"):
        for seed in range(args.seeds):
            row = census(f"MNIST {name} {seed}", network(name, seed), validation, test)
            result.append(row)
    # the published ResNet-8 has seen all training images: two parts of the test images
    for name, graph in (("dense", dense()), ("ResNet-8", resnet())):
        unseen = images(flat=name == "dense")[2]
        n = len(unseen) // 2 if name == "dense" else args.images
        row = census(f"CIFAR-10 {name}", graph, unseen.first(n), unseen.take(slice(n, 2 * n)))
        result.append(row)
    rows = [[*row.values()] for row in result]
    print(table(list(result[0]), rows))
    keep("dissecting", result, started)


def census(name: str, graph: Graph, seen: Samples, fresh: Samples) -> dict[str, object]:
    """Counts on one set, and what they are worth on the other."""
    first, second = analyze(graph, seen), analyze(graph, fresh)
    flagged = {n.name for n in first.neurons if n.accuracy_change > 0}
    again = {n.name for n in second.neurons if n.accuracy_change > 0} & flagged
    before = accuracy(graph, fresh.x, Truth(fresh.y))
    together = accuracy(without(graph, flagged), fresh.x, Truth(fresh.y)) if flagged else before
    return {
        "network": name,
        "neurons": len(first.neurons),
        "accuracy": first.accuracy,
        "flagged": len(flagged),
        "flagged again": len(again),
        "significant": count(first, "harmful"),
        "useful": count(first, "useful"),
        "best gain pt": round(100 * first.neurons[0].accuracy_change, 3),
        "worst loss pt": round(100 * first.neurons[-1].accuracy_change, 3),
        "all flagged out, pt": round(100 * (together - before), 3),
    }


def count(found: Analysis, verdict: str) -> int:
    return sum(n.verdict == verdict for n in found.neurons)


def without(graph: Graph, names: set[str]) -> Graph:
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    for k, name in channel_names(graph, coupling).items():
        removed[k] = name in names
    return compact(graph, coupling, removed)


if __name__ == "__main__":
    main()
