"""What a criterion gets to see, and what it has to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Coupling, Graph, Ids, Samples, couple
from edgeprune.ops import Mean
from edgeprune.pruning.groups import removable
from edgeprune.pruning.loss import Loss, make_loss

if TYPE_CHECKING:
    import torch

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Context:
    """A network, its channels and data.

    Attributes:
        graph: float.
        coupling: of the graph.
        data: the samples that rankings are made from.
        loss: the error, with a target for every sample.
        seed: of whatever is random.
    """

    graph: Graph
    coupling: Coupling
    data: Samples
    loss: Loss
    seed: int = 0

    @staticmethod
    def of(graph: Graph, data: Samples, *, loss: Loss | None = None, seed: int = 0) -> Context:
        """The context of a model; its error is :func:`make_loss` where none is given."""
        return Context(graph, couple(graph), data, loss or make_loss(graph, data), seed)

    @cached_property
    def removable(self) -> NDArray[np.bool_]:
        """By channel, whether it is a neuron that may go: not pinned, not an input."""
        return removable(self.coupling)

    @cached_property
    def means(self) -> dict[str, Ids]:
        """Means over channels that may go: by node, the channel of each element of the operand."""
        found = {}
        for node in self.graph.nodes:
            if not isinstance(node.op, Mean):
                continue
            ids = self.coupling.values[node.inputs[0]]
            if ids.ndim - 1 in node.op.axes and self.coupling.averaged[ids].any():
                found[node.name] = ids
        return found

    def scores(self, of_removable: Scores) -> Scores:
        """One score for every channel, nan for those that cannot go."""
        return np.where(self.removable, of_removable, np.nan)

    def batches(self, size: int = 500) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Inputs and targets, some samples at a time."""
        import torch

        for i in range(0, len(self.data), size):
            x = np.ascontiguousarray(self.data.x[i : i + size])
            yield torch.from_numpy(x), torch.from_numpy(self.loss.targets[i : i + size])


class Session(Protocol):
    """Scores that are kept up to date while channels go."""

    def scores(self) -> Scores:
        """By channel of the context's coupling; nan for what is gone or cannot go."""

    def remove(self, channels: NDArray[np.int64]) -> None:
        """Take channels out of the network."""


@dataclass(frozen=True)
class Criterion:
    """How much a channel matters.

    Attributes:
        name: what the command line calls it.
        score: by channel, larger means keep, nan cannot be removed.
        paper: where it is from, with the equation.
        session: a faster way to the same scores after each removal; None from the context means
            that it has none for that network.
    """

    name: str
    score: Callable[[Context], Scores]
    paper: str
    session: Callable[[Context], Session | None] = lambda _: None
