"""A float graph becomes an integer graph to TFLite's quantisation specification.

Activations are int8 with a scale and zero point per tensor (int16: zero point 0), weights int8
symmetric per output channel in [-127, 127], biases int32 at scale input x weight
(Jacob et al. 2018, arXiv:1712.05877; the TensorFlow Lite 8-bit quantisation specification).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import (
    Array,
    Codebook,
    DType,
    Graph,
    LinearOp,
    Node,
    QuantParams,
    TensorType,
)
from edgeprune.ir.fixedpoint.short import few_bits
from edgeprune.ops import Quantize, Unary
from edgeprune.quantize.bias import means_before
from edgeprune.quantize.choices import as_products, choices
from edgeprune.quantize.division import without_division
from edgeprune.quantize.finest import too_fine
from edgeprune.quantize.masks import Range, with_masks
from edgeprune.quantize.weights import Rounded, Weights

WORTH_FITTING = 0.7
"""Of the scale that TFLite fixes: a table on one below it gains 3 dB and more."""


def params_of(low: float, high: float, dtype: DType) -> QuantParams:
    """Scale and zero point for a range, which is widened to hold 0.

    The zero point is nudged to an integer so that 0.0 is exact.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if dtype is DType.INT16:
        return QuantParams.of(max(-low, high, 1e-9) / 32767)
    scale = float(np.float32(max(high - low, 1e-9) / 255))
    zero = round(-128 - low / scale)
    return QuantParams.of(scale, int(np.clip(zero, -128, 127)))


def quantise(
    graph: Graph,
    ranges: Mapping[str, Range],
    dtype: DType = DType.INT8,
    *,
    four_bit: Collection[str] = (),
    codebooks: Mapping[str, Codebook] | None = None,
    scales: Mapping[str, Array] | None = None,
    means: Mapping[str, Array] | None = None,
    short: bool = True,
) -> Graph:
    """Quantise every value of a float graph.

    Args:
        graph: float32, clamps fused where they can be.
        ranges: real ends of every activation's range, by name.
        dtype: type of the activations: INT8, or INT16 with int8 weights.
        four_bit: names of the layers whose weights have four bits; the others' have eight.
        codebooks: the few values of a layer's weights, by its name; those of other layers are any.
        scales: of a layer's weights, one per output channel, by its name; those of other layers
            are taken from the channels' peaks.
        means: of every activation, per channel, by name: biases are corrected by them; None: they
            are only rounded.
        short: whether layers of few values whose ``scales`` are given get the nearest short ones.

    Returns:
        The integer graph; inputs and outputs are integers too. Weights have a scale per channel.

    Raises:
        UnsupportedError: no integer form; all such operators at once.
    """
    short = short and dtype is DType.INT8 and bool(scales) and bool(codebooks or four_bit)
    graph, ends = without_division(*as_products(graph, ranges))
    fixed = _fixed(graph, ends, dtype)
    graph = _separate_fixed(graph, fixed)
    for node in graph.nodes:
        if node.output not in ends:  # a Quantize that was just put in
            ends[node.output] = ends[node.inputs[0]]
    graph, ends = with_masks(graph, ends | choices(graph, ends))
    quant = _activation_params(graph, ends, fixed, dtype, short=short)
    types = {
        v: TensorType(graph.types[v].shape, dtype, quant[v]) if v in quant else graph.types[v]
        for v in graph.activations
    }
    before = means_before(graph, means or {})
    asked = Weights(dtype, four_bit, codebooks or {}, scales or {}, before, short)
    nodes, constants, constant_types = _in_integers(graph, types, quant, asked)
    return graph.rebuilt(
        nodes,
        inputs={v: types[v] for v in graph.inputs},
        constants=constants,
        types=constant_types,
        known=types,
    )


def _constants(
    graph: Graph, node: Node, quant: Mapping[str, QuantParams], dtype: DType
) -> list[Rounded]:
    """The constants that an operator without weights reads."""
    found = []
    for i, v in enumerate(node.inputs):
        if v in graph.constants:
            c = graph.constants[v]
            own = params_of(float(c.min()), float(c.max()), dtype)
            shared = node.op.quant == "shared"
            t = TensorType(c.shape, dtype, quant[node.output] if shared else own)
            found.append((i, _round(c, t), t))
    return found


def _in_integers(
    graph: Graph,
    types: Mapping[str, TensorType],
    quant: Mapping[str, QuantParams],
    asked: Weights,
) -> tuple[list[Node], dict[str, Array], dict[str, TensorType]]:
    """The nodes, each with constants of its own, these, and their types."""
    constants: dict[str, Array] = {}
    constant_types: dict[str, TensorType] = {}
    nodes = []
    for node in graph.nodes:
        args = list(node.inputs)
        if isinstance(node.op, LinearOp):
            rounded = asked.of(graph, node, types[node.inputs[0]], types[node.output])
        else:
            rounded = _constants(graph, node, quant, asked.dtype)
        for i, value, t in rounded:
            args[i] = f"{node.inputs[i]}@{node.name}"
            constants[args[i]], constant_types[args[i]] = value, t
        nodes.append(replace(node, inputs=tuple(args)))
    return nodes, constants, constant_types


def _round(x: Array, t: TensorType) -> Array:
    assert t.quant is not None
    scale, zero = t.quant.scalar
    info = np.iinfo(t.dtype.numpy)
    q: Array = np.clip(np.rint(x / scale) + zero, info.min, info.max).astype(t.dtype.numpy)
    return q


def _fixed(graph: Graph, ranges: Mapping[str, Range], dtype: DType) -> dict[str, QuantParams]:
    """What has the scale that TFLite fixes for its operator, and that scale.

    A function that is looked up anyway may have another one, if its values take only a small part
    of what it can give, and are no output of the network, which has the scale that users expect.
    """
    found = {}
    shown = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.output in shown and node.op.quant in ("same", "shared"):
            shown |= set(node.inputs)
    for node in graph.nodes:
        if node.op.quant != "fixed":
            continue
        usual = node.op.fixed_quant(8 if dtype is DType.INT8 else 16)
        own = params_of(*ranges[node.output], dtype).scale[0]
        by_table = dtype is DType.INT8 and isinstance(node.op, Unary)
        if node.output in shown or not by_table or own > WORTH_FITTING * usual.scale[0]:
            found[node.output] = usual
    return found


def _activation_params(
    graph: Graph,
    ranges: Mapping[str, Range],
    fixed: Mapping[str, QuantParams],
    dtype: DType,
    *,
    short: bool,
) -> dict[str, QuantParams]:
    """Scale and zero point of every activation, by the operators' rules and by sites.

    Numbers of rows have none. Short scales (:func:`few_bits`) are those of results alone: what a
    network is given has the scale that users expect.
    """
    leader = {v: v for v in graph.activations if not graph.types[v].is_index}

    def find(v: str) -> str:
        while leader[v] != v:
            v = leader[v]
        return v

    nodes = [n for n in graph.nodes if n.output in leader]
    for node in nodes:
        if node.op.quant == "shared":
            moving = [v for v in node.inputs if v in leader]
            for v in moving:
                leader[find(v)] = find(node.output)
        elif node.op.quant == "same":
            leader[find(node.output)] = find(node.inputs[0])
    places: dict[str, str] = {}  # by site, what its first node makes
    for node in nodes:
        if node.site:
            leader[find(node.output)] = find(places.setdefault(node.site, node.output))
    for v, after in graph.states.items():
        leader[find(after)] = find(v)
    widens = _widening(graph)
    ends: dict[str, Range] = {}
    given: dict[str, QuantParams] = {}
    for v in leader:
        root = find(v)
        if v in fixed:
            given[root] = fixed[v]
        if v in widens:
            low, high = ranges[v]
            old = ends.get(root, (low, high))
            ends[root] = (min(low, old[0]), max(high, old[1]))
    roots = {
        find(v): given[find(v)] if find(v) in given else params_of(*ends[find(v)], dtype)
        for v in leader
    }
    if short:
        roots |= _of_few_bits(roots, {find(v) for v in graph.inputs} | given.keys())
    own = _own_scales(graph, dtype)
    while True:
        scales = own | {v: roots[find(v)].scale[0] for v in leader}
        if (found := too_fine(graph, scales, dtype)) is None:
            break
        root = find(found[0])
        scale = few_bits(found[1]) if short else found[1]
        roots[root] = QuantParams.of(scale, roots[root].zero_point[0])
    return {v: roots[find(v)] for v in leader}


def _widening(graph: Graph) -> set[str]:
    """Values whose range counts where several share a scale."""
    # what a "same" operator makes lies within its input's range, so it does not widen it
    widens = {n.output for n in graph.nodes if n.op.quant in ("range", "fixed")}
    # constants that share a scale have no range of their own: the result has what shows of them
    widens |= {
        n.output
        for n in graph.nodes
        if n.op.quant == "shared" and any(v in graph.constants for v in n.inputs)
    }
    widens |= set(graph.inputs)
    return widens | {n.output for n in graph.nodes if n.op.numbers}


def _of_few_bits(
    found: Mapping[str, QuantParams], exact: Collection[str]
) -> dict[str, QuantParams]:
    """Hardly larger scales, which can be multiplied with short numbers; but for some values'."""
    few = {v: q for v, q in found.items() if v not in exact}
    return {v: QuantParams.of(few_bits(q.scale[0]), q.zero_point[0]) for v, q in few.items()}


def _own_scales(graph: Graph, dtype: DType) -> dict[str, float]:
    """Of the constants that operators without weights read, as their ranges give them."""
    read = {v for n in graph.nodes if not isinstance(n.op, LinearOp) for v in n.inputs}
    ends = {v: (float(c.min()), float(c.max())) for v, c in graph.constants.items() if v in read}
    return {v: params_of(low, high, dtype).scale[0] for v, (low, high) in ends.items()}


def _separate_fixed(graph: Graph, values: Collection[str]) -> Graph:
    """Put a Quantize between a value of fixed scale and an operator that shares scales."""
    fixed = set(values) | {v for v, after in graph.states.items() if after in values}
    for node in graph.nodes:
        if node.op.quant == "same" and node.inputs[0] in fixed:
            fixed.add(node.output)
    nodes: list[Node] = []
    changed = False
    for node in graph.nodes:
        if node.op.quant != "shared":
            nodes.append(node)
            continue
        args = list(node.inputs)
        for i, v in enumerate(args):
            if v in fixed:
                out = f"{v}@{node.name}.{i}"
                nodes.append(Node(f"{node.name}/requantise{i}", Quantize(), (v,), out))
                args[i] = out
                changed = True
        nodes.append(replace(node, inputs=tuple(args)))
    if not changed:
        return graph
    return graph.rebuilt(nodes)


def four_bit_layers(graph: Graph) -> frozenset[str]:
    """Names of the layers whose weights may have four bits: there are kernels for them."""
    return frozenset(n.name for n in graph.nodes if n.op.kind in ("conv2d", "dense"))


def refuse_unquantised(graph: Graph, dtype: DType) -> None:
    """Raise one error for all operators that have no form for activations of an integer type."""
    names = [f"{n.op.kind} ({n.name})" for n in graph.nodes if not n.op.has_integers(dtype)]
    if names:
        is_wide = dtype is DType.INT16
        what = f"no {'int16' if is_wide else 'integer'} form for {', '.join(names)}"
        hint = f"use --dtype {'int8 or ' if is_wide else ''}float32"
        raise UnsupportedError(graph.name, what, hint)
