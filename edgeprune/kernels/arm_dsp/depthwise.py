"""int8 depthwise convolutions: planes of widened rows, taps held in registers or in the frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edgeprune.ir import Array, Over
from edgeprune.ir.fixedpoint import QMAX
from edgeprune.kernels.accumulators import accumulators
from edgeprune.kernels.arm_dsp._requant import Mode, requant_singles, rescaled
from edgeprune.kernels.arm_dsp._tiles import Piece
from edgeprune.kernels.arm_dsp.points import points
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_bands
from edgeprune.kernels.layer import LONGEST, Layer, conv_layer
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
LEAST_PAIRS = 4
"""The same, at most, of columns that are taken for rows, of which a high image has long ones, and
of kernels of few taps, for less code."""
MOST_ROUNDS = 255
"""Of the loop: they are counted in a byte."""
BACK = 2**16
"""Bytes that two subtractions go back."""


HELD_TAPS = ((1, 1), (2, 1), (3, 1), (1, 3), (2, 3), (3, 3), (1, 5))
"""Kernels whose taps fit registers."""


@dataclass(frozen=True)
class Form:
    """A layer as it is computed.

    Columns may stand for rows, lines that nothing reads be gone, and so many pixels as columns are
    dilated by be one, of all their channels.

    Attributes:
        layer: so seen.
        x_step: bytes from one pixel of a row to the next,
        x_row: and from one row to the next.
        y_step: the same of the output.
        y_row: likewise.
        by_row: whether its rows are rows of the image.
    """

    layer: Layer
    x_step: int
    x_row: int
    y_step: int
    y_row: int
    by_row: bool = True

    @classmethod
    def of(cls, layer: Layer) -> Form:
        """The layer itself; a column of pixels as a row, which has the same bytes."""
        in_c, out_c = layer.image[2], layer.out[2]
        form = cls(layer, in_c, layer.image[1] * in_c, out_c, layer.out[1] * out_c)
        column = all(size[1] == 1 for size in (layer.image, layer.kernel, layer.out))
        return form.turned if column else form

    @property
    def turned(self) -> Form:
        """Rows for columns."""
        turned = _turned(self.layer)
        return Form(turned, self.x_row, self.x_step, self.y_row, self.y_step, not self.by_row)

    @property
    def thinned(self) -> Form:
        """Without the columns, then the rows, that windows of one of them step over."""
        return self._without_columns.turned._without_columns.turned

    @property
    def undilated(self) -> Form:
        """Columns that are dilated by d are none where d pixels beside each other are one."""
        layer, d = self.layer, self.layer.dilation[1]
        ((in_h, in_w, in_c), (out_h, out_w, out_c)) = layer.image, layer.out
        whole = not any(n % d for n in (in_w, out_w, layer.pad_left)) and layer.stride[1] == 1
        if layer.kernel[1] == 1 or not whole or self.x_step != in_c or d * out_c > LONGEST:
            return self
        undilated = replace(
            layer,
            image=(in_h, in_w // d, d * in_c),
            out=(out_h, out_w // d, d * out_c),
            dilation=(layer.dilation[0], 1),
            pad_left=layer.pad_left // d,
        )
        return replace(self, layer=undilated, x_step=d * in_c, y_step=d * out_c)

    def inplace(self, original: Layer, rows: int) -> Over | None:
        """Where the result of bands of so many rows may lie over the input."""
        over = in_bands(original.windows, rows, by_row=self.by_row)
        pixel = self.layer.image[2]
        if over is None or pixel == original.image[2]:
            return over
        # pixels that are one read and write what is theirs if they lie over their like
        whole = over.exact and over.lead % pixel == 0
        return replace(over, step=pixel * bool(over.step)) if whole else None

    @property
    def _without_columns(self) -> Form:
        layer, (sy, sx) = self.layer, self.layer.stride
        if layer.kernel[1] > 1 or layer.pad_left > 0 or (layer.out[1] - 1) * sx >= layer.image[1]:
            return self
        image = (layer.image[0], layer.out[1], layer.image[2])
        return replace(
            self, layer=replace(layer, image=image, stride=(sy, 1)), x_step=self.x_step * sx
        )


def depthwise(request: Request) -> KernelCall | None:
    """Of any size: few taps in registers, others in the frame; or four channels at a time."""
    layer = conv_layer(request) if isinstance(request.node.op, DepthwiseConv2d) else None
    if layer is None:
        return None
    out_c = layer.out[2]
    acc = accumulators(layer.w.reshape(out_c, -1), layer.bias, layer.xq.scalar[1])
    rounded = rescaled(acc, layer)
    bytes_ = (*layer.stride, layer.pad_top, layer.pad_left, out_c // layer.image[2])
    if rounded is None or max(bytes_) > QMAX:
        return None
    rescale, mode = rounded
    table = requant_singles(acc, rescale)
    found = (*_in_planes(request, layer, mode, table), points(request, layer, table, mode))
    calls = [c for c in found if c]
    return replace(calls[0], others=tuple(calls[1:])) if calls else None


def _in_planes(request: Request, layer: Layer, mode: Mode, table: Array) -> list[KernelCall]:
    """By rows or, where speed counts, by columns; what takes less first.

    All of them: bands of several heights take the same weights, which columns have turned.
    """
    cut = (layer.clamp[0] > -128) + (layer.clamp[1] < 127)
    output = 4 + 3 * cut + (2 if mode is Mode.TWICE else 0)
    plain = Form.of(layer).thinned
    form = plain.undilated
    unroll = LOOP_PAIRS[request.optimize]
    forms = [form] if form is plain else [form, plain]  # whose offsets may be out of reach
    dual = request.pairs
    runs = [
        (f, _in_registers(f, output, mode, unroll, dual=dual) or _any(f, output, mode))
        for f in forms
    ]
    if request.optimize == "speed":
        high = form.turned
        runs.append((high, _in_registers(high, output, mode, min(unroll, LEAST_PAIRS), dual=dual)))
    calls = [_call(request, layer, f, run, table) for f, run in runs if run]
    return sorted(calls, key=lambda c: c.instructions)


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


def _in_registers(form: Form, output: int, mode: Mode, unroll: int, *, dual: bool) -> Run | None:
    """Kernels of few taps, columns undilated, with a column stride of 1 or 2.

    Args:
        form: the convolution.
        output: instructions behind an accumulator.
        mode: how the results are rounded.
        unroll: pairs of outputs, at most.
        dual: for a core that begins two instructions together.
    """
    layer = form.layer
    (kh, kw), (sy, sx), (dy, dx) = layer.kernel, layer.stride, layer.dilation
    if (kh, kw) not in HELD_TAPS or (dx > 1 and kw > 1) or sx > (2 if kw > 1 else 1):
        return None
    out_w, pitch = layer.out[1], _pitch(layer)
    row, step = 2 * pitch * dy, 2 * pitch * sy
    back = out_w * form.y_step - form.y_row if layer.out[0] > 1 else 0
    # LDRD and LDR read all rows at immediate offsets.
    reach = REACH - 8 - (kh - 1) * row
    most = min(reach // (4 * sx) + 1, STORE_REACH // (2 * form.y_step))
    if most < 1 or not 0 <= back < BACK or step > STORE_REACH:
        return None
    held = kh * kw < 7  # multiplier and rounding constant, too
    unroll = min(unroll, LEAST_PAIRS) if held else unroll
    unroll = max(unroll, -(-(out_w // 2) // MOST_ROUNDS))
    pairs, rounds, rest = _rounds(out_w // 2, min(most, unroll))
    if rest + 1 > most or rounds > MOST_ROUNDS:
        return None
    loop = (pairs, rounds, rest, out_w % 2)
    output -= held and mode is Mode.TWICE
    dual = dual and (kh, kw, sx) == (3, 3, 1) and mode is not Mode.TWICE
    loads = 1 + (kw > 3 or dual)
    pair = kh * (kw + 1 + loads + (sx == 2)) + 2 * output + (not held)
    single = kh * ((kw + 1) // 2 + loads) + output + (not held)
    line = out_w // 2 * pair + out_w % 2 * single + 5 + (4 * rounds + 1 if rounds > 1 else 0)
    code = 62 + pair * (pairs * bool(rounds) + rest) + out_w % 2 * 14 + 8
    steps = (sx, row, step, form.y_step, back)
    piece = Piece("depthwise", (kh, kw, *loop, *steps, int(mode), int(dual), *layer.clamp))
    return Run(piece, pitch, 25 + kh * max(3 * kw - 2, 2), line, 4 * code)


def _any(form: Form, output: int, mode: Mode) -> Run | None:
    """Kernels of any size whose taps fit the frame; four outputs of a row at a time."""
    layer = form.layer
    (kh, kw), (sy, sx), (dy, dx) = layer.kernel, layer.stride, layer.dilation
    out_w, pairs = layer.out[1], (kw + 1) // 2
    taps = (kw - 1) * dx + 1 if dx > 1 else 2 * pairs  # two are read at once side by side
    pitch = (out_w - 1) * sx + taps
    pitch += pitch % 2
    row, step = 2 * pitch * dy, 2 * pitch * sy
    if (
        kh * pairs > MOST_TAPS
        or pairs > MOST_NESTED
        or max(row, step, 2 * (taps + 3 * sx), 4 * form.y_step) > STORE_REACH
    ):
        return None
    rounds, rest = divmod(out_w, 4)

    def outputs(n: int) -> int:
        slides = n == 4 and dx == 1 and sx < 3
        two = 4 - sx + n if slides else 1 + 2 * n if dx == 1 else 1 + 4 * n
        last = 2 * n if dx > 1 and kw % 2 else 0  # without a second tap
        return kh * (pairs * two - last + 3 * slides + 3 * (kh > 1)) + n * (output + 1) + 7

    line = rounds * (outputs(4) + 4) + (outputs(rest) if rest else 0) + 7
    sizes = (rounds, rest, kh, kw, sx, dx, row, step, form.y_step)
    piece = Piece("depthwise_any", (*sizes, int(mode), *layer.clamp))
    code = 67 + (outputs(4) if rounds else 0) + (outputs(rest) if rest else 0)
    return Run(piece, pitch, 32 + 7 * kh * pairs, line, 4 * code)


def _call(request: Request, original: Layer, form: Form, run: Run, table: Array) -> KernelCall:
    layer = form.layer
    (in_h, in_w, in_c), (out_h, _, out_c) = layer.image, layer.out
    sy, reach = layer.stride[0], (layer.kernel[0] - 1) * layer.dilation[0] + 1
    rows = _band_rows(layer, run.pitch, reach)
    band_in = (rows - 1) * sy + reach
    bands = -(-out_h // rows)
    widened = min(bands * band_in, out_h * sy + reach * bands, in_h + reach * (bands - 1))
    fours, singles = in_c - in_c % 4, in_c % 4  # channels that are widened together, or alone
    widening = widened * (fours * (in_w * 17 + 56) // 8 + singles * (in_w * 11 + 20))
    widening += 3 * band_in * run.pitch // 2  # the border is written all over
    widening += 130 * bands * -(-in_c // 4)
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
            ("pad_top", layer.pad_top),
            ("pad_left", layer.pad_left),
            ("zero", layer.xq.scalar[1]),
            ("y_zero", layer.yq.scalar[1]),
            ("filters", original.out[2]),
            ("multiplier", out_c // in_c),
            ("stride_h", sy),
            ("taps", layer.kernel[0] * layer.kernel[1]),
            ("band_rows", rows),
            ("band_in", band_in),
            ("pitch", run.pitch),
            ("x_step", form.x_step),
            ("x_row", form.x_row),
            ("y_row", form.y_row),
            ("run", run.piece.name),
        ),
        constants=(
            Constant("weights", layer.w.reshape(-1), "int8_t"),
            Constant("table", table, "int32_t", 4 * original.out[2]),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=min(in_c, 4) * band_in * 2 * run.pitch,
        inplace=form.inplace(original, rows),
        instance=run.piece.instance,
        instructions=out_c * (out_h * run.line + run.once * bands) + widening,
        code_bytes=run.code_bytes,
    )


def _pitch(layer: Layer) -> int:
    """int16 of a row of a plane: border, pixels, and what the last outputs read; even."""
    (_, kw), (_, sx), out_w = layer.kernel, layer.stride, layer.out[1]
    single = (out_w - 1) * sx + kw
    pair = (out_w - 2) * sx + kw + sx
    return -(-(single if out_w % 2 else pair) // 2) * 2


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
    if pairs // even > MOST_ROUNDS:
        even = each
    rounds = pairs // even
    return even, rounds, pairs - even * rounds
