"""int8 depthwise convolutions, in planes where a window lies together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.accumulators import accumulators
from edgeprune.kernels.arm_mve._axes import Lines, both_ways
from edgeprune.kernels.arm_mve._pack import LANES
from edgeprune.kernels.arm_mve._rescale import rescale_twice
from edgeprune.kernels.arm_mve.conv import PHASE, saturates
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_lines
from edgeprune.kernels.layer import Layer, conv_layer
from edgeprune.ops.conv import DepthwiseConv2d

FOLDER = "arch/arm_mve"
CHANNELS = 8
"""Channels that are held in planes at once."""
PIXELS = 8
"""Pixels that are computed together."""
PLANE_BYTES = 256
"""Bytes of a channel that are held; a longer line is cut."""
LONGEST = 127
"""Taps that an order can name."""
FORMS = {3: "three_", 6: "three_strided_"}
"""Forms for patches so many bytes apart, two of which lie in 16 bytes, where no clamp follows."""
DILATED = ("three_", "pairs_", "")
"""Forms that parts of a dilated convolution can take."""
SCATTER_REACH = 65535
"""Bytes that the places of scattered 16-bit lanes span."""


def depthwise(request: Request) -> KernelCall | None:
    """Kernels of at most 127 taps with scales below one half; lines are rows, or columns.

    Both: bands of several heights take the same weights, which columns have turned.
    """
    layer = conv_layer(request) if isinstance(request.node.op, DepthwiseConv2d) else None
    if layer is None or layer.kernel[0] * layer.kernel[1] > LONGEST:
        return None
    found = (_along(request, layer, at) for at in both_ways(layer, request.pitch))
    calls = sorted(filter(None, found), key=lambda call: call.instructions)
    return replace(calls[0], others=tuple(calls[1:])) if calls else None


def _along(request: Request, layer: Layer, at: Lines) -> KernelCall | None:
    (_, _, in_c), (_, _, out_c) = layer.image, layer.out
    phase = at.phase
    pixels, lines = phase.pixels, phase.lines
    if at.pixels.dilation * pixels.out_step * (PIXELS - 1) > SCATTER_REACH:
        return None
    w = layer.w.transpose((0, 2, 1, 3) if at.by_row else (0, 1, 2, 3)).reshape(out_c, -1)
    acc = accumulators(w, layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(layer, acc)
    if rescale is None or np.any(rescale.shift >= 0):
        return None
    table = np.stack([acc.bias, rescale.mult, rescale.shift], axis=1).astype(np.int32)
    step = pixels.stride
    most = (PLANE_BYTES // lines.kernel - pixels.kernel) // step + 1
    block = min(pixels.out, max(PIXELS, most - most % PIXELS))
    plane = ((block - 1) * step + pixels.kernel) * lines.kernel
    over = None
    if not at.dilated:
        over = in_lines(layer.windows, held=True, by_row=at.by_row, block=block)
    pairs = (step + pixels.kernel) * lines.kernel <= LANES
    orders = _orders(phase, pairs=pairs)
    form = FORMS.get(step * lines.kernel) if pairs and saturates(layer) else None
    if form is None or (at.dilated and form not in DILATED):
        form = "pairs_" if pairs else ""
    dilated = "dilated_" if at.dilated else ""
    return KernelCall(
        function=f"ep_depthwise_conv2d_{dilated}{form}s8_arm_mve",
        sources=(
            *((f"{FOLDER}/ep_depthwise_conv2d_dilated_s8_arm_mve.c",) if dilated else ()),
            f"{FOLDER}/ep_depthwise_conv2d_s8_arm_mve.c",
            f"{FOLDER}/ep_depthwise_line_arm_mve.S",
            f"{FOLDER}/ep_depthwise_three_arm_mve.S",
            f"{FOLDER}/ep_scatter_arm_mve.S",
        ),
        headers=(f"{FOLDER}/ep_depthwise_conv2d_s8_arm_mve.h",),
        params_type="ep_depthwise_conv2d_s8_arm_mve_params",
        params=(
            ("lines", at.lines.text),
            ("pixels", at.pixels.text),
            ("in_c", in_c),
            ("multiplier", out_c // in_c),
            ("x_zero", layer.xq.scalar[1]),
            ("y_zero", layer.yq.scalar[1]),
            ("act_min", layer.clamp[0]),
            ("act_max", layer.clamp[1]),
            ("block", block),
            ("plane", plane),
            ("vectors", orders.shape[1]),
        ),
        constants=(
            Constant("weights", w.reshape(-1)),
            Constant("table", table.reshape(-1), "int32_t", of_weights=4 * out_c),
            Constant("order", orders.reshape(-1), of_weights=0),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=CHANNELS * plane + (PIXELS - 1) * step * lines.kernel + LANES - 1,
        inplace=over,
        instructions=at.phases * (_work(layer, phase, block, form) + PHASE * at.dilated),
    )


def _orders(at: Lines, *, pairs: bool) -> Array:
    """For each turn the weight that meets every lane, (turns, vectors, lanes); -1: none."""
    kernel, taps = at.lines.kernel, at.lines.kernel * at.pixels.kernel
    vectors = 2 if pairs else -(-taps // LANES)
    lanes = np.arange(taps)
    made = np.full((kernel, vectors * LANES), -1, np.int8)
    for turn in range(kernel):
        order = lanes - lanes % kernel + (lanes - turn) % kernel
        made[turn, :taps] = order
        if pairs:
            second = LANES + at.pixels.stride * kernel
            made[turn, second : second + taps] = order
    return made.reshape(kernel, vectors, LANES)


def _work(layer: Layer, at: Lines, block: int, form: str) -> int:
    """Estimated instructions."""
    in_c, out_c = layer.image[2], layer.out[2]
    lines, pixels = at.lines, at.pixels
    counts = [min(block, pixels.out - j) for j in range(0, pixels.out, block)]
    moved = min(lines.kernel, lines.stride)
    filled = lines.kernel + (lines.out - 1) * moved
    places = sum((count - 1) * pixels.stride + pixels.kernel for count in counts)
    fill = filled * (50 * len(counts) + places * 6)
    calls = len(counts) * (220 + 70 * lines.out * (out_c // in_c))
    vectors = -(-lines.kernel * pixels.kernel // LANES)
    line = sum(17 + _of_groups(count, form, vectors) for count in counts)
    return -(-in_c // CHANNELS) * (fill + calls) + lines.out * out_c * line


def _of_groups(count: int, form: str, vectors: int) -> int:
    """Instructions of so many pixels of a line of one channel."""
    if form in FORMS.values():
        whole, half = divmod(-(-count // (PIXELS // 2)), 2)
        return 32 * whole + 17 * half
    return -(-count // PIXELS) * (46 if form else 39 + 34 * vectors)
