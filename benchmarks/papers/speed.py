"""Exact brute force against one forward pass for each neuron: 784-100-10, 5,000 images, one thread.

    EDGEPRUNE_DATA=... python -m benchmarks.papers.speed

CPU seconds, the best of several for what is short. The naive way is the paper's: a forward pass
with the neuron's output set to 0, in float32 as one would write it; its whole curve is
extrapolated from single rankings with 100, 50 and 10 neurons left. Orders are compared with a
naive one in float64.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.papers.common import arguments, keep, table
from benchmarks.pruning.mnist_nets import mnist, network
from edgeprune.ir import Graph, Samples
from edgeprune.pruning.criteria import Context
from edgeprune.pruning.criteria.chain import ChainSession, find_chain

NETWORKS = ("paper100", "sig100", "relu100", "sig50x50")
IMAGES = 5000


def main() -> None:
    started = time.perf_counter()
    arguments(__doc__)
    data = mnist()[0].first(IMAGES)
    rows = [measure(name, network(name), data) for name in NETWORKS]
    head = [
        "network",
        "naive ranking s",
        "ours s",
        "times",
        "naive curve s",
        "ours s",
        "times",
        "max rel. difference",
        "same order",
    ]
    print(table(head, [[*row.values()] for row in rows]))
    keep("speed", rows, started)


def measure(name: str, graph: Graph, data: Samples) -> dict[str, object]:
    ctx = Context.of(graph, data)
    naive = Naive(ctx, torch.float32)
    slow = [seconds(partial(naive.errors, left)) for left in naive.samples_of_curve()]
    chain = find_chain(ctx)
    assert chain is not None
    session = ChainSession(ctx, chain)
    fast = min(seconds(session.scores) for _ in range(9))
    curve = min(seconds(lambda: whole_curve(ctx)) for _ in range(3))
    order, scores = whole_curve(ctx)
    exact = Naive(ctx, torch.float64)
    worst, same = exact.compare(order, scores)
    slow_curve = naive.extrapolate(slow)
    return {
        "network": name,
        "naive_ranking": slow[0],
        "ranking": fast,
        "times": slow[0] / fast,
        "naive_curve": slow_curve,
        "curve": curve,
        "curve_times": slow_curve / curve,
        "max_relative_difference": f"{worst:.1e}",
        "same_order": same,
    }


def seconds(f: Callable[[], object]) -> float:
    start = time.process_time()
    f()
    return time.process_time() - start


def whole_curve(ctx: Context) -> tuple[list[int], list[np.ndarray]]:
    """Algorithm 2 to the last neuron of each layer, from the network on."""
    chain = find_chain(ctx)
    assert chain is not None
    session = ChainSession(ctx, chain)
    left = [len(ids) for ids in chain.ids]
    layer = {int(k): i for i, ids in enumerate(chain.ids) for k in ids}
    order, history = [], []
    while True:
        scores = session.scores()
        history.append(scores)
        open_ = [k for k in np.flatnonzero(~np.isnan(scores)) if left[layer[int(k)]] > 1]
        if not open_:
            return order, history
        k = int(min(open_, key=lambda i: scores[i]))
        left[layer[k]] -= 1
        session.remove(np.asarray([k]))
        order.append(k)


class Naive:
    """One forward pass for each neuron."""

    def __init__(self, ctx: Context, dtype: torch.dtype) -> None:
        chain = find_chain(ctx)
        assert chain is not None
        c = ctx.graph.constants
        self.ctx, self.chain = ctx, chain
        self.w = [torch.from_numpy(c[n.inputs[1]]).to(dtype) for n in chain.dense]
        self.b = [torch.from_numpy(c[n.inputs[2]]).to(dtype) for n in chain.dense]
        self.x = torch.from_numpy(ctx.data.x).to(dtype)
        self.t = torch.from_numpy(ctx.loss.targets).to(dtype)
        self.all = [int(k) for ids in chain.ids for k in ids]

    def samples_of_curve(self) -> list[list[int]]:
        return [self.all[::step] for step in (1, 2, 10)]

    def extrapolate(self, found: list[float]) -> float:
        """The time of rankings is about a line in the number of neurons, times their number."""
        counts = np.asarray([len(s) for s in self.samples_of_curve()])
        each = np.polyfit(counts, np.asarray(found) / counts, 1)
        return float(sum(k * np.polyval(each, k) for k in range(1, len(self.all) + 1)))

    def error(self, kept: list[list[int]], off: int | None) -> float:
        a = self.x
        for m in range(len(self.w)):
            rows = kept[m] if m < len(kept) else slice(None)
            columns = kept[m - 1] if m else slice(None)
            z = a @ self.w[m][rows][:, columns].T + self.b[m][rows]
            if m == len(kept):
                return float(self.ctx.loss.per_sample(z, self.t).sum())
            a = z
            for op in self.chain.acts[m]:
                a = op.evaluate(a)
            ids = [int(k) for k in self.chain.ids[m][rows]]
            if off in ids:
                a[:, ids.index(off)] = 0
        raise AssertionError("no head")

    def errors(self, left: list[int]) -> dict[int, float]:
        kept = [[i for i, k in enumerate(ids) if int(k) in set(left)] for ids in self.chain.ids]
        with torch.inference_mode():
            return {k: self.error(kept, k) for k in left}

    def compare(self, order: list[int], scores: list[np.ndarray]) -> tuple[float, bool]:
        """Largest relative difference of errors, and whether each removal was the right one.

        Every fifth ranking is repeated.
        """
        worst, same, left = 0.0, True, list(self.all)
        for i, k in enumerate(order):
            if i % 5 == 0:
                expected = self.errors(left)
                base = self.base(left)
                found = {j: scores[i][j] * len(self.x) + base for j in left}
                worst = max(worst, *(abs(found[j] / expected[j] - 1) for j in left))
                same &= k == min((j for j in left if self.free(j, left)), key=expected.__getitem__)
            left.remove(k)
        return worst, same

    def base(self, left: list[int]) -> float:
        kept = [[i for i, k in enumerate(ids) if int(k) in set(left)] for ids in self.chain.ids]
        with torch.inference_mode():
            return self.error(kept, None)

    def free(self, k: int, left: list[int]) -> bool:
        own = next(ids for ids in self.chain.ids if k in ids)
        return sum(int(j) in set(left) for j in own) > 1


if __name__ == "__main__":
    main()
