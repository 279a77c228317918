"""The error that rankings look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, Graph, Samples, flat, predict
from edgeprune.ops import LogSoftmax
from edgeprune.ops.answer import Kind, answer_of
from edgeprune.pruning.truth import border_of

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Loss:
    """The error of an output, computed from the value in front of its last activation.

    Attributes:
        value: name of that value z in the graph, and in every compaction of it.
        kind: "sigmoid": 1/2 sum (sigmoid(z) - t)^2, the squared error of the works;
            "softmax": cross-entropy of softmax(beta z) and t; "squared": 1/2 sum (z - t)^2.
        targets: t, (n, outputs) float32, rows as the samples.
        beta: of the softmax.
        positions: of z, row by row its classes; each is answered, and the error is their sum.
    """

    value: str
    kind: Kind
    targets: NDArray[np.float32]
    beta: float = 1.0
    positions: int = 1

    def take(self, rows: Array | slice) -> Loss:
        """The same for some of the samples."""
        return Loss(self.value, self.kind, self.targets[rows], self.beta, self.positions)

    def preactivation(self, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The value z, (n, outputs), of which derivatives are to be taken.

        Raises:
            EdgePruneError: it has none, as behind a comparison.
        """
        z = flat(values[self.value])
        if not z.requires_grad:
            raise EdgePruneError(
                "--criterion",
                "looks at derivatives, and the network's answers have none: they come out of a "
                "comparison",
                "l2, activation_mean or brute_force; or a network that ends in front of it",
            )
        return z

    def by_position(self, z: torch.Tensor) -> torch.Tensor:
        """The same elements (..., outputs) as (..., positions, classes)."""
        return z.reshape(*z.shape[:-1], self.positions, -1)

    def per_sample(self, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """Errors (..., n) of z (..., n, outputs) with targets (n, outputs); differentiable."""
        if self.kind == "softmax":
            z, t = self.by_position(z * self.beta), self.by_position(t)
            return (z.logsumexp(-1) * t.sum(-1) - (z * t).sum(-1)).sum(-1)
        y = z.sigmoid() if self.kind == "sigmoid" else z
        return (y - t).square().sum(-1) / 2


def make_loss(graph: Graph, data: Samples) -> Loss:
    """The error of a model on data: from what these tell or, where nothing, from its own outputs.

    Args:
        graph: the source model, float; its first output counts.
        data: labels and marks are class numbers; where they are of single outputs, 0 and 1.

    Raises:
        EdgePruneError: a label that is no class of the model.
    """
    answer, outputs = answer_of(graph), graph.types[graph.outputs[0]].size
    if data.y is not None:
        targets = _one_hot(data.y, outputs)
        if answer.kind == "squared" and outputs > 1:
            return Loss(answer.value, "softmax", targets)
    elif data.marks is not None:
        positions = data.marks.shape[1]
        if positions < outputs:
            targets = np.eye(outputs // positions, dtype=np.float32)[data.marks]
            return Loss(answer.value, "softmax", _flat(targets), answer.beta, positions)
        targets = data.marks.astype(np.float32)
    elif data.targets is not None:
        targets = data.targets
    else:
        targets = predict(graph, data.x).reshape(len(data), outputs)
        last = graph.producer.get(graph.outputs[0])
        if last is not None and isinstance(last.op, LogSoftmax):
            targets = np.exp(targets)
    if answer.kind == "squared" and border_of(graph, data) == 0:
        return Loss(answer.value, "sigmoid", targets)
    positions = answer.positions if data.y is None else 1  # a label is of a whole sample
    return Loss(answer.value, answer.kind, targets, answer.beta, positions)


def _flat(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows.reshape(len(rows), -1)


def _one_hot(y: NDArray[np.int64], outputs: int) -> NDArray[np.float32]:
    classes = max(outputs, 2)
    if len(y) and not 0 <= y.min() <= y.max() < classes:
        raise EdgePruneError(
            "labels", f"lie in {y.min()}..{y.max()}, the model has {outputs} outputs"
        )
    if outputs == 1:
        return y[:, None].astype(np.float32)
    return np.eye(outputs, dtype=np.float32)[y]
