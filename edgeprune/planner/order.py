"""The order of execution with the lowest peak of live bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeprune.ir import Graph
from edgeprune.planner.plan import Share, saved


def best_order(
    graph: Graph,
    home: Mapping[str, str],
    nbytes: Mapping[str, int],
    scratch: Mapping[str, int],
    over: Mapping[str, Share],
    *,
    states: int = 20_000,
) -> tuple[str, ...]:
    """Order the nodes so that the largest sum of live buffers is smallest.

    Dynamic programming over sets of executed nodes (the peak of the best way to have run exactly
    these), as in Liberis and Lane 2019, arXiv:1910.05110; where a graph has more such sets than
    ``states``, only those with the lowest peaks are followed.

    Args:
        graph: the network.
        home: the buffer of each activation.
        nbytes: bytes of each buffer.
        scratch: bytes of working memory by node name.
        over: by node name, what its result may lie over if nothing else reads that.
        states: how many sets are followed at once.

    Returns:
        Names of the nodes.
    """
    nodes = graph.nodes
    given = tuple(n.name for n in nodes)
    if _is_chain(graph):
        return given
    produced = {n.output: i for i, n in enumerate(nodes)}
    needs = [[produced[v] for v in n.inputs if v in produced] for n in nodes]
    readers: dict[str, set[int]] = {b: set() for b in nbytes}
    writers: dict[str, set[int]] = {b: set() for b in nbytes}
    for i, n in enumerate(nodes):
        writers[home[n.output]].add(i)
        for v in n.inputs:
            if v in home:
                readers[home[v]].add(i)
    fed = {home[v] for v in graph.inputs}
    kept = {home[v] for v in graph.outputs}

    def live(done: frozenset[int], i: int) -> int:
        total = scratch.get(nodes[i].name, 0)
        for b, size in nbytes.items():
            begun = b in fed or i in writers[b] or bool(writers[b] & done)
            if begun and (b in kept or i in writers[b] or not readers[b] <= done):
                total += size
        if nodes[i].name in over:
            share = over[nodes[i].name]
            if share.buffer not in kept and readers[share.buffer] <= done | {i}:
                made = nbytes[home[nodes[i].output]]
                total -= saved(nbytes[share.buffer], made, share.lead, 1)
        return total

    front: dict[frozenset[int], tuple[int, tuple[int, ...]]] = {frozenset(): (0, ())}
    for _ in nodes:
        after: dict[frozenset[int], tuple[int, tuple[int, ...]]] = {}
        for done, (peak, path) in front.items():
            for i in range(len(nodes)):
                if i in done or not all(j in done for j in needs[i]):
                    continue
                state = done | {i}
                entry = (max(peak, live(done, i)), (*path, i))
                if state not in after or entry < after[state]:
                    after[state] = entry
        front = dict(sorted(after.items(), key=lambda kv: kv[1])[:states])
    (_, path) = next(iter(front.values()))
    return tuple(nodes[i].name for i in path)


def _is_chain(graph: Graph) -> bool:
    flows: Sequence[str] = graph.activations
    return all(len(graph.users[v]) <= 1 for v in flows)
