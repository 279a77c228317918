"""Instructions of single layers of many shapes: the cliffs between those kernels were made for.

    python benchmarks/kernels/bench_shapes.py [--cores cortex-m4,cortex-m55] [--kinds depthwise]

Every layer is lowered as in a build for speed, run on the emulated core and checked against the
integer reference. Prints, for every core and kind, the least instructions a unit (multiplication
with weights, element in a window, or element) and the ten shapes that take most beside it, results
counted as units: rescaling one is a fixed price. ``--all``: every shape.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from kernels.harness import expected, one_node
from kernels.on_core import Trial, run_on_core

from edgeprune.ir import DType, Graph, QuantParams, TensorType
from edgeprune.kernels.select import lower
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    MaxPool2d,
    Mean,
    Mul,
    Op,
    Resize,
    Softmax,
)
from edgeprune.ops._window import Padding
from edgeprune.target import Target, load_target

CORES = "cortex-m4,cortex-m55,cortex-m0plus"
WORST = 10
RESULT = 10
"""Units that a result of a sum or a window counts as: the best kernels rescale one in so many."""
BATCH = 40
RELU = (0.0, np.inf)
Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Shape:
    """A layer: its kind, what to call it, and the network of one node."""

    kind: str
    name: str
    graph: Graph

    @property
    def units(self) -> int:
        """Multiplications with weights, elements in windows, or of operand or result."""
        graph, op = self.graph, self.graph.nodes[0].op
        results = graph.types[graph.outputs[0]].size
        if isinstance(op, AvgPool2d | MaxPool2d):
            return results * op.kernel[0] * op.kernel[1]
        sizes = [graph.types[v].size for v in graph.inputs]
        return graph.macs if graph.constants else max(*sizes, results)

    @property
    def work(self) -> int:
        """Units, results among them where each is of several elements."""
        results = self.graph.types[self.graph.outputs[0]].size
        sums = self.graph.constants or isinstance(
            self.graph.nodes[0].op, AvgPool2d | MaxPool2d | Mean
        )
        return self.units + (RESULT * results if sums else 0)


def network(
    op: Op, images: list[Sizes], w: Sizes = (), axis: int = 0, y_scale: float = 0.08
) -> Graph:
    """A layer with weights as training leaves them, an eighth of its channels far out."""
    rng = np.random.default_rng(0)
    keeps = isinstance(op, AvgPool2d | MaxPool2d | Resize)
    steps = [0.05 if keeps else 0.05 + 0.01 * i for i in range(len(images))]
    x = [
        TensorType(s, DType.INT8, QuantParams.of(v, -9)) for s, v in zip(images, steps, strict=True)
    ]
    fixed = op.fixed_quant(8) if isinstance(op, Softmax) else QuantParams.of(y_scale, -128)
    y = x[0] if keeps else TensorType((), DType.INT8, fixed)
    if not w:
        return one_node(op, x, y)
    n = w[axis]
    weights = np.clip(np.round(rng.normal(0, 35, w)), -127, 127).astype(np.int8)
    scales = tuple(np.float32(0.002 * 2.0 ** -rng.uniform(0, 2, n)).tolist())
    bias = rng.integers(-2000, 2000, n).astype(np.int32)
    wq = QuantParams(scales, (0,) * n, axis)
    bq = QuantParams(tuple(float(np.float32(0.05 * s)) for s in scales), (0,) * n, 0)
    held = {
        "w": (weights, TensorType(w, DType.INT8, wq)),
        "b": (bias, TensorType((n,), DType.INT32, bq)),
    }
    return one_node(op, x, y, held)


def window(image: Sizes, kernel: Sizes, dilation: int) -> Padding:
    """So that the result is as large as the image."""
    reach = [(k - 1) * (dilation if s > 1 else 1) for k, s in zip(kernel, image[:2], strict=True)]
    return Padding(reach[0] // 2, reach[1] // 2, -(-reach[0] // 2), -(-reach[1] // 2))


def depthwise() -> Iterator[Shape]:
    """Audio (one column) and images."""
    for kernel, channels in product((3, 5, 9, 13, 21), (8, 20, 64)):
        image, k = (49, 1, channels), (kernel, 1)
        op = DepthwiseConv2d((1, 1), window(image, k, 1), clamp=RELU)
        yield Shape(
            "depthwise", f"{kernel}x1, 49x1x{channels}", network(op, [image], (*k, channels), 2)
        )
    for kernel, side, channels in product(
        ((3, 3), (5, 5), (7, 7), (1, 3), (3, 1)), (4, 7, 24), (8, 20)
    ):
        for stride, dilation in ((1, 1), (2, 1), (1, 2)):
            image = (side, side, channels)
            op = DepthwiseConv2d(
                (stride,) * 2, window(image, kernel, dilation), (dilation,) * 2, RELU
            )
            name = f"{kernel[0]}x{kernel[1]}, {side}x{side}x{channels}, s{stride} d{dilation}"
            yield Shape("depthwise", name, network(op, [image], (*kernel, channels), 2))


def conv() -> Iterator[Shape]:
    """Convolutions with 1x1 and larger kernels, for odd and even channels."""
    for depth, filters, side in product((1, 3, 4, 5, 8, 15, 31, 32, 64), (2, 7, 16, 33), (5, 12)):
        op = Conv2d(clamp=RELU)
        name = f"1x1, {side}x{side}x{depth} to {filters}"
        yield Shape("conv 1x1", name, network(op, [(side, side, depth)], (filters, 1, 1, depth)))
    shapes = ((1, 1), (2, 1), (1, 2))
    kernels = ((3, 3), (5, 5), (3, 1), (9, 1))
    for kernel, depth, (stride, dilation) in product(kernels, (1, 3, 7, 8, 31), shapes):
        image = (12, 1 if kernel[1] == 1 else 12, depth)
        pad = window(image, kernel, dilation)
        op = Conv2d((stride, stride), pad, (dilation, dilation), clamp=RELU)
        name = f"{kernel[0]}x{kernel[1]}, 12x{image[1]}x{depth} to 12, s{stride} d{dilation}"
        yield Shape("conv", name, network(op, [image], (12, *kernel, depth)))


def dense() -> Iterator[Shape]:
    """Fully connected layers."""
    for n_in, n_out in product((3, 10, 33, 64, 250), (1, 2, 5, 10, 32, 64)):
        yield Shape("dense", f"{n_in} to {n_out}", network(Dense(RELU), [(n_in,)], (n_out, n_in)))


def rest() -> Iterator[Shape]:
    """What has no weights."""
    for side, channels in product((1, 5, 12), (3, 8, 31, 64)):
        image = (side, side, channels)
        size = f"{side}x{side}x{channels}"
        yield Shape("add", size, network(Add(RELU), [image, image], y_scale=0.0813))
        yield Shape("add", f"{size}, with halves", network(Add(RELU), [image, image]))
        yield Shape("mul", size, network(Mul(), [image, image]))
        yield Shape("mul by channel", size, network(Mul(), [image, (1, 1, channels)]))
        yield Shape("mean", size, network(Mean((0, 1)), [image]))
        yield Shape("softmax", size, network(Softmax(), [(side * side, channels)]))
        if side > 1:
            for kind, op in (("max", MaxPool2d), ("average", AvgPool2d)):
                for k, stride in ((2, 2), (3, 1), (3, 2), (side, side)):
                    made = network(op((k, k), (stride, stride)), [image])
                    yield Shape(f"{kind} pool", f"{size}, {k}x{k} s{stride}", made)
            grown = Resize((2 * side, 2 * side))
            yield Shape("resize nearest", size, network(grown, [image]))


def counted(shapes: list[Shape], target: Target) -> list[tuple[int, Shape, str]]:
    """Instructions, the shape, and the kernel that it gets."""
    rng = np.random.default_rng(1)
    trials = []
    for s in shapes:
        feed = {
            v: rng.integers(-128, 128, s.graph.types[v].shape).astype(np.int8)
            for v in s.graph.inputs
        }
        core = target.core or target.name
        calls = lower(s.graph, target.kernels, "speed", core, pairs=target.pairs)
        trials.append(Trial(s.graph, next(iter(calls.values())), feed))
    found = []
    for at in range(0, len(trials), BATCH):
        some = trials[at : at + BATCH]
        results = run_on_core(some, target.name)
        for s, t, r in zip(shapes[at : at + BATCH], some, results, strict=True):
            assert np.array_equal(r.output, expected(t.graph, t.feed)), f"{s.kind} {s.name}"
            assert r.counts is not None, "no host compiler for the plugin that counts"
            found.append((r.counts.instructions, s, t.call.kernel))
    return found


def main() -> None:
    """Print the worst."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", default=CORES)
    parser.add_argument("--kinds", default="", help="those whose name begins so")
    parser.add_argument("--all", action="store_true", help="every shape, not the worst ten")
    args = parser.parse_args()
    shapes = [s for make in (depthwise, conv, dense, rest) for s in make()]
    shapes = [s for s in shapes if s.kind.startswith(args.kinds)]
    for core in args.cores.split(","):
        rows = counted(shapes, load_target(core))
        for kind in dict.fromkeys(s.kind for s in shapes):
            own = sorted((r for r in rows if r[1].kind == kind), key=lambda r: r[0] / r[1].work)
            n, s, _ = own[0]
            best = n / s.work
            print(f"{core} {kind}: {len(own)} shapes, best {n / s.units:.2f} ({s.name})")
            for n, s, kernel in own[::-1][: None if args.all else WORST]:
                ratio = n / s.work / best
                print(f"    {n / s.units:7.2f} {ratio:6.1f}x  {s.name:32} {kernel}")


if __name__ == "__main__":
    main()
