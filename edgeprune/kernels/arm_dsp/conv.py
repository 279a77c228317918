"""int8 convolutions: rows of input widened into a ring, read by assembler tiles."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.ir import Array
from edgeprune.kernels.arm_dsp._layer import Layer, conv_layer
from edgeprune.kernels.arm_dsp._requant import (
    Mode,
    accumulators,
    narrow_holds,
    narrow_relu_holds,
    requant_table,
    rescale_twice,
)
from edgeprune.kernels.arm_dsp._tiles import Planes, Tile, pack_weights, round_of
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.ops.conv import Conv2d

FOLDER = "arch/arm_dsp"
MIRRORED_BYTES = 1024
"""Rings up to this size are held twice, which saves the wrap and lets kernel rows be unrolled."""

LOOP_STEPS = {"size": 4, "speed": 24}
"""Steps that one round of the inner loop unrolls."""


@dataclass(frozen=True)
class Numbers:
    """What the tiles read: packed weights, the table, and the form that they are in."""

    weights: Array
    table: Array
    narrow: bool
    mode: Mode


def conv_numbers(layer: Layer, planes: Planes) -> Numbers | None:
    """Weights and table of a convolution; None where the tiles' arithmetic does not hold."""
    flat = layer.w.reshape(layer.w.shape[0], -1)
    acc = accumulators(flat, layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(acc, layer.xq, layer.wq, layer.yq)
    if rescale is None:
        return None
    mode = Mode.RELU if layer.clamp[0] >= layer.yq.scalar[1] else Mode.TWICE
    narrow = narrow_holds(acc, flat) and (mode is not Mode.RELU or narrow_relu_holds(acc, rescale))
    table = requant_table(acc, rescale, mode, narrow=narrow)
    return Numbers(pack_weights(layer.w, planes, narrow=narrow), table, narrow, mode)


def conv2d(request: Request) -> KernelCall | None:
    """Any convolution of one group whose planes are in reach of the tiles."""
    layer = conv_layer(request) if isinstance(request.node.op, Conv2d) else None
    if layer is None:
        return None
    (in_h, in_w, in_c), (out_h, out_w, out_c), (kh, kw) = layer.image, layer.out, layer.kernel
    p = Planes(in_c, kw, layer.stride[1], layer.dilation[1], out_w)
    again = kh > 1 and layer.dilation[0] == 1
    mirrored = again and kh * p.row_bytes <= MIRRORED_BYTES and request.optimize == "speed"
    ring = again and not mirrored
    turn = round_of(p, 1 if ring else kh, LOOP_STEPS[request.optimize])
    numbers = conv_numbers(layer, p) if turn else None
    if turn is None or numbers is None:
        return None
    tiles = {
        name: Tile(
            p, kh, pixels, solo, numbers.narrow, numbers.mode, layer.clamp, turn, ring
        )
        for name, pixels, solo, wanted in (
            ("tile", 4, False, out_w >= 4 and out_c >= 2),
            ("tail", out_w % 4, False, out_w % 4 and out_c >= 2),
            ("solo", 4, True, out_w >= 4 and out_c % 2),
            ("solo_tail", out_w % 4, True, out_w % 4 and out_c % 2),
        )
        if wanted
    }
    runs = {"tile": out_w // 4, "tail": 1, "solo": out_w // 4, "solo_tail": 1}
    work = sum(
        runs[k] * (25 + t.instructions * (1 if t.solo else out_c // 2))
        for k, t in tiles.items()
    )
    widen = in_h * in_w * in_c * 7 // 4
    return KernelCall(
        function="ep_conv2d_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_conv2d_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_conv2d_s8_arm_dsp.h",),
        params_type="ep_conv2d_s8_arm_dsp_params",
        params=(
            ("in_h", in_h),
            ("in_w", in_w),
            ("in_c", in_c),
            ("out_h", out_h),
            ("out_w", out_w),
            ("out_c", out_c),
            ("kernel_h", kh),
            ("stride_h", layer.stride[0]),
            ("stride_w", layer.stride[1]),
            ("dilation_h", layer.dilation[0]),
            ("dilation_w", layer.dilation[1]),
            ("pad_top", layer.pad_top),
            ("pad_left", layer.pad_left),
            ("zero", layer.xq.scalar[1]),
            ("phases", p.phases),
            ("phase_words", p.phase_words),
            ("pair_bytes", 2 * kh * kw * in_c),
            ("mirrored", int(mirrored)),
            ("twice_zero", 2 * layer.yq.scalar[1] + 1),
            *((k, tiles[k].name if k in tiles else "0") for k in ("tile", "tail", "solo", "solo_tail")),
        ),
        constants=(
            Constant("weights", numbers.weights, "int8_t"),
            Constant("table", numbers.table, "int32_t", counts_as_weights=False),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=(1 + mirrored) * kh * p.row_bytes,
        instance="".join(t.instance for t in tiles.values()),
        instructions=out_h * (work + 150) + widen,
        code_bytes=sum(t.code_bytes for t in tiles.values()),
    )
