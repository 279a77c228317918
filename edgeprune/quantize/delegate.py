"""Networks for phones: the same ones in operators that the delegate of apps (XNNPACK) takes.

XNNPACK multiplies integers, and takes means of them over all positions, but has neither average
pooling nor softmax of them; where one of these stands, LiteRT's own kernels take over. A mean is
the pooling of a whole map. A softmax at the end works in float: its result is not rounded to steps.
"""

from __future__ import annotations

from dataclasses import replace

from edgeprune.ir import DType, Graph, Node, TensorType
from edgeprune.ops import AvgPool2d, Dequantize, Mean, Softmax


def with_means(graph: Graph) -> Graph:
    """A float network whose average poolings over whole maps are means of the same values."""
    nodes = [
        replace(node, op=Mean(axes=(0, 1), keep=True)) if _takes_whole_map(graph, node) else node
        for node in graph.nodes
    ]
    return replace(graph, nodes=tuple(nodes))


def _takes_whole_map(graph: Graph, node: Node) -> bool:
    op = node.op
    return (
        isinstance(op, AvgPool2d)
        and op.clamp is None
        and not op.padding.any
        and op.kernel == graph.types[node.inputs[0]].shape[:2]
    )


def with_float_softmax(graph: Graph) -> Graph:
    """An int8 network whose softmaxes at the end read real values and give float32.

    One whose result is read on is left: rounded again, it would not be the same on each machine.
    """
    types, nodes = dict(graph.types), []
    read = {v for node in graph.nodes for v in node.inputs}
    for node in graph.nodes:
        v, y = node.inputs[0], node.output
        ends = isinstance(node.op, Softmax) and y in graph.results and y not in read
        if ends and types[v].dtype is DType.INT8:
            logits = f"{v}@{node.name}"
            types[logits] = TensorType(types[v].shape)
            types[y] = TensorType(types[y].shape)
            nodes.append(Node(f"{node.name}/dequantise", Dequantize(), (v,), logits))
            node = replace(node, inputs=(logits,))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes), types=types)
