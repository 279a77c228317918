"""int8 depthwise convolutions, in planes where a window lies together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.ir.fixedpoint import QMAX
from edgeprune.kernels.accumulators import accumulators
from edgeprune.kernels.arm_mve._axes import Lines, both_ways
from edgeprune.kernels.arm_mve._pack import LANES, as_words
from edgeprune.kernels.arm_mve._rescale import Rescale, rescale_twice
from edgeprune.kernels.arm_mve.conv import PHASE, are_few, saturates
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
STRIDES = {1: "", 2: "strided_"}
"""Forms for sixteen channels together."""
HELD_BYTES = 4096
"""Bytes that these hold of three lines; longer ones are cut."""
HALVES = [*range(0, 16, 4), *range(2, 16, 4), *range(1, 16, 4), *range(3, 16, 4)]
"""Channels in the order in which their sums lie: even ones, then odd ones, of each every other."""
SCATTER_REACH = 65535
"""Bytes that the places of scattered 16-bit lanes span."""


def depthwise(request: Request) -> KernelCall | None:
    """Kernels of at most 127 taps with scales below one half; lines are rows, or columns.

    Both: bands of several heights take the same weights, which columns have turned.
    """
    layer = conv_layer(request) if isinstance(request.node.op, DepthwiseConv2d) else None
    if layer is None or layer.kernel[0] * layer.kernel[1] > LONGEST:
        return None
    ways = both_ways(layer, request.pitch)
    found = (make(request, layer, at) for make in (_of_planes, _of_channels) for at in ways)
    calls = sorted(filter(None, found), key=lambda call: call.instructions)
    return replace(calls[0], others=tuple(calls[1:])) if calls else None


def _of_planes(request: Request, layer: Layer, at: Lines) -> KernelCall | None:
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
        loops=at.phases * -(-pixels.out // block) * lines.out * out_c,
    )


def _of_channels(request: Request, layer: Layer, at: Lines) -> KernelCall | None:
    """3x3 kernels of one output channel an input channel, by sixteen channels."""
    channels = layer.image[2]
    pixels, lines = at.pixels, at.lines
    alike = layer.kernel == (3, 3) and not at.dilated and pixels.stride in STRIDES
    if not alike or layer.out[2] != channels or not saturates(layer) or layer.w.min() < -QMAX:
        return None
    w = layer.w.transpose((0, 1, 2, 3) if at.by_row else (0, 2, 1, 3)).reshape(channels, -1)
    acc = accumulators(w, layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(layer, acc)
    behind = -channels % LANES
    if rescale is None or (behind and not are_few(request, behind * (w.shape[1] + 9))):
        return None
    spread = np.pad(w, ((0, behind), (0, 0))).reshape(-1, LANES, w.shape[1]).transpose(0, 2, 1)
    most = (HELD_BYTES // LANES // lines.kernel - pixels.kernel) // pixels.stride + 1
    block = min(pixels.out, most)
    held = lines.kernel * ((block - 1) * pixels.stride + pixels.kernel) * LANES
    name = "ep_depthwise_conv2d_channels_"
    return KernelCall(
        function=f"{name}{STRIDES[pixels.stride]}s8_arm_mve",
        sources=(
            f"{FOLDER}/{name}s8_arm_mve.c",
            f"{FOLDER}/ep_depthwise_channels_arm_mve.S",
        ),
        headers=(f"{FOLDER}/{name}s8_arm_mve.h",),
        params_type=f"{name}s8_arm_mve_params",
        params=(
            ("lines", lines.text),
            ("pixels", pixels.text),
            ("channels", channels),
            ("x_zero", layer.xq.scalar[1]),
            ("block", block),
        ),
        constants=(
            Constant("weights", spread.reshape(-1)),
            Constant("table", _table(acc.bias, rescale), "int32_t", of_weights=4 * channels),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=held,
        inplace=in_lines(layer.windows, held=True, by_row=at.by_row, block=block),
        instructions=_work_of_channels(at, channels, block),
        loops=-(-pixels.out // block) * lines.out * -(-channels // LANES),
    )


def _table(bias: Array, rescale: Rescale) -> Array:
    """Of sixteen channels each: biases, multipliers and shifts, in the order of the sums."""
    rows = np.stack([bias, rescale.mult, rescale.shift])
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % LANES)))
    bias, mult, shift = rows.reshape(3, -1, LANES)[:, :, HALVES]
    shifts = np.stack([as_words(s) for s in shift])
    return np.concatenate([bias, mult, shifts], axis=1).astype(np.int32).reshape(-1)


def _work_of_channels(at: Lines, channels: int, block: int) -> int:
    """Estimated instructions."""
    lines, pixels = at.lines, at.pixels
    work = 0
    for j in range(0, pixels.out, block):
        count = min(block, pixels.out - j)
        places = (count - 1) * pixels.stride + pixels.kernel
        inside = pixels.inside(j, count)
        rows = lines.out * min(lines.kernel, lines.stride) + max(0, lines.kernel - lines.stride)
        read = min(rows, lines.inside(0, lines.out))
        taken = read * (28 + 5 * inside) + (rows - read) * (18 + 3 * inside)
        some = taken + lines.out * (52 + 108 * count) + 40
        work += 100 + 9 * (places - inside) + -(-channels // LANES) * some
    return work


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
    fill = filled * (50 * len(counts) + places * (6 if in_c % CHANNELS else 4))
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
