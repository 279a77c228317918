"""Accuracy with activations of fewer bits than eight, all of them or those that take most RAM.

    EDGEPRUNE_DATA=... python -m benchmarks.pruning.activations [--samples 1000]

Weights stay float, so that nothing else is lost. Activations are rounded where they are read, to
2^bits levels between the ends of least squared error on calibration samples; inputs and answers are
as they are. "largest": the tensors of the most elements, eight bits for all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch

from benchmarks.pruning.common import Table, arguments, ic01, kws01
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Graph, Node, Samples, run, tensors
from edgeprune.quantize import Observed, observe

CALIBRATION, PART = 300, 250
BITS = (8, 6, 5, 4)


def main() -> None:
    args = arguments(__doc__, samples=1000)
    table = Table("activations", ["network", "bits", "all %", "largest %"], key=2)
    for name, made in (("ic01", ic01()), ("kws01", kws01(args.seed))):
        graph, train, test = fuse(made[0]), made[1], made[2].first(args.samples)
        seen = observe(graph, train.x[:CALIBRATION])
        inner = [v for v in graph.activations if v not in (*graph.inputs, *graph.outputs)]
        most = max(graph.types[v].size for v in inner)
        largest = [v for v in inner if graph.types[v].size == most]
        table.row(name, "float", *2 * [_accuracy(graph, test, seen, {})])
        for bits in BITS:
            every = dict.fromkeys(inner, bits)
            some = dict.fromkeys(inner, 8) | dict.fromkeys(largest, bits)
            table.row(name, bits, *(_accuracy(graph, test, seen, way) for way in (every, some)))


def _accuracy(
    graph: Graph, data: Samples, seen: Mapping[str, Observed], bits: Mapping[str, int]
) -> float:
    ends = {v: seen[v].range("mse", 2**b) for v, b in bits.items()}
    hook = partial(_rounded, ends, bits)
    weights, out, right = tensors(graph), graph.outputs[0], 0
    for start in range(0, len(data), PART):
        part = data.x[start : start + PART], data.y[start : start + PART]
        fed = {graph.inputs[0]: torch.from_numpy(part[0])}
        said = run(graph, fed, constants=weights, keep=(out,), hook=hook)[out].flatten(1)
        right += int((said.argmax(1).numpy() == part[1]).sum())
    return 100 * right / len(data)


def _rounded(
    ends: Mapping[str, tuple[float, float]],
    bits: Mapping[str, int],
    node: Node,
    operand: int,
    x: torch.Tensor,
) -> torch.Tensor:
    """What a node reads, on its levels, of which 0 is one."""
    v = node.inputs[operand]
    if v not in ends:
        return x
    low, high = min(ends[v][0], 0.0), max(ends[v][1], 0.0)
    step = (high - low) / (2 ** bits[v] - 1)
    first = round(low / step)
    return (x / step).round().clamp(first, first + 2 ** bits[v] - 1) * step


if __name__ == "__main__":
    main()
