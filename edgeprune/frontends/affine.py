"""Additions and multiplications by constants, which a layer beside them can do itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.frontends.passes import fresh, only_user
from edgeprune.ir import Array, Folded, Graph, LinearOp, Node, Op
from edgeprune.ops import Add, Convolution, Dense, DepthwiseConv2d, Div, Mul, Sub


def fold_affine(graph: Graph) -> Graph:
    """Additions and multiplications by constants, folded in the linear operator around them.

    After a convolution or dense layer always, where one number an output channel is meant; before
    one if every weight reads it alike: additions only without padding.
    """
    while found := _folds(graph):
        graph = _exchanged(graph, found)
    return graph


@dataclass(frozen=True)
class _Fold:
    """An affine step that a linear node does itself.

    Attributes:
        linear: the node.
        gone: the node of the step.
        constants: the linear node's new weights and bias.
        folded: what the weights were multiplied with.
        before: whether the step comes before the linear node.
    """

    linear: Node
    gone: Node
    constants: list[Array]
    folded: Folded | None
    before: bool


def _folds(graph: Graph) -> list[_Fold]:
    """Steps that can be folded at once: no node has a part in two of them."""
    found: list[_Fold] = []
    touched: set[str] = set()
    for node in graph.nodes:
        step = _affine(graph, node)
        if step is None:
            continue
        value, a, b = step
        before, after = graph.producer.get(value), only_user(graph, node.output)
        if touched & {n.name for n in (before, node, after) if n is not None}:
            continue
        fold = None
        alone = only_user(graph, value) is node
        if alone and before is not None and isinstance(before.op, LinearOp):
            fold = _into_before(graph, node, before, a, b)
        if fold is None and after is not None and _can_read(graph, after, node, a, b):
            fold = _into_after(graph, node, after, a, b)
        if fold is not None:
            found.append(fold)
            touched |= {fold.linear.name, node.name}
    return found


def join_affine(graph: Graph) -> Graph:
    """What is left of them: in a row no more than one sum and one factor, and no division.

    Integers have no division, and round at every step. The factor comes last, where the next layer
    may take it over.
    """
    names = {n.name for n in graph.nodes} | set(graph.types)
    constants = dict(graph.constants)
    instead: dict[str, list[Node]] = {}
    gone: set[str] = set()
    for node in reversed(graph.nodes):
        row, a, b = _row(graph, node)
        wanted = _sum_and_factor(a, b) or [(Mul(), np.ones(1))]  # something makes its output
        after = only_user(graph, node.output)
        moves = after is not None and isinstance(node.op, Add | Sub) and len(wanted) == 2
        moves = moves and after is not None and _can_read(graph, after, node, a, 0 * b)
        divides = any(isinstance(n.op, Div) for n in row)
        if node.name in gone or not (divides or moves or len(row) > len(wanted)):
            continue
        made = _finite(*(v for _, v in wanted))
        if made is None:
            continue
        gone |= {n.name for n in row}
        source, steps = _affine_of(graph, row[0])[0], []
        for i, ((op, _), value) in enumerate(zip(wanted, made, strict=True)):
            last = i == len(wanted) - 1
            name = node.name if last else fresh(names, f"{node.name}/factor")
            held, output = fresh(names, f"{name}/by"), node.output if last else name
            constants[held] = value[:1] if (value == value[0]).all() else value
            steps.append(Node(name, op, (source, held), output))
            source = output
        instead[node.name] = steps
    if not gone:
        return graph
    nodes = []
    for n in graph.nodes:
        nodes += instead.get(n.name, [] if n.name in gone else [n])
    return graph.rebuilt(nodes, constants=constants)


def invert_divisors(graph: Graph) -> Graph:
    """The divisions by constants that are left as products, which integers have."""
    names, constants = set(graph.types), dict(graph.constants)
    nodes: list[Node] = []
    for node in graph.nodes:
        divisor = constants.get(node.inputs[-1])
        inverse = None
        if isinstance(node.op, Div) and divisor is not None and divisor.all():
            inverse = _finite(1 / divisor.astype(np.float64))
        if not isinstance(node.op, Div) or inverse is None:
            nodes.append(node)
            continue
        name = fresh(names, f"{node.inputs[1]}/inverse")
        constants[name] = inverse[0]
        nodes.append(replace(node, op=Mul(node.op.clamp), inputs=(node.inputs[0], name)))
    return graph if tuple(nodes) == graph.nodes else graph.rebuilt(nodes, constants=constants)


def _sum_and_factor(a: Array, b: Array) -> list[tuple[Op, Array]]:
    """What computes a * x + b: the sum first, unless a factor is 0."""
    factor: list[tuple[Op, Array]] = [(Mul(), a)] if (a != 1).any() else []
    if not b.any():
        return factor
    return [*factor, (Add(), b)] if (a == 0).any() else [(Add(), b / a), *factor]


def _row(graph: Graph, node: Node) -> tuple[list[Node], Array, Array]:
    """The affine steps that end with a node, and what they come to: a * x + b."""
    row: list[Node] = []
    step = _affine(graph, node)
    a, b = np.ones(1), np.zeros(1)
    while step is not None:
        row.insert(0, node)
        b = a * step[2] + b
        a = a * step[1]
        before = graph.producer.get(step[0])
        if before is None or only_user(graph, step[0]) is not node:
            break
        node, step = before, _affine(graph, before)
    return row, a, b


def _affine_of(graph: Graph, node: Node) -> tuple[str, Array, Array]:
    step = _affine(graph, node)
    assert step is not None
    return step


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


def _into_before(graph: Graph, node: Node, before: Node, a: Array, b: Array) -> _Fold | None:
    """A linear operator with an affine step behind it: scaled rows, another bias."""
    assert isinstance(before.op, LinearOp)
    weights, axis = graph.constants[before.inputs[1]], before.op.out_axis
    made = _finite(
        weights.astype(np.float64) * before.op.along_results(a, weights.ndim),
        graph.constants[before.inputs[2]].astype(np.float64) * a + b,
    )
    folded = graph.types[before.inputs[1]].folded
    if (a != 1).any():  # more than a bias
        factor = a if folded is None else a * folded.factor
        folded = Folded(tuple(factor.tolist()), axis)
    return None if made is None else _Fold(before, node, made, folded, before=False)


def _can_read(graph: Graph, after: Node, node: Node, a: Array, b: Array) -> bool:
    """Whether a linear operator can do an affine step in front of it."""
    if after.inputs[0] != node.output:
        return False
    if isinstance(after.op, Dense):
        return True
    if isinstance(after.op, Convolution):
        return not (after.op.padding.any and b.any())
    return False


def _into_after(graph: Graph, node: Node, after: Node, a: Array, b: Array) -> _Fold | None:
    """A linear operator with an affine step in front of it: scaled columns, another bias."""
    weights = graph.constants[after.inputs[1]].astype(np.float64)
    bias = graph.constants[after.inputs[2]].astype(np.float64)
    if isinstance(after.op, DepthwiseConv2d):
        many = weights.shape[2] // len(a)
        scaled = weights * np.repeat(a, many)
        shift = weights.sum((0, 1)) * np.repeat(b, many)
    elif isinstance(after.op, LinearOp) and after.op.groups > 1:
        groups = after.op.groups
        rows = np.repeat(np.arange(groups), weights.shape[0] // groups)
        scaled = weights * a.reshape(groups, -1)[rows][:, None, None, :]
        shift = (weights.sum((1, 2)) * b.reshape(groups, -1)[rows]).sum(1)
    else:
        scaled = weights * a
        shift = (weights * b).reshape(len(bias), -1).sum(1)
    made = _finite(scaled, bias + shift)
    kept = graph.types[after.inputs[1]].folded
    return None if made is None else _Fold(after, node, made, kept, before=True)


def _exchanged(graph: Graph, folds: Sequence[_Fold]) -> Graph:
    """The graph with new weights and biases in linear nodes, without the steps that these do."""
    names, constants = set(graph.types), dict(graph.constants)
    swapped: dict[str, Node] = {}
    folded: dict[str, Folded | None] = {}
    for f in folds:
        linear = f.linear
        names -= {v for v in linear.inputs[1:] if graph.users[v] == (linear,)}
        new = [fresh(names, v) for v in linear.inputs[1:3]]
        constants |= dict(zip(new, f.constants, strict=True))
        folded[new[0]] = f.folded
        step = next(v for v in f.gone.inputs if v not in graph.constants)
        ends = (step, linear.output) if f.before else (linear.inputs[0], f.gone.output)
        swapped[linear.name] = replace(linear, inputs=(ends[0], *new), output=ends[1])
    gone = {f.gone.name for f in folds}
    nodes = [swapped.get(n.name, n) for n in graph.nodes if n.name not in gone]
    whole = graph.rebuilt(nodes, constants=constants)
    types = {k: replace(whole.types[k], folded=v) for k, v in folded.items()}
    return replace(whole, types={**whole.types, **types})
