"""What a channel costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Coupling, Graph
from edgeprune.pruning.groups import Mask, Occupancy, candidates, find_groups


def kinds(graph: Graph, coupling: Coupling) -> NDArray[np.int64]:
    """By channel, the number of its group; channels of a group cost the same. -1: none."""
    number = np.full(coupling.count, -1, np.int64)
    for i, group in enumerate(find_groups(graph, coupling, inputs=True)):
        number[group.channels] = i
    return number


def prices(
    coupling: Coupling,
    removed: Mask,
    kind: NDArray[np.int64],
    occupancy: Occupancy,
    cost: Callable[[Mask], float],
) -> NDArray[np.float64]:
    """What one more channel of each kind saves, by channel; at least a small positive number.

    Measured on a second channel of the kind, as the first one may bring something new along (the
    table of the inputs that are left). Where no kind alone saves anything, as two layers set the
    peak of the memory together, a kind's price is what is missing when all others shrink.
    """
    free = candidates(coupling, removed)
    found = np.zeros(coupling.count)
    for number in np.unique(kind[free]):
        members = np.flatnonzero(free & (kind == number))
        chosen: list[int] = []
        for k in members.tolist():
            if len(chosen) < 2 and occupancy.can_go(k):
                chosen.append(k)
                occupancy.remove(k)
        found[members] = _saving(removed, chosen, cost)
        for k in chosen:
            occupancy.put_back(k)
    if not (found > 0).any():
        found = _together(coupling, removed, kind, occupancy, cost)
    unit = found[found > 0].min() if (found > 0).any() else 1.0
    return np.maximum(found, 1e-3 * unit)


def _saving(removed: Mask, chosen: Sequence[int], cost: Callable[[Mask], float]) -> float:
    sizes = []
    mask = removed.copy()
    for k in [None, *chosen]:
        if k is not None:
            mask[k] = True
        sizes.append(cost(mask))
    return sizes[-2] - sizes[-1] if len(sizes) > 1 else 0.0


def _together(
    coupling: Coupling,
    removed: Mask,
    kind: NDArray[np.int64],
    occupancy: Occupancy,
    cost: Callable[[Mask], float],
) -> NDArray[np.float64]:
    """What each kind adds to the saving of a tenth of all kinds, by channel."""
    free = candidates(coupling, removed)
    chosen: dict[int, list[int]] = {}
    for number in np.unique(kind[free]):
        members = np.flatnonzero(free & (kind == number)).tolist()
        picked = chosen.setdefault(int(number), [])
        for k in members[: max(1, len(members) // 10)]:
            if occupancy.can_go(k):
                occupancy.remove(k)
                picked.append(k)
    everything = removed.copy()
    everything[[k for picked in chosen.values() for k in picked]] = True
    least = cost(everything)
    found = np.zeros(coupling.count)
    for number, picked in chosen.items():
        mask = everything.copy()
        mask[picked] = False
        saved = cost(mask) - least
        found[kind == number] = saved / max(len(picked), 1)
        for k in picked:
            occupancy.put_back(k)
    return found
