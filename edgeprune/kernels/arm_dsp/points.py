"""int8 depthwise convolutions of few results: four channels at a time, straight from the input."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.arm_dsp._geometry import image_fields, window_fields
from edgeprune.kernels.arm_dsp._requant import Mode
from edgeprune.kernels.arm_dsp._tiles import Piece, as_words
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_pixels
from edgeprune.kernels.layer import Layer

FOLDER = "arch/arm_dsp"


def pack_points(w: Array) -> Array:
    """Weights (o, taps), o a multiple of 4, in the order of the loop, as many bytes."""
    fours = w.reshape(len(w) // 4, 4, -1)
    taps = fours.shape[2]
    pairs = fours[:, :, : taps - taps % 2].reshape(len(fours), 2, 2, -1, 2)  # C or A, D or B
    ordered = pairs.transpose(0, 3, 1, 4, 2).reshape(len(fours), -1)
    return np.concatenate([ordered, fours[:, :, taps - taps % 2 :].reshape(len(fours), -1)], axis=1)


def points(request: Request, layer: Layer, table: Array, mode: Mode) -> KernelCall | None:
    """Pixel by pixel.

    Args:
        request: what is asked for.
        layer: the convolution.
        table: {bias, multiplier, shift - 1} of each channel.
        mode: how the results are rounded.
    """
    in_c, (out_h, out_w, out_c) = layer.image[2], layer.out
    taps = layer.kernel[0] * layer.kernel[1]
    if in_c != out_c or in_c % 4 or taps < 2:
        return None
    biases, scales = np.split(table.reshape(-1, 4, 3), [1], axis=2)
    blocks = np.concatenate([biases.reshape(-1, 4), scales.reshape(-1, 8)], axis=1)
    piece = Piece("points", (int(mode), *layer.clamp))
    cut = (layer.clamp[0] > -128) + (layer.clamp[1] < 127)
    output = 7 + 3 * cut + (mode is Mode.TWICE)
    four = taps // 2 * 20 + taps % 2 * 11 + 4 * output + 14
    return KernelCall(
        function="ep_depthwise_points_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_depthwise_points_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_depthwise_points_s8_arm_dsp.h",),
        params_type="ep_depthwise_points_s8_arm_dsp_params",
        params=(
            *image_fields(layer),
            ("channels", in_c),
            *window_fields(layer),
            ("kernel_w", layer.kernel[1]),
            ("dilation_w", layer.dilation[1]),
            ("run", piece.name),
        ),
        constants=(
            Constant("weights", as_words(pack_points(layer.w.reshape(out_c, taps))), "int32_t"),
            Constant("table", blocks.reshape(-1).astype(np.int32), "int32_t", 4 * out_c),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=4 * taps + in_c * _has_border(layer),
        inplace=in_pixels(layer.windows, 1),
        instance=piece.instance,
        instructions=out_h * out_w * (60 + 18 * taps + out_c // 4 * four),
        code_bytes=320 + 48 * cut,
    )


def _has_border(layer: Layer) -> bool:
    """Whether any tap lies beside the image."""
    axes = (layer.windows.rows, layer.windows.columns)
    ends = ((a.out - 1) * a.stride + (a.kernel - 1) * a.dilation - a.pad for a in axes)
    return any(a.pad > 0 or end >= a.size for a, end in zip(axes, ends, strict=True))
