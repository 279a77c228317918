"""DS-CNN keyword spotting of MLPerf Tiny, calibrated on half of the stimuli, tested on the others.

EDGEPRUNE_DATA=... python -m benchmarks.pruning.kws01 [--seeds 3]
"""

from __future__ import annotations

from benchmarks.pruning.common import Table, accuracy, arguments, int8_accuracy, kws01, widths
from edgeprune.pruning import obs

SHARES = {0.75: -1.0, 0.5: -3.0}


def main() -> None:
    args = arguments(__doc__, seeds=3)
    table = Table(
        "kws01",
        ["seed", "share", "widths", "dense %", "float %", "int8 %", "change", "to reach"],
        key=2,
    )
    for seed in range(args.seeds):
        graph, own, test = kws01(seed)
        dense = accuracy(graph, test)
        fitted, validation = own.split(0.2, seed)
        search = obs.Search(graph, fitted, validation=validation, seed=seed)
        for share, reach in SHARES.items():
            g = search.prune(limits={"params": share * graph.params}).graph
            now = accuracy(g, test)
            table.row(
                seed,
                share,
                widths(g),
                dense,
                now,
                int8_accuracy(g, fitted, validation, test),
                now - dense,
                reach,
            )


if __name__ == "__main__":
    main()
