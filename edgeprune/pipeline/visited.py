"""The networks that a search passed through on its way to the one that is built."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.ir import Graph, predict
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.prepare import Prepared
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import Mask, removable
from edgeprune.report.schema import Visited

COUNT = 16
"""Of those that are looked at."""
WORK = 20_000_000_000
"""Multiply-accumulates that all of them may take together: a second or two."""
FEWEST = 100
"""Samples in any case."""


def visited(
    prepared: Prepared, chosen: Candidate, passed: Sequence[tuple[Mask, Graph]]
) -> list[Visited]:
    """What accuracy networks of other sizes have, as far as is known without building them.

    Args:
        prepared: the model and its data.
        chosen: what was built.
        passed: what is gone, and weights of dense shapes, of networks on the way.

    Returns:
        From small to large: "flash_bytes" as reckoned, "neurons" and "inputs" that are left, and
        "accuracy" in float on "n" validation samples. Each was solved layer by layer only; none
        was fine-tuned.
    """
    if chosen.pruned is None or chosen.flash_of is None or not passed:
        return []
    coupling, x = chosen.pruned.coupling, prepared.validation.x
    n = int(np.clip(WORK // (COUNT * max(prepared.float_graph.macs, 1)), FEWEST, len(x)))
    by_size = {round(chosen.flash_of(gone)): (gone, master) for gone, master in passed}
    neurons = removable(coupling)
    found: list[Visited] = []
    for size in _spread(sorted(by_size)):
        gone, master = by_size[size]
        outputs = predict(compact(master, coupling, gone), x[:n])
        found.append(
            {
                "flash_bytes": size,
                "neurons": int((neurons & ~gone).sum()),
                "inputs": int((coupling.inputs & ~gone).sum()),
                "accuracy": prepared.accuracy(outputs),
                "n": n,
            }
        )
    return found


def _spread(sizes: Sequence[int]) -> list[int]:
    """Some of a rising row of sizes, about evenly spread, its ends among them."""
    wanted = np.linspace(sizes[0], sizes[-1], COUNT)
    nearest = np.abs(np.asarray(sizes)[None] - wanted[:, None]).argmin(axis=1)
    return [sizes[k] for k in np.unique(nearest)]
