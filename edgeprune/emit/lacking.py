"""Operators that a format has no way to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeprune.ir import Graph, Op

KINDS = {"onnx": "ONNX", "ort": "ONNX", "tflite": "LiteRT", "tflm": "LiteRT"}
"""By what can be written, what must know its operators; C knows all."""

KNOWN: Mapping[str, Callable[[Op], bool]] = {
    "ONNX": lambda op: op.has_onnx,
    "LiteRT": lambda op: op.has_tflite,
}


def lacking(graph: Graph, kind: str) -> str:
    """What a kind of file has no way to say, in words; empty: it has one for all.

    Args:
        graph: whose operators are looked at.
        kind: "onnx", "tflite", ...; others lack nothing.
    """
    if kind not in KINDS:
        return ""
    nodes = [n for n in graph.nodes if not KNOWN[KINDS[kind]](n.op)]
    kinds = dict.fromkeys((n.op.kind, n.op.keeps_integers) for n in nodes)
    return ", ".join(
        f"{kind}{' with these integers' if fixed else ''}"
        f" ({', '.join(n.name for n in nodes if n.op.kind == kind)})"
        for kind, fixed in kinds
    )
