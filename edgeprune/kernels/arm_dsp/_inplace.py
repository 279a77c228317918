"""Whether a kernel may write its result over its input, proved from the order of accesses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeprune.kernels.layer import Layer

Int64s = NDArray[np.int64]


def first_pixels(
    image: tuple[int, ...],
    out: tuple[int, ...],
    stride: tuple[int, int],
    pad_top: int,
    pad_left: int,
) -> Int64s:
    """Number of the first input pixel that each output pixel reads, both in memory order."""
    rows = np.maximum(np.arange(out[0]) * stride[0] - pad_top, 0)
    columns = np.maximum(np.arange(out[1]) * stride[1] - pad_left, 0)
    return np.asarray(rows[:, None] * image[1] + columns, np.int64).ravel()


def in_steps(first_read: Int64s, in_bytes: int, out_bytes: int, step: int) -> bool:
    """Whether steps of so many output pixels never overwrite what a later step reads.

    Args:
        first_read: see :func:`first_pixels`.
        in_bytes: of an input pixel.
        out_bytes: of an output pixel.
        step: output pixels that are read for, then written, together.
    """
    lowest = np.minimum.accumulate(first_read[::-1])[::-1] * in_bytes
    begins = np.arange(step, len(first_read), step)  # of all steps but the first
    return bool(np.all(begins * out_bytes <= lowest[begins]))


def in_ring(layer: Layer) -> bool:
    """Whether rows of output never reach input rows that the ring has yet to take.

    Groups go one after the other; they do not disturb each other where each writes the channels
    that it reads.
    """
    (in_h, in_w, in_c), (out_h, out_w, out_c) = layer.image, layer.out
    if layer.groups > 1 and in_c != out_c:
        return False
    oy = np.arange(out_h - 1)
    if layer.dilation[0] == 1:
        unread = oy * layer.stride[0] + layer.kernel[0] - layer.pad_top
    else:
        unread = (oy + 1) * layer.stride[0] - layer.pad_top
    written = (oy + 1) * out_w * out_c
    return bool(np.all((unread >= in_h) | (written <= np.maximum(unread, 0) * in_w * in_c)))


def in_bands(layer: Layer, rows: int) -> bool:
    """Whether bands of output rows, channel by channel, never reach rows that a later one reads.

    A channel is written where the same channel was read: channels do not disturb each other.
    """
    if layer.out[2] != layer.image[2]:
        return False
    oy = np.arange(rows, layer.out[0], rows)  # where all bands but the first begin
    unread = np.maximum(oy * layer.stride[0] - layer.pad_top, 0)
    return bool(np.all(oy * layer.out[1] <= unread * layer.image[1]))
