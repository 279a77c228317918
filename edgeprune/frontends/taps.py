"""Taps of convolutions that meet the image at no position of the result."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprune.frontends.passes import fresh
from edgeprune.ir import Graph, Node
from edgeprune.ops import Convolution
from edgeprune.ops._window import Padding, out_length


@dataclass(frozen=True)
class _Axis:
    """A window along one axis of an image.

    Attributes:
        size: of the image.
        taps: those of the filter that are left.
        stride: from one position to the next.
        dilation: from one tap to the next.
        before: padding in front of the image.
        after: padding behind it.
    """

    size: int
    taps: range
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def out(self) -> int:
        """Positions of the window."""
        n = len(self.taps)
        return out_length(self.size, n, self.stride, self.dilation, self.before, self.after)

    def meets(self, tap: int) -> bool:
        """Whether a tap, counted from the first that is left, lies in the image somewhere."""
        first = tap * self.dilation - self.before
        at = np.arange(self.out) * self.stride + first
        return bool(((at >= 0) & (at < self.size)).any())

    def smaller(self) -> _Axis:
        """Without outer taps that meet nothing; the positions stay, and no padding is negative."""
        axis, step = self, self.dilation
        while len(axis.taps) > 1 and not axis.meets(0) and axis.before >= step:
            axis = replace(axis, taps=axis.taps[1:], before=axis.before - step)
        while len(axis.taps) > 1 and not axis.meets(len(axis.taps) - 1):
            less = replace(axis, taps=axis.taps[:-1], after=max(axis.after - step, 0))
            if less.out != self.out:
                break
            axis = less
        if axis.taps == self.taps:
            return self
        return replace(axis, dilation=1) if len(axis.taps) == 1 else axis


def drop_taps(graph: Graph) -> Graph:
    """Convolutions without outer rows and columns of taps that lie in the padding everywhere.

    Of three taps whose dilation is as large as the image one is left. Padding is zeros, in integers
    the zero point, so results stay as they are, and so do the scales of the weights.
    """
    names = {n.name for n in graph.nodes} | set(graph.types)
    constants = dict(graph.constants)
    types = {v: graph.types[v] for v in constants}
    made: dict[tuple[str, range, range], str] = {}  # by the whole weights and what is left
    nodes = list(graph.nodes)
    for i, node in enumerate(graph.nodes):
        axes = _axes(graph, node)
        less = [axis.smaller() for axis in axes]
        if axes == less:
            continue
        assert isinstance(node.op, Convolution)
        w, (rows, columns) = node.inputs[1], (axis.taps for axis in less)
        if (w, rows, columns) not in made:
            if graph.users[w] == (node,) and w not in graph.outputs:
                names.discard(w)
            name = made[w, rows, columns] = fresh(names, w)
            cut = [slice(None)] * graph.constants[w].ndim
            for axis, kept in zip(node.op.window_axes, (rows, columns), strict=True):
                cut[axis] = slice(kept.start, kept.stop)
            constants[name] = np.ascontiguousarray(graph.constants[w][tuple(cut)])
            types[name] = replace(graph.types[w], shape=constants[name].shape)
        inputs = (node.inputs[0], made[w, rows, columns], *node.inputs[2:])
        nodes[i] = replace(node, op=_op(node.op, *less), inputs=inputs)
    return graph.rebuilt(nodes, constants=constants, types=types) if made else graph


def _axes(graph: Graph, node: Node) -> list[_Axis]:
    """The window of a convolution along rows and columns; of anything else nothing."""
    op = node.op
    if not isinstance(op, Convolution) or node.inputs[1] not in graph.constants:
        return []
    kernel, image = op.window(graph.types[node.inputs[1]].shape), graph.types[node.inputs[0]].shape
    pad = op.padding
    around = ((pad.top, pad.bottom), (pad.left, pad.right))
    return [
        _Axis(image[i], range(kernel[i]), op.stride[i], op.dilation[i], *around[i]) for i in (0, 1)
    ]


def _op(op: Convolution, rows: _Axis, columns: _Axis) -> Convolution:
    """The operator with the windows that are left."""
    around = Padding(rows.before, columns.before, rows.after, columns.after)
    return replace(op, padding=around, dilation=(rows.dilation, columns.dilation))
