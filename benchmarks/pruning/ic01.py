"""ResNet-8 of MLPerf Tiny on CIFAR-10: shares of its parameter bytes, and int8 sizes; no training.

    EDGEPRUNE_DATA=... python -m benchmarks.pruning.ic01 [--images 9000] [--only "32 KB"]

Chosen and fitted on training images, decided on 1,000 others of them, reported on all 10,000 test
images. The seconds are of one run from nothing at one size; "layer by layer" is what it was before
all layers were solved together.
"""

from __future__ import annotations

import time

import torch

from benchmarks.pruning.common import (
    Table,
    accuracy,
    arguments,
    ic01,
    int8_accuracy,
    int8_bytes,
    widths,
)
from edgeprune.pruning import obs
from edgeprune.pruning.costs import Costs
from edgeprune.pruning.limits import Limits

SHARES = {0.75: 84.5, 0.5: 77.5, 0.25: 63.0}
KILOBYTES = {64: 84.5, 32: 75.0, 16: 58.0}


def main() -> None:
    args = arguments(__doc__, images=9000, threads=2, only="")
    torch.set_num_threads(args.threads)
    graph, train, test = ic01()
    train, validation = train.split(0.1, args.seed)
    train = train.first(args.images)
    table = Table(
        "ic01",
        ["size", "widths", "layer by layer %", "float %", "int8 %", "to reach", "run s"],
        key=1,
    )
    if args.only in "dense":
        whole = accuracy(graph, test), int8_accuracy(graph, train, validation, test)
        table.row("dense", widths(graph), "", *whole, "", 0.0)
    wanted = [
        (f"{s:.0%} of float bytes", {"params": s * graph.params}, r) for s, r in SHARES.items()
    ]
    wanted += [(f"{kb} KB int8", {"flash": kb * 1024.0}, r) for kb, r in KILOBYTES.items()]
    for name, limits, reach in wanted:
        if args.only not in name:
            continue
        start = time.perf_counter()
        search = obs.Search(graph, train, validation=validation, seed=args.seed)
        prices = Costs(graph, search.coupling, int8_bytes)
        chosen = search.choose(Limits(limits), prices)
        g = search.solve(chosen).graph
        seconds = time.perf_counter() - start
        table.row(
            name,
            widths(g),
            accuracy(chosen.graph, test),
            accuracy(g, test),
            int8_accuracy(g, train, validation, test),
            reach,
            seconds,
        )


if __name__ == "__main__":
    main()
