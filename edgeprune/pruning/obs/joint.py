"""All layers solved together, for the sums of residual paths and the result of the dense network.

Repair layer by layer (:mod:`.refit`) asks of every layer what it gave before. What a removed
channel carried and no other channel of its layer does, is lost there; the layers in front of it
and behind could still make up for it. So all weights move at once, along the Gauss-Newton step
for the squared distance to the dense network's values: least squares in the weights, with every
clamp as it is. Conjugate gradients solve it without a matrix (Schraudolph 2002; Martens 2010),
preconditioned by :class:`Kronecker`; labels are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph, Samples
from edgeprune.ops.linear import linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.progress import Progress, silent
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.loss import Loss
from edgeprune.pruning.obs.distance import Distance, aims
from edgeprune.pruning.obs.head import resolve_head, value_of
from edgeprune.pruning.obs.kronecker import Kronecker
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.obs.refit import refit

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]

STEPS = 3
SAMPLES = 2000
"""Of a step; the next one takes others."""
VECTORS = 20_000
"""The same in networks without positions, where a sample is one equation a result."""
ITERATIONS = 10
"""Of conjugate gradients in a step."""
FEWEST = 0.5
"""Equations per unknown below which the damping leaves next to nothing of a step."""
ENOUGH = 0.05
"""Of the distance, what a step has to take away for another one to be made."""
DAMP = 0.3
"""Weight of staying where one is, divided by the square of equations per unknown."""
STRONGER = 10.0
"""What that weight is multiplied by after a step that did not help."""
NOTHING = 1e-8
"""Squared error, as a share of the values' variance, that is that of the arithmetic."""
SHARES = (1.0, 0.7, 0.5, 0.25)
"""Of a step that are tried."""


def together(
    graph: Graph,
    parts: Mapping[str, Part],
    dense: Graph,
    data: Samples,
    judge: Judge,
    losses: tuple[Loss, Loss],
    *,
    reference: Callable[[], Reference] | None = None,
    answers: torch.Tensor | None = None,
    sweeps: int = 0,
    floor: float | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Graph:
    """A pruned network repaired layer by layer, after some steps of all, and its last layer solved.

    Args:
        graph: the pruned network, float.
        parts: which part of the dense network each of its layers is.
        dense: that network.
        data: samples to fit with.
        judge: a step that does not bring the network nearer on its data is not taken.
        losses: of the pruned and of the dense network.
        reference: gives the dense network's values that layers are repaired for first; None: they
            are taken as they are.
        answers: what the dense network has in front of its last activation for the first samples,
            where it is known; the last layer is solved with those.
        sweeps: of that repair.
        floor: nor one that leaves a lower accuracy than this, and than before.
        seed: of the preconditioner.
        progress: told after every step.
    """
    whole = unfuse(dense)
    ours, theirs = losses
    wanted = aims(unfuse(graph), parts, whole, (ours.value, theirs.value))
    vector = all(lin.positions == 1 for lin in linears(graph).values())
    size = min(len(data), VECTORS if vector else SAMPLES)
    best, damp = _Best(graph, judge, floor), DAMP
    if reference is not None:
        best.take(refit(unfuse(best.graph), parts, reference(), sweeps=sweeps))
    for step in range(STEPS):
        distance = Distance(unfuse(best.graph), wanted, whole, _some(data, step * size, size))
        if distance.equations < FEWEST:
            break
        before = best.value
        if not best.take(solve_jointly(distance, damp=damp, seed=seed + step)):
            damp *= STRONGER
        elif best.value < (1 - ENOUGH) * before:  # both are negative
            break
        progress("solve", step + 1, STEPS)
    if answers is None:
        answers = value_of(dense, data.x, theirs.value)
    best.take(resolve_head(unfuse(best.graph), ours, data.x[: len(answers)], answers))
    return best.graph


class _Best:
    """The best network so far, which others have to come nearer than to take its place."""

    def __init__(self, graph: Graph, judge: Judge, floor: float | None) -> None:
        self.graph, self.value = graph, judge.value(graph)
        self._judge, self._floor = judge, floor

    def take(self, changed: Mapping[str, Array]) -> bool:
        """The same with these constants; whether it is the best one now."""
        made = self.graph.with_constants(changed)
        value = self._judge.value(made)
        if not value > self.value or self._too_low(made):
            return False
        self.graph, self.value = made, value
        return True

    def _too_low(self, made: Graph) -> bool:
        if self._floor is None:
            return False
        accuracy = self._judge.accuracy
        return accuracy(made) < min(self._floor, accuracy(self.graph)) - 1e-9


def _some(data: Samples, start: int, count: int) -> NDArray[np.float32]:
    """So many samples from one on, and from the first again behind the last; no copy of all."""
    if start % len(data) + count <= len(data):
        return data.x[start % len(data) :][:count]
    return data.x[(np.arange(count) + start) % len(data)]


def solve_jointly(distance: Distance, *, damp: float = DAMP, seed: int = 0) -> dict[str, Array]:
    """One Gauss-Newton step of all layers.

    Args:
        distance: of the pruned network.
        damp: weight of staying where one is, divided by the square of equations per unknown.
        seed: of the preconditioner.

    Returns:
        New weights and biases by constant; empty where no step brings the values nearer.
    """
    error = distance.error({})
    if error < NOTHING or not distance.layers:
        return {}
    metric = distance.metric(seed)
    step = _conjugate_gradients(distance, metric, damp / distance.equations**2)
    best: Weights = {}
    for share in SHARES:
        moved = {v: distance.start[v] + share * d for v, d in step.items()}
        now = distance.error(moved)
        if now < error:
            best, error = moved, now
        elif best:
            break
    return {v: w.numpy() for v, w in best.items()}


def _conjugate_gradients(distance: Distance, metric: Kronecker, damp: float) -> Weights:
    """About -(H + damp M)^-1 slope: H of the Gauss-Newton step, M the preconditioner."""
    solved = {v for lin in metric.seen for v in lin.node.inputs[1:]}
    still = {v: 0 * w for v, w in distance.start.items() if v not in solved}
    rest = {v: -g for v, g in distance.slope().items() if v in solved}  # not yet solved for
    divided = metric.divide(rest)
    way, times_metric = divided, rest  # M times the way comes along
    size = _dot(rest, divided)
    found = {v: 0 * g for v, g in rest.items()}
    for _ in range(ITERATIONS):
        curved = distance.curve({**still, **way})
        curved = {v: curved[v] + damp * m for v, m in times_metric.items()}
        bend = _dot(way, curved)
        if not bend > 0 or not size > 0:
            break
        length = size / bend
        found = {v: f + length * way[v] for v, f in found.items()}
        rest = {v: r - length * curved[v] for v, r in rest.items()}
        divided = metric.divide(rest)
        size, before = _dot(rest, divided), size
        way = {v: d + size / before * way[v] for v, d in divided.items()}
        times_metric = {v: r + size / before * times_metric[v] for v, r in rest.items()}
    return found


def _dot(a: Weights, b: Weights) -> float:
    return sum(float((a[v] * b[v]).sum()) for v in a)
