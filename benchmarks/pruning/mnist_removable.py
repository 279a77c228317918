"""How many neurons of MNIST networks can go within half a point and a point of accuracy.

    EDGEPRUNE_DATA=... python -m benchmarks.pruning.mnist_removable [--seeds 3] [--images 10000]

Only hidden neurons go, one after the other, with compensation and without training. Removable is
the largest share such that every network on the way is within the tolerance. Well-trained networks
are measured on the 10,000 test images; the paper-like ones also on their own 5,000 training images,
as the paper does, with the last layer solved anew for those after every removal. All layers of a
well-trained network are solved together where validation images say that it has begun to lose.
"""

from __future__ import annotations

import itertools

import numpy as np

from benchmarks.pruning.common import Table, accuracy, arguments
from benchmarks.pruning.mnist_nets import RECIPES, mnist, network
from edgeprune.ir import Graph, Samples
from edgeprune.pruning import obs
from edgeprune.pruning.costs import Costs
from edgeprune.pruning.limits import Limits

REACH = {
    "sig100": "38/52",
    "sig50x50": "42/52",
    "relu100": "40/52",
    "paper100": "70 own",
    "paper50x50": "60 own",
}
SAFE = 0.35
"""Points on the validation images up to which nothing is lost yet."""
OVER = 1.6
"""And from which on everything is."""


def own_curve(graph: Graph, data: Samples, shown: list[Samples], seed: int) -> np.ndarray:
    """Accuracy of the dense network and after each removal: (removals + 1, data sets)."""
    rows = [[accuracy(graph, d) for d in shown]]
    for smaller in obs.path(graph, data, head=True, seed=seed):
        rows.append([accuracy(smaller, d) for d in shown])
    return np.array(rows)


def curve(
    graph: Graph, data: Samples, validation: Samples, shown: list[Samples], seed: int
) -> np.ndarray:
    """The same, as far as the tolerances reach."""
    effort = obs.Effort(most=1, inputs=False, vector_scores=len(data))
    search = obs.Search(graph, data, validation=validation, effort=effort, seed=seed)
    prices = Costs(graph, search.coupling)
    dense = accuracy(graph, validation)
    rows = [[accuracy(graph, d) for d in shown]]
    for removed in itertools.count(1):
        small = search.choose(Limits(removals=removed), prices)
        if accuracy(small.graph, validation) < dense - SAFE:
            small = search.solve(small)
        rows.append([accuracy(small.graph, d) for d in shown])
        if accuracy(small.graph, validation) < dense - OVER:
            return np.array(rows)
    raise AssertionError


def removable(accuracies: np.ndarray, neurons: int, tolerance: float) -> float:
    """Per cent of the hidden neurons; one of every layer has to stay."""
    bad = np.flatnonzero(accuracies < accuracies[0] - tolerance - 1e-9)
    last = (bad[0] if len(bad) else len(accuracies)) - 1
    return 100 * last / neurons


def main() -> None:
    args = arguments(__doc__, seeds=3, images=10_000, nets=",".join(REACH))
    train, validation, test = mnist()
    table = Table(
        "mnist_removable", ["network", "measured on", "0.5 pt", "1 pt", "to reach"], key=2
    )
    for name in args.nets.split(","):
        recipe = RECIPES[name]
        own = train.first(recipe.images if recipe.paper else args.images)
        sets = {"held out": test, **({"own": own} if recipe.paper else {})}
        shown = list(sets.values())
        curves = [
            own_curve(network(name, seed), own, shown, seed)
            if recipe.paper
            else curve(network(name, seed), own, validation, shown, seed)
            for seed in range(args.seeds)
        ]
        for i, where in enumerate(sets):
            shares = [
                float(np.mean([removable(c[:, i], sum(recipe.sizes[1:-1]), t) for c in curves]))
                for t in (0.5, 1.0)
            ]
            table.row(name, where, *shares, REACH[name])


if __name__ == "__main__":
    main()
