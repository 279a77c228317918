"""Several inputs as one, several outputs as one: what ranks and prunes sees a single row each.

The network that is emitted has the user's inputs and outputs again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.ir import OUTPUTS, Channels, DType, Graph, Ids, Node, TensorType
from edgeprune.ops import Concat, Reshape, Slice

INPUTS = "(inputs)"
INPUT = "they are one of several inputs"


@dataclass(frozen=True)
class Part(Slice):
    """One of the inputs, cut out of the row of all of them; it stays whole.

    Attributes:
        dtype: its element type.
    """

    dtype: DType = DType.FLOAT32

    def infer(self, *x: TensorType) -> TensorType:
        """Its type: of its own elements."""
        return replace(super().infer(*x), dtype=self.dtype)

    def couple(self, node: Node, ch: Channels, types: Sequence[TensorType], *ids: Ids) -> Ids:
        """The ids of the elements, which must stay."""
        ch.pin(ids[0], INPUT)
        return super().couple(node, ch, types, *ids)


def join_ports(graph: Graph) -> Graph:
    """The same network with one input and one output: rows of all values (:mod:`ir.rows`).

    Args:
        graph: float, every input read; given back as it is where it has one of each.
    """
    inputs = {v: graph.types[v] for v in graph.inputs}
    nodes = list(graph.nodes)
    outputs = graph.outputs
    if len(inputs) > 1:
        ends = np.cumsum([0, *(t.size for t in inputs.values())]).tolist()
        row = TensorType((ends[-1],))
        parts: list[Node] = []
        for i, (v, t) in enumerate(inputs.items()):
            cut = Part((ends[i],), (ends[i + 1],), (1,), t.dtype)
            flat = v if len(t.shape) == 1 else f"{v}/row"
            parts.append(Node(f"{INPUTS}/{i}", cut, (INPUTS,), flat))
            if flat != v:
                parts.append(Node(f"{INPUTS}/{i}/shape", Reshape(t.shape), (flat,), v))
        inputs, nodes = {INPUTS: row}, parts + nodes
    if len(outputs) > 1:
        flats = []
        for i, v in enumerate(outputs):
            flats.append(f"{OUTPUTS}/{i}")
            size = graph.types[v].size
            nodes.append(Node(flats[-1], Reshape((size,)), (v,), flats[-1]))
        nodes.append(Node(OUTPUTS, Concat(axis=-1), tuple(flats), OUTPUTS))
        outputs = (OUTPUTS,)
    if nodes == list(graph.nodes):
        return graph
    return graph.rebuilt(nodes, inputs=inputs, outputs=outputs)


def has_many(graph: Graph) -> bool:
    """Whether the user's model has several inputs or outputs."""
    own = graph.inputs != (INPUTS,) and graph.outputs != (OUTPUTS,)
    return not own or len(graph.arguments) > 1 or len(graph.results) > 1


def drop_unread(graph: Graph) -> Graph:
    """Without inputs that nothing reads, where there are several; a note says so.

    Files of quantised networks are run as they are, and keep theirs.
    """
    needed = {*graph.outputs, *graph.states}
    read = {v: graph.types[v] for v in graph.inputs if graph.users[v] or v in needed}
    if len(read) in (0, len(graph.inputs)) or graph.is_quantised:
        return graph
    notes = unread_notes(graph.said(v) for v in graph.inputs if v not in read)
    return replace(graph, inputs=tuple(read), notes=(*graph.notes, *notes))


def unread_notes(names: Iterable[str]) -> list[str]:
    """What is said of inputs that are not in the network, by their names."""
    return [f"nothing reads the input {name}: it is left out" for name in names]


def part_ports(graph: Graph) -> Graph:
    """The network with the user's inputs and outputs, from what :func:`join_ports` made of it."""
    outputs = graph.outputs
    nodes = list(graph.nodes)
    if outputs == (OUTPUTS,):
        row = graph.producer[OUTPUTS]
        outputs = tuple(graph.producer[v].inputs[0] for v in row.inputs)
        nodes = [n for n in nodes if n.name != OUTPUTS and n.output not in row.inputs]
    if graph.inputs != (INPUTS,):
        return graph if outputs == graph.outputs else graph.rebuilt(nodes, outputs=outputs)
    cuts = graph.users[INPUTS]
    shaped = [graph.users[n.output] for n in cuts]
    heads = [u[0] if n.output.endswith("/row") else n for n, u in zip(cuts, shaped, strict=True)]
    gone = {n.name for n in (*cuts, *heads)}
    return graph.rebuilt(
        [n for n in nodes if n.name not in gone],
        inputs={n.output: graph.types[n.output] for n in heads},
        outputs=outputs,
    )
