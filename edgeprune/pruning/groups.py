"""Layers of channels: what they are called, and what must not be emptied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import KEPT, OUTPUT, Coupling, Graph, Ids

Mask = NDArray[np.bool_]
NAMED = 4  # layers that are kept for one reason


@dataclass(frozen=True)
class Group:
    """Channels that occur in the same places: a layer, or layers joined by additions.

    Attributes:
        name: the first node that makes them, or the input.
        nodes: all nodes that make them through weights.
        channels: in the order of the first node's outputs.
    """

    name: str
    nodes: tuple[str, ...]
    channels: Ids


def removable(coupling: Coupling) -> Mask:
    """By channel, whether it is a neuron that may go: not pinned, not an input."""
    mask: Mask = ~coupling.pinned & ~coupling.inputs
    return mask


def candidates(coupling: Coupling, removed: Mask) -> Mask:
    """Channels that could go next: read by some layer, not pinned, not gone."""
    read = np.zeros(coupling.count, bool)
    for r in coupling.reads:
        read[r.ids] = True
    mask: Mask = read & ~coupling.pinned & ~removed
    return mask


def kept_whole(graph: Graph, coupling: Coupling) -> dict[str, str]:
    """By layer with weights, none of whose channels can go alone: what keeps them, in words."""
    free, found = removable(coupling), {}
    for node in graph.nodes:
        channels = np.unique(coupling.values[node.output])
        is_alone = len(channels) == 1  # it would be emptied
        if not node.op.weights or (free[channels].any() and not is_alone):
            continue
        pins = [why for why, kept in coupling.pins if np.isin(channels, kept).any()]
        own = [why for why in pins if why not in (OUTPUT, KEPT)]
        if pins:  # outputs are behind all others, and what is kept behind them
            found[node.name] = own[-1] if own and pins[-1] == KEPT else pins[-1]
        elif coupling.inputs[channels].any():
            found[node.name] = "they go with the network's input"
        elif graph.types[node.output].shape[-1:] == (1,):
            found[node.name] = "there is only one"
        else:
            found[node.name] = "they can only go all together"
    return found


def worth_a_word(kept: Mapping[str, str], layers: int) -> dict[str, str]:
    """Of :func:`kept_whole` what is no matter of course: outputs are, where others can go.

    Args:
        kept: by layer, why all of its channels stay.
        layers: how many with weights there are.
    """
    nothing_goes = len(kept) >= layers
    return {name: why for name, why in kept.items() if nothing_goes or why != OUTPUT}


def kept_words(kept: Mapping[str, str]) -> str:
    """Which layers keep all their channels, and why: of :func:`kept_whole`."""
    layers: dict[str, list[str]] = {}
    for name, why in kept.items():
        layers.setdefault(why, []).append(name)
    return "; ".join(f"{', '.join(_few(names))}: {why}" for why, names in layers.items())


def _few(names: list[str]) -> list[str]:
    more = len(names) - NAMED
    return names if more <= 0 else [*names[:NAMED], f"{more} more"]


def find_groups(graph: Graph, coupling: Coupling, *, inputs: bool = False) -> tuple[Group, ...]:
    """The groups of all channels that may go, in execution order.

    Args:
        graph: a network.
        coupling: of the graph.
        inputs: whether elements of the inputs that are free count as well.
    """
    free = ~coupling.pinned if inputs else removable(coupling)
    places: dict[int, list[str]] = {}
    order: dict[int, None] = {}
    makers = [(v, coupling.values[v]) for v in graph.inputs]
    for node in graph.nodes:
        makers += [
            (node.name, coupling.values[v])
            for i, v in enumerate(node.inputs)
            if v in graph.constants and i not in node.op.weights
        ]
        if node.op.weights:
            makers.append((node.name, coupling.values[node.output]))
    for name, ids in makers:
        flat = ids.reshape(-1, ids.shape[-1])[0] if ids.ndim else ids.reshape(-1)
        for k in dict.fromkeys(flat.tolist() if (ids == flat).all() else ids.ravel().tolist()):
            if free[k]:
                order[k] = None
                places.setdefault(k, []).append(name)
    groups: dict[tuple[str, ...], list[int]] = {}
    for k in order:
        groups.setdefault(tuple(places[k]), []).append(k)
    return tuple(Group(names[0], names, np.asarray(ks)) for names, ks in groups.items())


def channel_names(graph: Graph, coupling: Coupling) -> dict[int, str]:
    """By channel that may go, the layer's name and its index there: ``conv1[3]``."""
    return {
        int(k): f"{g.name}[{i}]"
        for g in find_groups(graph, coupling, inputs=True)
        for i, k in enumerate(g.channels)
    }


class Occupancy:
    """Counts what is left of every value and weight, so that none is emptied."""

    def __init__(self, coupling: Coupling) -> None:
        sets = {
            tuple(np.unique(ids).tolist())
            for ids in (*coupling.values.values(), *coupling.axes.values())
        }
        self._cells: list[list[int]] = [[] for _ in range(coupling.count)]
        self._left: list[int] = []
        for number, channels in enumerate(sorted(sets)):
            self._left.append(len(channels))
            for k in channels:
                self._cells[k].append(number)

    def can_go(self, channel: int) -> bool:
        """Whether something is left of every place that the channel occurs in."""
        return all(self._left[cell] > 1 for cell in self._cells[channel])

    def remove(self, channel: int) -> None:
        """Count a channel out."""
        for cell in self._cells[channel]:
            self._left[cell] -= 1

    def put_back(self, channel: int) -> None:
        """Count a channel in again."""
        for cell in self._cells[channel]:
            self._left[cell] += 1


def all_that_can_go(coupling: Coupling, *, inputs: bool = False) -> Mask:
    """The channels that go when all go that can."""
    occupancy = Occupancy(coupling)
    removed: Mask = np.zeros(coupling.count, bool)
    for k in np.flatnonzero(candidates(coupling, removed) if inputs else removable(coupling)):
        if occupancy.can_go(int(k)):
            occupancy.remove(int(k))
            removed[k] = True
    return removed


def removals(coupling: Coupling, max_removed: int | None, keep_ratio: float | None) -> int | None:
    """How many channels may go; None: any number.

    Args:
        coupling: of the whole network.
        max_removed: that may go.
        keep_ratio: the share of the removable ones that stays.
    """
    count = int(removable(coupling).sum())
    bounds = [] if max_removed is None else [min(max_removed, count)]
    if keep_ratio is not None:
        bounds.append(count - int(np.ceil(keep_ratio * count - 1e-9)))
    return min(bounds, default=None)
