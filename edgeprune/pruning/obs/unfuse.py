"""Fused clamps taken apart, so that what enters a non-linearity is a value of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from edgeprune.ir import Graph, Node, Op, build_graph
from edgeprune.ops import Relu


def unfuse(graph: Graph) -> Graph:
    """The same float network with every fused clamp as an operator behind its layer.

    Constants, node names and the names of clamped values stay; the layer's own result is called
    ``<value>.raw``.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        bounds = getattr(node.op, "clamp", None)
        if bounds is None:
            nodes.append(node)
            continue
        raw = f"{node.output}.raw"
        assert raw not in graph.types, raw
        op = cast(Op, replace(cast(Any, node.op), clamp=None))
        nodes.append(replace(node, op=op, output=raw))
        nodes.append(Node(f"{node.name}.clamp", Relu(bounds), (raw,), node.output))
    return build_graph(
        graph.name,
        nodes,
        {v: graph.types[v] for v in graph.inputs},
        graph.outputs,
        graph.constants,
        ports=graph.ports,
        origin=graph.origin,
    )
