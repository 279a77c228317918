"""How far a pruned network is from the dense one where both have the same values.

That is at the sums of residual paths and in front of the last activation; layers in between may
give what they like. The squared distance, its derivative by all weights, and its Gauss-Newton
matrix times a vector.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Graph, Node, flat, run, samples_held, tensors
from edgeprune.ops.linear import linears, partner
from edgeprune.pruning.obs.kronecker import Kronecker
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.obs.refit import clamp_behind

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]

ELEMENTS = 2**22
"""Of all values together that are computed at once; derivatives hold each several times."""
KEPT = 2 * ELEMENTS
"""Of all values together that are kept, with what their derivatives need, from curvature to
curvature."""
SCALED = 100
"""Samples, at the least, that the variance of what is compared is taken from."""
CURVED = 500
"""Samples that the preconditioner is taken from."""
SMALL = 3e-4
TINY = 1e-7
"""Of the values and of the weights, what a difference is taken over: clamps stay as they are, and
some hundred times more than is lost in rounding; and what finds out how far that is."""
PROBED = 64
"""Samples that find it out."""
MANY = 400
ENOUGH = 60
FEWEST = 150
"""Equations per unknown that the derivative is taken from, and that curvature and trials are; and
samples that those are taken from in any case."""


@dataclass(frozen=True)
class Aim:
    """A value that is to be what it is in the dense network.

    Attributes:
        value: its name.
        dense: the name there.
        rows: which of its channels are left; None: all.
        bounds: of the clamp that alone reads it: beyond them nothing is seen of it.
    """

    value: str
    dense: str
    rows: NDArray[np.int64] | None = None
    bounds: tuple[float, float] | None = None

    def seen(self, z: torch.Tensor) -> torch.Tensor:
        """What counts of a value, flat: (n, elements)."""
        return flat(z if self.bounds is None else z.clamp(*self.bounds))

    def wanted(self, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The same of the dense network's values."""
        z = values[self.dense]
        return self.seen(z if self.rows is None else z[..., self.rows])


def aims(
    graph: Graph, parts: Mapping[str, Part], dense: Graph, result: tuple[str, str]
) -> list[Aim]:
    """The sums of residual paths and the results.

    Args:
        graph: the pruned network, clamps unfused.
        parts: which part of the dense network each of its layers is.
        dense: that network, clamps unfused.
        result: the value in front of the last activation, in the pruned and in the dense network.
    """
    found = {}
    for name, part in parts.items():
        ours, theirs = graph.node(name), dense.node(part.dense)
        if partner(graph, ours) is None or partner(dense, theirs) is None:
            continue
        total, whole = graph.users[ours.output][0].output, dense.users[theirs.output][0].output
        found[total] = Aim(total, whole, part.rows, clamp_behind(graph, ours))
    for value, whole in (result, *zip(graph.outputs[1:], dense.outputs[1:], strict=True)):
        found[value] = Aim(value, whole)
    return list(found.values())


class Distance:
    """The squared distance of all aims from the dense network's values, each by its variance.

    Everything is a mean over samples.

    Args:
        graph: the pruned network, float, clamps unfused.
        wanted: see :func:`aims`.
        dense: the dense network, clamps unfused.
        x: samples, (n, *input shape); the first of them, where those are more than enough.

    Attributes:
        layers: those that may change, by name: the ones whose constants nothing else reads.
        start: their weights and biases as they are.
        equations: values that are compared, over all samples, per unknown.
    """

    def __init__(
        self, graph: Graph, wanted: list[Aim], dense: Graph, x: NDArray[np.float32]
    ) -> None:
        import torch

        self.graph = graph
        self.wanted = wanted
        self.dense = dense
        self.layers = {
            k: lin
            for k, lin in linears(graph).items()
            if all(len(graph.users[v]) == 1 for v in lin.node.inputs[1:])
        }
        self._weights = tensors(graph)
        self._still = _still(graph)
        self._dense_weights = tensors(dense)
        own = [v for lin in self.layers.values() for v in lin.node.inputs[1:]]
        self.start = {v: self._weights[v] for v in own}
        self._batch = samples_held(graph, ELEMENTS)
        whole = torch.from_numpy(np.ascontiguousarray(x))
        some = torch.split(whole[: max(SCALED, self._batch)], self._batch)
        first = [torch.cat(t) for t in zip(*map(self._targets, some), strict=True)]
        self._scales = [1 / max(float(t.var(dim=0).sum()), 1e-12) ** 0.5 for t in first]
        unknowns = max(sum(w.numel() for w in self.start.values()), 1)
        each = sum(t.shape[1] for t in first) / unknowns
        self.x = whole[: max(2 * FEWEST, int(MANY / each))]
        self.equations = len(self.x) * each
        self._few = min(len(self.x), max(FEWEST, int(ENOUGH / each)))

    def error(self, weights: Weights) -> float:
        """Sum of the aims' squared relative errors, on the last samples of as many as needed."""
        import torch

        total = 0.0
        with torch.no_grad():
            for rows, targets in self._tried:
                total += self._squared(self._gaps(self._results(weights, rows), targets))
        return total / self._few

    def slope(self) -> Weights:
        """Half the derivative of the error by the weights, from all samples."""
        found: Weights = {}
        free = self._free
        for rows in self._batches(0, len(self.x)):
            made = self._results(free, rows)
            _add(found, _back(made, free, self._gaps(made, self._targets(self.x[rows]))))
        return {v: g / len(self.x) for v, g in found.items()}

    def curve(self, step: Weights) -> Weights:
        """The Gauss-Newton matrix times a step, from as many samples as needed.

        By how much the step moves the values is a difference over a small part of it: one pass
        more, where derivatives in forward mode take as long as seven.
        """
        import torch

        found: Weights = {}
        part = self._part(step)
        ahead = self._ahead(step, part)
        keeps = self._few * sum(self.graph.types[n.output].size for n in self._moving) <= KEPT
        for rows, made in self._kept if keeps else self._made():
            with torch.no_grad():
                moved = self._results(ahead, rows)
            change = [(z - y.detach()) / part for z, y in zip(moved, made, strict=True)]
            _add(found, _back(made, self._free, change, again=keeps))
        return {v: g / self._few for v, g in found.items()}

    def _part(self, step: Weights) -> float:
        """Of a step, what moves the values by :data:`SMALL` of what they are."""
        import torch

        size = _norm(step.values())
        if not size > 0:
            return 1.0
        least = TINY * _norm(self.start.values()) / size
        rows = slice(0, min(self._batch, PROBED))
        with torch.no_grad():
            here, there = (self._results(self._ahead(step, p), rows) for p in (0.0, least))
        moved = _norm([b - a for a, b in zip(here, there, strict=True)])
        return least * SMALL * _norm(here) / moved if moved > 0 else least

    def _ahead(self, step: Weights, part: float) -> Weights:
        """The weights after a part of a step."""
        return {v: w + part * step[v] for v, w in self.start.items()}

    def metric(self, seed: int) -> Kronecker:
        """The preconditioner, from random derivatives of the results."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        metric = Kronecker(self.layers.values(), seed)
        for rows in self._batches(0, min(CURVED, len(self.x))):
            values = self._values(self._free, rows)
            results = torch.cat(self._seen(values), dim=1)
            signs = torch.randint(0, 2, results.shape, generator=generator) * 2.0 - 1
            made = [values[lin.node.output] for lin in self.layers.values()]
            slopes = torch.autograd.grad((results * signs).sum(), made, allow_unused=True)
            metric.see(values, dict(zip(self.layers, slopes, strict=True)))
        return metric

    @cached_property
    def _free(self) -> Weights:
        """The weights as they are, to take derivatives by."""
        return {v: w.detach().requires_grad_() for v, w in self.start.items()}

    @cached_property
    def _kept(self) -> list[tuple[slice, tuple[torch.Tensor, ...]]]:
        return list(self._made())

    def _made(self) -> Iterator[tuple[slice, tuple[torch.Tensor, ...]]]:
        """The results with the weights as they are, for the samples of the curvature."""
        for rows in self._batches(0, self._few):
            yield rows, self._results(self._free, rows)

    def _batches(self, start: int, stop: int) -> list[slice]:
        return [slice(i, min(i + self._batch, stop)) for i in range(start, stop, self._batch)]

    @cached_property
    def _moving(self) -> tuple[Node, ...]:
        """The nodes whose results depend on the weights."""
        return tuple(n for n in self.graph.nodes if n not in self._still)

    @cached_property
    def _fed(self) -> Weights:
        """What these read of all samples: it is computed once."""
        read = {v for n in self._moving for v in n.inputs} | {a.value for a in self.wanted}
        feed = {self.graph.inputs[0]: self.x}
        return run(self.graph, feed, constants=self._weights, nodes=self._still, keep=read)

    def _values(
        self, weights: Weights, rows: slice, keep: Collection[str] | None = None
    ) -> Weights:
        feed = {v: x[rows] for v, x in self._fed.items()}
        constants = {**self._weights, **weights}
        return run(self.graph, feed, constants=constants, nodes=self._moving, keep=keep)

    def _seen(self, values: Weights) -> tuple[torch.Tensor, ...]:
        both = zip(self.wanted, self._scales, strict=True)
        return tuple(a.seen(values[a.value]) * s for a, s in both)

    def _results(self, weights: Weights, rows: slice) -> tuple[torch.Tensor, ...]:
        return self._seen(self._values(weights, rows, {a.value for a in self.wanted}))

    def _targets(self, x: torch.Tensor) -> list[torch.Tensor]:
        import torch

        with torch.no_grad():
            feed, wanted = {self.dense.inputs[0]: x}, {a.dense for a in self.wanted}
            values = run(self.dense, feed, constants=self._dense_weights, keep=wanted)
            return [a.wanted(values) for a in self.wanted]

    @cached_property
    def _tried(self) -> list[tuple[slice, list[torch.Tensor]]]:
        """The samples that steps are tried on, and their targets: the same for every trial."""
        parts = self._batches(len(self.x) - self._few, len(self.x))
        return [(rows, self._targets(self.x[rows])) for rows in parts]

    def _gaps(
        self, made: tuple[torch.Tensor, ...], targets: list[torch.Tensor]
    ) -> list[torch.Tensor]:
        goals = zip(made, targets, self._scales, strict=True)
        return [y.detach() - t * s for y, t, s in goals]

    @staticmethod
    def _squared(gaps: list[torch.Tensor]) -> float:
        return sum(float(g.square().sum()) for g in gaps)


def _still(graph: Graph) -> tuple[Node, ...]:
    """The nodes in front of all layers that take elements of the input or put them elsewhere."""
    known, found = {graph.inputs[0]}, []
    for node in graph.nodes:
        size = graph.types[node.output].size
        small = size <= graph.types[graph.inputs[0]].size
        if node.op.moves and small and known.issuperset(node.inputs):
            known.add(node.output)
            found.append(node)
    return tuple(found)


def _back(
    made: Sequence[torch.Tensor],
    free: Weights,
    slopes: Sequence[torch.Tensor],
    *,
    again: bool = False,
) -> Weights:
    """Derivatives by the results, taken back to the weights; ``again``: not for the last time."""
    import torch

    pairs = [(y, s) for y, s in zip(made, slopes, strict=True) if y.requires_grad]
    if not pairs:
        return {v: torch.zeros_like(w) for v, w in free.items()}
    # of one number: derivatives of many load the whole of sympy for a check of their shapes
    total = torch.stack([(y * s).sum() for y, s in pairs]).sum()
    found = torch.autograd.grad(
        total, list(free.values()), materialize_grads=True, retain_graph=again
    )
    return dict(zip(free, found, strict=True))


def _norm(values: Iterable[torch.Tensor]) -> float:
    return math.sqrt(sum(float(v.square().sum()) for v in values))


def _add(total: Weights, more: Weights) -> None:
    for v, w in more.items():
        total[v] = total[v] + w if v in total else w
