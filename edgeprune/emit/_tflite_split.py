"""Splits what TFLite has no word for into what it has.

Explicit padding becomes a PAD, a clamp to any bounds a MAXIMUM and a MINIMUM, a function of one
element in float what :meth:`edgeprune.ops.Unary.parts` says.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array, DType, Graph, Node, Op, TensorType
from edgeprune.ops import (
    AvgPool2d,
    Convolution,
    ConvTranspose2d,
    Maximum,
    MaxPool2d,
    Minimum,
    Pad,
    Quantize,
    Relu,
    Slice,
    Unary,
)
from edgeprune.ops._clamp import TFLITE_NAMES, clamp_bounds
from edgeprune.ops._window import NO_PADDING, Padding, Pair, tflite_padding
from edgeprune.ops.activation import Parts

NAMED_CLAMPS = {*TFLITE_NAMES, (0.0, 1.0)}
WINDOWED = (Convolution, MaxPool2d, AvgPool2d)


def split(graph: Graph) -> Graph:
    """An equal graph in which every window's padding is SAME or VALID, and all else named."""
    graph = _functions_apart(graph)
    nodes: list[Node] = []
    values = dict(graph.constants)
    known = {n.output: graph.types[n.output] for n in graph.nodes}
    for node in graph.nodes:
        if isinstance(node.op, WINDOWED) and _is_explicit(graph, node):
            pad = _pad_before(graph, node)
            nodes.append(pad)
            known[pad.output] = _padded(graph.types[node.inputs[0]], pad)
            op: Any = replace(node.op, padding=NO_PADDING)
            node = replace(node, op=op, inputs=(pad.output, *node.inputs[1:]))
        if isinstance(node.op, ConvTranspose2d) and _is_cut(graph, node):
            whole, cut = _cut_apart(graph, node)
            nodes.append(whole)
            known[whole.output] = graph.types[node.output].with_shape(
                whole.op.infer(*graph.types_of(node)).shape
            )
            node = cut
        if isinstance(node.op, Relu) and node.op.bounds not in NAMED_CLAMPS:
            *before, node = _clamp_apart(graph, node, known, values)
            nodes += before
        nodes.append(node)
    if nodes == list(graph.nodes):
        return graph
    types = {v: graph.types[v] for v in graph.constants}
    types |= {v: known[v] for v in values.keys() - types.keys()}
    return graph.rebuilt(nodes, constants=values, types=types, known=known)


def _functions_apart(graph: Graph) -> Graph:
    """Functions that TFLite has no word for, in the operators that it has, in float."""
    todo, nodes = list(graph.nodes), []
    values = dict(graph.constants)
    real = {n.name for n in todo if graph.types[n.output].dtype is DType.FLOAT32}
    while todo:
        node = todo.pop(0)
        parts = node.op.parts() if isinstance(node.op, Unary) and node.name in real else ()
        if not parts:
            nodes.append(node)
            continue
        made = _in_parts(node, parts, values)
        real |= {n.name for n in made}
        todo = made + todo
    if nodes == list(graph.nodes):
        return graph
    return graph.rebuilt(nodes, constants=values)


def _in_parts(node: Node, parts: Parts, values: dict[str, Array]) -> list[Node]:
    """One function as operators in a row; their constants join ``values``."""
    *steps, last = [f"{node.output}:{k}" for k in range(len(parts))]
    names = [*steps, node.output]
    made = []
    for (op, operands), name, output in zip(parts, [*steps, node.name], names, strict=True):
        inputs = []
        for v in operands:
            if isinstance(v, float):
                values[f"{last}={v!r}"] = np.asarray([v], np.float32)
            held = f"{last}={v!r}" if isinstance(v, float) else None
            inputs.append(held or (node.inputs[0] if isinstance(v, str) else names[int(v)]))
        made.append(Node(name, op, tuple(inputs), output))
    return made


def _clamp_apart(
    graph: Graph, node: Node, known: dict[str, TensorType], values: dict[str, Array]
) -> list[Node]:
    """The value on the result's scale, then the larger of it and one bound, then the smaller."""
    assert isinstance(node.op, Relu)
    y = graph.types[node.output]
    bounds = node.op.bounds
    held = bounds if y.quant is None else clamp_bounds(bounds, y)
    steps: list[tuple[Op, str, tuple[str, ...]]] = []
    if graph.types[node.inputs[0]].quant != y.quant:
        steps.append((Quantize(y.dtype), "scale", ()))
    for op, bound, number, role in zip(
        (Maximum(), Minimum()), bounds, held, ("low", "high"), strict=True
    ):
        if not math.isinf(bound):
            name = _free(graph, f"{node.name}/{role} bound")
            values[name] = np.asarray([number], y.dtype.numpy)
            known[name] = y.with_shape((1,))
            steps.append((op, role, (name,)))
    made, source = [], node.inputs[0]
    for i, (step, role, more) in enumerate(steps):
        last = i == len(steps) - 1
        name = node.name if last else _free(graph, f"{node.name}/{role}")
        output = node.output if last else name
        made.append(Node(name, step, (source, *more), output))
        known[output] = y
        source = output
    return made


def _is_explicit(graph: Graph, node: Node) -> bool:
    op: Any = node.op
    image = graph.types[node.inputs[0]].shape
    dilation: Pair = getattr(op, "dilation", (1, 1))
    return tflite_padding(image, _kernel(graph, node), op.stride, dilation, op.padding) is None


def _kernel(graph: Graph, node: Node) -> Pair:
    if isinstance(node.op, MaxPool2d | AvgPool2d):
        return node.op.kernel
    assert isinstance(node.op, Convolution)
    return node.op.window(graph.types[node.inputs[1]].shape)


def _pad_before(graph: Graph, node: Node) -> Node:
    """The PAD that stands for a window's own padding: zeros, or what never wins a maximum."""
    if isinstance(node.op, AvgPool2d):
        raise UnsupportedError(
            f"{node.name} (avg_pool2d)", "TFLite has no such padding that is not counted"
        )
    p: Padding = node.op.padding  # type: ignore[attr-defined]
    value = 0.0
    if isinstance(node.op, MaxPool2d):
        value = _lowest(graph.types[node.inputs[0]])
    name = _free(graph, f"{node.name}/pad")
    pad = Pad(before=(p.top, p.left, 0), after=(p.bottom, p.right, 0), value=value)
    return Node(name, pad, (node.inputs[0],), name)


def _is_cut(graph: Graph, node: Node) -> bool:
    op: Any = node.op
    return op.tflite_padding(graph.types_of(node), graph.types[node.output]) is None


def _cut_apart(graph: Graph, node: Node) -> tuple[Node, Node]:
    """A transposed convolution that cuts nothing, and the box that is wanted of it."""
    op: Any = node.op
    p, y = op.padding, graph.types[node.output].shape
    name = _free(graph, f"{node.name}/whole")
    whole = Node(name, replace(op, padding=NO_PADDING), node.inputs, name)
    start = (p.top, p.left, 0)
    stop = tuple(s + n for s, n in zip(start, y, strict=True))
    return whole, replace(node, op=Slice(start, stop, (1, 1, 1)), inputs=(name,))


def _free(graph: Graph, name: str) -> str:
    taken = {*graph.types, *(n.name for n in graph.nodes)}
    while name in taken:
        name += "_"
    return name


def _lowest(t: TensorType) -> float:
    if t.dtype is DType.FLOAT32:
        return float(np.finfo(np.float32).min)
    assert t.quant is not None
    scale, zero = t.quant.scalar
    return scale * (int(np.iinfo(t.dtype.numpy).min) - zero)


def _padded(t: TensorType, pad: Node) -> TensorType:
    return t.with_shape(pad.op.infer(t).shape)
