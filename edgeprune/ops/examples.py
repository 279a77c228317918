"""One small network for every operator: what `edgeprune ops` and the tests of all facets run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgeprune.ir import (
    Array,
    DType,
    Graph,
    Node,
    Op,
    Port,
    QuantParams,
    TensorType,
    build_graph,
)
from edgeprune.ir.fixedpoint.audio import GAINS, Rules
from edgeprune.ops._window import Padding
from edgeprune.ops.activation import Elu, Gelu, HardSwish, LeakyRelu, PRelu, Relu, Sigmoid, Tanh
from edgeprune.ops.arith import Add, Div, Keep, Maximum, Minimum, Mul, Sub
from edgeprune.ops.audio import AudioFeatures
from edgeprune.ops.compare import Compare
from edgeprune.ops.conv import Conv2d, DepthwiseConv2d
from edgeprune.ops.conv_transpose import ConvTranspose2d
from edgeprune.ops.dense import Dense
from edgeprune.ops.embedding import Embedding
from edgeprune.ops.function import FUNCTIONS
from edgeprune.ops.lstm import Lstm
from edgeprune.ops.matmul import MatMul
from edgeprune.ops.pool import AvgPool2d, MaxPool2d, Mean
from edgeprune.ops.resize import Resize
from edgeprune.ops.shape import Concat, Gather, Pad, Reshape, Slice, Transpose
from edgeprune.ops.softmax import LogSoftmax, Softmax
from edgeprune.ops.svdf import SvdfFeature, SvdfTime

IMAGE = (6, 5, 4)
VECTOR = (8,)

# (operator, shapes of the activations it reads, shapes of the constants after them)
Example = tuple[Op, tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]

EXAMPLES: tuple[Example, ...] = (
    (Conv2d(padding=Padding(1, 1, 1, 1)), (IMAGE,), ((3, 3, 3, 4), (3,))),
    (DepthwiseConv2d(padding=Padding(1, 1, 1, 1)), (IMAGE,), ((3, 3, 4), (4,))),
    (ConvTranspose2d(stride=(2, 2)), (IMAGE,), ((3, 2, 2, 4), (3,))),
    (Dense(), (VECTOR,), ((5, 8), (5,))),
    (MatMul(), ((2, 3, 6), (2, 6, 5)), ()),
    (MatMul(transposed=True), ((2, 3, 6), (2, 9, 6)), ()),
    (MaxPool2d(), (IMAGE,), ()),
    (AvgPool2d(), (IMAGE,), ()),
    (Mean(), (IMAGE,), ()),
    (Add(), (IMAGE, IMAGE), ()),
    (Sub(), (IMAGE, IMAGE), ()),
    (Mul(), (IMAGE, IMAGE), ()),
    (Div(), (IMAGE, IMAGE), ()),
    (Maximum(), (IMAGE, IMAGE), ()),
    (Minimum(), (IMAGE, IMAGE), ()),
    (Keep(), (IMAGE, IMAGE), ()),
    (Relu(), (IMAGE,), ()),
    (Sigmoid(), (IMAGE,), ()),
    (Tanh(), (IMAGE,), ()),
    (LeakyRelu(), (IMAGE,), ()),
    (PRelu(), (IMAGE,), ((4,),)),
    (Elu(), (IMAGE,), ()),
    (HardSwish(), (IMAGE,), ()),
    (Gelu(), (IMAGE,), ()),
    *((function(), (IMAGE,), ()) for function in FUNCTIONS),
    (Compare(), (IMAGE,), ()),
    (Softmax(), (VECTOR,), ()),
    (LogSoftmax(), (VECTOR,), ()),
    (Reshape(shape=(120,)), (IMAGE,), ()),
    (Transpose(perm=(1, 0, 2)), (IMAGE,), ()),
    (Pad(before=(1, 2, 0), after=(0, 1, 0)), (IMAGE,), ()),
    (Concat(), (IMAGE, IMAGE), ()),
    (Slice(start=(1, 4, 0), stop=(5, -1, 2), step=(2, -1, 1)), (IMAGE,), ()),
    (Gather(indices=(6, 0, 3)), (VECTOR,), ()),
    (Embedding(), ((6,),), ((9, 4),)),
    (Resize(size=(12, 10)), (IMAGE,), ()),
)


def example_graph(example: Example) -> Graph:
    """A float network of one operator, with random constants.

    Args:
        example: a row of ``EXAMPLES``.
    """
    op, activations, shapes = example
    rng = np.random.default_rng(0)
    constants: dict[str, Array] = {
        f"c{i}": rng.normal(size=shape).astype(np.float32) for i, shape in enumerate(shapes)
    }
    inputs = {
        f"x{i}": TensorType(shape, DType.INT32 if i in op.numbers else DType.FLOAT32)
        for i, shape in enumerate(activations)
    }
    node = Node(op.kind, op, (*inputs, *constants), "y")
    return build_graph(op.kind, [node], inputs, ["y"], constants)


def lstm_graph(seed: int = 0, steps: int = 3, inputs: int = 4, n: int = 2) -> Graph:
    """A layer of ``n`` units over some steps in the integers of a file, with what it keeps."""
    rng = np.random.default_rng(seed)

    def held(*shape: int) -> TensorType:
        return TensorType(shape, DType.INT8, QuantParams.of(2.0**-7))

    weights = TensorType((4 * n, inputs), DType.INT8, QuantParams((0.01,) * 4 * n, (0,) * 4 * n, 0))
    types = {"w": weights, "r": replace(weights, shape=(4 * n, n))}
    constants: dict[str, Array] = {
        name: rng.integers(-127, 128, t.shape).astype(np.int8) for name, t in types.items()
    }
    types["bias"] = replace(weights, shape=(4 * n,), dtype=DType.INT32)
    constants["bias"] = np.zeros(4 * n, np.int32)
    rows = {"y": (0, steps), "h_next": (steps - 1, steps), "c_next": (steps, steps + 2)}
    cuts = [
        Node(name, Slice((start, 0), (stop, n), (1, 1)), ("whole",), name)
        for name, (start, stop) in rows.items()
    ]
    return build_graph(
        "lstm",
        [Node("lstm", Lstm(), ("x", "h", "c", "w", "r", "bias"), "whole"), *cuts],
        {
            "x": held(steps, inputs),
            "h": held(1, n),
            "c": held(2, n),
        },
        rows,
        constants,
        types,
        known={
            "whole": held(steps + 2, n),
            **{k: held(stop - start, n) for k, (start, stop) in rows.items()},
        },
        ports={
            f"{v}_next": Port(f"{v}_next", (1, size, n), dtype=DType.INT8, feeds=v)
            for v, size in (("h", 1), ("c", 2))
        },
    )


def audio_graph(seed: int = 0, samples: int = 30, fft: int = 32, bands: int = 5) -> Graph:
    """A front end in the integers of a file, with what it keeps; each energy is in two bands."""
    rng = np.random.default_rng(seed)
    ends = np.linspace(1, fft // 2, bands + 2).astype(int)
    width = np.diff(ends)
    groups = np.stack([ends[:-1], np.cumsum(width) - width, width])
    share = rng.integers(0, 4097, width.sum())
    gains = np.zeros(GAINS)
    gains[:2] = gains[2::4] = 20000  # the same for any noise
    parts = {
        "window": rng.integers(0, 4097, samples),
        "bank": np.stack([share, 4096 - share]),
        "groups": groups,
        "gains": gains,
    }
    constants = {name: part.astype(np.int16) for name, part in parts.items()}
    one = QuantParams.of(1.0)
    types = {name: TensorType(part.shape, DType.INT16, one) for name, part in constants.items()}
    shares = (409, 16384 - 409, 983, 16384 - 983, 819)
    rules = Rules(12, fft, 1, fft // 2, *shares, 14, 10, False, 6, 3, 64)
    rows = {"y": (0, 1), "noise_next": (1, 5)}
    cuts = [
        Node(name, Slice((start, 0), (stop, bands), (1, 1)), ("whole",), name)
        for name, (start, stop) in rows.items()
    ]
    held = {n: TensorType((n, bands), DType.INT8, one) for n in (1, 4, 5)}
    return build_graph(
        "audio_features",
        [Node("features", AudioFeatures(rules), ("x", "noise", *constants), "whole"), *cuts],
        {"x": TensorType((samples,), DType.INT16, one), "noise": held[4]},
        rows,
        constants,
        types,
        known={"whole": held[5], "y": held[1], "noise_next": held[4]},
        ports={"noise_next": Port("noise_next", (1, 4, bands), dtype=DType.INT8, feeds="noise")},
    )


def svdf_graph(
    seed: int = 0, inputs: int = 6, filters: int = 6, frames: int = 4, rank: int = 2
) -> Graph:
    """A layer that keeps features of some frames as int16, in the integers of a file."""
    rng, units = np.random.default_rng(seed), filters // rank
    kept = TensorType((frames, filters), DType.INT16, QuantParams.of(2.0**-11))
    y = TensorType((units,), DType.INT8, QuantParams.of(0.1, 3))
    types = {
        "w": TensorType((filters, inputs), DType.INT8, QuantParams.of(0.01)),
        "over_time": TensorType((filters, frames), DType.INT16, QuantParams.of(2.0**-14)),
        "bias": TensorType((units,), DType.INT32, QuantParams.of(2.0**-25)),
    }
    constants: dict[str, Array] = {
        "w": rng.integers(-127, 128, (filters, inputs)).astype(np.int8),
        "over_time": rng.integers(-9999, 10000, (filters, frames)).astype(np.int16),
        "bias": rng.integers(-(2**24), 2**24, units).astype(np.int32),
    }
    older = Slice((1, 0), (frames, filters), (1, 1))
    nodes = [
        Node("feature", SvdfFeature(), ("x", "w"), "feature"),
        Node("older", older, ("state",), "older"),
        Node("state_next", Concat(0), ("older", "feature"), "state_next"),
        Node("time", SvdfTime(), ("state_next", "over_time", "bias"), "y"),
    ]
    return build_graph(
        "svdf",
        nodes,
        {"x": TensorType((inputs,), DType.INT8, QuantParams.of(0.03, -7)), "state": kept},
        ["y", "state_next"],
        constants,
        types,
        known={
            "feature": kept.with_shape((1, filters)),
            "older": kept.with_shape((frames - 1, filters)),
            "state_next": kept,
            "y": y,
        },
        ports={
            "state_next": Port("state_next", (1, *kept.shape), dtype=DType.INT16, feeds="state")
        },
    )


FIXED: dict[str, Callable[[], Graph]] = {
    Lstm.kind: lstm_graph,
    AudioFeatures.kind: audio_graph,
    SvdfFeature.kind: svdf_graph,
    SvdfTime.kind: svdf_graph,
}
"""By operator that has no float form of its own, a network of it in integers."""
