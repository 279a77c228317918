"""Where the result of a node may lie over an operand, as a whole or by rows."""

from __future__ import annotations

from edgeprune.ir import Graph, Node, Over, Span
from edgeprune.planner.plan import Share


def row_bytes(graph: Graph, value: str) -> int:
    """Of a row of a value."""
    return graph.types[value].nbytes // graph.types[value].shape[0]


def held_bytes(graph: Graph, value: str, span: Span | None) -> int:
    """The most bytes of a value that lie in the arena at once."""
    if span is not None and value in span.inner:
        return row_bytes(graph, value) * span.height(value)
    if span is not None and value in graph.inputs and value in span.read - {*graph.outputs}:
        return 0
    return graph.types[value].nbytes


def overlap(graph: Graph, node: Node, over: Over, span: Span | None) -> Share | None:
    """How the place of a result may lie over that of an operand.

    Args:
        graph: the network.
        node: what makes the result.
        over: how what is written may lie over what is read, in each call.
        span: what runs by rows: from turn to turn, neither has to begin where its place does.

    Returns:
        None where no distance is right in all turns.
    """
    operand, result = node.inputs[over.operand], node.output
    by_rows = span is not None and {operand, result} <= span.inner
    apart = _apart(graph, node, over.operand, span) if span and by_rows else [(0, 0)]
    grown = held_bytes(graph, result, span) - held_bytes(graph, operand, span)
    leads = {over.lead + y - x for x, y in apart}
    most = max(leads)
    if not over.exact:  # what ends with its operand takes no more than the result itself
        return Share(operand, max(most, grown))
    if any((most - n) % over.step for n in leads) if over.step else len(leads) > 1:
        return None
    # rows that come from aside do so before the operand is read
    least = max((y - x for x, y in apart if y), default=grown)
    ends = by_rows and over.step and grown >= least and (grown - most) % over.step == 0
    return Share(operand, grown if ends else most, exact=True)


def _apart(graph: Graph, node: Node, operand: int, span: Span) -> list[tuple[int, int]]:
    """By turn, how many bytes within its place a call begins to read an operand, and to write."""
    x, y = node.inputs[operand], node.output
    found = []
    turns = zip(span.made[node.name].steps, span.kept[x].held, span.kept[y].held, strict=True)
    for step, held_x, held_y in turns:
        read = step[1].rows[operand] if step is not None else None
        if step is not None and read is not None:
            behind = row_bytes(graph, x) * (read.start - held_x.start)
            found.append((behind, row_bytes(graph, y) * (step[0].start - held_y.start)))
    return found or [(0, 0)]
