"""Random layers that the lines of costs are fitted to: every operator in shapes that people use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

import numpy as np
from kernels.cases import INT4, int8_type, layer_constants, output_scale
from kernels.harness import one_node
from kernels.shorts import shortened
from op_cases import between_types

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, Graph, Node, QuantParams, TensorType
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Embedding,
    Gather,
    Gelu,
    MatMul,
    MaxPool2d,
    Mean,
    Mul,
    Relu,
    Reshape,
    Resize,
    Sigmoid,
    Softmax,
)
from edgeprune.ops._window import Padding
from edgeprune.ops.examples import (
    EXAMPLES,
    Example,
    audio_graph,
    example_graph,
    lstm_graph,
    svdf_graph,
)
from edgeprune.quantize import quantise

SCALED = (4, 5, 6, 8, 9, 12)  # sizes of the examples that can be others
RELU = (0.0, np.inf)
WIDTHS = (INT4, (-127, -90, -50, -20, 0, 11, 40, 96), (-90, -25, 0, 127), (-1, 0, 1))
Rng = np.random.Generator


def weights_of(rng: Rng, shape: tuple[int, ...], axis: int, kind: str) -> dict[str, object]:
    """Weights as training leaves them, in int8, some smaller, of few values, or in float32."""
    if kind == "float32":
        w = rng.normal(size=shape).astype(np.float32)
        b = rng.normal(size=shape[axis]).astype(np.float32)
        return {"w": (w, TensorType(w.shape)), "b": (b, TensorType(b.shape))}
    few = WIDTHS[int(rng.integers(len(WIDTHS)))] if kind == "few" else ()
    made = layer_constants(rng, shape, axis, 0.05, values=few)
    w, t = made["w"]
    if not few:
        spread = 20.0 if kind == "small" else 35.0
        w = np.clip(np.round(rng.normal(0, spread, shape)), -127, 127).astype(np.int8)
    return {**made, "w": (w, t)}


def linear(rng: Rng, op: object, x: tuple[int, ...], shape: tuple[int, ...], kind: str) -> Graph:
    """A layer with weights."""
    if kind == "int16":
        graph = linear(rng, op, x, shape, "float32")
        made = quantise(graph, dict.fromkeys(graph.activations, (-2.0, 2.0)), DType.INT16)
        return alone(made, made.nodes[0])
    axis = len(shape) - 1 if isinstance(op, DepthwiseConv2d) else 0
    constants = weights_of(rng, shape, axis, kind)
    if kind == "float32":
        return one_node(op, [TensorType(x)], None, constants)  # type: ignore[arg-type]
    y = int8_type((), output_scale(rng, 0.05, constants), -128)  # type: ignore[arg-type]
    return one_node(op, [int8_type(x, 0.05, -128)], y, constants)  # type: ignore[arg-type]


def size(rng: Rng, low: int, high: int) -> int:
    """Evenly spread in the logarithm."""
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def sixteens(rng: Rng) -> Iterator[Graph]:
    """Depthwise of whole vectors of channels, 1x1 of a half or one, clamped where they saturate."""
    around = Padding(*(int(n) for n in rng.integers(0, 2, 2)), 1, 1)
    image = (size(rng, 2, 24), size(rng, 2, 24), 16 * size(rng, 1, 6))
    for stride in (1, 2):
        op = DepthwiseConv2d((stride,) * 2, around, clamp=RELU)
        yield linear(rng, op, image, (3, 3, image[2]), "int8")
    for depth in (8, 16):
        for act in (RELU, None):
            filters = 4 * size(rng, 1, 16)
            few = (*image[:2], depth)
            graph = linear(rng, Conv2d(clamp=act), few, (filters, 1, 1, depth), "int8")
            if act is None:  # any zero point, and scales below one half
                made = graph.types["y"]
                y = int8_type(made.shape, 4 * made.quant.scalar[0], int(rng.integers(-127, 128)))
                graph = replace(graph, types={**graph.types, "y": y})
            yield graph


def shorts(rng: Rng) -> Iterator[Graph]:
    """Layers with weights of few values and short scales."""
    image, k = (size(rng, 2, 12), size(rng, 2, 12)), int(rng.choice([1, 3]))
    depth, filters = size(rng, 1, 32), size(rng, 4, 96)
    around = Padding(*[k // 2] * 4)
    shape = (filters, k, k, depth)
    yield shortened(linear(rng, Conv2d(padding=around, clamp=RELU), (*image, depth), shape, "few"))
    shape = (k, k, filters)
    op = DepthwiseConv2d(padding=around, clamp=RELU)
    yield shortened(linear(rng, op, (*image, filters), shape, "few"))
    yield shortened(linear(rng, Dense(), (depth,), (filters, depth), "few"))


def repeated(rng: Rng) -> Iterator[Graph]:
    """Products with a factor for each channel, in images and in sequences."""
    channels = size(rng, 1, 96)
    for image in ((size(rng, 1, 16), size(rng, 1, 16)), (size(rng, 1, 100),)):
        pair = [int8_type((*axes, channels), s, 3) for axes, s in ((image, 0.05), ((1,), 0.03))]
        yield one_node(Mul(), pair, int8_type((), 0.1, -9))


def layers(rng: Rng) -> Iterator[Graph]:
    """Every family once, with a random shape."""
    kinds = ("int8", "few", "float32", "int16")
    image = (size(rng, 3, 32), size(rng, 3, 32))
    depth, filters = size(rng, 1, 64), size(rng, 2, 64)
    k = int(rng.choice([2, 3, 3, 5]))
    around = Padding(*[k // 2] * 4)
    stride = (int(rng.choice([1, 2])),) * 2
    act = RELU if rng.integers(2) else None
    for kind in kinds:
        small = size(rng, 1, 48)
        yield linear(rng, Conv2d(stride, around, clamp=act), (*image, small),
                     (filters, k, k, small), kind)  # fmt: skip
        yield linear(rng, Conv2d(clamp=act), (*image, depth), (filters, 1, 1, depth), kind)
        yield linear(rng, DepthwiseConv2d(stride, around, clamp=act), (*image, depth),
                     (k, k, depth), kind)  # fmt: skip
        n_in, n_out = size(rng, 4, 300), size(rng, 2, 100)
        yield linear(rng, Dense(act), (n_in,), (n_out, n_in), kind)
    wide, fours = 32 + size(rng, 1, 32), 4 * size(rng, 1, 100)
    yield linear(rng, Conv2d(clamp=act), (*image, wide), (wide, 1, 1, wide), "int8")
    yield linear(rng, Dense(act), (fours,), (8 * size(rng, 1, 20), fours), "int8")
    fours = 4 * size(rng, 1, 16)
    yield linear(rng, Conv2d(padding=Padding(1, 1, 1, 1), clamp=act), (*image, fours),
                 (2 * size(rng, 1, 32), 3, 3, fours), "int8")  # fmt: skip
    over = size(rng, 2, 20)  # a window over time, as sound has it: one result of it, or many
    sound, channels = (over * int(rng.choice([1, 1, 3])), 1), size(rng, 8, 128)
    yield linear(rng, DepthwiseConv2d(clamp=act), (*sound, channels), (over, 1, channels), "int8")
    fours, filters = 4 * size(rng, 1, 40), 4 * size(rng, 1, 40)
    yield linear(rng, Conv2d(clamp=act), (1, int(rng.integers(1, 4)), fours),
                 (filters, 1, 1, fours), "int8")  # fmt: skip
    yield linear(rng, Dense(act), (size(rng, 4, 60), fours), (filters, fours), "int8")
    few = (size(rng, 1, 5), size(rng, 1, 5), 4 * size(rng, 1, 32))
    yield linear(rng, DepthwiseConv2d(stride, around, clamp=act), few, (k, k, few[2]), "int8")
    n_in, n_out = size(rng, 4, 300), size(rng, 2, 100)
    yield linear(rng, Dense(act), (n_in,), (n_out, n_in), "small")
    few, filters = size(rng, 1, 16), 4 * size(rng, 8, 32)
    yield linear(rng, Conv2d(clamp=RELU), (*image, few), (filters, 1, 1, few), "int8")
    shape = (*image, depth)
    a, b = (int8_type(shape, s, 3) for s in (0.05, 0.03))
    yield one_node(Add(act), [a, b], int8_type((), 0.06, -9))
    yield one_node(Mul(act), [a, b], int8_type((), 0.1, -9))
    yield one_node(Relu(), [a], int8_type((), 0.06, -9))
    yield one_node(Sigmoid(), [a], TensorType((), a.dtype, Sigmoid().fixed_quant(8)))
    yield one_node(Mean((0, 1)), [a], int8_type((), 0.03, 1))
    window = (min(k, image[0]), min(k, image[1]))
    yield one_node(AvgPool2d(window, window, Padding(0, 0, 0, 0)), [a], a)
    yield one_node(MaxPool2d(window, window, Padding(0, 0, 0, 0)), [a], a)
    heads, m, k, n = (size(rng, 1, top) for top in (4, 64, 100, 64))
    turned = bool(rng.integers(2))
    right = int8_type((heads, n, k) if turned else (heads, k, n), 0.03, 4)
    product = int8_type((), 0.05 * 0.03 * 60 * k**0.5, 2)
    yield one_node(MatMul(turned), [int8_type((heads, m, k), 0.05, -7), right], product)
    logits = int8_type((size(rng, 1, 20), size(rng, 2, 100)), 0.05, 3)
    yield one_node(Softmax(), [logits], TensorType((), a.dtype, Softmax().fixed_quant(8)))
    longer = TensorType((), DType.INT16, QuantParams.of(1 / 65536, -32768))
    yield one_node(Softmax(), [logits], longer)


def dilated(rng: Rng) -> Iterator[Graph]:
    """Convolutions whose windows leave something out, over images and over time."""
    channels, filters, step = size(rng, 1, 40), size(rng, 2, 40), int(rng.integers(2, 5))
    for kernel in ((3, 3), (5, 5), (9, 1)):
        image = [size(rng, 3, 32) if k > 1 else 1 for k in kernel]
        around = Padding(*[step * (k // 2) for k in kernel] * 2)
        act = RELU if rng.integers(3) else None
        of = {"padding": around, "dilation": (step, step), "clamp": act}
        shape = (*image, channels)
        yield linear(rng, Conv2d(**of), shape, (filters, *kernel, channels), "int8")
        yield linear(rng, DepthwiseConv2d(**of), shape, (*kernel, channels), "int8")


def examples(rng: Rng) -> Iterator[Graph]:
    """What :func:`layers` has no shapes for: operators' examples in every type and other sizes."""
    covered = (Conv2d, Dense, DepthwiseConv2d)
    for example in (e for e in EXAMPLES if not isinstance(e[0], covered)):
        graph = example_graph(scaled(example, rng))
        yield from (alone(graph, node) for node in graph.nodes)
        for dtype in (DType.INT8, DType.INT16):
            ranges = dict.fromkeys(graph.activations, (-2.0, 2.0))
            try:
                made = quantise(graph, ranges, dtype)
            except UnsupportedError:
                continue  # it has no integer form
            yield from (alone(made, node) for node in made.nodes)


def others(rng: Rng) -> Iterator[Graph]:
    """Conversions, whole averages, recurrence, and forms that no example has."""
    yield from between_types(size(rng, 4, 2000))
    yield one_node(Gelu(True), [TensorType((size(rng, 4, 500),))])
    image = (size(rng, 2, 12), size(rng, 2, 12), size(rng, 1, 16))
    a, b = (int8_type(image, scale, 3) for scale in (0.04, 0.03))
    yield one_node(Add((0.0, 6.0)), [a, b], int8_type((), 0.06, -128))
    larger = Resize((2 * image[0], 2 * image[1]), "bilinear", "half_pixel")
    yield one_node(larger, [TensorType(image)])
    yield one_node(larger, [a], a)
    wider = TensorType(image, DType.INT16, QuantParams.of(0.001, 0))
    yield one_node(larger, [wider], wider)
    yield one_node(Mean((0, 1)), [a], int8_type((), 0.03, 1))
    yield one_node(AvgPool2d(image[:2], image[:2]), [a], a)
    wide, outputs = 16 * size(rng, 1, 20), 8 * size(rng, 1, 20)
    held = layer_constants(rng, (outputs, wide), 0, 0.05, per_channel=False)
    y = int8_type((), output_scale(rng, 0.05, held), -128)
    yield one_node(Dense(), [int8_type((wide,), 0.05, -128)], y, held)
    recurrent = lstm_graph(0, size(rng, 1, 8), size(rng, 1, 32), size(rng, 1, 24))
    yield alone(recurrent, recurrent.nodes[0])
    points = 1 << size(rng, 5, 9)
    sound = audio_graph(0, size(rng, points // 2 + 1, points), points, size(rng, 2, 10))
    yield alone(sound, sound.nodes[0])
    rank = int(rng.integers(1, 4))
    kept = svdf_graph(0, size(rng, 4, 64), rank * size(rng, 1, 24), size(rng, 2, 12), rank)
    yield from (alone(kept, kept.node(name)) for name in ("feature", "time"))


def scaled(example: Example, rng: Rng) -> Example:
    """The same operator over sizes of which each that may be another is."""
    op, activations, constants = example
    to = {n: max(1, round(n * float(np.exp(rng.uniform(-0.5, 1.0))))) for n in SCALED}
    to[6] = max(to[6], 5)  # what slices and bands still reach into
    to[5] = max(to[5], 5)
    shapes = [tuple(to.get(n, n) for n in shape) for shape in (*activations, *constants)]
    if isinstance(op, Gather):
        count = int(rng.integers(1, to[8] + 1))
        op = Gather(tuple(map(int, rng.integers(0, to[8], count))))
    elif isinstance(op, Reshape):
        op = Reshape(shape=(prod(shapes[0]),))
    elif isinstance(op, Resize):
        op = replace(op, size=(2 * to[6], 2 * to[5]))
    return op, tuple(shapes[: len(activations)]), tuple(shapes[len(activations) :])


def alone(graph: Graph, node: Node) -> Graph:
    """A node as a network of its own."""
    reads = [v for v in node.inputs if v not in graph.constants]
    held = {v: (graph.constants[v], graph.types[v]) for v in node.inputs if v in graph.constants}
    names = {v: f"x{i}" for i, v in enumerate(dict.fromkeys(reads))}
    order = [names.get(v, v) for v in node.inputs]
    types = [graph.types[v] for v in names]
    return one_node(node.op, types, graph.types[node.output], held, order)


def values(rng: Rng, graph: Graph, name: str) -> Array:
    """An input; positive in float, so that every function is defined there."""
    t = graph.types[name]
    if t.dtype is DType.FLOAT32:
        return rng.uniform(0.1, 2.0, t.shape).astype(np.float32)
    limits = np.iinfo(t.dtype.numpy)
    low, high = limits.min, limits.max
    if isinstance(graph.nodes[0].op, Embedding):
        low, high = 0, graph.types[graph.nodes[0].inputs[1]].shape[0] - 1
    return rng.integers(low, high, t.shape, t.dtype.numpy, endpoint=True)
