"""Results that lie within their operand, so that no code runs for them."""

from __future__ import annotations

from math import prod

from edgeprune.ir import Graph, Op, Span, TensorType
from edgeprune.ops.shape import Reshape, Slice

ALIGN = 4
"""Bytes: kernels read words of what is given to them."""


def views(graph: Graph, span: Span | None = None) -> dict[str, int]:
    """By name of a node: how many bytes into its operand its result begins.

    Of a Reshape none. A Slice counts where what reads its operand are slices alone that do not
    overlap, as the steps of a sequence: copies of all of them would take as much as the operand.
    What becomes an output is copied to where that is wanted. What runs by rows makes rows of its
    own, and of what it reads by rows nothing else can be a part: it need not be there as a whole.
    """
    by_rows = span.names if span is not None else frozenset()
    found = {n.name: 0 for n in graph.nodes if isinstance(n.op, Reshape)}
    for value, users in graph.users.items():
        if value in graph.outputs or value in graph.constants:
            continue
        if not by_rows.isdisjoint(n.name for n in users):
            continue
        t = graph.types[value]
        parts = {n.name: view(n.op, t, graph.types[n.output]) for n in users}
        held = sum(graph.types[n.output].size for n in users)
        cut = all(isinstance(n.op, Slice) and not _is_given(graph, n.output) for n in users)
        if cut and held <= t.size and None not in parts.values():
            found |= {name: at for name, at in parts.items() if at is not None}
    return found


def _is_given(graph: Graph, value: str) -> bool:
    """Whether a value is an output, maybe in another shape."""
    users = (n for n in graph.users[value] if isinstance(n.op, Reshape))
    return value in graph.outputs or any(_is_given(graph, n.output) for n in users)


def view(op: Op, x: TensorType, y: TensorType) -> int | None:
    """Bytes by which a result that is one run of its operand begins behind it; None: it is none."""
    if isinstance(op, Reshape):
        return 0
    if not isinstance(op, Slice):
        return None
    axes = [i for i, (n, m) in enumerate(zip(x.shape, y.shape, strict=True)) if n != m]
    last = axes[-1] if axes else 0
    steps = zip(op.step, y.shape, strict=True)
    if any(n != 1 for n in y.shape[:last]) or any(by != 1 and n > 1 for by, n in steps):
        return None
    first = sum(start * prod(x.shape[i + 1 :]) for i, start in enumerate(op.start))
    at = first * x.dtype.numpy.itemsize
    return at if at % ALIGN == 0 else None
