"""Cross-layer equalisation: channels of like size, without changing what the network computes.

What a channel is multiplied by in one layer may be divided out in the next, where only a
positively homogeneous function lies between (Nagel et al. 2019, arXiv:1906.04721, section 4.1).
The factors are rounded to powers of two here, so that the float network gives the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.ir import Array, Graph, LinearOp, Node
from edgeprune.ops import ConvTranspose2d

SWEEPS = 20  # over chains of pairs; factors of two settle in a few
MAX_EXPONENT = 8  # dead or nearly dead channels are not blown up


@dataclass(frozen=True)
class _Pair:
    """Weights and bias that make channels, the weights that read them, and the axes they lie on."""

    w1: str
    b1: str
    w2: str
    made: int
    read: int


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
        if not any([_balance(held, pair) for pair in pairs]):
            break
    changed = {k: v for k, v in held.items() if v is not graph.constants[k]}
    return graph.with_constants(changed) if changed else graph


def _pairs(graph: Graph) -> list[_Pair]:
    """Layers, and the layer that alone reads each."""
    found = []
    for node in graph.nodes:
        first = _layer(node)
        if first is None or not first.keeps_factors or not _owns_weights(graph, node):
            continue
        last: Node | None = node
        while last is not None and (last is node or last.op.homogeneous):
            last = _next(graph, last)
        second = _layer(last) if last is not None else None
        if last is None or second is None or not _owns_weights(graph, last):
            continue
        w1, b1, w2 = *node.inputs[1:3], last.inputs[1]
        made = graph.types[w1].shape[first.out_axis]
        if graph.types[w2].shape[second.in_axis] == made:
            found.append(_Pair(w1, b1, w2, first.out_axis, second.in_axis))
    return found


def _next(graph: Graph, node: Node) -> Node | None:
    """The only node that reads this one's result, if it passes factors on or is a layer."""
    users = graph.users[node.output]
    if node.output in graph.outputs or len(users) != 1 or users[0].inputs[0] != node.output:
        return None
    reader = users[0]
    if _layer(reader) is not None:
        return None if getattr(reader.op, "groups", 1) != 1 else reader
    return reader if reader.op.homogeneous else None


def _layer(node: Node) -> LinearOp | None:
    """The operator of a layer whose weights' axes channels run along: no transposed convolution."""
    op = node.op
    return op if isinstance(op, LinearOp) and not isinstance(op, ConvTranspose2d) else None


def _owns_weights(graph: Graph, node: Node) -> bool:
    """Whether weights and bias are constants that no other operand shares."""
    operands = [v for n in graph.nodes for v in n.inputs]
    return all(v in graph.constants and operands.count(v) == 1 for v in node.inputs[1:3])


def _balance(held: dict[str, Array], pair: _Pair) -> bool:
    """Equalise one pair; whether anything changed."""
    w1, w2 = held[pair.w1], held[pair.w2]
    factor = _factors(_reach(w1, pair.made), _reach(w2, pair.read))
    if (factor == 1).all():
        return False
    held[pair.w1] = w1 / _along(factor, w1, pair.made)
    held[pair.b1] = held[pair.b1] / factor
    held[pair.w2] = w2 * _along(factor, w2, pair.read)
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
