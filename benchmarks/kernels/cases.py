"""Random layers for the kernels' tests and benchmarks, with their expected outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import harness
from edgeprune.ir import Array, DType, Graph, QuantParams, TensorType
from edgeprune.ir import fixedpoint as fx
from edgeprune.ops._window import Padding
from edgeprune.ops.conv import Conv2d, DepthwiseConv2d
from edgeprune.ops.dense import Dense


@dataclass(frozen=True)
class Case:
    """One layer, an input and what must come out."""

    graph: Graph
    inputs: list[Array]
    expected: Array

    @property
    def macs(self) -> int:
        return self.graph.macs


def _weights(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> Array:
    if kind == "normal":
        return np.clip(np.round(rng.normal(0, 35, shape)), -127, 127).astype(np.int8)
    if kind == "full":
        return rng.integers(-128, 128, shape).astype(np.int8)
    return rng.choice(np.array([-127, 127], np.int8), shape)


def conv(
    rng: np.random.Generator, h: int, w: int, c: int, o: int, kh: int, kw: int, *, stride=(1, 1),
    dilation=(1, 1), pads=(0, 0, 0, 0), relu=False, zero_in=None, zero_out=None, kind="normal",
    depthwise=False, spread=4, gain=1.0, clamp6=False,
) -> Case:
    zi = int(rng.integers(-128, 128)) if zero_in is None else zero_in
    zo = int(rng.integers(-128, 128)) if zero_out is None else zero_out
    padding = Padding(pads[0], pads[2], pads[1], pads[3])
    clamp = (0.0, float("inf")) if relu else (0.0, 6.0) if clamp6 else None
    if depthwise:
        weights = _weights(rng, (kh, kw, o), kind)
        op = DepthwiseConv2d(stride, padding, dilation, clamp)
        taps, axis = kh * kw, 2
    else:
        weights = _weights(rng, (o, kh, kw, c), kind)
        op = Conv2d(stride, padding, dilation, 1, clamp)
        taps, axis = kh * kw * c, 0
    bias = rng.integers(-3000, 3000, o).astype(np.int32)
    xs = 0.05
    ws = tuple(float(v) for v in np.float32(0.01 * 2.0 ** -rng.uniform(0, spread, o)))
    ys = float(np.float32(xs * np.mean(ws) * np.sqrt(taps) * 35 * 70 / 60 / gain))
    xq, yq = QuantParams.of(xs, zi), QuantParams.of(ys, zo)
    wq = QuantParams(ws, (0,) * o, axis)
    bq = QuantParams(tuple(xs * v for v in ws), (0,) * o, 0)
    graph = harness.single(
        op, [TensorType((h, w, c), DType.INT8, xq)], yq,
        {"w": (weights, TensorType(weights.shape, DType.INT8, wq)),
         "b": (bias, TensorType((o,), DType.INT32, bq))},
    )
    x = rng.integers(-128, 128, (h, w, c)).astype(np.int8)
    cl = fx.clamp_range(*(clamp or (-np.inf, np.inf)), yq)
    f = fx.depthwise_conv2d if depthwise else fx.conv2d
    y = f(x[None], weights, bias, xq, wq, yq, stride=stride, dilation=dilation, pads=pads, clamp=cl)[0]
    return Case(graph, [x], y)


def check(case: Case, kernel, target="cortex-m4", optimize="speed"):
    call = harness.ask(kernel, case.graph, optimize)
    assert call is not None, "not applicable"
    run = harness.run_call(call, [case.inputs], case.expected.nbytes, target, optimize)
    got = np.frombuffer(run.output[0], case.expected.dtype).reshape(case.expected.shape)
    return call, run, got


def dense(
    rng: np.random.Generator, i: int, o: int, *, rows=0, relu=False, zero_in=None, zero_out=None,
    kind="normal", shared=True, gain=1.0, clamp6=False,
) -> Case:
    zi = int(rng.integers(-128, 128)) if zero_in is None else zero_in
    zo = int(rng.integers(-128, 128)) if zero_out is None else zero_out
    clamp = (0.0, float("inf")) if relu else (0.0, 6.0) if clamp6 else None
    weights = _weights(rng, (o, i), kind)
    bias = rng.integers(-3000, 3000, o).astype(np.int32)
    xs = 0.05
    ws = tuple(float(v) for v in np.float32(0.01 * 2.0 ** -rng.uniform(0, 3, 1 if shared else o)))
    ys = float(np.float32(xs * np.mean(ws) * np.sqrt(i) * 35 * 70 / 60 / gain))
    xq, yq = QuantParams.of(xs, zi), QuantParams.of(ys, zo)
    wq = QuantParams(ws, (0,) * len(ws), None if shared else 0)
    bq = QuantParams(tuple(xs * v for v in ws), (0,) * len(ws), None if shared else 0)
    shape = (rows, i) if rows else (i,)
    graph = harness.single(
        Dense(clamp), [TensorType(shape, DType.INT8, xq)], yq,
        {"w": (weights, TensorType(weights.shape, DType.INT8, wq)),
         "b": (bias, TensorType((o,), DType.INT32, bq))},
    )
    x = rng.integers(-128, 128, shape).astype(np.int8)
    cl = fx.clamp_range(*(clamp or (-np.inf, np.inf)), yq)
    y = fx.dense(x.reshape(-1, i), weights, bias, xq, wq, yq, cl).reshape((*shape[:-1], o))
    return Case(graph, [x], y)


def add(rng: np.random.Generator, shape, *, scales=(0.1, 0.04, 0.12), relu=False, zeros=None) -> Case:
    from edgeprune.ops import Add

    z = [int(v) for v in rng.integers(-128, 128, 3)] if zeros is None else zeros
    aq, bq, yq = (QuantParams.of(s, v) for s, v in zip(scales, z, strict=True))
    clamp = (0.0, float("inf")) if relu else None
    graph = harness.single(
        Add(clamp), [TensorType(shape, DType.INT8, q) for q in (aq, bq)], yq, {}
    )
    a, b = (rng.integers(-128, 128, shape).astype(np.int8) for _ in range(2))
    cl = fx.clamp_range(*(clamp or (-np.inf, np.inf)), yq)
    return Case(graph, [a, b], fx.add(a, b, aq, bq, yq, cl))
