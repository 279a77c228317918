"""The two axes of an image as the Helium kernels see them: lines, and the pixels of a line."""

from __future__ import annotations

from dataclasses import astuple, dataclass

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
    def shared(self) -> bool:
        """Whether windows side by side overlap and can read the same places."""
        return self.dilation == 1 and self.stride < self.kernel

    @property
    def step(self) -> int:
        """Gathered places from one window to the next."""
        return self.stride if self.shared else self.kernel

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


def both_ways(layer: Layer, pitch: int) -> tuple[Lines, Lines]:
    """Lines along the rows, and along the columns; pixels of the output are ``pitch`` apart."""
    (in_h, in_w, in_c), (out_h, out_w, _) = layer.image, layer.out
    (kh, kw), (sy, sx), (dy, dx) = layer.kernel, layer.stride, layer.dilation
    down = Axis(in_h, in_w * in_c, out_h, out_w * pitch, kh, sy, dy, layer.pad_top)
    across = Axis(in_w, in_c, out_w, pitch, kw, sx, dx, layer.pad_left)
    return Lines(down, across, True), Lines(across, down, False)
