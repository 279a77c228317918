"""int8 depthwise convolutions: planes of widened rows, taps held in registers or in the frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edgeprune.ir import Array
from edgeprune.ir.fixedpoint import QMAX
from edgeprune.kernels.arm_dsp._geometry import image_fields
from edgeprune.kernels.arm_dsp._requant import Mode, requant_singles, rescaled
from edgeprune.kernels.arm_dsp._tiles import Piece
from edgeprune.kernels.arm_dsp.points import points
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
MOST_TAPS = 128
"""Words of two taps in the frame of a kernel of any size."""
MOST_NESTED = 80
"""Words of two taps of a kernel row: each nests a macro in the one before, of which assemblers
allow about a hundred."""
LOOP_PAIRS = {"size": 1, "speed": 6}
"""Pairs of outputs that one round of the loop unrolls."""
TURNED_PAIRS = 4
"""The same of columns that are taken for rows, of which a high image has long ones."""
BACK = 2**16
"""Bytes that two subtractions go back."""


def depthwise(request: Request) -> KernelCall | None:
    """Of any size: 3x3 with a column stride of 1 or 2 by the taps in registers, if in reach."""
    layer = conv_layer(request) if isinstance(request.node.op, DepthwiseConv2d) else None
    if layer is None:
        return None
    layer = _lying(layer)
    out_c = layer.out[2]
    w = layer.w.reshape(out_c, -1)
    acc = accumulators(w, layer.bias, layer.xq.scalar[1])
    rounded = rescaled(acc, layer)
    if rounded is None or layer.stride[0] > QMAX:
        return None
    rescale, mode = rounded
    cut = (layer.clamp[0] > -128) + (layer.clamp[1] < 127)
    output = 4 + 3 * cut + (2 if mode is Mode.TWICE else 0)
    table = requant_singles(acc, rescale)
    calls = _planes(request, layer, output, mode, table)
    point = points(request, layer, table, mode)
    calls += [point] if point else []
    return replace(calls[0], others=tuple(calls[1:])) if calls else None


def _planes(
    request: Request, layer: Layer, output: int, mode: Mode, table: Array
) -> list[KernelCall]:
    """By rows, or by columns of a high image, whichever takes less; ``output``: instructions."""
    unroll = LOOP_PAIRS[request.optimize]
    run = _by_three(layer, output, mode, unroll)
    if run is None:
        run = _any(layer, output, mode)
        return [_call(request, layer, run, table)] if run else []
    calls = [_call(request, layer, run, table)]
    high = _turned(layer)
    turned = _by_three(high, output, mode, min(unroll, TURNED_PAIRS), pixel=layer.out[1])
    if turned is not None and request.optimize == "speed":
        whole = _band_rows(high, turned.pitch, high.kernel[0]) >= high.out[0]
        calls += [_call(request, high, turned, table, turned=True)] if whole else []
    return [min(calls, key=lambda c: c.instructions)]


@dataclass(frozen=True)
class Run:
    """The code of one channel.

    Attributes:
        piece: made by a macro of the runtime.
        pitch: int16 of a row of a plane.
        once: instructions of a channel of a band.
        line: instructions of a row of output.
        code_bytes: its size.
    """

    piece: Piece
    pitch: int
    once: int
    line: int
    code_bytes: int


def _lying(layer: Layer) -> Layer:
    """A column of pixels as a row, which has the same bytes."""
    if any(size[i] != 1 for size, i in ((layer.image, 1), (layer.kernel, 1), (layer.out, 1))):
        return layer
    return _turned(layer)


def _turned(layer: Layer) -> Layer:
    """Rows for columns."""

    def turned(size: Iterable[int]) -> tuple[int, int]:
        h, w = size
        return w, h

    return replace(
        layer,
        w=layer.w.transpose(0, 2, 1, 3),
        image=(*turned(layer.image[:2]), layer.image[2]),
        out=(*turned(layer.out[:2]), layer.out[2]),
        kernel=turned(layer.kernel),
        stride=turned(layer.stride),
        dilation=turned(layer.dilation),
        pad_top=layer.pad_left,
        pad_left=layer.pad_top,
    )


def _by_three(layer: Layer, output: int, mode: Mode, unroll: int, pixel: int = 1) -> Run | None:
    """3x3, undilated, column stride 1 or 2.

    Args:
        layer: the convolution.
        output: instructions behind an accumulator.
        mode: how the results are rounded.
        unroll: pairs of outputs, at most.
        pixel: pixels of the output from one of a row to the next; that of a turned image has all
            of its first row side by side.
    """
    if layer.kernel != (3, 3) or layer.dilation != (1, 1):
        return None
    (_, out_w, out_c), (sy, sx), pitch = layer.out, layer.stride, _pitch(layer)
    next_y = pixel * out_c
    back = (out_w - 1) * next_y + next_y - out_c if pixel > 1 else 0
    # LDRD and LDR read three rows at immediate offsets.
    most = min((REACH - 8 - 4 * pitch) // (4 * sx) + 1, STORE_REACH // (2 * next_y))
    if sx > 2 or most < 1 or back >= BACK:
        return None
    pairs, rounds, rest = _rounds(out_w // 2, min(most, unroll))
    if rest + 1 > most:
        return None
    loop = (pairs, rounds, rest, out_w % 2)
    steps = (sx, 2 * pitch, 2 * pitch * sy, next_y, back)
    pair = 3 * (5 if sx == 1 else 6) + 1 + 2 * output
    line = out_w // 2 * pair + out_w % 2 * (10 + output) + 7 + 6 * (rounds if rounds > 1 else 0)
    code = 45 + pair * (pairs * bool(rounds) + rest) + out_w % 2 * 14 + 12
    piece = Piece("depthwise", (*loop, *steps, int(mode), *layer.clamp))
    return Run(piece, pitch, 65, line, 4 * code)


def _any(layer: Layer, output: int, mode: Mode) -> Run | None:
    """Kernels of any size whose taps fit the frame; four outputs of a row at a time."""
    (kh, kw), (sy, sx), (dy, dx) = layer.kernel, layer.stride, layer.dilation
    (_, out_w, out_c), pairs = layer.out, (kw + 1) // 2
    taps = (kw - 1) * dx + 1 if dx > 1 else 2 * pairs  # two are read at once side by side
    pitch = (out_w - 1) * sx + taps
    pitch += pitch % 2
    row, step = 2 * pitch * dy, 2 * pitch * sy
    if (
        kh * pairs > MOST_TAPS
        or pairs > MOST_NESTED
        or max(row, step, 2 * (taps + 3 * sx), 4 * out_c) > STORE_REACH
    ):
        return None
    rounds, rest = divmod(out_w, 4)

    def outputs(n: int) -> int:
        slides = n == 4 and sx == dx == 1
        two = 3 + n if slides else 1 + 2 * n if dx == 1 else 1 + 4 * n
        return kh * (pairs * two + 3 * slides + 3 * (kh > 1)) + n * (output + 1) + 7

    line = rounds * (outputs(4) + 4) + (outputs(rest) if rest else 0) + 7
    sizes = (rounds, rest, kh, kw, sx, dx, row, step, out_c)
    piece = Piece("depthwise_any", (*sizes, int(mode), *layer.clamp))
    code = 50 + (outputs(4) if rounds else 0) + (outputs(rest) if rest else 0)
    return Run(piece, pitch, 75 + 8 * kh * pairs, line, 4 * code)


def _call(
    request: Request, layer: Layer, run: Run, table: Array, *, turned: bool = False
) -> KernelCall:
    """The call; ``turned``: the layer has columns for rows, and is computed in one band."""
    (in_h, in_w, in_c), (out_h, _, out_c) = layer.image, layer.out
    sy, reach = layer.stride[0], (layer.kernel[0] - 1) * layer.dilation[0] + 1
    rows = _band_rows(layer, run.pitch, reach)
    x_steps = (in_h * in_c, in_c) if turned else (in_c, in_w * in_c)
    original = _turned(layer) if turned else layer
    band_in = (rows - 1) * sy + reach
    bands = -(-out_h // rows)
    widened = min(bands * band_in, out_h * sy + reach * bands)
    fours, singles = in_c - in_c % 4, in_c % 4  # channels that are widened together, or alone
    widening = widened * (fours * (in_w * 17 + 56) // 8 + singles * (in_w * 6 + 12))
    widening += 6 * band_in * run.pitch  # the border is written all over
    return KernelCall(
        function="ep_depthwise_conv2d_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_depthwise_conv2d_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_depthwise_conv2d_s8_arm_dsp.h",),
        params_type="ep_depthwise_conv2d_s8_arm_dsp_params",
        params=(
            *image_fields(layer),
            ("in_c", in_c),
            ("multiplier", out_c // in_c),
            ("stride_h", sy),
            ("reach", reach),
            ("taps", layer.kernel[0] * layer.kernel[1]),
            ("band_rows", rows),
            ("pitch", run.pitch),
            ("x_step", x_steps[0]),
            ("x_row", x_steps[1]),
            ("run", run.piece.name),
        ),
        constants=(
            Constant("weights", layer.w.reshape(-1), "int8_t"),
            Constant("table", table, "int32_t", 4 * out_c),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=4 * band_in * 2 * run.pitch,
        inplace=in_bands(original.windows, original.out[0] if turned else rows),
        instance=run.piece.instance,
        instructions=out_c * (out_h * run.line + run.once * bands) + widening,
        code_bytes=run.code_bytes,
    )


def _pitch(layer: Layer) -> int:
    """int16 of a row of a plane: border, pixels, and what the last outputs read; even."""
    sx, out_w = layer.stride[1], layer.out[1]
    last = (out_w - 1) * sx + 3  # pixels that outputs read
    words = out_w // 2 * 2 * sx + 4 if out_w % 2 else (out_w - 2) * sx + (4 if sx == 1 else 6)
    reach = max(last, words)
    return reach + reach % 2


def _band_rows(layer: Layer, pitch: int, reach: int) -> int:
    """Output rows of a band: as few bands as scratch allows, of nearly equal height."""
    sy, out_h = layer.stride[0], layer.out[0]
    row = 8 * pitch
    most = max((BAND_BYTES // row - reach) // sy + 1, 4)
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
