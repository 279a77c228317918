"""Cross-layer equalisation: channels of like size, without changing what the network computes.

What a channel is multiplied by in one layer may be divided out in the next, where only a
positively homogeneous function lies between (Nagel et al. 2019, arXiv:1906.04721, section 4.1).
The factors are rounded to powers of two here, so that the float network gives the same bits.
"""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array, Graph, Node
from edgeprune.ops._clamp import INF

# by operator kind: axes of the weights that run over what is made and over what is read
MADE = {"conv2d": 0, "depthwise_conv2d": 2, "dense": 0}
READ = {"conv2d": 3, "depthwise_conv2d": 2, "dense": 1}
HOMOGENEOUS = {"relu", "leaky_relu", "max_pool2d", "avg_pool2d"}
SWEEPS = 20  # over chains of pairs; factors of two settle in a few
MAX_EXPONENT = 8  # dead or nearly dead channels are not blown up


def equalise(graph: Graph) -> Graph:
    """Equalise the channels of consecutive layers.

    The factor of channel i is sqrt(r1_i / r2_i) of the paper's equation 11, r1 and r2 the largest
    weights of the first layer that make the channel and of the second that read it, rounded to
    a power of two.

    Args:
        graph: float32.

    Returns:
        The same function with other weights and biases; the graph itself where no layer has a
        partner.
    """
    pairs = _pairs(graph)
    held = dict(graph.constants)
    for _ in range(SWEEPS):
        if not any([_balance(held, first, second) for first, second in pairs]):
            break
    changed = {k: v for k, v in held.items() if v is not graph.constants[k]}
    return graph.with_constants(changed) if changed else graph


def _pairs(graph: Graph) -> list[tuple[Node, Node]]:
    """Layers, and the layer that alone reads each."""
    found = []
    for node in graph.nodes:
        if node.op.kind not in MADE or not _scales(node) or not _owns_weights(graph, node):
            continue
        last: Node | None = node
        while last is not None and (last is node or last.op.kind in HOMOGENEOUS):
            last = _next(graph, last)
        if last is None or last.op.kind not in READ or not _owns_weights(graph, last):
            continue
        made = graph.types[node.inputs[1]].shape[MADE[node.op.kind]]
        if graph.types[last.inputs[1]].shape[READ[last.op.kind]] == made:
            found.append((node, last))
    return found


def _next(graph: Graph, node: Node) -> Node | None:
    """The only node that reads this one's result, if it passes factors on or is a layer."""
    users = graph.users[node.output]
    if node.output in graph.outputs or len(users) != 1 or users[0].inputs[0] != node.output:
        return None
    reader = users[0]
    if reader.op.kind in READ:
        grouped = getattr(reader.op, "groups", 1) != 1
        return None if grouped else reader
    return reader if reader.op.kind in HOMOGENEOUS and _scales(reader) else None


def _scales(node: Node) -> bool:
    """Whether the fused clamp lets positive factors through."""
    return getattr(node.op, "clamp", None) in (None, (0.0, INF))


def _owns_weights(graph: Graph, node: Node) -> bool:
    """Whether weights and bias are constants that no other operand shares."""
    operands = [v for n in graph.nodes for v in n.inputs]
    return all(v in graph.constants and operands.count(v) == 1 for v in node.inputs[1:3])


def _balance(held: dict[str, Array], first: Node, second: Node) -> bool:
    """Equalise one pair; whether anything changed."""
    w1, b1, w2 = first.inputs[1], first.inputs[2], second.inputs[1]
    factor = _factors(_reach(held[w1], MADE[first.op.kind]), _reach(held[w2], READ[second.op.kind]))
    if (factor == 1).all():
        return False
    held[w1] = held[w1] / _along(factor, held[w1], MADE[first.op.kind])
    held[b1] = held[b1] / factor
    held[w2] = held[w2] * _along(factor, held[w2], READ[second.op.kind])
    return True


def _factors(made: Array, read: Array) -> Array:
    """Powers of two near sqrt(made / read), 1 where either is zero."""
    alive = (made > 0) & (read > 0)
    ratio = np.divide(made, read, out=np.ones_like(made), where=alive)
    exponent = np.clip(np.rint(0.5 * np.log2(ratio)), -MAX_EXPONENT, MAX_EXPONENT)
    factors: Array = np.exp2(exponent).astype(np.float32)
    return factors


def _reach(w: Array, axis: int) -> Array:
    rest = tuple(i for i in range(w.ndim) if i != axis)
    largest: Array = np.abs(w.astype(np.float64)).max(axis=rest)
    return largest


def _along(factor: Array, w: Array, axis: int) -> Array:
    shape = [1] * w.ndim
    shape[axis] = -1
    shaped: Array = factor.reshape(shape)
    return shaped
