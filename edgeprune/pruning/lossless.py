"""What is free goes first: channels that change nothing, folded away without any loss.

Constant over every possible input (zero weights, dead ReLUs, saturated activations), read by
nobody, or the same as, or a multiple of, another channel. In an integer network all of this is
decided and folded in its own arithmetic: the outputs stay the same bit for bit. In float they stay
the same up to the rounding of sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Coupling, Graph, Read, couple
from edgeprune.ops import Gather
from edgeprune.pruning.compact import compact, folds
from edgeprune.pruning.duplicates import find_duplicates
from edgeprune.pruning.groups import Mask, Occupancy, channel_names
from edgeprune.pruning.intervals import Range, intervals


@dataclass(frozen=True)
class Report:
    """What was folded away.

    Attributes:
        constant: names of channels that were the same for every input, ``layer[index]``.
        unread: names of channels that nothing made use of.
        duplicate: (name of what went, name of what it was the same as or a multiple of).
        inputs: how many elements of the inputs are skipped.
        params_before: elements of all constants.
        params_after: the same afterwards.
    """

    constant: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    duplicate: tuple[tuple[str, str], ...] = ()
    inputs: int = 0
    params_before: int = 0
    params_after: int = 0

    @property
    def channels(self) -> int:
        """Number of channels that went, inputs not counted."""
        return len(self.constant) + len(self.unread) + len(self.duplicate)


def stored(graph: Graph) -> float:
    """Bytes of the constants, and of what says which elements a Gather takes.

    A bit for every element of its operand, or two bytes for every one that is taken.
    """
    tables = sum(
        min(-(-graph.types[n.inputs[0]].size // 8), 2 * len(n.op.indices))
        for n in graph.nodes
        if isinstance(n.op, Gather)
    )
    return float(sum(graph.types[c].nbytes for c in graph.constants) + tables)


def fold(graph: Graph, inputs: Range | None = None) -> tuple[Graph, Report]:
    """Take away all channels that can go without any loss.

    Inputs that nothing reads are skipped only where that lowers what is stored, as the table of
    those that are left has a size too.

    Args:
        graph: float or quantised.
        inputs: what the elements of a float input are known to lie in; None: anything.

    Returns:
        The smaller network, which computes the same, and what went. Names in the report are those
        of the network as it was when they went.
    """
    report = Report(params_before=graph.params)
    while True:
        smaller, found = _constant(graph, inputs)
        if found.channels == 0:
            smaller, found = _unread(graph)
        if found.channels == 0:
            smaller, found = _duplicate(graph)
        if found.channels == 0:
            break
        graph = smaller
        report = _joined(report, found)
    smaller, skipped = _inputs(graph)
    if skipped and stored(smaller) < stored(graph):
        graph = smaller
        report = _joined(report, Report(inputs=skipped))
    return graph, _joined(report, Report(params_after=graph.params))


def _joined(a: Report, b: Report) -> Report:
    return Report(
        a.constant + b.constant,
        a.unread + b.unread,
        a.duplicate + b.duplicate,
        a.inputs + b.inputs,
        a.params_before + b.params_before,
        a.params_after + b.params_after,
    )


def _removable(coupling: Coupling, wanted: Mask) -> Mask:
    """What of the wanted can go together, without a pinned channel or an empty value."""
    occupancy = Occupancy(coupling)
    mask = np.zeros(coupling.count, bool)
    for k in np.flatnonzero(wanted & _free(coupling)).tolist():
        if occupancy.can_go(k):
            occupancy.remove(k)
            mask[k] = True
    return mask


def _free(coupling: Coupling) -> Mask:
    """What can go without a change anywhere else, if nothing of it is missed."""
    mask: Mask = ~coupling.pinned & ~coupling.averaged
    return mask


def _constant(graph: Graph, inputs: Range | None) -> tuple[Graph, Report]:
    """Without channels that every layer which reads them sees as one constant."""
    coupling = couple(graph)
    ends = intervals(graph, inputs)
    good = ~coupling.inputs & _is_read(coupling)
    fill: dict[str, Array] = {}
    for read in coupling.reads:
        value = graph.node(read.node).inputs[0]
        ids = coupling.values[value]
        low, high = ends[value]
        last = ids.reshape(-1, ids.shape[-1])
        level = low.reshape(last.shape)[0]
        same = (low == high).reshape(last.shape) & (low.reshape(last.shape) == level)
        if not folds(graph, read):
            same &= level == _zero(graph, value)
        good[last[~same]] = False
        fill[value] = level
    mask = _removable(coupling, good)
    if not mask.any():
        return graph, Report()
    names = channel_names(graph, coupling)
    gone = tuple(names[int(k)] for k in np.flatnonzero(mask))
    return compact(graph, coupling, mask, fill), Report(constant=gone)


def _zero(graph: Graph, value: str) -> int:
    quant = graph.types[value].quant
    return 0 if quant is None else quant.scalar[1]


def _is_read(coupling: Coupling) -> Mask:
    mask = np.zeros(coupling.count, bool)
    for read in coupling.reads:
        mask[read.ids] = True
    return mask


def _unread_channels(graph: Graph, coupling: Coupling) -> Mask:
    """Channels that all layers multiply with zero, or that none reads."""
    unread = ~coupling.pinned
    for read in coupling.reads:
        w = graph.constants[read.weight]
        rest = tuple(i for i in range(w.ndim) if i != read.axis)
        unread[read.ids[(w != 0).any(axis=rest)]] = False
    return unread


def _unread(graph: Graph) -> tuple[Graph, Report]:
    coupling = couple(graph)
    mask = _removable(coupling, _unread_channels(graph, coupling) & ~coupling.inputs)
    if not mask.any():
        return graph, Report()
    names = channel_names(graph, coupling)
    gone = tuple(names[int(k)] for k in np.flatnonzero(mask))
    return compact(graph, coupling, mask), Report(unread=gone)


def _inputs(graph: Graph) -> tuple[Graph, int]:
    """Without the elements of the inputs that nothing makes use of."""
    coupling = couple(graph)
    mask = _removable(
        coupling, _unread_channels(graph, coupling) & coupling.inputs & _is_read(coupling)
    )
    return compact(graph, coupling, mask), int(mask.sum())


def _duplicate(graph: Graph) -> tuple[Graph, Report]:
    """Without channels whose part another one can play."""
    coupling = couple(graph)
    constants = dict(graph.constants)
    mask = np.zeros(coupling.count, bool)
    occupancy = Occupancy(coupling)
    pairs = []
    for gone, kept, times in find_duplicates(graph, coupling, _free(coupling) & ~coupling.inputs):
        merged = _merged(graph, coupling.reads, constants, gone, kept, times)
        if merged is None or not occupancy.can_go(gone):
            continue
        constants.update(merged)
        occupancy.remove(gone)
        mask[gone] = True
        pairs.append((gone, kept))
    if not pairs:
        return graph, Report()
    names = channel_names(graph, coupling)
    smaller = compact(graph.with_constants(constants), coupling, mask)
    return smaller, Report(duplicate=tuple((names[a], names[b]) for a, b in pairs))


def _merged(
    graph: Graph,
    reads: tuple[Read, ...],
    constants: dict[str, Array],
    gone: int,
    kept: int,
    times: dict[str, float],
) -> dict[str, Array] | None:
    """Weights with what read one channel added to what reads another; None if it does not fit."""
    new: dict[str, Array] = {}
    for read in reads:
        at = np.flatnonzero(read.ids == gone), np.flatnonzero(read.ids == kept)
        if len(at[0]) == 0:
            continue
        if len(graph.users[read.weight]) > 1:
            return None
        w = np.moveaxis(new.get(read.weight, constants[read.weight]).copy(), read.axis, 0)
        wide: NDArray[np.float64] = w[at[1]] + times[read.node] * w[at[0]].astype(np.float64)
        if np.issubdtype(w.dtype, np.integer):
            top = 2 ** (graph.types[read.weight].dtype.bits - 1) - 1
            if np.abs(wide).max() > top:
                return None
        w[at[1]] = wide.astype(w.dtype)
        new[read.weight] = np.ascontiguousarray(np.moveaxis(w, 0, read.axis))
    return new
