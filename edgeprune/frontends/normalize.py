"""Clean-up that every reader shares, and the fusing of clamps before emission.

Each pass is a function Graph -> Graph that keeps the network's function; float weights are combined
in float64 and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from edgeprune.frontends.affine import fold_affine, invert_divisors, join_affine
from edgeprune.frontends.joins import cut_before_joins
from edgeprune.frontends.pads import fold_pads, sink_pads
from edgeprune.frontends.passes import fresh, only_user
from edgeprune.frontends.shares import split_shares
from edgeprune.frontends.taps import drop_taps
from edgeprune.ir import Array, Graph, Node, Op
from edgeprune.ops import (
    Add,
    AvgPool2d,
    Concat,
    Div,
    Keep,
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
    Slice,
    Sub,
    Transpose,
    Unary,
)
from edgeprune.ops._clamp import INF, TFLITE_NAMES


def normalize(graph: Graph) -> Graph:
    """Plain operators only: no identities, no affine steps that a layer can do itself.

    Quantised graphs are left as they are, but for identities, pads and taps in the padding: their
    scales are part of the model.
    """
    if graph.is_quantised:
        return drop_taps(fold_pads(drop_identities(sink_pads(graph))))
    for step in FLOAT_STEPS:
        graph = step(graph)
    return graph


def normalise_input(graph: Graph, mean: Array, std: Array) -> Graph:
    """A network that takes raw inputs x and computes what it computed of (x - mean) / std.

    Folded into the first layer where that is exact; the subtraction stays in front of a layer that
    pads with zeros, since those are not raw zeros.

    Args:
        graph: float, with one input.
        mean: one number, or one a channel.
        std: the same, not zero.
    """
    (value,) = graph.inputs
    names = {n.name for n in graph.nodes} | set(graph.types)
    shifted, scaled = (fresh(names, f"{value}/{k}") for k in ("shifted", "scaled"))
    constants = dict(graph.constants)
    nodes: list[Node] = []
    reads, source = value, value
    wanted = (
        (shifted, Add(), -np.asarray(mean, np.float64)),
        (scaled, Mul(), 1 / np.asarray(std, np.float64)),
    )
    for output, op, number in wanted:
        constants[f"{output}/by"] = np.atleast_1d(number).astype(np.float32)
        nodes.append(Node(output, op, (source, f"{output}/by"), output))
        reads = source = output
    for n in graph.nodes:
        nodes.append(replace(n, inputs=tuple(reads if v == value else v for v in n.inputs)))
    return normalize(graph.rebuilt(nodes, constants=constants))


# -- identities ------------------------------------------------------------------------------------


def drop_identities(graph: Graph) -> Graph:
    """Without reshapes, pads, slices, resizes, clamps and transposes that change nothing.

    A Reshape of a Reshape becomes one; a Transpose of a Transpose becomes one.
    """
    renamed: dict[str, str] = {}
    made: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        node = replace(node, inputs=tuple(renamed.get(v, v) for v in node.inputs))
        node = _joined(node, made)
        if _is_identity(graph, node) and node.output not in graph.outputs:
            renamed[node.output] = node.inputs[0]
            continue
        made[node.output] = node
        nodes.append(node)
    return _outputs_named(graph.rebuilt(nodes))


def drop_spreads(graph: Graph) -> Graph:
    """Without zeros that are added to give a value the shape that its readers give it anyway."""
    instead: dict[str, str] = {}
    for node in graph.nodes:
        held = [v for v in node.inputs if v in graph.constants]
        if not isinstance(node.op, Add) or len(held) != 1 or graph.constants[held[0]].any():
            continue
        shape = graph.types[node.output].shape
        (value,) = (v for v in node.inputs if v not in graph.constants)
        grows = graph.types[value].shape != shape and node.output not in graph.outputs
        if grows and all(_grows(graph, u, node.output) for u in graph.users[node.output]):
            instead[node.output] = value
    if not instead:
        return graph
    nodes = [n for n in graph.nodes if n.output not in instead]
    return graph.rebuilt(
        [replace(n, inputs=tuple(instead.get(v, v) for v in n.inputs)) for n in nodes]
    )


def sink_reshapes(graph: Graph) -> Graph:
    """Reshapes that only drop axes of length 1 in front, behind operators that can do without.

    A sequence (t, c) is the image (1, t, c) to the layers around: so they meet their clamps and
    affine steps, and a reshape the one that undoes it.
    """
    names = {n.name for n in graph.nodes} | set(graph.types)
    longer: dict[str, tuple[str, int]] = {}  # the value before a reshape, and the axes it dropped
    nodes: list[Node] = []
    for node in graph.nodes:
        shape = graph.types[node.output].shape
        if isinstance(node.op, Reshape):
            before = graph.types[node.inputs[0]].shape
            dropped = len(before) - len(shape)
            if dropped > 0 and before == (1,) * dropped + shape:
                longer[node.output] = (node.inputs[0], dropped)
        lifted = _lifted(graph, node, longer)
        if lifted is None:
            nodes.append(node)
            continue
        value, name = fresh(names, f"{node.output}/image"), fresh(names, f"{node.name}/shape")
        nodes.append(Node(node.name, lifted[0], lifted[1], value))
        nodes.append(Node(name, Reshape(shape), (value,), node.output))
        longer[node.output] = (value, lifted[2])
    return graph.rebuilt(nodes) if len(nodes) > len(graph.nodes) else graph


def _lifted(
    graph: Graph, node: Node, longer: Mapping[str, tuple[str, int]]
) -> tuple[Op, tuple[str, ...], int] | None:
    """A node on operands with more axes in front: its operator, operands, how many axes."""
    rank = len(graph.types[node.output].shape)
    full = [
        v for v in node.inputs if v not in graph.constants and len(graph.types[v].shape) == rank
    ]
    counts = {longer[v][1] if v in longer else 0 for v in full}
    more = counts.pop() if len(counts) == 1 else 0
    if not more:
        return None
    args = tuple(longer[v][0] if v in full else v for v in node.inputs)
    op, front = node.op, (0,) * more
    if isinstance(op, Unary | Add | Sub | Mul | Div | Keep | Maximum | Minimum | PRelu):
        return op, args, more
    if isinstance(op, Slice):
        ones = (1,) * more
        return Slice(front + op.start, ones + op.stop, ones + op.step), args, more
    if isinstance(op, Pad):
        return replace(op, before=front + op.before, after=front + op.after), args, more
    if isinstance(op, Concat) and args == tuple(longer[v][0] for v in full):
        return Concat(op.axis % rank + more), args, more
    return None


def _grows(graph: Graph, node: Node, value: str) -> bool:
    """Whether a node broadcasts a value to the shape of another operand, which has it already."""
    if not isinstance(node.op, Add | Sub | Mul | Div):
        return False
    others = [graph.types[v].shape for v in node.inputs if v != value]
    return len(others) == 1 and others[0] == graph.types[value].shape


def _joined(node: Node, made: Mapping[str, Node]) -> Node:
    """A node that reads through the operator of its own kind before it."""
    before = made.get(node.inputs[0]) if node.inputs else None
    if before is None:
        return node
    if isinstance(node.op, Reshape) and isinstance(before.op, Reshape):
        return replace(node, inputs=before.inputs)
    if isinstance(node.op, Transpose) and isinstance(before.op, Transpose):
        perm = tuple(before.op.perm[p] for p in node.op.perm)
        return replace(node, op=Transpose(perm), inputs=before.inputs)
    return node


def _is_identity(graph: Graph, node: Node) -> bool:
    op = node.op
    x, y = graph.types[node.inputs[0]], graph.types[node.output]
    if x != y:
        return False
    if isinstance(op, Reshape | Resize | Quantize):
        return True
    if isinstance(op, Transpose):
        return op.perm == tuple(range(len(op.perm)))
    if isinstance(op, Pad):
        return not any((*op.before, *op.after))
    if isinstance(op, Slice):
        return all(s == 1 for s in op.step)
    if isinstance(op, MaxPool2d | AvgPool2d):
        return op.kernel == (1, 1) and op.stride == (1, 1) and op.clamp is None
    if isinstance(op, Relu):
        return op.bounds == (-INF, INF)
    return isinstance(op, Concat) and len(node.inputs) == 1


def _outputs_named(graph: Graph) -> Graph:
    """Drops an identity that was kept because it makes an output: its operand makes it instead."""
    for node in graph.nodes:
        value = node.inputs[0]
        if node.output not in graph.outputs or not _is_identity(graph, node):
            continue
        if value not in graph.producer or only_user(graph, value) is not node:
            continue
        maker = graph.producer[value]
        nodes = [
            replace(n, output=node.output) if n is maker else n
            for n in graph.nodes
            if n is not node
        ]
        return _outputs_named(graph.rebuilt(nodes))
    return graph


def tell_sums(graph: Graph) -> Graph:
    """Means times the number of what they are of, as sums; sums over that number, as means.

    The one is how files say a sum that was written, the other how people write a mean. Which of the
    two it is decides whether channels may go (:class:`Mean`).
    """
    told: dict[str, Node] = {}
    for node in graph.nodes:
        user = only_user(graph, node.output)
        if not isinstance(node.op, Mean) or user is None or not isinstance(user.op, Mul):
            continue
        by = next((graph.constants[v] for v in user.inputs if v in graph.constants), None)
        if by is None or by.size != 1:
            continue
        shape = graph.types[node.inputs[0]].shape
        count = math.prod(shape[a] for a in node.op.axes)
        factor = float(by.item())
        if count > 1 and any(math.isclose(factor, n, rel_tol=1e-6) for n in (1, count)):
            told[node.name] = replace(node, op=replace(node.op, adds=factor > 1.5))
    return graph.rebuilt([told.get(n.name, n) for n in graph.nodes]) if told else graph


# -- clamps ----------------------------------------------------------------------------------------


def unfuse(graph: Graph) -> Graph:
    """Every fused clamp as an operator of its own, so that pruning sees plain operators."""
    names = {n.name for n in graph.nodes} | set(graph.types)
    nodes: list[Node] = []
    for node in graph.nodes:
        clamp = getattr(node.op, "clamp", None)
        if clamp is None:
            nodes.append(node)
            continue
        op: Any = node.op
        value, name = fresh(names, f"{node.output}/linear"), fresh(names, f"{node.name}/clamp")
        nodes.append(replace(node, op=replace(op, clamp=None), output=value))
        nodes.append(Node(name, Relu(clamp), (value,), node.output))
    return graph.rebuilt(nodes) if len(nodes) > len(graph.nodes) else graph


def raise_clamps(graph: Graph) -> Graph:
    """Clamps in front of the slice between them and the operator that can do them itself.

    Causal convolutions are padded on both sides, cut, and clamped then.
    """
    swapped: dict[str, Node] = {}
    for node in graph.nodes:
        cut = graph.producer.get(node.inputs[0])
        if not isinstance(node.op, Relu) or cut is None or not isinstance(cut.op, Slice):
            continue
        made = graph.producer.get(cut.inputs[0])
        if made is None or getattr(made.op, "clamp", 0) is not None:
            continue
        if only_user(graph, cut.output) is node and only_user(graph, made.output) is cut:
            swapped[cut.name] = replace(node, inputs=cut.inputs, output=cut.output)
            swapped[node.name] = replace(cut, inputs=(cut.output,), output=node.output)
    return graph.rebuilt([swapped.get(n.name, n) for n in graph.nodes]) if swapped else graph


def fuse(graph: Graph) -> Graph:
    """Each clamp that TFLite can fuse, in the operator before it where that has no other reader.

    In a quantised graph the operator before it must not have a scale of its own: there the
    quantiser fuses first.
    """
    fused: dict[str, Node] = {}  # by output of the operator before
    gone: set[str] = set()
    for node in graph.nodes:
        if not isinstance(node.op, Relu) or node.op.bounds not in TFLITE_NAMES:
            continue
        value = node.inputs[0]
        before = graph.producer.get(value)
        if before is None or only_user(graph, value) is not node:
            continue
        if not hasattr(before.op, "clamp") or before.op.clamp is not None:
            continue
        if graph.types[value].quant != graph.types[node.output].quant:
            continue
        op: Any = before.op
        fused[value] = replace(before, op=replace(op, clamp=node.op.bounds), output=node.output)
        gone.add(node.output)
    if not fused:
        return graph
    nodes = [fused.get(n.output, n) for n in graph.nodes if n.output not in gone]
    return graph.rebuilt(nodes)


FLOAT_STEPS = (
    split_shares,
    unfuse,
    cut_before_joins,
    drop_spreads,
    drop_identities,
    sink_reshapes,
    sink_pads,
    drop_identities,
    fold_affine,
    join_affine,
    fold_affine,
    tell_sums,
    invert_divisors,
    raise_clamps,
    fold_pads,
    drop_taps,
)
