"""Where a kernel may write its result over its input, proved from the order of its accesses.

A kernel works in steps: it reads for a step, then writes. Memory may be shared if no byte is
written in a step before the last one that reads it. A result that is larger than its input, or
that is written ahead of what is read, starts before it: by at least the *lead* that is found here
(virtual memory overlap of vMCU, Zheng et al. 2024, arXiv:2406.06542). Channels do not disturb each
other where a kernel writes each where it read the same one; then groups of them may follow one
another, and the lead is a number of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Over
from edgeprune.ops._window import Pair

Int64s = NDArray[np.int64]
NEVER = -1
UNCOPIED = 2
"""Pixels from one whose input is read in place, beside that of its partner, to the next that may be
written over it: the partner's results are written while both are read."""


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


def in_lines(
    w: Windows, *, held: bool, by_row: bool = True, block: int | None = None
) -> Over | None:
    """The lead of kernels that compute line after line.

    Args:
        w: the windows.
        held: a line of input is read once, and held as long as windows need it.
        by_row: lines are rows; else they are columns.
        block: pixels of a line; all lines are computed for these, then for those behind them.
            None: whole lines.

    Returns:
        Where the result may lie, in elements; None: it must lie elsewhere. So of the other
        functions.
    """
    lines, pixels = (w.rows, w.columns) if by_row else (w.columns, w.rows)
    read = _steps(_of(pixels.reads[1], block or pixels.out), lines.reads[0 if held else 1], lines)
    written = _steps(np.arange(pixels.out) // (block or pixels.out), np.arange(lines.out), lines)
    over = _lead(w, read if by_row else read.T, written if by_row else written.T)
    whole = not by_row and (block or pixels.out) >= pixels.out
    if over is None or not over.exact or not whole or lines.size != lines.out:
        return over
    # steps are columns: what lies a number of rows further is read and written in the same ones
    return replace(over, step=lines.size * w.depth[0]) if w.depth[0] == w.depth[1] else over


def in_pixels(w: Windows, step: int, *, late: int = 0) -> Over | None:
    """For kernels that read what so many output pixels need, row after row, and write these.

    Args:
        w: the windows.
        step: output pixels that are computed together.
        late: steps by which an output pixel may be written before the last read for another one.
    """
    read = _steps(w.rows.reads[1], w.columns.reads[1], w.columns).T
    written = np.arange(w.rows.out * w.columns.out).reshape(w.rows.out, w.columns.out)
    read = _of(read, step)
    return _lead(w, np.where(read == NEVER, NEVER, read + late), written // step)


def in_bands(w: Windows, rows: int, *, held: bool = False, by_row: bool = True) -> Over | None:
    """For kernels that read the input of so many rows of output, and write these.

    Args:
        w: the windows.
        rows: of the output, in a band.
        held: a row of input is read once, all its channels, and held as long as windows need it;
            else a band is read channel by channel.
        by_row: bands are rows; else they are columns.
    """
    lines, pixels = (w.rows, w.columns) if by_row else (w.columns, w.rows)
    read = np.repeat(_of(lines.reads[0 if held else 1], rows)[:, None], pixels.size, axis=1)
    written = np.repeat(np.arange(lines.out)[:, None] // rows, pixels.out, axis=1)
    if not by_row:
        read, written = read.T, written.T
    if held:
        return _lead(w, read, written)
    if w.depth[0] != w.depth[1]:
        return None
    over = _by_pixels(w, read, written)
    # all that a channel is made of is read before any of it is written
    whole = over.exact and rows >= lines.out
    return replace(over, step=w.depth[0]) if whole else over


def in_blocks(w: Windows, rows: int) -> Over | None:
    """For kernels that read all that so many rows of output need, and then write these.

    Args:
        w: the windows.
        rows: of the output, in a block.
    """
    read = np.repeat(_of(w.rows.reads[1], rows)[:, None], w.columns.size, axis=1)
    written = np.repeat(np.arange(w.rows.out)[:, None] // rows, w.columns.out, axis=1)
    return _lead(w, read, written)


def _of(windows: Int64s, each: int) -> Int64s:
    """Numbers of the blocks of so many windows."""
    return np.where(windows == NEVER, NEVER, windows // each)


def _steps(blocks: Int64s, lines: Int64s, axis: Axis) -> Int64s:
    """Steps (line, pixel) where all lines of an axis are computed for each block."""
    steps = blocks[None, :] * axis.out + lines[:, None]
    never = (blocks[None, :] == NEVER) | (lines[:, None] == NEVER)
    return np.where(never, NEVER, steps)


def _lead(w: Windows, read: Int64s, written: Int64s) -> Over | None:
    """The least lead with which pixels (h, w) of the input are read before they are written over.

    Args:
        w: the windows.
        read: the last step that reads each pixel of the input.
        written: the step that writes each pixel of the output.
    """
    if w.groups > 1:
        return _by_pixels(w, read, written) if w.depth[0] == w.depth[1] else None
    return _over(np.repeat(read, w.depth[0]), np.repeat(written, w.depth[1]))


def _by_pixels(w: Windows, read: Int64s, written: Int64s) -> Over:
    """Where channels follow one another: only whole pixels keep them off each other."""
    over = _over(read.ravel(), written.ravel()).times(w.depth[0])
    return replace(over, exact=over.exact or w.depth[0] > 1)


def _over(read: Int64s, written: Int64s) -> Over:
    """Where what is written in these steps may lie over what is read in those."""
    # from an address on, nothing is written before this step
    free = np.minimum.accumulate(written[::-1])[::-1]
    address = np.searchsorted(free, read)  # the first where an element outlives its reads
    lead = int(max(0, np.max(address - np.arange(len(read)), initial=0)))
    both = min(len(read), len(written))
    here = bool(np.all(read[:both] <= written[:both]))  # also where it is not written in order
    return Over(lead=0, exact=lead > 0) if here else Over(lead=lead)
