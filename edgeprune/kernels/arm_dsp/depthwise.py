"""int8 depthwise convolutions with a 3x3 kernel: planes of widened rows, taps held in registers."""

from __future__ import annotations

from edgeprune.kernels.arm_dsp._requant import Mode, requant_singles, rescale_twice
from edgeprune.kernels.arm_dsp._tiles import Piece
from edgeprune.kernels.bounds import accumulators
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_bands
from edgeprune.kernels.layer import Layer, conv_layer
from edgeprune.ops.conv import DepthwiseConv2d

FOLDER = "arch/arm_dsp"
REACH = 1020
"""Bytes that the offset of LDRD spans."""
STORE_REACH = 4095
"""Bytes that the offset of STRB, and the constant of an addition, span."""
BAND_BYTES = 2048
"""Scratch that a band of rows may take where the image is larger."""
LOOP_PAIRS = {"size": 1, "speed": 6}
"""Pairs of outputs that one round of the loop unrolls."""


def depthwise(request: Request) -> KernelCall | None:
    """3x3, undilated, column stride 1 or 2."""
    layer = conv_layer(request) if isinstance(request.node.op, DepthwiseConv2d) else None
    if layer is None or layer.kernel != (3, 3) or layer.dilation != (1, 1):
        return None
    (in_h, in_w, in_c), (out_h, out_w, out_c) = layer.image, layer.out
    sy, sx = layer.stride
    pitch = _pitch(layer)
    # LDRD and LDR read three rows at immediate offsets.
    most = min((REACH - 8 - 4 * pitch) // (4 * sx) + 1, STORE_REACH // (2 * out_c))
    if sx > 2 or most < 1:
        return None
    w = layer.w.reshape(out_c, 9)
    acc = accumulators(w, layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(acc, layer.xq, layer.wq, layer.yq)
    if rescale is None:
        return None
    mode = Mode.RELU if layer.clamp[0] >= layer.yq.scalar[1] else Mode.TWICE
    pairs, rounds, rest = _rounds(out_w // 2, min(most, LOOP_PAIRS[request.optimize]))
    if rest + 1 > most:
        return None
    loop = (pairs, rounds, rest, out_w % 2)
    steps = (sx, 2 * pitch, 2 * pitch * sy, out_c)
    run = Piece("depthwise", (*loop, *steps, int(mode), *layer.clamp))
    rows = _band_rows(layer, pitch)
    band_in = (rows - 1) * sy + 3
    bands = -(-out_h // rows)
    over = in_bands(layer.windows, rows)
    cut = (layer.clamp[0] > -128) + (layer.clamp[1] < 127)
    output = 4 + 3 * cut + (2 if mode is Mode.TWICE else 0)
    pair = 3 * (5 if sx == 1 else 6) + 1 + 2 * output
    line = out_w // 2 * pair + out_w % 2 * (10 + output) + 7 + 6 * (rounds if rounds > 1 else 0)
    widened = min(bands * band_in, out_h * sy + 3 * bands)
    return KernelCall(
        function="ep_depthwise_conv2d_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_depthwise_conv2d_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_depthwise_conv2d_s8_arm_dsp.h",),
        params_type="ep_depthwise_conv2d_s8_arm_dsp_params",
        params=(
            ("in_h", in_h),
            ("in_w", in_w),
            ("in_c", in_c),
            ("out_h", out_h),
            ("out_w", out_w),
            ("multiplier", out_c // in_c),
            ("stride_h", sy),
            ("pad_top", layer.pad_top),
            ("pad_left", layer.pad_left),
            ("zero", layer.xq.scalar[1]),
            ("twice_zero", 2 * layer.yq.scalar[1] + 1),
            ("band_rows", rows),
            ("pitch", pitch),
            ("run", run.name),
        ),
        constants=(
            Constant("weights", w.reshape(-1), "int8_t"),
            Constant("table", requant_singles(acc, rescale), "int32_t", 4 * out_c),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=4 * band_in * 2 * pitch,
        inplace=over,
        instance=run.instance,
        instructions=out_c * (out_h * line + 65 * bands) + in_c * widened * (in_w * 17 + 56) // 8,
        code_bytes=4 * (45 + pair * (pairs * bool(rounds) + rest) + out_w % 2 * 14 + 12),
    )


def _pitch(layer: Layer) -> int:
    """int16 of a row of a plane: border, pixels, and what the last outputs read; even."""
    sx, out_w = layer.stride[1], layer.out[1]
    last = (out_w - 1) * sx + 3  # pixels that outputs read
    words = out_w // 2 * 2 * sx + 4 if out_w % 2 else (out_w - 2) * sx + (4 if sx == 1 else 6)
    reach = max(last, words)
    return reach + reach % 2


def _band_rows(layer: Layer, pitch: int) -> int:
    """Output rows of a band: as few bands as scratch allows, of nearly equal height."""
    sy, out_h = layer.stride[0], layer.out[0]
    row = 8 * pitch
    most = max((BAND_BYTES // row - 3) // sy + 1, 4)
    bands = -(-out_h // most)
    return -(-out_h // bands)


def _rounds(pairs: int, most: int) -> tuple[int, int, int]:
    """Pairs in a round, rounds, and pairs left over."""
    each = min(pairs, most)
    if each == 0:
        return 0, 0, 0
    even = next(n for n in range(each, 0, -1) if pairs % n == 0 or n <= (each + 1) // 2)
    rounds = pairs // even
    return even, rounds, pairs - even * rounds
