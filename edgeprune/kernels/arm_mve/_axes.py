"""The two axes of an image as the Helium kernels see them: lines, and the pixels of a line."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from edgeprune.kernels.layer import Layer


@dataclass(frozen=True)
class Axis:
    """An ``ep_axis``: sizes in positions, steps in bytes."""

    size: int
    in_step: int
    out: int
    out_step: int
    kernel: int
    stride: int
    dilation: int
    pad: int

    @property
    def phases(self) -> int:
        """Parts of the output, those that lie the dilation apart, none of which is dilated."""
        return min(self.dilation, self.out)

    @property
    def phase(self) -> Axis:
        """The first part, which is the largest."""
        step = self.dilation
        return replace(self, out=-(-self.out // step), dilation=1)

    def inside(self, at: int, count: int) -> int:
        """Positions of the input that some windows span, which follow each other."""
        first = at * self.stride - self.pad
        end = first + (count - 1) * self.stride + self.kernel
        return max(0, min(end, self.size) - max(first, 0))

    @property
    def text(self) -> str:
        """Initialiser of the C struct."""
        return f"{{{', '.join(map(str, astuple(self)))}}}"


@dataclass(frozen=True)
class Lines:
    """Which axis lines follow each other along, and which one their pixels.

    Attributes:
        lines: the axis across.
        pixels: the axis along.
        by_row: whether lines are rows.
    """

    lines: Axis
    pixels: Axis
    by_row: bool

    @property
    def dilated(self) -> bool:
        """Whether a window leaves something out, and is computed in parts."""
        return max(self.lines.dilation, self.pixels.dilation) > 1

    @property
    def phases(self) -> int:
        """Parts that a dilated convolution falls into."""
        return self.lines.phases * self.pixels.phases

    @property
    def phase(self) -> Lines:
        """The first of them, which is the largest."""
        return Lines(self.lines.phase, self.pixels.phase, self.by_row)


def both_ways(layer: Layer, pitch: int) -> tuple[Lines, Lines]:
    """Lines along the rows, and along the columns; pixels of the output are ``pitch`` apart."""
    (in_h, in_w, in_c), (out_h, out_w, _) = layer.image, layer.out
    (kh, kw), (sy, sx), (dy, dx) = layer.kernel, layer.stride, layer.dilation
    down = _axis(in_h, in_w * in_c, out_h, out_w * pitch, kh, sy, dy, layer.pad_top)
    across = _axis(in_w, in_c, out_w, pitch, kw, sx, dx, layer.pad_left)
    return Lines(down, across, True), Lines(across, down, False)


def _axis(
    size: int,
    in_step: int,
    out: int,
    out_step: int,
    kernel: int,
    stride: int,
    dilation: int,
    pad: int,
) -> Axis:
    """Of windows of one position only those positions that they are, nothing between them."""
    if kernel == 1 and pad == 0:
        size, in_step, stride = -(-size // stride), in_step * stride, 1
    return Axis(size, in_step, out, out_step, kernel, stride, dilation if kernel > 1 else 1, pad)
