"""Every layer with weights as one thing: groups of rows that read columns.

A dense layer, a convolution, a grouped and a depthwise convolution differ in which elements of
their operand a row sees. Laid out as columns (im2col), all of them are ``z = X W^T + b`` in
groups, which is what least squares needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph, Node
from edgeprune.ops import Add, Conv2d, Dense, DepthwiseConv2d

if TYPE_CHECKING:
    import torch

Layer = Conv2d | DepthwiseConv2d | Dense


@dataclass(frozen=True)
class Linear:
    """A layer as a matrix.

    Attributes:
        node: the layer; operand 0 is read, 1 and 2 are weights and bias.
        op: its operator.
        taps: positions of the operand that one position of the result reads (kernel height x
            width; 1 for dense).
        groups: parts that read different channels (each channel, for depthwise).
        rows: results of a group.
        channels: what a group reads at each tap; its columns are taps x channels.
        positions: of the result (height x width).
        kernel: height and width; their product is ``taps``.
    """

    node: Node
    op: Layer
    taps: int
    groups: int
    rows: int
    channels: int
    positions: int
    kernel: tuple[int, int] = (1, 1)

    @property
    def columns_per_group(self) -> int:
        """Length of one row."""
        return self.taps * self.channels

    def columns(self, x: torch.Tensor, at: torch.Tensor | None) -> torch.Tensor:
        """What the rows read.

        Args:
            x: the operand, (n, ...).
            at: positions of the result, (n, p) flat indices; None: all of them.

        Returns:
            (n * p, groups, columns).
        """
        taps = self._window(x, at) if not isinstance(self.op, Dense) else self._vector(x, at)
        n, p, k = taps.shape[:3]
        split = taps.reshape(n * p, k, self.groups, self.channels)
        return split.permute(0, 2, 1, 3).reshape(n * p, self.groups, k * self.channels)

    def results(self, z: torch.Tensor, at: torch.Tensor | None) -> torch.Tensor:
        """A value of the layer's result shape, (n, ..., o), at positions: (n * p, o)."""
        import torch

        flat = z.reshape(len(z), -1, z.shape[-1])
        if at is not None:
            flat = flat[torch.arange(len(z))[:, None], at]
        return flat.reshape(-1, z.shape[-1])

    def sample(self, n: int, count: int, generator: torch.Generator) -> torch.Tensor | None:
        """Random positions for n samples, (n, count); None where all are not more than that."""
        import torch

        if self.positions <= count:
            return None
        return torch.randint(self.positions, (n, count), generator=generator)

    def matrix(self, w: Array) -> Array:
        """Weights as (groups, rows, columns)."""
        if isinstance(self.op, DepthwiseConv2d):
            return w.reshape(self.taps, self.groups, self.rows).transpose(1, 2, 0)
        return w.reshape(self.groups, self.rows, -1)

    def weights(self, matrix: Array, like: Array) -> Array:
        """The inverse of :meth:`matrix`, in the shape and type of ``like``."""
        if isinstance(self.op, DepthwiseConv2d):
            matrix = matrix.transpose(2, 0, 1)
        return np.ascontiguousarray(matrix.reshape(like.shape), like.dtype)

    def columns_of(self, channels: NDArray[np.int64]) -> NDArray[np.int64]:
        """The columns that belong to some channels of a group, in order."""
        offsets = np.arange(self.taps)[:, None] * self.channels
        return (offsets + channels).ravel()

    def _vector(self, x: torch.Tensor, at: torch.Tensor | None) -> torch.Tensor:
        return self.results(x, at).reshape(len(x), -1, 1, x.shape[-1])

    def _window(self, x: torch.Tensor, at: torch.Tensor | None) -> torch.Tensor:
        import torch
        from torch.nn import functional

        op = self.op
        assert not isinstance(op, Dense)
        p = op.padding
        if p.any:
            x = functional.pad(x, (0, 0, p.left, p.right, p.top, p.bottom))
        kh, kw = self.kernel
        span = [(k - 1) * d for k, d in zip((kh, kw), op.dilation, strict=True)]
        height = (x.shape[1] - span[0] - 1) // op.stride[0] + 1
        width = (x.shape[2] - span[1] - 1) // op.stride[1] + 1
        if at is None:
            at = torch.arange(height * width).expand(len(x), -1)
        row = torch.arange(len(x))[:, None] * x.shape[1] + (at // width) * op.stride[0]
        start = row * x.shape[2] + (at % width) * op.stride[1]
        flat = x.reshape(-1, x.shape[3])
        steps = [
            i * op.dilation[0] * x.shape[2] + j * op.dilation[1]
            for i in range(kh)
            for j in range(kw)
        ]
        index = start[:, :, None] + torch.tensor(steps)
        return flat[index.reshape(-1)].reshape(*index.shape, x.shape[3])


def linear(graph: Graph, node: Node) -> Linear | None:
    """A layer as a matrix; None for operators that are not one."""
    op = node.op
    if not isinstance(op, (Conv2d, DepthwiseConv2d, Dense)):
        return None
    x, w = (graph.types[v].shape for v in node.inputs[:2])
    y = graph.types[node.output].shape
    positions = int(np.prod(y[:-1], dtype=np.int64))
    if isinstance(op, Dense):
        return Linear(node, op, 1, 1, w[0], w[1], positions)
    if isinstance(op, DepthwiseConv2d):
        size = (w[0], w[1])
        rows = w[2] // x[2]
        return Linear(node, op, w[0] * w[1], x[2], rows, 1, positions, size)
    size = (w[1], w[2])
    rows = w[0] // op.groups
    return Linear(node, op, w[1] * w[2], op.groups, rows, w[3], positions, size)


def linears(graph: Graph) -> dict[str, Linear]:
    """All layers with weights, by the node's name, in execution order."""
    found = ((n.name, linear(graph, n)) for n in graph.nodes)
    return {name: lin for name, lin in found if lin is not None}


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
