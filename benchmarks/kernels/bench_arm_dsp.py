"""Instructions, loads and code of single layers on a core with the DSP extension.

    python benchmarks/kernels/bench_arm_dsp.py [--target cortex-m4] [--optimize speed]

Every layer is spelled by the kernels, run on the emulated core and checked against the integer
reference. Beside what was counted stands what the cost model of ``edgeprune.kernels.arm_dsp`` said,
as a ratio: the constants of the model are set so that it stays near one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from kernels.harness import expected, one_node
from kernels.on_core import Trial, run_on_core

from edgeprune.ir import Array, DType, Graph, QuantParams, TensorType
from edgeprune.kernels.select import lower
from edgeprune.ops import Add, AvgPool2d, Conv2d, Dense, DepthwiseConv2d, MaxPool2d, Op
from edgeprune.ops._window import Padding
from edgeprune.target import load_target

RELU = (0.0, np.inf)
SAME = Padding(1, 1, 1, 1)
HALF = Padding(0, 0, 1, 1)
HINT = Padding(4, 1, 5, 1)

# name, operator, image or vector, shape of the weights, zero point of the output
LAYERS: tuple[tuple[str, Op, tuple[int, ...], tuple[int, ...], int], ...] = (
    ("3x3 3-16", Conv2d((1, 1), SAME, clamp=RELU), (32, 32, 3), (16, 3, 3, 3), -128),
    ("3x3 16-16, ReLU", Conv2d((1, 1), SAME, clamp=RELU), (32, 32, 16), (16, 3, 3, 16), -128),
    ("3x3 16-16", Conv2d((1, 1), SAME), (32, 32, 16), (16, 3, 3, 16), 4),
    ("3x3 16-32, stride 2", Conv2d((2, 2), HALF), (32, 32, 16), (32, 3, 3, 16), 4),
    ("3x3 32-32", Conv2d((1, 1), SAME), (16, 16, 32), (32, 3, 3, 32), 4),
    ("3x3 64-64", Conv2d((1, 1), SAME), (8, 8, 64), (64, 3, 3, 64), -2),
    ("3x3 13-11", Conv2d((1, 1), SAME), (15, 15, 13), (11, 3, 3, 13), 0),
    ("5x5 8-16, dilated", Conv2d((1, 1), SAME, (2, 2)), (28, 28, 8), (16, 5, 5, 8), 0),
    ("10x4 1-64, stride 2", Conv2d((2, 2), HINT, clamp=RELU), (49, 10, 1), (64, 10, 4, 1), -128),
    ("1x1 64-64", Conv2d(clamp=RELU), (25, 5, 64), (64, 1, 1, 64), -128),
    ("1x1 16-32, stride 2", Conv2d((2, 2)), (32, 32, 16), (32, 1, 1, 16), -17),
    ("1x1 96-24", Conv2d(), (20, 20, 96), (24, 1, 1, 96), 3),
    ("depthwise 3x3", DepthwiseConv2d((1, 1), SAME, clamp=RELU), (25, 5, 64), (3, 3, 64), -128),
    ("depthwise 3x3, wide", DepthwiseConv2d((1, 1), SAME), (24, 24, 32), (3, 3, 32), 5),
    ("depthwise 3x3, stride 2", DepthwiseConv2d((2, 2), HALF), (48, 48, 8), (3, 3, 8), 5),
    ("depthwise 5x5", DepthwiseConv2d((1, 1), Padding(2, 2, 2, 2)), (24, 24, 16), (5, 5, 16), 5),
    ("dense 640-128", Dense(RELU), (640,), (128, 640), -128),
    ("dense 128-128", Dense(RELU), (128,), (128, 128), -128),
    ("dense 64-10", Dense(), (64,), (10, 64), 24),
    ("add", Add(RELU), (32, 32, 16), (), -128),
    ("average pool 8x8", AvgPool2d((8, 8), (8, 8)), (8, 8, 64), (), 0),
    ("max pool 2x2", MaxPool2d((2, 2), (2, 2)), (28, 28, 16), (), 0),
    ("float 3x3 16-16", Conv2d((1, 1), SAME, clamp=RELU), (32, 32, 16), (-16, 3, 3, 16), 0),
    ("float dense 784-100", Dense(RELU), (784,), (-100, 784), 0),
)


def network(op: Op, x: tuple[int, ...], w: tuple[int, ...], zero: int) -> Graph:
    """A layer with weights as training leaves them; a negative first size of w: in float."""
    rng = np.random.default_rng(0)
    shape = tuple(abs(n) for n in w)
    if w and w[0] < 0:
        weights = rng.normal(size=shape).astype(np.float32)
        bias = rng.normal(size=shape[0]).astype(np.float32)
        held = {"w": (weights, TensorType(shape)), "b": (bias, TensorType(bias.shape))}
        return one_node(op, [TensorType(x)], None, held)
    image = TensorType(x, DType.INT8, QuantParams.of(0.05, -128))
    if not w:
        inputs = [image, image] if isinstance(op, Add) else [image]
        scaled = TensorType((), DType.INT8, QuantParams.of(0.08, zero))
        return one_node(op, inputs, scaled if isinstance(op, Add) else image)
    axis = len(shape) - 1 if isinstance(op, DepthwiseConv2d) else 0
    channels = shape[axis]
    weights = np.clip(np.round(rng.normal(0, 35, shape)), -127, 127).astype(np.int8)
    scales = tuple(np.float32(0.01 * 2.0 ** -rng.uniform(0, 2, channels)).tolist())
    if isinstance(op, Dense):
        scales = scales[:1]
    wq = QuantParams(scales, (0,) * len(scales), axis if len(scales) > 1 else None)
    bq = QuantParams(
        tuple(0.05 * s for s in scales), wq.zero_point, 0 if wq.axis is not None else None
    )
    bias = rng.integers(-3000, 3000, channels).astype(np.int32)
    terms = weights.size / channels
    y = QuantParams.of(0.05 * float(np.mean(scales)) * 35 * 70 * np.sqrt(terms) / 60, zero)
    constants: dict[str, tuple[Array, TensorType]] = {
        "w": (weights, TensorType(shape, DType.INT8, wq)),
        "b": (bias, TensorType(bias.shape, DType.INT32, bq)),
    }
    return one_node(op, [image], TensorType((), DType.INT8, y), constants)


def measure(target: str, optimize: str) -> None:
    """Print a line for every layer."""
    rng, t = np.random.default_rng(1), load_target(target)
    graphs = [network(*layer[1:]) for layer in LAYERS]
    trials = []
    for graph in graphs:
        (call,) = lower(
            graph, t.kernels, optimize, t.core or t.name, pairs=t.pairs, memory=t.memory
        ).values()
        feed = {}
        for v in graph.inputs:
            x = graph.types[v]
            values = (
                rng.normal(size=x.shape) if x.quant is None else rng.integers(-128, 128, x.shape)
            )
            feed[v] = values.astype(x.dtype.numpy)
        trials.append(Trial(graph, call, feed))
    print(f"{target}, --optimize {optimize}")
    print(
        f"{'layer':24} {'cycles':>10} {'per MAC':>8} {'instructions':>12} {'per MAC':>8} "
        f"{'model':>6} {'scratch':>8}  kernel"
    )
    # The code of one layer each is named alike, so every layer is a run of its own.
    for (name, *_), trial in zip(LAYERS, trials, strict=True):
        (result,) = run_on_core([trial], target, optimize)
        want = expected(trial.graph, trial.feed)
        close = np.allclose(result.output, want, rtol=1e-4, atol=1e-4 * np.abs(want).max())
        exact = np.array_equal(result.output, want)
        assert exact or (want.dtype == np.float32 and close), name
        assert result.counts is not None, "no host compiler for the plugin that counts"
        n, macs = result.counts.cycles, trial.graph.macs
        call, counted = trial.call, result.counts.instructions
        each, counted_each = (
            f"{v / macs:8.3f}" if macs else f"{v / want.size:6.1f}/y" for v in (n, counted)
        )
        print(
            f"{name:24} {n:10,.0f} {each} {counted:12,} {counted_each} {call.work / n:6.3f} "
            f"{call.scratch_bytes:8,}  {call.kernel}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--target", default="nucleo-l4r5zi")
    parser.add_argument("--optimize", choices=["speed", "size"], default="speed")
    arguments = parser.parse_args()
    measure(arguments.target, arguments.optimize)
