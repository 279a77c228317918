"""Clean-up that every reader shares, and the fusing of clamps before emission.

Each pass is a function Graph -> Graph that keeps the network's function; float weights are combined
in float64 and rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from edgeprune.ir import Array, Folded, Graph, Node, build_graph
from edgeprune.ops import (
    OUT_AXIS,
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    Div,
    MaxPool2d,
    Mul,
    Pad,
    Relu,
    Reshape,
    Resize,
    Slice,
    Sub,
    Transpose,
)
from edgeprune.ops._clamp import INF, TFLITE_NAMES


def normalize(graph: Graph) -> Graph:
    """Plain operators only: no identities, no affine steps that a layer can do itself.

    Quantised graphs are left as they are, but for identities: their scales are part of the model.
    """
    if not graph.is_quantised:
        return fold_affine(drop_identities(drop_spreads(unfuse(graph))))
    return drop_identities(graph)


def rebuilt(
    graph: Graph,
    nodes: Iterable[Node],
    constants: Mapping[str, Array] | None = None,
    outputs: tuple[str, ...] | None = None,
) -> Graph:
    """A graph with other nodes; the types of quantised values stay."""
    quantised = {v: t for v, t in graph.types.items() if t.quant is not None}
    held = graph.constants if constants is None else constants
    made = build_graph(
        graph.name,
        nodes,
        {v: graph.types[v] for v in graph.inputs},
        graph.outputs if outputs is None else outputs,
        held,
        {k: t for k, t in graph.types.items() if k in held and k in graph.constants},
        known={k: t for k, t in quantised.items() if k not in held},
        ports=graph.ports,
        origin=graph.origin,
    )
    return replace(made, notes=graph.notes)


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
    shifted, scaled = (_fresh(names, f"{value}/{k}") for k in ("shifted", "scaled"))
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
    return normalize(rebuilt(graph, nodes, constants))


def _only_user(graph: Graph, value: str) -> Node | None:
    """The node that alone reads a value, if the value is no output."""
    users = graph.users[value]
    return users[0] if len(users) == 1 and value not in graph.outputs else None


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
    return _outputs_named(rebuilt(graph, nodes))


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
    return rebuilt(
        graph, [replace(n, inputs=tuple(instead.get(v, v) for v in n.inputs)) for n in nodes]
    )


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
    if isinstance(op, Reshape | Resize):
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
        if value not in graph.producer or _only_user(graph, value) is not node:
            continue
        maker = graph.producer[value]
        nodes = [
            replace(n, output=node.output) if n is maker else n
            for n in graph.nodes
            if n is not node
        ]
        return _outputs_named(rebuilt(graph, nodes))
    return graph


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
        value, name = _fresh(names, f"{node.output}/linear"), _fresh(names, f"{node.name}/clamp")
        nodes.append(replace(node, op=replace(op, clamp=None), output=value))
        nodes.append(Node(name, Relu(clamp), (value,), node.output))
    return rebuilt(graph, nodes) if len(nodes) > len(graph.nodes) else graph


def _fresh(names: set[str], name: str) -> str:
    found, n = name, 1
    while found in names:
        n += 1
        found = f"{name}_{n}"
    names.add(found)
    return found


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
        if before is None or _only_user(graph, value) is not node:
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
    return rebuilt(graph, nodes)


# -- affine steps ----------------------------------------------------------------------------------


def fold_affine(graph: Graph) -> Graph:
    """Additions and multiplications by constants, folded in the linear operator around them.

    After a convolution or dense layer always, where one number an output channel is meant; before
    one if every weight reads it alike: additions only without padding.
    """
    while True:
        folded = _fold_one(graph)
        if folded is None:
            return graph
        graph = folded


def _fold_one(graph: Graph) -> Graph | None:
    for node in graph.nodes:
        step = _affine(graph, node)
        if step is None:
            continue
        value, a, b = step
        before = graph.producer.get(value)
        if before is not None and type(before.op) in OUT_AXIS and _only_user(graph, value) is node:
            return _into_before(graph, node, before, a, b)
        after = _only_user(graph, node.output)
        if after is not None and _can_read(graph, after, node, a, b):
            return _into_after(graph, node, value, after, a, b)
    return None


def _affine(graph: Graph, node: Node) -> tuple[str, Array, Array] | None:
    """What node adds and multiplies with: y = a * x + b, one number a channel."""
    if not isinstance(node.op, Add | Sub | Mul | Div) or node.op.clamp is not None:
        return None
    held = [v in graph.constants for v in node.inputs]
    if sum(held) != 1:
        return None
    value, c = node.inputs[held.index(False)], graph.constants[node.inputs[held.index(True)]]
    shape = graph.types[node.output].shape
    if graph.types[value].shape != shape or not shape or c.size not in (1, shape[-1]):
        return None
    if c.size > 1 and c.shape[-1] != c.size:
        return None
    k = np.broadcast_to(np.asarray(c, np.float64).ravel(), (shape[-1],))
    one, zero = np.ones_like(k), np.zeros_like(k)
    if isinstance(node.op, Add):
        return value, one, k
    if isinstance(node.op, Mul):
        return value, k, zero
    if isinstance(node.op, Sub):
        return (value, one, -k) if held[1] else (value, -one, k)
    if held[1] and (k != 0).all():
        return value, 1 / k, zero
    return None


def _finite(*arrays: Array) -> list[Array] | None:
    with np.errstate(over="ignore", invalid="ignore"):
        made = [np.asarray(a, np.float32) for a in arrays]
    return made if all(np.isfinite(a).all() for a in made) else None


def _into_before(graph: Graph, node: Node, before: Node, a: Array, b: Array) -> Graph | None:
    """A linear operator with an affine step behind it: scaled rows, another bias."""
    weights, axis = graph.constants[before.inputs[1]], OUT_AXIS[type(before.op)]
    shape = [1] * weights.ndim
    shape[axis] = -1
    made = _finite(
        weights.astype(np.float64) * a.reshape(shape),
        graph.constants[before.inputs[2]].astype(np.float64) * a + b,
    )
    folded = graph.types[before.inputs[1]].folded
    if (a != 1).any():  # more than a bias
        factor = a if folded is None else a * folded.factor
        folded = Folded(tuple(factor.tolist()), axis)
    return _exchanged(graph, before, made, {before.output: node.output}, node, folded)


def _can_read(graph: Graph, after: Node, node: Node, a: Array, b: Array) -> bool:
    """Whether a linear operator can do an affine step in front of it."""
    if after.inputs[0] != node.output:
        return False
    if isinstance(after.op, Dense):
        return True
    if isinstance(after.op, Conv2d | DepthwiseConv2d):
        return not (after.op.padding.any and b.any())
    return False


def _into_after(
    graph: Graph, node: Node, value: str, after: Node, a: Array, b: Array
) -> Graph | None:
    """A linear operator with an affine step in front of it: scaled columns, another bias."""
    weights = graph.constants[after.inputs[1]].astype(np.float64)
    bias = graph.constants[after.inputs[2]].astype(np.float64)
    if isinstance(after.op, DepthwiseConv2d):
        many = weights.shape[2] // len(a)
        scaled = weights * np.repeat(a, many)
        shift = weights.sum((0, 1)) * np.repeat(b, many)
    elif isinstance(after.op, Conv2d) and after.op.groups > 1:
        groups = after.op.groups
        rows = np.repeat(np.arange(groups), weights.shape[0] // groups)
        scaled = weights * a.reshape(groups, -1)[rows][:, None, None, :]
        shift = (weights.sum((1, 2)) * b.reshape(groups, -1)[rows]).sum(1)
    else:
        scaled = weights * a
        shift = (weights * b).reshape(len(bias), -1).sum(1)
    made = _finite(scaled, bias + shift)
    kept = graph.types[after.inputs[1]].folded
    return _exchanged(graph, after, made, {}, node, kept, {node.output: value})


def _exchanged(
    graph: Graph,
    linear: Node,
    made: list[Array] | None,
    output: Mapping[str, str],
    gone: Node,
    folded: Folded | None,
    reads: Mapping[str, str] | None = None,
) -> Graph | None:
    """The graph with new weights and bias in a linear node, without another node."""
    if made is None:
        return None
    own = [v for v in linear.inputs[1:] if graph.users[v] == (linear,)]
    names = set(graph.types) - set(own)
    new = [_fresh(names, linear.inputs[i]) for i in (1, 2)]
    value = (reads or {}).get(linear.inputs[0], linear.inputs[0])
    node = replace(linear, inputs=(value, *new), output=output.get(linear.output, linear.output))
    nodes = [node if n is linear else n for n in graph.nodes if n is not gone]
    whole = rebuilt(graph, nodes, {**graph.constants, new[0]: made[0], new[1]: made[1]})
    kind = replace(whole.types[new[0]], folded=folded)
    return replace(whole, types={**whole.types, new[0]: kind})
