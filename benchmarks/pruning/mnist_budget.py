"""MNIST 784-100-10 ReLU in int8 at four sizes, without training.

    EDGEPRUNE_DATA=... python -m benchmarks.pruning.mnist_budget [--seed 0] [--images 20000]

Chosen and fitted on training images, decided on 10,000 others, reported on the 10,000 test images.
"""

from __future__ import annotations

from benchmarks.pruning.common import Table, accuracy, arguments, int8_accuracy, int8_bytes, widths
from benchmarks.pruning.mnist_nets import mnist, network
from edgeprune.pruning import obs

REACH = {8: 97.0, 16: 97.7, 32: 97.9, 64: 98.0}


def main() -> None:
    args = arguments(__doc__, images=20_000)
    train, validation, test = mnist()
    graph = network("relu100", args.seed)
    table = Table("mnist_budget", ["KB", "widths", "bytes", "float %", "int8 %", "to reach"], key=1)
    dense = int8_bytes(graph)["flash"]
    table.row(
        "-",
        widths(graph),
        dense,
        accuracy(graph, test),
        int8_accuracy(graph, train, validation, test),
        "",
    )
    search = obs.Search(graph, train.first(args.images), validation=validation, seed=args.seed)
    for kb, reach in sorted(REACH.items(), reverse=True):
        pruned = search.prune(limits={"flash": kb * 1024}, cost=int8_bytes)
        g = pruned.graph
        table.row(
            kb,
            widths(g),
            pruned.cost["flash"],
            accuracy(g, test),
            int8_accuracy(g, train, validation, test),
            reach,
        )


if __name__ == "__main__":
    main()
