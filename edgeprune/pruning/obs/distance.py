"""How far a pruned network is from the dense one where both have the same values.

That is at the sums of residual paths and in front of the last activation; layers in between may
give what they like. The squared distance, its derivative by all weights, and its Gauss-Newton
matrix times a vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Graph, run, tensors
from edgeprune.pruning.obs.kronecker import Kronecker
from edgeprune.pruning.obs.linear import linears
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.obs.reference import partner
from edgeprune.pruning.obs.refit import clamp_behind

if TYPE_CHECKING:
    import torch

    Weights = dict[str, torch.Tensor]

ELEMENTS = 2**24
"""Of all values together that are held at once."""
CURVED = 1000
"""Samples that the preconditioner is taken from."""


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
        return (z if self.bounds is None else z.clamp(*self.bounds)).flatten(1)


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

    Args:
        graph: the pruned network, float, clamps unfused.
        wanted: see :func:`aims`.
        dense: the dense network, clamps unfused.
        x: samples, (n, *input shape).

    Attributes:
        weights: all constants of the pruned network.
        equations: how many values are compared.
    """

    def __init__(
        self, graph: Graph, wanted: list[Aim], dense: Graph, x: NDArray[np.float32]
    ) -> None:
        import torch

        self.graph = graph
        self.wanted = wanted
        self.dense = dense
        self.x = torch.from_numpy(np.ascontiguousarray(x))
        self.weights = tensors(graph)
        self._dense_weights = tensors(dense)
        held = sum(graph.types[n.output].size for n in graph.nodes)
        self._batch = max(1, ELEMENTS // max(held, 1))
        first = self._targets(self.x[: max(2, min(len(x), self._batch))])
        self.equations = len(x) * sum(t.shape[1] for t in first)
        self._scales = [1 / max(float(t.var(dim=0).sum()) * len(x), 1e-12) ** 0.5 for t in first]

    def error(self, weights: Weights) -> float:
        """Sum of the aims' squared relative errors."""
        import torch

        total = 0.0
        with torch.no_grad():
            for x in self._batches():
                gaps = self._gaps(self._results(weights, x), x)
                total += sum(float(g.square().sum()) for g in gaps)
        return total

    def slope(self, weights: Weights) -> tuple[float, Weights]:
        """The error, and half its derivative by the weights."""
        total = 0.0
        found: Weights = {}
        for x in self._batches():
            made, back = self._linearised(weights, x)
            gaps = self._gaps(made, x)
            total += sum(float(g.square().sum()) for g in gaps)
            _add(found, back(tuple(gaps))[0])
        return total, found

    def curve(self, weights: Weights, step: Weights) -> Weights:
        """The Gauss-Newton matrix times a step."""
        from torch.func import jvp

        found: Weights = {}
        for x in self._batches():
            along = partial(self._results, x=x)
            change = jvp(along, (weights,), (step,))[1]
            _add(found, self._linearised(weights, x)[1](change)[0])
        return found

    def metric(self, seed: int) -> Kronecker:
        """The preconditioner, from random derivatives of the results."""
        import torch

        generator = torch.Generator().manual_seed(seed)
        layers = {
            k: lin
            for k, lin in linears(self.graph).items()
            if all(len(self.graph.users[v]) == 1 for v in lin.node.inputs[1:])
        }
        metric = Kronecker(layers.values(), seed)
        if not layers:
            return metric
        own = [v for lin in layers.values() for v in lin.node.inputs[1:]]
        free = {v: self.weights[v].clone().requires_grad_() for v in own}
        most = min(CURVED, len(self.x))
        factor = (len(self.x) / most) ** 0.5
        for x in torch.split(self.x[:most], self._batch):
            values = self._values(free, x)
            results = torch.cat(self._seen(values), dim=1)
            signs = torch.randint(0, 2, results.shape, generator=generator) * 2.0 - 1
            made = [values[lin.node.output] for lin in layers.values()]
            total = factor * (results * signs).sum()
            slopes = torch.autograd.grad(total, made, allow_unused=True)
            metric.see(values, dict(zip(layers, slopes, strict=True)))
        return metric

    def _batches(self) -> Iterator[torch.Tensor]:
        import torch

        yield from torch.split(self.x, self._batch)

    def _linearised(self, weights: Weights, x: torch.Tensor) -> Any:
        """The results, and what takes derivatives by them back to the weights."""
        from torch.func import vjp

        return vjp(partial(self._results, x=x), weights)

    def _values(self, weights: Weights, x: torch.Tensor) -> Weights:
        constants = {**self.weights, **weights}
        return run(self.graph, {self.graph.inputs[0]: x}, constants=constants)

    def _seen(self, values: Weights) -> tuple[torch.Tensor, ...]:
        both = zip(self.wanted, self._scales, strict=True)
        return tuple(a.seen(values[a.value]) * s for a, s in both)

    def _results(self, weights: Weights, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self._seen(self._values(weights, x))

    def _targets(self, x: torch.Tensor) -> list[torch.Tensor]:
        import torch

        with torch.no_grad():
            values = run(self.dense, {self.dense.inputs[0]: x}, constants=self._dense_weights)
            return [
                a.seen(values[a.dense] if a.rows is None else values[a.dense][..., a.rows])
                for a in self.wanted
            ]

    def _gaps(self, made: tuple[torch.Tensor, ...], x: torch.Tensor) -> list[torch.Tensor]:
        goals = zip(made, self._targets(x), self._scales, strict=True)
        return [y.detach() - t * s for y, t, s in goals]


def _add(total: Weights, more: Weights) -> None:
    for v, w in more.items():
        total[v] = total[v] + w if v in total else w
