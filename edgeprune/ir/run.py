"""Runs a graph: in float with torch, or in its own integers with numpy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.ir.graph import Graph, Node
from edgeprune.ir.op import LinearOp
from edgeprune.ir.types import Array, TensorType

if TYPE_CHECKING:
    import torch


BATCH_ELEMENTS = 2**21
"""Elements of a value that are computed at once: what the processor's cache can hold."""
PREDICTED = 256
PREDICTED_ELEMENTS = 2**20
"""Samples of a whole network that are computed at once at most, and elements of its largest value:
larger blocks are no faster, and what is freed of them is not all used again."""
TOGETHER = 16
TOGETHER_ELEMENTS = 2**24
"""Samples of which all values are computed at once where those are no more than so many elements:
of fewer samples, what every node costs once a block is half of the time or more."""


def tensors(graph: Graph) -> dict[str, torch.Tensor]:
    """The constants of a float graph as tensors, sharing memory where that may be written."""
    import torch

    return {k: torch.from_numpy(_in_rows(v)) for k, v in graph.constants.items()}


def _in_rows(a: Array) -> Array:
    """An array that torch may write, with the strides that its shape has.

    To numpy any stride of an axis of one element is in order; oneDNN takes it for a layout.
    """
    return np.require(a, None, ["C", "W"]).reshape(-1).reshape(a.shape)


def differentiable(graph: Graph) -> dict[str, torch.Tensor]:
    """The same, where what is looked up of tables has gradients: numbers of rows have none."""
    weights = tensors(graph)
    tables = {n.inputs[1] for n in graph.nodes if n.op.numbers}
    return weights | {k: weights[k].detach().clone().requires_grad_() for k in tables}


def flat(values: torch.Tensor) -> torch.Tensor:
    """Values of samples, (n, ...), as rows, (n, elements)."""
    return values.reshape(len(values), -1)


def run(
    graph: Graph,
    feed: Mapping[str, torch.Tensor],
    *,
    constants: Mapping[str, torch.Tensor] | None = None,
    nodes: tuple[Node, ...] | None = None,
    hook: Callable[[Node, int, torch.Tensor], torch.Tensor] | None = None,
    keep: Collection[str] | None = None,
) -> dict[str, torch.Tensor]:
    """Compute every value of a float graph.

    Args:
        graph: a float network.
        feed: inputs, batch in front: (n, *shape). With ``nodes``: the values that those need.
        constants: weights in place of the graph's, e.g. with gradients.
        nodes: the part to run, in execution order; None: all.
        hook: gets (node, number of the operand, operand) before a node reads an activation, and
            gives what the node is to see; how masks and gains are applied.
        keep: names of the values that are wanted; the others are forgotten when nothing reads
            them any more. None: all.

    Returns:
        Values by name, those of ``feed`` included.
    """
    import torch

    weights = tensors(graph) if constants is None else constants
    values = dict(feed)
    steps = graph.nodes if nodes is None else nodes
    last = {v: n.name for n in steps for v in n.inputs}
    over = frozenset[str]()
    if keep is not None and hook is None and not torch.is_grad_enabled():
        over = _overwriting(graph, steps, keep)
    for node in steps:
        args = []
        for i, v in enumerate(node.inputs):
            if v in weights:
                args.append(weights[v] if i in node.op.weights else weights[v][None])
            else:
                args.append(values[v] if hook is None else hook(node, i, values[v]))
        evaluate = node.op.evaluate_over if node.name in over else node.op.evaluate
        values[node.output] = evaluate(*args)
        if keep is not None:
            for v in node.inputs:
                if last[v] == node.name and v not in keep:
                    values.pop(v, None)
    return values


def _overwriting(graph: Graph, steps: Sequence[Node], keep: Collection[str]) -> frozenset[str]:
    """Nodes that alone read what a layer with weights makes: no view of anything."""
    made = {n.output for n in steps if isinstance(n.op, LinearOp)}
    alone = {v for v in made if len(graph.users[v]) == 1 and v not in keep}
    return frozenset(n.name for n in steps if n.inputs[0] in alone)


def run_node(
    node: Node, values: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """One node for many samples, some at a time."""
    n = max(len(values[v]) for v in node.inputs if v in values)
    largest = max(values[v][0].numel() for v in node.inputs if v in values)
    batch = max(1, BATCH_ELEMENTS // largest)
    made: torch.Tensor | None = None
    for i in range(0, n, batch):
        args = [
            (weights[v] if k in node.op.weights else weights[v][None])
            if v in weights
            else values[v][i : i + batch]
            for k, v in enumerate(node.inputs)
        ]
        rows = node.op.evaluate(*args)
        if batch >= n:
            return rows
        if made is None:  # filled part by part: parts beside their sum take twice the memory
            made = rows.new_empty((n, *rows.shape[1:]))
        made[i : i + batch] = rows
    assert made is not None
    return made


def walk(
    graph: Graph,
    x: torch.Tensor,
    *,
    look: Callable[[str, torch.Tensor], None] = lambda value, data: None,
) -> None:
    """Compute all values of a network with one input, and forget each when nothing reads it more.

    Args:
        graph: float.
        x: samples, (n, *input shape).
        look: is shown every value, by name.
    """
    import torch

    last = {v: n.name for n in graph.nodes for v in n.inputs}
    values = {graph.inputs[0]: x}
    constants = tensors(graph)
    with torch.no_grad():
        look(graph.inputs[0], x)
        for node in graph.nodes:
            values[node.output] = run_node(node, values, constants)
            look(node.output, values[node.output])
            for v in node.inputs:
                if last[v] == node.name:
                    values.pop(v, None)


def samples_predicted(graph: Graph) -> int:
    """How many samples of a network are computed at once."""
    largest = max((graph.types[n.output].size for n in graph.nodes), default=1)
    return max(1, min(PREDICTED, PREDICTED_ELEMENTS // max(largest, 1)))


def samples_held(graph: Graph, elements: int) -> int:
    """Of how many samples all values are computed at once, to be held for derivatives.

    Args:
        graph: the network.
        elements: of all these values together; more of them in networks of large values.
    """
    each = max(sum(graph.types[n.output].size for n in graph.nodes), 1)
    return max(1, elements // each, min(TOGETHER, TOGETHER_ELEMENTS // each))


def predict(graph: Graph, x: Array) -> Array:
    """The first output of a float graph with one input, for many samples.

    Args:
        graph: a float network.
        x: samples, (n, *shape) float32.

    Returns:
        (n, *output shape) float32.
    """
    import torch

    weights, batch = tensors(graph), samples_predicted(graph)
    rows = []
    with torch.inference_mode():
        for i in range(0, len(x), batch):
            part = torch.from_numpy(np.array(x[i : i + batch], np.float32, order="C"))
            feed = {graph.inputs[0]: part}
            values = run(graph, feed, constants=weights, keep=graph.outputs[:1])
            rows.append(values[graph.outputs[0]].numpy())
    return np.concatenate(rows)


def run_int(graph: Graph, feed: Mapping[str, Array]) -> dict[str, Array]:
    """Compute every value of a quantised graph in its own integers, bit for bit.

    Args:
        graph: a quantised network.
        feed: inputs as integers (or float where the input is float), batch in front.

    Returns:
        All values by name, those of ``feed`` included.
    """
    values: dict[str, Array] = dict(feed)
    for node in graph.nodes:
        args = []
        for i, v in enumerate(node.inputs):
            if v in graph.constants:
                c = graph.constants[v]
                args.append(c if i in node.op.weights else c[None])
            else:
                args.append(values[v])
        values[node.output] = computed(graph, node, args)
    return values


def computed(graph: Graph, node: Node, x: Sequence[Array]) -> Array:
    """One node in its own arithmetic: integers where its values have scales, else float.

    A quantised file may dequantise, do a step in float, and quantise again.

    Args:
        graph: float or quantised.
        node: of it.
        x: the operands; batch in front except for weights.
    """
    types, out = graph.types_of(node), graph.types[node.output]
    if any(t.quant is not None for t in (*types, out)):
        return node.op.evaluate_int(types, out, *x)
    import torch

    with torch.inference_mode():
        made = node.op.evaluate(*(torch.from_numpy(_in_rows(a)) for a in x))
    y: Array = made.numpy()
    return y


def in_elements(x: Array, t: TensorType) -> Array:
    """Real values as the elements of a type: integers where it has a scale, or numbers rows."""
    return quantise_array(x, t) if t.quant is not None else x.astype(t.dtype.numpy, copy=False)


def in_reals(q: Array, t: TensorType) -> Array:
    """The real values of elements of a type, float32."""
    return dequantise_array(q, t) if t.quant is not None else q.astype(np.float32, copy=False)


def quantise_array(x: Array, t: TensorType) -> Array:
    """Real values in a type's integers: round(x / scale) + zero point, cut to its range.

    Division and rounding (half away from zero) are in float32 as in TFLite's reference QUANTIZE.
    """
    assert t.quant is not None
    scale, zero = t.quant.scalar
    info = np.iinfo(t.dtype.numpy)
    q = np.asarray(np.asarray(x, np.float32) / np.float32(scale))
    q += np.copysign(np.float32(0.5), q)
    np.trunc(q, out=q)
    q += np.float32(zero)
    cut: Array = np.clip(q, info.min, info.max, out=q).astype(t.dtype.numpy)
    return cut


def dequantise_array(q: Array, t: TensorType) -> Array:
    """The real values of integers: scale * (q - zero point), float32."""
    assert t.quant is not None
    if t.quant.axis is None:
        scale, zero = t.quant.scalar
        if q.dtype.itemsize < 4:  # float32 has these integers, so a product is rounded once
            y: Array = np.asarray(q.astype(np.float32) - np.float32(zero))
            y *= np.float32(scale)
            return y
        return ((q.astype(np.int32) - zero) * np.float32(scale)).astype(np.float32)
    shape = [1] * q.ndim
    shape[t.quant.axis] = -1
    scales = np.asarray(t.quant.scale, np.float32).reshape(shape)
    zeros = np.asarray(t.quant.zero_point, np.int32).reshape(shape)
    return ((q.astype(np.int32) - zeros) * scales).astype(np.float32)
