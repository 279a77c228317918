"""CONV_3D by convolutions of images: the depth of a volume lies among the channels.

What one position along the depth reads is a slice of them; all positions use one copy of weights.
"""

from __future__ import annotations

import math

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, option
from edgeprune.frontends.from_tflite.reader import Reader, counts
from edgeprune.ir import DType
from edgeprune.ops import Concat, Conv2d, Gather, Pad, Reshape, Transpose
from edgeprune.ops._window import Padding

MAX_DEPTH = 256
"""Positions along the depth that are written out."""
TO_IMAGE, TO_VOLUME = (1, 2, 0, 3), (2, 0, 1, 3)
"""Between (d, h, w, c) and (h, w, d, c)."""


def conv(r: Reader, op: Operator) -> None:
    """CONV_3D: Conv3DOptions(padding, strides d w h, activation, dilations d w h), (d, h, w, i, o).

    LiteRT has it in float32 alone.
    """
    volume, w, bias = r.layer(op, 0, 1, 2, 4)
    if r.check_types(op, 0) is not DType.FLOAT32:
        raise UnsupportedError(r.where(op), "is of integers", "use a float model")
    shape = r.operand(op, 0).shape[1:]
    if len(shape) != 4 or w.ndim != 5 or w.shape[3] != shape[3] or w.size == 0:
        what = f"has a volume {list(shape)} and weights of shape {list(w.shape)}"
        raise UnsupportedError(r.where(op), what, "use one group")
    (sd, sw, sh), (dd, dw, dh) = (
        counts(r, op, *((i, 1) for i in fields)) for fields in ((1, 2, 3), (5, 6, 7))
    )
    stride, dilation, kernel = (sd, sh, sw), (dd, dh, dw), w.shape[:3]
    before, after = _around(r, op, shape[:3], kernel, stride, dilation)
    depth, channels = shape[0] + before[0] + after[0], shape[3]
    starts = range(0, depth - (kernel[0] - 1) * dd, sd)
    if not 0 < len(starts) <= MAX_DEPTH:
        raise UnsupportedError(r.where(op), f"has {len(starts)} positions along its depth")
    image = r.between(op, Transpose(TO_IMAGE), (volume,), "turned")
    rows = (shape[1], shape[2], shape[0] * channels)
    image = r.between(op, Reshape(rows), (image,), "image")
    if before[0] or after[0]:
        pad = Pad((0, 0, before[0] * channels), (0, 0, after[0] * channels))
        image = r.between(op, pad, (image,), "frames")
    held = w.transpose(4, 1, 2, 0, 3).reshape(w.shape[4], *kernel[1:], -1)
    weights = r.weights(op, 1, held, None)
    padding = Padding(before[1], before[2], after[1], after[2])
    layer = Conv2d((sh, sw), padding, (dh, dw), clamp=r.clamp(op, 4))
    made = []
    for k, start in enumerate(starts):
        frames = [start + t * dd for t in range(kernel[0])]
        read = tuple(f * channels + c for f in frames for c in range(channels))
        part = r.between(op, Gather(read), (image,), f"part{k}")
        made.append(r.between(op, layer, (part, weights, bias), f"{k}"))
    joined = r.between(op, Concat(-1), made, "joined")
    height, width, _ = r.known[joined].shape
    result = r.between(op, Reshape((height, width, len(starts), w.shape[4])), (joined,), "volume")
    r.add(op, Transpose(TO_VOLUME), (result,))


def _around(
    r: Reader,
    op: Operator,
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[list[int], list[int]]:
    """Zeros before and behind, by axis: none, or TensorFlow's SAME with the odd one behind."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    scheme = option(op, 0, "b")
    if scheme == 1:
        if any(n < far for n, far in zip(size, reach, strict=True)):
            what = f"has the window {list(kernel)} over {list(size)}"
            raise EdgePruneError(r.where(op), what)
        return [0, 0, 0], [0, 0, 0]
    if scheme != 0:
        raise EdgePruneError(r.where(op), f"padding scheme number {scheme}")
    total = [
        max((math.ceil(n / s) - 1) * s + far - n, 0)
        for n, s, far in zip(size, stride, reach, strict=True)
    ]
    return [t // 2 for t in total], [t - t // 2 for t in total]
