"""Arrays as pictures that a page can hold: samples, and what of them is read."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
MOST = 64
"""Pixels that a picture has on a side; larger ones are thinned out."""
SQUARE = 64
"""Elements from which on a flat input of a square number of them is shown as a square."""
GONE = (239, 68, 68, 150)
"""Red, green, blue and opacity of what is not read."""


def sides(shape: Sequence[int]) -> tuple[int, int, int]:
    """Height, width and channels of the picture of an input.

    Images are themselves, series run from left to right with a row for each channel, flat inputs
    are squares where their size is one, else rows.

    Args:
        shape: of one sample, channels last.
    """
    size = math.prod(shape)
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 2:
        return shape[1], shape[0], 1
    root = math.isqrt(size)
    if root * root == size >= SQUARE:
        return root, root, 1
    width = min(size, MOST)
    return -(-size // width), width, 1


def pixels(values: Sequence[float] | NDArray[np.float32], shape: Sequence[int]) -> Bytes:
    """A sample as a picture, its smallest value black and its largest white.

    Args:
        values: its elements.
        shape: of it, channels last.

    Returns:
        (height, width) or, of three channels, (height, width, 3); at most 64 pixels on a side.
    """
    grid = _grid(np.asarray(values, np.float32), shape)
    low, high = float(grid.min()), float(grid.max())
    scaled = (grid - low) * (255 / (high - low) if high > low else 0.0)
    small = _thinned(scaled)
    shown = small if small.shape[-1] == 3 else small.mean(axis=-1)
    return np.rint(shown).astype(np.uint8)


def veil(read: NDArray[np.bool_], shape: Sequence[int]) -> Bytes:
    """What lies over a picture of an input: red where it is not read, (height, width, 4).

    Args:
        read: by element, in C order.
        shape: of a sample, channels last.
    """
    share = _thinned(_grid(read.astype(np.float32), shape, fill=1.0)).mean(axis=-1)
    made = np.zeros((*share.shape, 4), np.float32)
    made[...] = GONE
    made[..., 3] *= 1 - share
    return np.rint(made).astype(np.uint8)


def png(picture: Bytes) -> str:
    """A picture as a PNG file in base64.

    Args:
        picture: (height, width), or with 3 (RGB) or 4 (and opacity) channels behind.
    """
    kind = {2: 0, 3: 2, 4: 6}[picture.ndim if picture.ndim == 2 else picture.shape[2]]
    height, width = picture.shape[:2]
    rows = picture.reshape(height, -1)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(filtered.tobytes(), 9)),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )
    return base64.b64encode(made).decode()


def _grid(
    values: NDArray[np.float32], shape: Sequence[int], fill: float | None = None
) -> NDArray[np.float32]:
    """(height, width, channels); what a last row lacks is filled up, with the smallest value."""
    height, width, channels = sides(shape)
    if len(shape) == 2:
        return values.reshape(shape).T[..., None]
    missing = height * width * channels - values.size
    low = float(values.min()) if fill is None else fill
    whole = np.concatenate([values.ravel(), np.full(missing, low, np.float32)])
    return whole.reshape(height, width, channels)


def _thinned(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over blocks, so that no side is longer than it may be."""
    steps = [-(-n // MOST) for n in grid.shape[:2]]
    height, width = (-(-n // s) for n, s in zip(grid.shape, steps, strict=False))
    padded = np.pad(
        grid,
        [(0, height * steps[0] - grid.shape[0]), (0, width * steps[1] - grid.shape[1]), (0, 0)],
        mode="edge",
    )
    blocks = padded.reshape(height, steps[0], width, steps[1], -1)
    found: NDArray[np.float32] = blocks.mean(axis=(1, 3))
    return found
