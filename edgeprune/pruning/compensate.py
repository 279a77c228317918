"""Any pruned network repaired by least squares, however it was pruned."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Coupling, Graph, Ids, Samples, couple
from edgeprune.ops.linear import Linear, linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.lossless import fold
from edgeprune.pruning.obs.joint import together
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.obs.refit import refit

Rows = Mapping[str, NDArray[np.int64]]

SAMPLES = 3000
POSITIONS = 60
SWEEPS = 2
VALIDATION = 0.1


def compensate(
    pruned: Graph, dense: Graph, data: Samples, *, rows: Rows | None = None, seed: int = 0
) -> Graph:
    """Solve a pruned network's layers anew so that they give what the dense network gives.

    Layer by layer in closed form (:mod:`.obs.refit`), and then all together (:mod:`.obs.joint`).

    Args:
        pruned: float; ``dense`` without some channels, by any tool, or with their weights zeroed.
        dense: the network that it was made from, float.
        data: samples of the input; labels, where there are any, only say whether it helped.
        rows: by layer of ``pruned``, which results of the dense layer are left, in order; layers
            that are not named are matched by their weights.
        seed: of the sampled positions.

    Returns:
        ``pruned`` with other weights and biases.

    Raises:
        EdgePruneError: the networks have different layers, or a layer's weights are not a part of
            the dense layer's.
    """
    if pruned.params == dense.params:
        pruned, _ = fold(pruned)  # what was removed is zeroed, but still in its place
    fitted, validation = data.split(min(VALIDATION, 1000 / max(len(data), 1)), seed)
    judge = Judge(dense, validation)
    parts = match(pruned, dense, rows or {})
    loss = make_loss(pruned, fitted)
    reference = Reference(unfuse(dense), fitted.x[:SAMPLES], positions=POSITIONS, seed=seed)
    repaired = pruned.with_constants(refit(unfuse(pruned), parts, reference, sweeps=SWEEPS))
    better = max((pruned, repaired), key=judge.value)
    losses = loss, make_loss(dense, fitted)
    return together(better, parts, dense, fitted, judge, losses, seed=seed)


def match(pruned: Graph, dense: Graph, rows: Rows) -> dict[str, Part]:
    """Which part of the dense network each layer of the pruned one is.

    Layers are paired in execution order. What a layer reads follows from what its producers were
    matched with; its results are those of the dense layer with the nearest weights.
    """
    ours, theirs = linears(pruned), linears(dense)
    kinds = [[lin.op.kind for lin in layers.values()] for layers in (ours, theirs)]
    if kinds[0] != kinds[1]:
        raise EdgePruneError(
            pruned.name,
            f"has {len(ours)} layers with weights, the dense network {len(theirs)} or others",
            "compensate() takes a network without some channels, not without layers",
        )
    matching = _Matching(pruned, dense)
    return {
        a.node.name: matching.match(a, b, rows.get(a.node.name))
        for a, b in zip(ours.values(), theirs.values(), strict=True)
    }


class _Matching:
    """Pairs channels of two networks, layer by layer."""

    def __init__(self, pruned: Graph, dense: Graph) -> None:
        self.pruned = pruned
        self.dense = dense
        self.ours: Coupling = couple(pruned)
        self.theirs: Coupling = couple(dense)
        self.of: Ids = np.full(self.ours.count, -1)
        for a, b in zip(pruned.inputs, dense.inputs, strict=True):
            if pruned.types[a].shape != dense.types[b].shape:
                raise EdgePruneError(a, "has another shape than the dense network's input")
            self.of[self.ours.values[a]] = self.theirs.values[b]

    def match(self, a: Linear, b: Linear, given: NDArray[np.int64] | None) -> Part:
        """The part of layer b that layer a is."""
        columns = self._columns(a, b)
        mine = self.ours.axes[a.node.inputs[2], 0]
        their = self.theirs.axes[b.node.inputs[2], 0]
        if given is None:
            given = self._known(mine, their)
        if given is None:
            given = self._nearest(a, b, columns)
        if len(given) != len(mine):
            raise EdgePruneError(
                a.node.name, f"has {len(mine)} results, but {len(given)} rows were given"
            )
        self.of[mine] = their[given]
        return Part(b.node.name, np.asarray(given, np.int64), columns)

    def _columns(self, a: Linear, b: Linear) -> NDArray[np.int64]:
        """Where, in the dense layer's operand, each index of the pruned layer's is."""
        mine, their = (
            c.values[lin.node.inputs[0]].reshape(-1, c.values[lin.node.inputs[0]].shape[-1])[0]
            for c, lin in ((self.ours, a), (self.theirs, b))
        )
        seen: dict[int, int] = {}
        places: dict[int, list[int]] = {}
        made = np.zeros(self.theirs.count, bool) | self.theirs.inputs
        for node in self.dense.nodes:
            if node.op.weights:
                made[self.theirs.axes[node.inputs[2], 0]] = True
        for i, k in enumerate(their.tolist()):  # -1: what no layer makes, as a border of zeros
            places.setdefault(k if made[k] else -1, []).append(i)
        found = []
        for k in self.of[mine].tolist():
            nth = seen.get(k, 0)
            seen[k] = nth + 1
            if nth >= len(places.get(k, ())):
                raise EdgePruneError(a.node.name, "reads what the dense layer does not read")
            found.append(places[k][nth])
        return np.asarray(found, np.int64)

    def _known(self, mine: Ids, their: Ids) -> NDArray[np.int64] | None:
        """Rows that follow from an earlier layer that makes the same channels."""
        if (self.of[mine] < 0).any() or len(np.unique(their)) < len(their):
            return None
        where = {int(k): i for i, k in enumerate(their)}
        return np.asarray([where[int(k)] for k in self.of[mine]], np.int64)

    def _nearest(self, a: Linear, b: Linear, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each row the dense row with the nearest weights, each only once."""
        from scipy.optimize import linear_sum_assignment

        w, bias = (self.pruned.constants[v].astype(np.float64) for v in a.node.inputs[1:])
        w0, bias0 = (self.dense.constants[v].astype(np.float64) for v in b.node.inputs[1:])
        rows = a.matrix(w).reshape(len(bias), -1)
        whole = b.matrix(w0)
        if b.groups == 1:
            whole = whole[:, :, b.columns_of(columns)]
        whole = whole.reshape(len(bias0), -1)
        if rows.shape[1] != whole.shape[1]:
            raise EdgePruneError(
                a.node.name, "is grouped and lost channels within its groups", "give its rows"
            )
        gap = np.square(rows[:, None] - whole[None]).sum(axis=2)
        gap += np.square(bias[:, None] - bias0[None])
        mine, their = linear_sum_assignment(gap)
        size = np.square(rows).sum(axis=1) + np.square(bias) + 1e-12
        far = gap[mine, their] > 0.5 * size
        if far.mean() > 0.5:
            raise EdgePruneError(
                a.node.name,
                f"{int(far.sum())} of its {len(far)} neurons are like none of the dense layer's",
                "give the rows that are left, or the network that it was made from",
            )
        return np.asarray(their, np.int64)
