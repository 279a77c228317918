"""What a network computes for many samples, without holding all of it.

A value that is too large to be kept is computed again, some samples at a time, where it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from edgeprune.ir.graph import Graph, Node
from edgeprune.ir.run import run, run_node, walk

if TYPE_CHECKING:
    import torch

KEPT = 2**23
"""Elements of a value, over all samples, up to which it is kept: 32 MB."""
PART = 2**21
"""Elements of the largest value that are computed at once for what is not kept."""


class Values:
    """The values of a network whose weights are settled node by node, in execution order.

    Args:
        graph: float, with one input.
        x: samples, (n, *input shape).
        weights: its constants; those of a node must not change once it is settled.
        known: values for all samples that need not be computed, nor what leads to them alone.
    """

    def __init__(
        self,
        graph: Graph,
        x: torch.Tensor,
        weights: Mapping[str, torch.Tensor],
        known: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self._graph = graph
        self._weights = weights
        self._count = len(x)
        self._kept = {graph.inputs[0]: x, **(known or {})}
        self._known = {graph.inputs[0]}
        self._last = self._last_reads()
        ends = [v for v in graph.activations if not graph.users[v]]
        self._needed = {n.output for v in ends for n in self._steps(v)}

    def __contains__(self, value: str) -> bool:
        return value in self._known

    def settle(self, node: Node) -> None:
        """The node's weights are what they will be: what it makes can be asked for."""
        import torch

        if node.output in self._needed and self._is_kept(node.output):
            rows = [part for _, part in self.parts(node.output)]
            self._kept[node.output] = torch.cat(rows) if len(rows) > 1 else rows[0]
        self._known.add(node.output)
        for v in [v for v in self._known if self._last.get(v) == node.name]:
            self._known.remove(v)
            self._kept.pop(v, None)

    def kept(self, value: str) -> torch.Tensor | None:
        """A value for all samples; None where it is computed again for everyone who reads it."""
        return self._kept.get(value)

    def parts(self, value: str) -> Iterator[tuple[slice, torch.Tensor]]:
        """A value, some samples after the other: all at once where it is kept."""
        whole = slice(0, self._count)
        if value in self._kept:
            yield whole, self._kept[value]
            return
        nodes = self._steps(value)
        if len(nodes) == 1 and self._is_kept(value):
            yield whole, run_node(nodes[0], self._kept, self._weights)
            return
        step = samples_at_once(self._graph, nodes)
        needed = {v for n in nodes for v in n.inputs if v in self._kept}
        for start in range(0, self._count, step):
            at = slice(start, min(start + step, self._count))
            feed = {v: self._kept[v][at] for v in needed}
            made = run(self._graph, feed, constants=self._weights, nodes=nodes, keep=(value,))
            yield at, made[value]

    def _is_kept(self, value: str) -> bool:
        return self._count * self._graph.types[value].size <= KEPT

    def _steps(self, value: str) -> tuple[Node, ...]:
        """The nodes that lead from what is kept to a value, in execution order."""
        wanted, todo = set[str](), [value]
        while todo:
            v = todo.pop()
            if v in wanted or v in self._kept or v in self._graph.constants:
                continue
            wanted.add(v)
            todo += self._graph.producer[v].inputs
        return tuple(n for n in self._graph.nodes if n.output in wanted)

    def _last_reads(self) -> dict[str, str]:
        """By value, the node behind which nothing asks for it any more.

        What leads to a value that is not kept is asked for as long as that value is.
        """
        last: dict[str, int] = {}
        for i, node in reversed(list(enumerate(self._graph.nodes))):
            until = i if self._is_kept(node.output) else max(i, last.get(node.output, i))
            for v in node.inputs:
                last[v] = max(until, last.get(v, until))
        return {v: self._graph.nodes[i].name for v, i in last.items()}


def samples_at_once(graph: Graph, nodes: tuple[Node, ...] | None = None) -> int:
    """How many samples of so large values are computed at once."""
    largest = max(graph.types[n.output].size for n in (graph.nodes if nodes is None else nodes))
    return max(1, PART // largest)


def values_seen(
    graph: Graph, x: torch.Tensor, look: Callable[[slice, str, torch.Tensor], None]
) -> None:
    """Compute all values, show each to ``look``, and forget it when nothing reads it any more.

    All samples at once where that does not take too much memory; else some after the other.
    """
    largest = max(graph.types[v].size for v in graph.activations)
    step = len(x) if len(x) * largest <= KEPT else samples_at_once(graph)
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        walk(graph, x[rows], look=partial(look, rows))
