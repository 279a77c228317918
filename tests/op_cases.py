"""The operators' cases: what writers, readers, element types, kernels and their costs are held to.

Whoever adds an operator adds its rows, and says in ``LACKS`` what does without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    LinearOp,
    Node,
    Op,
    QuantParams,
    TensorType,
    build_graph,
    predict,
)
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Compare,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dense,
    DepthwiseConv2d,
    Dequantize,
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
    Quantize,
    Relu,
    Reshape,
    Resize,
    Sigmoid,
    Slice,
    Softmax,
    Sub,
    Tanh,
    Transpose,
    examples,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.compare import RESULTS
from edgeprune.ops.examples import FIXED
from edgeprune.ops.function import FUNCTIONS, Selu
from edgeprune.quantize.rewrite import quantise
from edgeprune.quantize.weights import quantise_weights

RELU = (0.0, math.inf)
IMAGE = (7, 8, 4)


NO_INT16 = frozenset({"c int16x8", "tflite int16x8", "onnx int16x8"})
NO_FLOAT = NO_INT16 | {"c float32", "tflite float32", "onnx float32", "onnx int8"}
LACKS: dict[str, frozenset[str]] = {
    **dict.fromkeys(FIXED, NO_FLOAT),
    "audio_features": NO_FLOAT | {"tflite int8"},
    **dict.fromkeys(("compare", "keep", "prelu", "log_softmax"), NO_INT16),
    "conv_transpose2d": frozenset({"c int4", "tflite int4"}),
}
"""By operator, the formats and element types that do not have it; all else has.

Functions that LiteRT's reference kernels have for eight bits alone are tables there, of 513 results
in int16. What has no float form (FIXED) comes from files of integers alone.
"""


@dataclass(frozen=True)
class Case:
    """An operator on an input of a shape, with constants of shapes.

    Attributes:
        op: the operator.
        shape: of the activation that it reads first.
        constants: shapes of the constants behind the activations.
        beside: shapes of further activations.
        lacks: what does not have this form of it, beside what has none.
    """

    op: Op
    shape: tuple[int, ...]
    constants: tuple[tuple[int, ...], ...] = ()
    beside: tuple[tuple[int, ...], ...] = ()
    lacks: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.op}{list(self.shape)}".replace(" ", "")

    def has(self, what: str) -> bool:
        """Whether a format has it in an element type ("tflite int16x8")."""
        return what not in LACKS.get(self.op.kind, ()) and what not in self.lacks

    def graph(self, seed: int = 0) -> Graph:
        rng = np.random.default_rng(seed)
        values = {f"c{i}": rng.normal(0, 0.4, s) for i, s in enumerate(self.constants)}
        constants = {k: v.astype(np.float32) for k, v in values.items()}
        if isinstance(self.op, Div):
            constants = {k: np.abs(v) + 1 for k, v in constants.items()}
        shapes = (self.shape, *self.beside)
        inputs = {
            f"x{i or ''}": TensorType(s, DType.INT32 if i in self.op.numbers else DType.FLOAT32)
            for i, s in enumerate(shapes)
        }
        node = Node("layer", self.op, (*inputs, *constants), "y")
        return build_graph("case", [node], inputs, ["y"], constants)

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
        real.constants["c0"], real.constants["c1"], scale, node.op.out_axis,
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


EXAMPLES = [Case(op, shapes[0], held, shapes[1:]) for op, shapes, held in examples.EXAMPLES]
"""Each operator at the least once, of float32; some read several activations."""

SIZES = [
    *(Case(op, IMAGE, ((4,),)) for op in (Add(), Sub(), Mul(), Maximum(), Minimum())),
    Case(Conv2d(), (4, 4, 16), ((16, 1, 1, 16), (16,))),
    Case(Conv2d(), (8, 8, 8), ((16, 3, 3, 8), (16,))),
    Case(Dense(), (64,), ((16, 64), (16,))),
    Case(Add(), (4, 4, 16), (), ((4, 4, 16),)),
]
"""Sizes and constants that kernels for vectors take."""

FORMS = [
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
    *(Case(Relu(b), (9,)) for b in (RELU, (0.0, 6.0))),
    *(Case(Relu(b), (9,), lacks=frozenset({"tflite int16x8"})) for b in ((-1.0, 1.0), (0.0, 1.0))),
    *(Case(Relu(b), (9,)) for b in ((-0.3, 0.7), (0.2, float("inf")), (float("-inf"), -0.1))),
    *(Case(op, (9,)) for op in (Sigmoid(), Tanh(), LeakyRelu(0.1), HardSwish(), Elu())),
    *(Case(op, (9,)) for op in (Gelu(), Gelu(True), Softmax(), LogSoftmax())),
    *(Case(function(), (9,)) for function in FUNCTIONS),
    Case(Selu(1.0, 0.7, 0.7), (9,)),
    *(Case(Compare(test, 0.4), (9,)) for test in RESULTS),
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
"""Every form of an operator that a file can hold, over one activation."""

DTYPES = {"int8": DType.INT8, "int16x8": DType.INT16, "int4": DType.INT8}


def typed(case: Case, dtype: str) -> Graph:
    """A case as it is emitted ("float32" or one of ``DTYPES``), with made-up ranges."""
    graph = fuse(case.graph())
    if dtype == "float32":
        return graph
    ranges = dict.fromkeys(graph.activations, (0.5, 2.0) if isinstance(case.op, Div) else (-2, 2))
    linear = [n.name for n in graph.nodes if isinstance(n.op, LinearOp)]
    return quantise(graph, ranges, DTYPES[dtype], four_bit=linear if dtype == "int4" else ())


def networks(cases: list[Case]) -> Iterator[tuple[str, Graph]]:
    """Each case in each element type that it has, and a name for it: kind, type and number."""
    for i, case in enumerate(cases):
        for dtype in ("float32", *DTYPES):
            if dtype == "int4" and not isinstance(case.op, LinearOp):
                continue
            try:
                yield f"{case.op.kind}_{dtype}_{i}", typed(case, dtype)
            except EdgePruneError:
                assert not case.has(f"c {dtype}"), (case, dtype)


def between_types(n: int) -> Iterator[Graph]:
    """Every conversion of ``n`` values, and the one function that has results of another type."""
    f32, s8 = TensorType((n,)), TensorType((n,), DType.INT8, QuantParams.of(0.05, 3))
    s16, s32 = (TensorType((n,), d, QuantParams.of(1e-3)) for d in (DType.INT16, DType.INT32))
    coarse8, coarse16 = (replace(t, quant=QuantParams.of(0.06, 0)) for t in (s8, s16))
    pairs = [(f32, s8), (f32, s16), (s8, coarse8), (s16, coarse16), (s16, s8), (s16, s32)]
    rows: list[tuple[Op, TensorType, TensorType]] = [(Quantize(y.dtype), x, y) for x, y in pairs]
    rows += [(Dequantize(), x, f32) for x in (s8, s16)]
    rows.append((Softmax(), s8, replace(s16, quant=QuantParams.of(2**-16, -(2**15)))))
    for op, x, y in rows:
        yield build_graph("case", [Node("layer", op, ("x",), "y")], {"x": x}, ["y"], {},
                          known={"y": y})  # fmt: skip


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
