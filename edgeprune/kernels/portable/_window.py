"""The geometry of sliding windows as the C struct ``ep_window``."""

from __future__ import annotations

from typing import Protocol

from edgeprune.kernels.call import Request
from edgeprune.ops._window import Padding, Pair


class Windowed(Protocol):
    """An operator with a stride and a padding; a dilation where it has one."""

    @property
    def stride(self) -> Pair:
        """Steps of rows and columns."""

    @property
    def padding(self) -> Padding:
        """What is added around."""


def window(request: Request, op: Windowed, kernel: tuple[int, ...]) -> str:
    """The initialiser of an ``ep_window``.

    Args:
        request: the node; its first operand is the image.
        op: its operator.
        kernel: rows and columns of the window.
    """
    x = request.graph.types_of(request.node)[0].shape
    y = request.graph.types[request.node.output].shape
    dilation: Pair = getattr(op, "dilation", (1, 1))
    rows = (*x, *y, *kernel, *op.stride, *dilation, op.padding.top, op.padding.left)
    return f"{{{', '.join(map(str, rows))}}}"
