"""Inputs and outputs that belong together: what a network keeps from one call to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.passes import fresh
from edgeprune.ir import Graph, Node, Op, Port
from edgeprune.ops import Reshape, Slice

HINT = "such as --state h_in:h_out; inputs and outputs by their names in the model"


def paired(graph: Graph, wanted: Sequence[str]) -> Graph:
    """A network that keeps what the user pairs.

    Args:
        graph: as it was read.
        wanted: "input:output" by their names in the model.

    Raises:
        EdgePruneError: there is no such pair, or the two are of different types.
    """
    if not wanted:
        return graph
    ins, outs = _named(graph, graph.arguments), _named(graph, graph.results)
    pairs: dict[str, str] = {}
    for text in wanted:
        cuts = [(text[:i], text[i + 1 :]) for i, c in enumerate(text) if c == ":"]
        found = [(ins[a], outs[b]) for a, b in cuts if a in ins and b in outs]
        if len(found) != 1 or found[0][0] in pairs or found[0][1] in pairs.values():
            what = f"{text!r} pairs no input of {', '.join(ins)} with an output of its own"
            raise EdgePruneError("--state", f"{what} of {', '.join(outs)}", HINT)
        (v, after), (a, b) = found[0], (graph.said(v) for v in found[0])
        if graph.types[v] != graph.types[after] or _order(graph, v) != _order(graph, after):
            what = f"{a} is {graph.types[v]} and {b} {graph.types[after]}"
            raise EdgePruneError("--state", what, "the two have the same type in every call")
        pairs[v] = after
    if len(pairs) == len(graph.arguments):
        what = "leaves no input that the caller gives"
        raise EdgePruneError("--state", what, "a network is run on something")
    return keeping(graph, pairs)


def keeping(graph: Graph, pairs: Mapping[str, str]) -> Graph:
    """The network that keeps outputs for the inputs of its next call.

    States come behind what the caller gives and gets. Where that leaves no result, what is kept is
    a result too. A state that becomes what another one was is copied, as all change at once.

    Args:
        graph: whose ports say what states are at first.
        pairs: by input, the output that it has next; their types are the same.
    """
    names = {n.name for n in graph.nodes} | set(graph.types)
    results = [v for v in graph.outputs if v not in pairs.values()]
    nodes, ports = list(graph.nodes), dict(graph.ports)
    known = {v: t for v, t in graph.types.items() if v in graph.producer}
    kept = []
    for v, after in pairs.items():
        t, value = graph.types[v], after
        copied = root(graph, after)
        if len(pairs) == len(graph.outputs):
            results.append(after)
        if after in results or (copied in pairs and copied != v):
            whole: Op = Slice((0,) * len(t.shape), t.shape, (1,) * len(t.shape))
            value = fresh(names, f"{after}/next")
            nodes.append(
                Node(value, whole if copied in pairs else Reshape(t.shape), (after,), value)
            )
            known[value] = t
        port = graph.ports.get(after) or Port(after, (1, *t.shape), dtype=t.dtype)
        ports[value] = replace(port, feeds=v)
        kept.append(value)
    return graph.rebuilt(
        nodes,
        inputs={v: graph.types[v] for v in (*(v for v in graph.inputs if v not in pairs), *pairs)},
        outputs=[*results, *kept],
        known=known,
        ports=ports,
    )


def root(graph: Graph, value: str) -> str:
    """What a value is in another shape."""
    node = graph.producer.get(value)
    while node is not None and isinstance(node.op, Reshape):
        value = node.inputs[0]
        node = graph.producer.get(value)
    return value


def _named(graph: Graph, values: Sequence[str]) -> dict[str, str]:
    return {graph.said(v): v for v in values}


def _order(graph: Graph, v: str) -> tuple[int, ...] | None:
    return graph.ports[v].perm if v in graph.ports else None
