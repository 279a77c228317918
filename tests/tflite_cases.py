"""One row per operator variant of a TFLite file: what writer and reader are tested on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.ir import Array, DType, Graph, LinearOp, Node, Op, TensorType, build_graph, predict
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dense,
    DepthwiseConv2d,
    Div,
    Elu,
    Gather,
    Gelu,
    HardSwish,
    LeakyRelu,
    LogSoftmax,
    Maximum,
    MaxPool2d,
    Mean,
    Minimum,
    Mul,
    Pad,
    PRelu,
    Relu,
    Reshape,
    Resize,
    Sigmoid,
    Slice,
    Softmax,
    Sub,
    Tanh,
    Transpose,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.function import FUNCTIONS, Function, Selu
from edgeprune.quantize.rewrite import quantise, quantise_weights

RELU = (0.0, math.inf)
IMAGE = (7, 8, 4)


@dataclass(frozen=True)
class Case:
    """An operator on an input of a shape, with constants of shapes."""

    op: Op
    shape: tuple[int, ...]
    constants: tuple[tuple[int, ...], ...] = ()

    def __str__(self) -> str:
        return f"{self.op}{list(self.shape)}".replace(" ", "")

    def graph(self, seed: int = 0) -> Graph:
        rng = np.random.default_rng(seed)
        values = {f"c{i}": rng.normal(0, 0.4, s) for i, s in enumerate(self.constants)}
        constants = {k: v.astype(np.float32) for k, v in values.items()}
        if isinstance(self.op, Div):
            constants = {k: np.abs(v) + 1 for k, v in constants.items()}
        node = Node("layer", self.op, ("x", *constants), "y")
        return build_graph("case", [node], {"x": TensorType(self.shape)}, ["y"], constants)

    def samples(self, n: int = 40, seed: int = 1) -> Array:
        x = np.random.default_rng(seed).normal(0, 1, (n, *self.shape)).astype(np.float32)
        return np.abs(x) + np.float32(0.5) if getattr(self.op, "pole", False) else x

    def quantised(self, dtype: DType = DType.INT8) -> Graph:
        return to_integers(self.graph(), self.samples(), dtype)


def to_integers(graph: Graph, samples: Array, dtype: DType = DType.INT8) -> Graph:
    """A graph of one node, quantised to the ranges of its samples."""
    y = predict(graph, samples)
    ends = {graph.inputs[0]: samples, graph.outputs[0]: y}
    return quantise(graph, {v: (float(a.min()), float(a.max())) for v, a in ends.items()}, dtype)


def with_int4_weights(case: Case, dtype: DType = DType.INT8) -> Graph:
    """A layer with weights of four bits."""
    graph, real = case.quantised(dtype), case.graph()
    node = next(n for n in graph.nodes if isinstance(n.op, LinearOp))
    scale = graph.types[node.inputs[0]].quant
    assert scale is not None
    made = quantise_weights(
        real.constants["c0"], real.constants["c1"], scale.scale[0], node.op.out_axis,
        dtype, bits=4,
    )  # fmt: skip
    values = dict(zip(node.inputs[1:], made, strict=True))
    return replace(
        graph,
        constants={**graph.constants, **{k: v for k, (v, _) in values.items()}},
        types={**graph.types, **{k: t for k, (_, t) in values.items()}},
    )


def conv(op: Op, o: int = 6, i: int = 4) -> Case:
    return Case(op, IMAGE, ((o, 3, 3, i), (o,)))


def transposed(op: Op) -> Case:
    return Case(op, (4, 5, 3), ((4, 3, 3, 3), (4,)))


CASES = [
    Case(Dense(), (7,), ((5, 7), (5,))),
    Case(Dense(RELU), (3, 7), ((5, 7), (5,))),
    Case(Dense(), (7,), ((1, 7), (1,))),
    conv(Conv2d()),
    conv(Conv2d((2, 2), Padding(1, 1, 1, 1), clamp=RELU)),
    conv(Conv2d((2, 1), Padding(2, 0, 0, 1), clamp=(-1.0, 1.0))),
    conv(Conv2d((1, 1), Padding(2, 2, 2, 2), dilation=(2, 2))),
    conv(Conv2d(groups=2, clamp=(0.0, 6.0)), i=2),
    Case(DepthwiseConv2d((1, 1), Padding(1, 1, 1, 1)), IMAGE, ((3, 3, 8), (8,))),
    Case(DepthwiseConv2d((2, 2), Padding(1, 1, 1, 1)), (8, 8, 4), ((3, 3, 4), (4,))),
    transposed(ConvTranspose2d((2, 2))),
    transposed(ConvTranspose2d((2, 2), Padding(0, 0, 1, 1))),
    transposed(ConvTranspose2d((2, 2), Padding(1, 1, 1, 1))),
    transposed(ConvTranspose2d((2, 2), Padding(1, 1, 1, 1), extra=(1, 1))),
    Case(MaxPool2d(), IMAGE),
    Case(MaxPool2d((3, 3), (2, 2), Padding(1, 1, 1, 1)), (8, 8, 4)),
    Case(AvgPool2d(), IMAGE),
    Case(AvgPool2d((3, 3), (1, 1), Padding(1, 1, 1, 1)), IMAGE),
    Case(Mean((0, 1)), IMAGE),
    Case(Mean((0, 1), True), IMAGE),
    Case(Mean((1,)), IMAGE),
    Case(Add(), IMAGE, ((4,),)),
    Case(Sub(RELU), IMAGE, (IMAGE,)),
    Case(Mul(), IMAGE, ((1,),)),
    Case(Maximum(), IMAGE, (IMAGE,)),
    Case(Maximum(), IMAGE, ((4,),)),
    Case(Minimum(), IMAGE, ((7, 1, 1),)),
    Case(Div(), IMAGE, ((4,),)),
    *(Case(Relu(b), (9,)) for b in (RELU, (0.0, 6.0), (-1.0, 1.0), (0.0, 1.0))),
    *(Case(Relu(b), (9,)) for b in ((-0.3, 0.7), (0.2, float("inf")), (float("-inf"), -0.1))),
    *(Case(op, (9,)) for op in (Sigmoid(), Tanh(), LeakyRelu(0.1), HardSwish(), Elu())),
    *(Case(op, (9,)) for op in (Gelu(), Gelu(True), Softmax(), LogSoftmax())),
    *(Case(function(), (9,)) for function in FUNCTIONS),
    Case(Selu(1.0, 0.7, 0.7), (9,)),
    Case(Softmax(2.0), (3, 9)),
    Case(PRelu(), IMAGE, ((4,),)),
    Case(Reshape(shape=(28, 8)), IMAGE),
    Case(Transpose(perm=(2, 0, 1)), IMAGE),
    Case(Pad(before=(1, 0, 0), after=(0, 2, 1)), IMAGE),
    Case(Pad(before=(1, 0, 0), after=(0, 2, 1), value=0.5), IMAGE),
    Case(Concat(), IMAGE, ((7, 8, 2),)),
    Case(Concat(axis=0), IMAGE, ((2, 8, 4),)),
    Case(Slice(start=(1, 0, 0), stop=(6, 8, 3), step=(2, 1, 1)), IMAGE),
    Case(Slice(start=(6, 7, 3), stop=(-1, 2, -1), step=(-2, -1, -1)), IMAGE),
    Case(Gather(indices=(2, 0, 1, 1)), IMAGE),
    *(
        Case(Resize(size=(9, 11), mode=m, coordinates=c), (4, 5, 3))  # type: ignore[arg-type]
        for m in ("nearest", "bilinear")
        for c in ("asymmetric", "half_pixel", "align_corners")
    ),
]
NARROW = (HardSwish, Elu, Function, Gelu, LogSoftmax, PRelu)
"""Operators that TFLite has in int8, but not in int16."""
WIDE_CASES = [
    c
    for c in CASES
    if not isinstance(c.op, NARROW) and c.op not in (Relu((-1.0, 1.0)), Relu((0.0, 1.0)))
]
INT4_CASES = [
    c for c in CASES if isinstance(c.op, LinearOp) and not isinstance(c.op, ConvTranspose2d)
]


def residual() -> Graph:
    """A small network with two branches that meet, as a file has many nodes."""
    rng = np.random.default_rng(3)

    def f32(*shape: int) -> Array:
        return rng.normal(0, 0.3, shape).astype(np.float32)

    constants = {
        "w1": f32(8, 3, 3, 3), "b1": f32(8), "w2": f32(8, 1, 1, 8), "b2": f32(8),
        "w3": f32(5, 8), "b3": f32(5),
    }  # fmt: skip
    nodes = [
        Node("one", Conv2d((1, 1), Padding(1, 1, 1, 1), clamp=RELU), ("x", "w1", "b1"), "h1"),
        Node("two", Conv2d(), ("h1", "w2", "b2"), "h2"),
        Node("join", Add(RELU), ("h1", "h2"), "h3"),
        Node("pool", Mean(), ("h3",), "h4"),
        Node("head", Dense(), ("h4", "w3", "b3"), "h5"),
        Node("out", Softmax(), ("h5",), "y"),
    ]
    return build_graph("residual", nodes, {"x": TensorType((6, 6, 3))}, ["y"], constants)
