"""Layers that run by rows: calls of the same kernels for bands of rows, one for each turn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Band, Graph, Node, Over, Part, Span
from edgeprune.kernels.call import KernelCall

Lowered = Callable[[Graph, Node, str, Part | None], list[KernelCall]]
"""All calls that compute the only node of a graph, given what names of their own end with, and the
part of a sum that it is."""


def in_turns(graph: Graph, node: Node, span: Span, lowered: Lowered) -> list[KernelCall]:
    """How kernels compute a node of a span.

    Args:
        graph: the network.
        node: one of the span's.
        span: what runs by rows.
        lowered: how a band is computed.

    Returns:
        Calls that stand for all turns: with the work of all, and what the largest needs of memory.
        Empty where no kernel computes all bands from the same constants.
    """
    made = span.made[node.name].steps
    keys = [None if m is None else _key(m[0], m[1]) for m in made]
    counts = Counter(k for k in keys if k is not None)
    bands = {k: m for k, m in zip(keys, made, strict=True) if m is not None and k is not None}
    options: dict[Hashable, list[KernelCall]] = {}
    for number, (key, (rows, band)) in enumerate(bands.items()):
        small = _alone(graph, node, rows, band)
        try:
            end = f"_{number}" if number else ""
            options[key] = lowered(small, small.nodes[0], end, band.part)
        except UnsupportedError:
            return []
    usual = counts.most_common(1)[0][0]
    found = []
    for call in options[usual]:
        forms = {k: _like(call, calls) for k, calls in options.items()}
        known = {k: form for k, form in forms.items() if form is not None}
        if call.stage is None and len(known) == len(forms):
            turns = tuple(None if k is None else known[k] for k in keys)
            found.append(_together(call, turns, counts, known))
    return found


def _key(rows: range, band: Band) -> Hashable:
    read = tuple(None if r is None else len(r) for r in band.rows)
    return band.op, len(rows), read, band.part


def _alone(graph: Graph, node: Node, rows: range, band: Band) -> Graph:
    """A network of the node alone, whose operands and result are a band."""
    made = graph.types[node.output]
    shape = made.shape if band.part else (len(rows), *made.shape[1:])
    types = {node.output: made.with_shape(shape)}
    for v, read in zip(node.inputs, band.rows, strict=True):
        t = graph.types[v]
        types[v] = t if read is None else t.with_shape((len(read), *t.shape[1:]))
    constants = {v: graph.constants[v] for v in node.inputs if v in graph.constants}
    fed = tuple(dict.fromkeys(v for v in node.inputs if v not in constants))
    nodes = (replace(node, op=band.op),)
    return Graph(graph.name, nodes, fed, (node.output,), types, constants)


def _like(call: KernelCall, others: Sequence[KernelCall]) -> KernelCall | None:
    """The call of the same kernel with the same constants."""
    return next((c for c in others if _is_like(call, c)), None)


def _is_like(a: KernelCall, b: KernelCall) -> bool:
    files = a.sources, a.headers, len(a.constants)  # functions made for one layer have other names
    if files != (b.sources, b.headers, len(b.constants)):
        return False
    return all(
        c.c_type == d.c_type and np.array_equal(c.values, d.values)
        for c, d in zip(a.constants, b.constants, strict=True)
    )


def _together(
    call: KernelCall,
    turns: tuple[KernelCall | None, ...],
    counts: Counter[Hashable],
    forms: dict[Hashable, KernelCall],
) -> KernelCall:
    distinct = list(forms.values())
    return replace(
        call,
        turns=turns,
        scratch_bytes=max(c.scratch_bytes for c in distinct),
        inplace=_over([c.inplace for c in distinct]),
        instructions=sum(counts[k] * c.instructions for k, c in forms.items()),
        cycles=sum(counts[k] * c.cycles for k, c in forms.items()),
        instance="".join(dict.fromkeys(c.instance for c in distinct)),
        code_bytes=max(c.code_bytes for c in distinct),
        others=(),
    )


def _over(places: Sequence[Over | None]) -> Over | None:
    """Where results of all forms may lie over their operand."""
    known = [p for p in places if p is not None]
    if len(known) < len(places) or len({(p.operand, p.exact) for p in known}) > 1:
        return None
    best = max(known, key=lambda p: p.lead)
    if not best.exact:
        return best
    step = math.lcm(*(p.step for p in known))  # 0 where one of them is
    apart = {best.lead - p.lead for p in known}
    same = all(n % step == 0 for n in apart) if step else apart == {0}
    return replace(best, step=step) if same else None
