"""The geometry of sliding windows as the C struct ``ep_window``."""

from __future__ import annotations

from typing import Protocol

from edgeprune.kernels.call import Request
from edgeprune.kernels.inplace import Windows
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


def windows(request: Request, op: Windowed, kernel: tuple[int, ...], groups: int = 1) -> Windows:
    """What decides whether the output may lie over the input."""
    x = request.graph.types_of(request.node)[0].shape
    y = request.graph.types[request.node.output].shape
    dilation: Pair = getattr(op, "dilation", (1, 1))
    pad = (op.padding.top, op.padding.left)
    return Windows.of(x, y, kernel, op.stride, dilation, pad, groups)


def flat_window(pixels: int, in_c: int, out_c: int) -> str:
    """The ``ep_window`` of single pixels in one row."""
    return f"{{1, {pixels}, {in_c}, 1, {pixels}, {out_c}, 1, 1, 1, 1, 1, 1, 0, 0}}"


def _span(op: Windowed, kernel: tuple[int, ...], axis: int, out: int) -> int:
    """Elements along an axis from the first that is read to the last."""
    dilation: Pair = getattr(op, "dilation", (1, 1))
    return (out - 1) * op.stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1


def line_bytes(request: Request, op: Windowed, kernel: tuple[int, ...]) -> int:
    """Scratch for the lines of ``ep_lines.h``."""
    x = request.graph.types_of(request.node)[0]
    y = request.graph.types[request.node.output].shape
    pixel = x.shape[2] * x.dtype.numpy.itemsize
    return kernel[0] * _span(op, kernel, 1, y[1]) * pixel
