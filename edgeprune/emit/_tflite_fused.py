"""Layers that TFLite has as one operator, which keeps its states to itself."""

from __future__ import annotations

from edgeprune.emit import _tflite_lstm, _tflite_svdf
from edgeprune.emit._tflite_records import Fused
from edgeprune.ir import Graph
from edgeprune.ops import Lstm, SvdfTime


def fused(graph: Graph) -> Fused:
    """All LSTMs of a graph, and all SVDFs with a state of int16.

    Raises:
        UnsupportedError: more is done with what one keeps than to keep it.
    """
    found = Fused()
    for node in graph.nodes:
        if isinstance(node.op, Lstm):
            made = _tflite_lstm.fuse(graph, node, node.op)
        elif isinstance(node.op, SvdfTime):
            made = _tflite_svdf.fuse(graph, node)
        else:
            continue
        found.uses.update(made.uses)
        found.states.update(made.states)
    return found
