"""Closed-form repair: every layer solved anew so that it gives what the dense network gives.

Layer by layer in execution order, the weights become the ridge regression of the dense network's
pre-activations on what the pruned network really feeds the layer (asymmetric reconstruction;
He, Zhang and Sun 2017, arXiv:1707.06168). The second branch of a residual addition is given what
makes the sum right, so that errors do not pile up along the residual path. Where a clamp follows,
errors that it hides do not count (Zhang et al. 2016, arXiv:1505.06798, section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph, Node, tensors
from edgeprune.ops import Add, Relu, Reshape
from edgeprune.pruning.obs.linear import Linear, linear, linears
from edgeprune.pruning.obs.parts import Part

if TYPE_CHECKING:
    import torch

BATCH_ELEMENTS = 2**21
"""Elements of a value that are computed at once: what the processor's cache can hold."""


def default_ridge(n: int) -> float:
    """Ridge as a share of the mean variance of a column: about 1e-3 for 1,000 samples."""
    return float(min(1e-2, 1e-3 * (1000 / n) ** 1.4))


@dataclass(frozen=True)
class Moments:
    """Second moments of a layer's columns where those do not depend on any weight.

    Attributes:
        mean: of the columns, (groups, columns), float64.
        covariance: (groups, columns, columns), float64.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True)
class Goal:
    """What the dense network computes at a layer.

    Attributes:
        at: sampled positions, (n, p); None: all.
        result: the layer's result there, (n * p, o).
        other: where the result is only added to another value: that value there.
    """

    at: torch.Tensor | None
    result: torch.Tensor
    other: torch.Tensor | None


class Reference:
    """The dense network and what it computes for some samples.

    Args:
        graph: float, clamps unfused.
        x: samples, (n, *input shape).
        positions: how many positions of a layer's result are looked at per sample.
        seed: of the choice of positions.
    """

    def __init__(
        self, graph: Graph, x: NDArray[np.float32], *, positions: int = 100, seed: int = 0
    ) -> None:
        import torch

        self.graph = graph
        self.x = torch.from_numpy(np.ascontiguousarray(x))
        self.layers = linears(graph)
        self.goals: dict[str, Goal] = {}
        self.moments: dict[str, Moments] = {}
        generator = torch.Generator().manual_seed(seed)
        at = {k: v.sample(len(x), positions, generator) for k, v in self.layers.items()}
        samples: dict[tuple[str, str], torch.Tensor] = {}
        fed = _fed_by_inputs(graph)
        partners = {k: partner(graph, v.node) for k, v in self.layers.items()}
        wanted: dict[str, list[str]] = {}
        for name, lin in self.layers.items():
            for v in (lin.node.output, partners[name]):
                if v is not None:
                    wanted.setdefault(v, []).append(name)

        def look(value: str, data: torch.Tensor) -> None:
            for name in wanted.get(value, ()):
                samples[name, value] = self.layers[name].results(data, at[name]).clone()
            for name, lin in self.layers.items():
                if lin.node.inputs[0] == value and value in fed:
                    self.moments[name] = _moments(lin, data, at[name])

        values_seen(graph, self.x, look)
        for name, lin in self.layers.items():
            other = partners[name]
            self.goals[name] = Goal(
                at[name],
                samples[name, lin.node.output],
                None if other is None else samples[name, other],
            )

    def __len__(self) -> int:
        return len(self.x)


def refit(
    graph: Graph,
    parts: Mapping[str, Part],
    reference: Reference,
    *,
    ridge: float | None = None,
    sweeps: int = 0,
) -> dict[str, Array]:
    """Solve every layer of a pruned network anew, in execution order.

    Args:
        graph: the pruned network, float, clamps unfused.
        parts: which part of the dense network each of its layers is; layers that are left out
            stay as they are.
        reference: the dense network's values.
        ridge: weight of staying at the present weights, as a share of the mean variance of a
            column; None: by the number of samples.
        sweeps: how many more times a layer in front of a clamp is solved without the errors that
            the clamp hides.

    Returns:
        The new weights and biases, by constant; those of layers that see and make what they did
        in the dense network are left out.
    """
    import torch

    repair = _Repair(graph, parts, reference, ridge or default_ridge(len(reference)), sweeps)
    with torch.no_grad():
        repair.run()
    return repair.changed


class _Repair:
    """One pass over a pruned network; ``weights`` are those that hold so far."""

    def __init__(
        self,
        graph: Graph,
        parts: Mapping[str, Part],
        reference: Reference,
        ridge: float,
        sweeps: int,
    ) -> None:
        self.graph = graph
        self.parts = parts
        self.reference = reference
        self.ridge = ridge
        self.sweeps = sweeps
        self.weights = tensors(graph)
        self.changed: dict[str, Array] = {}
        self.drifted: set[str] = set()  # values that are not the dense network's
        self.values: dict[str, torch.Tensor] = {}

    def run(self) -> None:
        last = {v: n.name for n in self.graph.nodes for v in n.inputs}
        self.values = {self.graph.inputs[0]: self.reference.x}
        for node in self.graph.nodes:
            self._repair(node)
            self.values[node.output] = evaluate(node, self.values, self.weights)
            for v in node.inputs:
                if last[v] == node.name:
                    self.values.pop(v, None)

    def _repair(self, node: Node) -> None:
        lin = linear(self.graph, node)
        drifted = any(v in self.drifted for v in node.inputs)
        if lin is not None and node.name in self.parts:
            part = self.parts[node.name]
            drifted = drifted or not self._is_unchanged(lin, part)
            if drifted and len(self.graph.users[node.inputs[1]]) == 1:
                self._solve(lin, part)
        elif lin is not None:
            drifted = True
        if drifted:
            self.drifted.add(node.output)

    def _is_unchanged(self, lin: Linear, part: Part) -> bool:
        """Whether a layer reads all that it did in the dense network, and with the same weights."""
        dense = self.reference.layers[part.dense]
        constants = self.reference.graph.constants
        if self.reference.graph.types[dense.node.inputs[0]].shape[-1] != len(part.columns):
            return False
        w, b = (self.graph.constants[v] for v in lin.node.inputs[1:])
        w0, b0 = (constants[v] for v in dense.node.inputs[1:])
        axis = w.ndim - 1 if dense.rows * dense.groups == w0.shape[-1] and w.ndim == 3 else 0
        if not np.array_equal(b, b0[part.rows]):
            return False
        return bool(np.array_equal(w, np.take(w0, part.rows, axis)))

    def _solve(self, lin: Linear, part: Part) -> None:
        w, b = (self.weights[v].numpy() for v in lin.node.inputs[1:])
        known = self.reference.moments.get(part.dense)
        if known is not None and lin.groups == 1 and lin.node.inputs[0] not in self.drifted:
            matrix, bias = self._from_moments(lin, part, known, w, b)
        else:
            matrix, bias = self._from_data(lin, part, w, b)
        new = lin.weights(matrix, w), bias.astype(np.float32)
        for name, value in zip(lin.node.inputs[1:], new, strict=True):
            self.changed[name] = value
            import torch

            self.weights[name] = torch.from_numpy(value)

    def _from_moments(
        self, lin: Linear, part: Part, known: Moments, w: Array, b: Array
    ) -> tuple[Array, Array]:
        """The solution for a layer that reads the graph's input."""
        dense = self.reference.layers[part.dense]
        constants = self.reference.graph.constants
        whole = dense.matrix(constants[dense.node.inputs[1]]).astype(np.float64)[0][part.rows]
        bias = constants[dense.node.inputs[2]].astype(np.float64)[part.rows]
        columns = dense.columns_of(part.columns)
        mean, cov = known.mean[0], known.covariance[0]
        now = lin.matrix(w).astype(np.float64)[0]
        gram = cov[np.ix_(columns, columns)]
        step = _solve_ridge(gram, cov[columns] @ whole.T - gram @ now.T, self.ridge)
        matrix = now + step.T
        return matrix[None], bias + whole @ mean - matrix @ mean[columns]

    def _from_data(self, lin: Linear, part: Part, w: Array, b: Array) -> tuple[Array, Array]:
        """The solution from what the pruned network really feeds the layer."""
        import torch

        goal = self.reference.goals[part.dense]
        rows = torch.from_numpy(part.rows)
        target = goal.result[:, rows]
        other = self._other(lin, goal, rows)
        if other is not None:
            assert goal.other is not None
            target = target + (goal.other[:, rows] - other)
        columns = lin.columns(self.values[lin.node.inputs[0]], goal.at)
        n = len(columns)
        mean = columns.mean(dim=0, keepdim=True)
        columns = (columns - mean).transpose(0, 1)  # (groups, n, columns)
        matrix = torch.from_numpy(np.ascontiguousarray(lin.matrix(w)))
        bias = torch.from_numpy(b)
        bounds = clamp_behind(self.graph, lin.node)
        present = self._predict(columns, mean, matrix, bias)
        factor = _Ridge(columns, self.ridge)
        for sweep in range(self.sweeps + 1 if bounds is not None else 1):
            hidden = target
            if sweep > 0 and bounds is not None:
                hidden = _visible(target, present, other, bounds)
            error = hidden - present
            shift = error.mean(dim=0)
            grouped = (error - shift).reshape(n, lin.groups, lin.rows).transpose(0, 1)
            matrix = matrix + factor.solve(grouped).transpose(1, 2)
            offset = torch.einsum("grk,gk->gr", matrix, mean[0]).reshape(-1)
            # the mean of the new prediction is the target's
            bias = present.mean(dim=0) + shift - offset
            present = self._predict(columns, mean, matrix, bias)
        return matrix.numpy().astype(np.float64), bias.numpy().astype(np.float64)

    @staticmethod
    def _predict(
        columns: torch.Tensor, mean: torch.Tensor, matrix: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        """Results at the sampled positions, (n, o)."""
        import torch

        z = torch.bmm(columns, matrix.transpose(1, 2)).transpose(0, 1)
        constant = torch.einsum("grk,gk->gr", matrix, mean[0])
        return (z + constant).reshape(columns.shape[1], -1) + bias

    def _other(self, lin: Linear, goal: Goal, rows: torch.Tensor) -> torch.Tensor | None:
        """The pruned network's other branch, where there is one and it is there already."""
        v = partner(self.graph, lin.node)
        if goal.other is None or v is None or v not in self.values:
            return None
        return lin.results(self.values[v], goal.at)


class _Ridge:
    """(X^T X / n + ridge) factored once, in the smaller of its two forms."""

    def __init__(self, columns: torch.Tensor, ridge: float) -> None:
        import torch

        n, k = columns.shape[1:]
        self.columns = columns
        self.dual = k > n
        gram = (
            columns @ columns.transpose(1, 2) if self.dual else columns.transpose(1, 2) @ columns
        ).double() / n
        diagonal = columns.square().sum(dim=(1, 2)).double() / (n * k)
        size = gram.shape[1]
        self.factor = torch.linalg.cholesky(
            gram + (ridge * diagonal.clamp(min=1e-12))[:, None, None] * torch.eye(size)
        )

    def solve(self, error: torch.Tensor) -> torch.Tensor:
        """The step (groups, columns, rows) for errors (groups, n, rows)."""
        import torch

        n = self.columns.shape[1]
        if self.dual:
            inner = torch.cholesky_solve(error.double(), self.factor).float()
            return self.columns.transpose(1, 2) @ inner / n
        cross = (self.columns.transpose(1, 2) @ error).double() / n
        return torch.cholesky_solve(cross, self.factor).float()


def _solve_ridge(
    gram: NDArray[np.float64], cross: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    import torch

    damp = ridge * max(float(np.trace(gram)) / len(gram), 1e-12)
    factor = torch.linalg.cholesky(torch.from_numpy(gram + damp * np.eye(len(gram))))
    step: NDArray[np.float64] = torch.cholesky_solve(torch.from_numpy(cross), factor).numpy()
    return step


def _visible(
    target: torch.Tensor,
    present: torch.Tensor,
    other: torch.Tensor | None,
    bounds: tuple[float, float],
) -> torch.Tensor:
    """Targets without what a clamp hides: where both sides are cut off, there is no error."""
    import torch

    rest = 0.0 if other is None else other
    low, high = bounds[0] - rest, bounds[1] - rest
    seen = torch.where(target <= low, torch.minimum(present, torch.as_tensor(low)), target)
    return torch.where(target >= high, torch.maximum(present, torch.as_tensor(high)), seen)


def partner(graph: Graph, node: Node) -> str | None:
    """The value that a node's result is added to, where it goes nowhere else."""
    users = graph.users[node.output]
    if len(users) != 1 or not isinstance(users[0].op, Add) or node.output in graph.outputs:
        return None
    others = [v for v in users[0].inputs if v != node.output]
    if len(others) != 1 or others[0] in graph.constants:
        return None
    same = graph.types[others[0]].shape == graph.types[node.output].shape
    return others[0] if same else None


def clamp_behind(graph: Graph, node: Node) -> tuple[float, float] | None:
    """Bounds of the clamp that alone reads a node's result, or its sum with its partner."""
    value = node.output
    if partner(graph, node) is not None:
        value = graph.users[value][0].output
    users = graph.users[value]
    if len(users) == 1 and isinstance(users[0].op, Relu) and value not in graph.outputs:
        return users[0].op.bounds
    return None


def evaluate(
    node: Node, values: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """One node for many samples, some at a time."""
    import torch

    n = max(len(values[v]) for v in node.inputs if v in values)
    largest = max(values[v][0].numel() for v in node.inputs if v in values)
    batch = max(1, BATCH_ELEMENTS // largest)
    rows = []
    for i in range(0, n, batch):
        args = [
            (weights[v] if k in node.op.weights else weights[v][None])
            if v in weights
            else values[v][i : i + batch]
            for k, v in enumerate(node.inputs)
        ]
        rows.append(node.op.evaluate(*args))
    return torch.cat(rows) if len(rows) > 1 else rows[0]


def values_seen(graph: Graph, x: torch.Tensor, look: Callable[[str, torch.Tensor], None]) -> None:
    """Compute all values, show each to ``look``, and forget it when nothing reads it any more."""
    import torch

    last = {v: n.name for n in graph.nodes for v in n.inputs}
    values = {graph.inputs[0]: x}
    weights = tensors(graph)
    with torch.no_grad():
        look(graph.inputs[0], x)
        for node in graph.nodes:
            values[node.output] = evaluate(node, values, weights)
            look(node.output, values[node.output])
            for v in node.inputs:
                if last[v] == node.name:
                    values.pop(v, None)


def _fed_by_inputs(graph: Graph) -> set[str]:
    """Values that are an input, or one in another shape."""
    found = set(graph.inputs)
    for node in graph.nodes:
        if isinstance(node.op, Reshape) and node.inputs[0] in found:
            found.add(node.output)
    return found


def _moments(lin: Linear, x: torch.Tensor, at: torch.Tensor | None) -> Moments:
    columns = lin.columns(x, at)
    mean = columns.mean(dim=0, keepdim=True)
    centred = (columns - mean).transpose(0, 1)
    cov = (centred.transpose(1, 2) @ centred).double() / len(columns)
    return Moments(mean[0].double().numpy(), cov.numpy())
