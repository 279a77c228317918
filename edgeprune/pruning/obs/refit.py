"""Closed-form repair: every layer solved anew so that it gives what the dense network gives.

Layer by layer in execution order, the weights become the ridge regression of the dense network's
pre-activations on what the pruned network really feeds the layer (asymmetric reconstruction;
He, Zhang and Sun 2017, arXiv:1707.06168). The second branch of a residual addition is given what
makes the sum right, so that errors do not pile up along the residual path. Where a clamp follows,
errors that it hides do not count (Zhang et al. 2016, arXiv:1505.06798, section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph, Node, Values, tensors
from edgeprune.ops import Relu
from edgeprune.ops.goals import Goal, taken
from edgeprune.ops.linear import Linear, linear, partner
from edgeprune.pruning.obs.parts import Part
from edgeprune.pruning.obs.reference import Moments, Reference

if TYPE_CHECKING:
    import torch


def default_ridge(n: int) -> float:
    """Ridge as a share of the mean variance of a column: about 1e-3 for 1,000 samples."""
    return float(min(1e-2, 1e-3 * (1000 / n) ** 1.4))


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
    return Repair(graph, parts, reference, ridge, sweeps).changed


class Repair:
    """What :func:`refit` does, with what it saw on the way.

    Attributes:
        changed: as :func:`refit` gives it.
        covariances: of the columns of layers that were solved, as they now are: (groups, columns,
            columns) float64.
        unmoved: layers that are fed what they were fed before.
        weights: all constants, those that hold so far.
    """

    def __init__(
        self,
        graph: Graph,
        parts: Mapping[str, Part],
        reference: Reference,
        ridge: float | None = None,
        sweeps: int = 0,
    ) -> None:
        import torch

        self.graph = graph
        self.parts = parts
        self.reference = reference
        self.ridge = ridge or default_ridge(len(reference))
        self.sweeps = sweeps
        self.covariances: dict[str, NDArray[np.float64]] = {}
        self.unmoved: set[str] = set()
        self.weights = tensors(graph)
        self.changed: dict[str, Array] = {}
        self.drifted: set[str] = set()  # values that are not the dense network's
        begins = reference.begins(graph)
        known = {v: x for v, x in reference.border.items() if v in begins}
        self.values = Values(graph, reference.x, self.weights, known)
        border: dict[str, torch.Tensor] = {}
        with torch.no_grad():
            for node in graph.nodes:
                self._repair(node)
                self.values.settle(node)
                kept = self.values.kept(node.output)
                if node.output in begins and kept is not None:
                    border[node.output] = kept
        reference.border = border

    def _repair(self, node: Node) -> None:
        lin = linear(self.graph, node)
        drifted = any(v in self.drifted for v in node.inputs)
        if lin is not None and not drifted:
            self.unmoved.add(node.name)
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
        if known is not None and lin.node.inputs[0] not in self.drifted:
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
        columns = self._seen(lin.node.inputs[0], goal, lin.columns)
        n = len(columns)
        mean = columns.mean(dim=0, keepdim=True)
        columns = (columns - mean).transpose(0, 1)  # (groups, n, columns)
        matrix = torch.from_numpy(np.ascontiguousarray(lin.matrix(w)))
        bias = torch.from_numpy(b)
        bounds = clamp_behind(self.graph, lin.node)
        present = self._predict(columns, mean, matrix, bias)
        factor = _Ridge(columns, self.ridge)
        if not factor.dual:
            self.covariances[lin.node.name] = factor.gram.numpy()
        for sweep in range(self.sweeps + 1 if bounds is not None else 1):
            hidden = target
            if sweep > 0 and bounds is not None:
                present = self._predict(columns, mean, matrix, bias)
                hidden = _visible(target, present, other, bounds)
            error = hidden - present
            shift = error.mean(dim=0)
            grouped = (error - shift).reshape(n, lin.groups, lin.rows).transpose(0, 1)
            matrix = matrix + factor.solve(grouped).transpose(1, 2)
            offset = torch.einsum("grk,gk->gr", matrix, mean[0]).reshape(-1)
            # the mean of the new prediction is the target's
            bias = present.mean(dim=0) + shift - offset
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
        return self._seen(v, goal, lin.results)

    def _seen(
        self,
        value: str,
        goal: Goal,
        look: Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor],
    ) -> torch.Tensor:
        """What a layer sees of a value at the sampled positions."""
        import torch

        parts = self.values.parts(value)
        rows = [look(part, taken(goal.at, samples)) for samples, part in parts]
        return torch.cat(rows) if len(rows) > 1 else rows[0]


class _Ridge:
    """(X^T X / n + ridge) factored once, in the smaller of its two forms."""

    def __init__(self, columns: torch.Tensor, ridge: float) -> None:
        import torch

        n, k = columns.shape[1:]
        self.columns = columns
        self.dual = k > n
        self.gram = (
            columns @ columns.transpose(1, 2) if self.dual else columns.transpose(1, 2) @ columns
        ).double() / n
        diagonal = torch.linalg.vector_norm(columns, dim=(1, 2)).double().square() / (n * k)
        size = self.gram.shape[1]
        self.factor = torch.linalg.cholesky(
            self.gram + (ridge * diagonal.clamp(min=1e-12))[:, None, None] * torch.eye(size)
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


def clamp_behind(graph: Graph, node: Node) -> tuple[float, float] | None:
    """Bounds of the clamp that alone reads a node's result, or its sum with its partner."""
    value = node.output
    if partner(graph, node) is not None:
        value = graph.users[value][0].output
    users = graph.users[value]
    if len(users) == 1 and isinstance(users[0].op, Relu) and value not in graph.outputs:
        return users[0].op.bounds
    return None
