"""Whether a kernel may write its result over its input, proved from the order of its accesses.

A kernel works in steps: it reads for a step, then writes. Memory may be shared if no byte is
written in a step before the last one that reads it. Channels do not disturb each other where a
kernel writes each where it read the same one; then groups of them may follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeprune.ops._window import Pair

Int64s = NDArray[np.int64]
NEVER = -1


@dataclass(frozen=True)
class Axis:
    """Windows along one axis: which of them read a position of the input."""

    size: int
    out: int
    kernel: int
    stride: int
    dilation: int
    pad: int

    @cached_property
    def reads(self) -> tuple[Int64s, Int64s]:
        """The first and the last window that reads each position, ``NEVER`` where there is none."""
        windows = np.repeat(np.arange(self.out), self.kernel)
        taps = np.tile(np.arange(self.kernel), self.out)
        at = windows * self.stride - self.pad + taps * self.dilation
        inside = (at >= 0) & (at < self.size)
        first, last = (np.full(self.size, NEVER, np.int64) for _ in range(2))
        last[at[inside]] = windows[inside]  # in order: the last one stays
        first[at[inside][::-1]] = windows[inside][::-1]
        return first, last


@dataclass(frozen=True)
class Windows:
    """Windows over an image.

    Attributes:
        rows: windows above each other.
        columns: windows side by side.
        depth: channels of the input and of the output.
        groups: parts that the channels fall into.
    """

    rows: Axis
    columns: Axis
    depth: tuple[int, int]
    groups: int = 1

    @classmethod
    def of(
        cls,
        image: tuple[int, ...],
        out: tuple[int, ...],
        kernel: tuple[int, ...],
        stride: Pair,
        dilation: Pair,
        pad: Pair,
        groups: int = 1,
    ) -> Windows:
        """Those of an operator: image and out are (h, w, c), pad is above and to the left."""
        rows, columns = (
            Axis(image[i], out[i], kernel[i], stride[i], dilation[i], pad[i]) for i in (0, 1)
        )
        return cls(rows, columns, (image[2], out[2]), groups)


def in_lines(w: Windows, *, held: bool, by_row: bool = True, block: int | None = None) -> bool:
    """For kernels that compute line after line.

    Args:
        w: the windows.
        held: a line of input is read once, and held as long as windows need it.
        by_row: lines are rows; else they are columns.
        block: pixels of a line; all lines are computed for these, then for those behind them.
            None: whole lines.
    """
    lines, pixels = (w.rows, w.columns) if by_row else (w.columns, w.rows)
    read = _steps(_of(pixels.reads[1], block or pixels.out), lines.reads[0 if held else 1], lines)
    written = _steps(np.arange(pixels.out) // (block or pixels.out), np.arange(lines.out), lines)
    return _never_lost(w, read if by_row else read.T, written if by_row else written.T)


def in_pixels(w: Windows, step: int) -> bool:
    """For kernels that read what so many output pixels need, row after row, and write these."""
    read = _steps(w.rows.reads[1], w.columns.reads[1], w.columns).T
    written = np.arange(w.rows.out * w.columns.out).reshape(w.rows.out, w.columns.out)
    return _never_lost(w, _of(read, step), written // step)


def in_strips(w: Windows, step: int) -> bool:
    """As :func:`in_pixels`, for kernels that hold all rows as long as windows need them."""
    _, bottoms = _strips(w, step)
    read = np.searchsorted(bottoms, np.arange(w.rows.size))
    read = np.where(read == len(bottoms), NEVER, read)
    written = np.arange(w.rows.out * w.columns.out) // step
    return _never_lost(w, np.repeat(read[:, None], w.columns.size, axis=1), written)


def strip_rows(w: Windows, step: int) -> int:
    """Rows from the first to the last that so many output pixels read, at most."""
    tops, bottoms = _strips(w, step)
    return int(np.max(bottoms - tops)) + 1


def _strips(w: Windows, step: int) -> tuple[Int64s, Int64s]:
    """The first and the last row that each strip of so many output pixels reads."""
    pixels = w.rows.out * w.columns.out
    begins = np.arange(0, pixels, step)
    ends = np.minimum(begins + step, pixels) - 1
    tops = begins // w.columns.out * w.rows.stride - w.rows.pad
    span = (w.rows.kernel - 1) * w.rows.dilation
    return tops, ends // w.columns.out * w.rows.stride - w.rows.pad + span


def in_bands(w: Windows, rows: int, *, held: bool = False) -> bool:
    """For kernels that read the input of so many rows of output, and write these.

    Args:
        w: the windows.
        rows: of the output, in a band.
        held: a row of input is read once, all its channels, and held as long as windows need it;
            else a band is read channel by channel.
    """
    read = np.repeat(_of(w.rows.reads[0 if held else 1], rows)[:, None], w.columns.size, axis=1)
    written = np.repeat(np.arange(w.rows.out)[:, None] // rows, w.columns.out, axis=1)
    return (held or w.depth[0] == w.depth[1]) and _never_lost(w, read, written)


def _of(windows: Int64s, each: int) -> Int64s:
    """Numbers of the blocks of so many windows."""
    return np.where(windows == NEVER, NEVER, windows // each)


def _steps(blocks: Int64s, lines: Int64s, axis: Axis) -> Int64s:
    """Steps (line, pixel) where all lines of an axis are computed for each block."""
    steps = blocks[None, :] * axis.out + lines[:, None]
    never = (blocks[None, :] == NEVER) | (lines[:, None] == NEVER)
    return np.where(never, NEVER, steps)


def _never_lost(w: Windows, read: Int64s, written: Int64s) -> bool:
    """Whether pixels (h, w) of the input are read before the output's are written there."""
    if w.groups > 1 and w.depth[0] != w.depth[1]:
        return False
    last = np.repeat(read.ravel(), w.depth[0])
    over = np.repeat(written.ravel(), w.depth[1])
    both = min(len(last), len(over))
    return bool(np.all(last[:both] <= over[:both]))
