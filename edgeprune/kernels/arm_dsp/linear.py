"""Layers with a matrix of weights: which of the tiles, and of the loops over a vector, can do them.

A convolution with few results is a fully connected layer, whose loop takes four channels at a time
where a tile would have pixels; a fully connected layer of many vectors is a 1x1 convolution, which
reads its weights once for four of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.kernels.arm_dsp.conv import conv_calls, strip
from edgeprune.kernels.arm_dsp.dense import dense_calls
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.layer import LONGEST, DenseLayer, Layer, conv_layer, dense_layer
from edgeprune.ops.conv import Conv2d

TILE = 4
"""Pixels of a whole tile: so many vectors and more are better off with it."""


def conv2d(request: Request) -> KernelCall | None:
    """Any convolution whose numbers the tiles can hold."""
    layer = conv_layer(request)
    if layer is None:
        return None
    calls = conv_calls(request, layer)
    if request.optimize == "speed" and isinstance(request.node.op, Conv2d):
        vectors = _as_vectors(request, layer)
        calls += dense_calls(request, vectors) if vectors else []
    return _first(calls)


def dense(request: Request) -> KernelCall | None:
    """Fully connected layers whose numbers the loop or the tiles can hold."""
    layer = dense_layer(request)
    if layer is None:
        return None
    calls = dense_calls(request, layer)
    if request.optimize == "speed" and TILE <= layer.rows <= LONGEST:
        tiled = strip(request, _as_image(layer))
        calls += [tiled] if tiled else []
    return _first(calls)


def _first(calls: list[KernelCall]) -> KernelCall | None:
    return replace(calls[0], others=tuple(calls[1:])) if calls else None


def _as_vectors(request: Request, layer: Layer) -> DenseLayer | None:
    """A convolution that reads its input from end to end for each of a few results."""
    (in_h, in_w, _), (out_h, out_w, out_c), (kh, kw) = layer.image, layer.out, layer.kernel
    inside = layer.pad_top == layer.pad_left == 0 and kh <= in_h and kw <= in_w
    alone = out_h * out_w == 1 and layer.dilation == (1, 1) and (kw == in_w or kh == 1)
    each = layer.kernel == layer.stride == (1, 1) and layer.image[:2] == layer.out[:2]
    whole = request.pitch == out_c
    if not inside or layer.groups > 1 or not (alone or (each and whole)) or out_h * out_w >= TILE:
        return None
    return DenseLayer(
        np.ascontiguousarray(layer.w.reshape(out_c, -1)),
        layer.bias,
        layer.xq,
        layer.wq,
        layer.yq,
        layer.clamp,
        out_h * out_w,
        once=False,
    )


def _as_image(layer: DenseLayer) -> Layer:
    """A row of pixels."""
    channels, inputs = layer.w.shape
    return Layer(
        layer.w[:, None, None, :],
        layer.bias,
        layer.xq,
        layer.wq,
        layer.yq,
        layer.clamp,
        image=(1, layer.rows, inputs),
        out=(1, layer.rows, channels),
        kernel=(1, 1),
        stride=(1, 1),
        dilation=(1, 1),
        pad_top=0,
        pad_left=0,
        groups=1,
        once=True,
    )
