"""int8 convolutions read by assembler tiles, in two forms.

``ring``: rows of input are widened once, into a ring of rows. ``strip``: what four output pixels need
is widened for each four; for 1x1 kernels, for narrow images and for the least code. The cheaper form
by the cost model is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

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
from edgeprune.kernels.arm_dsp._tiles import (
    Planes,
    Round,
    Tile,
    as_words,
    pack_weights,
    round_of,
)
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.ops.conv import Conv2d

FOLDER = "arch/arm_dsp"

MIRRORED_BYTES = 1024
"""Rings up to this size are held twice, which saves the wrap and lets kernel rows be unrolled."""

LOOP_STEPS = {"size": 4, "speed": 12}
"""Steps that one round of the inner loop unrolls."""


@dataclass(frozen=True)
class Numbers:
    """What the tiles read: packed weights and the table, and the form that they are in."""

    weights: Array
    table: Array
    narrow: bool
    mode: Mode

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The two arrays of the call."""
        return (
            Constant("weights", as_words(self.weights), "int32_t"),
            Constant("table", self.table, "int32_t", counts_as_weights=False),
        )


def conv_numbers(layer: Layer, w: Array, planes: Planes) -> Numbers | None:
    """Weights and table of a convolution; None where the tiles' arithmetic does not hold.

    Args:
        layer: the convolution.
        w: its weights (o, rows, taps, channels) as the layout has them.
        planes: the layout.
    """
    flat = w.reshape(w.shape[0], -1)
    acc = accumulators(flat, layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(acc, layer.xq, layer.wq, layer.yq)
    if rescale is None:
        return None
    mode = Mode.RELU if layer.clamp[0] >= layer.yq.scalar[1] else Mode.TWICE
    narrow = narrow_holds(acc, flat) and (mode is not Mode.RELU or narrow_relu_holds(acc, rescale))
    table = requant_table(acc, rescale, mode, narrow=narrow)
    return Numbers(pack_weights(w, planes, narrow=narrow), table, narrow, mode)


@dataclass(frozen=True)
class Tiles:
    """The tiles of one layer: whole ones of 4 pixels, and what is left at the end of a line.

    Attributes:
        planes: the layout.
        rows: kernel rows.
        round: of the loop.
        ring: rows wrap around.
        numbers: what they read.
        clamp: smallest and largest output.
        channels: output channels.
        line: output pixels in a line; the last line % 4 are a tail.
    """

    planes: Planes
    rows: int
    round: Round
    ring: bool
    numbers: Numbers
    clamp: tuple[int, int]
    channels: int
    line: int

    def _tile(self, pixels: int, *, solo: bool) -> Tile | None:
        n = self.numbers
        if not pixels or (self.channels % 2 == 0 if solo else self.channels < 2):
            return None
        return Tile(
            self.planes, self.rows, pixels, solo, n.narrow, n.mode, self.clamp, self.round, self.ring
        )

    @property
    def by_role(self) -> dict[str, Tile | None]:
        """Fields of the parameters."""
        whole, rest = (4 if self.line >= 4 else 0), self.line % 4
        return {
            "tile": self._tile(whole, solo=False),
            "tail": self._tile(rest, solo=False),
            "solo": self._tile(whole, solo=True),
            "solo_tail": self._tile(rest, solo=True),
        }

    @property
    def used(self) -> Iterable[Tile]:
        """Those that there are."""
        return (t for t in self.by_role.values() if t)

    @property
    def params(self) -> tuple[tuple[str, int | float | str], ...]:
        """Their names as fields of the parameters."""
        tiles = self.by_role
        ahead = max((abs(t.ahead), t.ahead) for t in self.used)[1]
        rows = ((k, t.name if t else "{0, 0}") for k, t in tiles.items())
        return (("ahead", ahead), *rows)

    @property
    def instance(self) -> str:
        """The C text that makes them."""
        return "".join(t.instance for t in self.used)

    @property
    def instructions(self) -> int:
        """Of one line."""
        return sum(
            (self.line // 4 if t.pixels == 4 else 1)
            * (40 + t.instructions * (1 if t.solo else self.channels // 2))
            for t in self.used
        )

    @property
    def code_bytes(self) -> int:
        """Size of the instances."""
        return sum(t.code_bytes for t in self.used)


def _geometry(layer: Layer) -> tuple[tuple[str, int], ...]:
    """Fields that both forms begin with."""
    (in_h, in_w, in_c), (out_h, out_w, out_c) = layer.image, layer.out
    return (
        ("in_h", in_h),
        ("in_w", in_w),
        ("in_c", in_c),
        ("out_h", out_h),
        ("out_w", out_w),
        ("out_c", out_c),
        ("kernel_h", layer.kernel[0]),
        ("stride_h", layer.stride[0]),
        ("stride_w", layer.stride[1]),
        ("dilation_h", layer.dilation[0]),
        ("dilation_w", layer.dilation[1]),
        ("pad_top", layer.pad_top),
        ("pad_left", layer.pad_left),
        ("zero", layer.xq.scalar[1]),
        ("pair_bytes", 2 * layer.kernel[0] * layer.kernel[1] * in_c),
        ("twice_zero", 2 * layer.yq.scalar[1] + 1),
    )


def ring(request: Request, layer: Layer) -> KernelCall | None:
    """Rows of input widened once."""
    (in_h, in_w, in_c), (out_h, out_w, out_c), (kh, kw) = layer.image, layer.out, layer.kernel
    p = Planes(in_c, kw, layer.stride[1], layer.dilation[1], out_w)
    again = kh > 1 and layer.dilation[0] == 1
    mirrored = again and kh * p.row_bytes <= MIRRORED_BYTES and request.optimize == "speed"
    wraps = again and not mirrored
    turn = round_of(p, 1 if wraps else kh, LOOP_STEPS[request.optimize])
    numbers = conv_numbers(layer, layer.w, p) if turn else None
    if turn is None or numbers is None:
        return None
    tiles = Tiles(p, kh, turn, wraps, numbers, layer.clamp, out_c, out_w)
    rows = in_h if layer.dilation[0] == 1 else out_h * kh
    widen = rows * (in_w * in_c * 17 // 10 + 40) + kh * p.row_bytes // 2
    return KernelCall(
        function="ep_conv2d_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_conv2d_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_conv2d_s8_arm_dsp.h",),
        params_type="ep_conv2d_s8_arm_dsp_params",
        params=(
            *_geometry(layer),
            ("phases", p.phases),
            ("phase_words", p.phase_words),
            ("mirrored", int(mirrored)),
            *tiles.params,
        ),
        constants=numbers.constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=(1 + mirrored) * kh * p.row_bytes,
        instance=tiles.instance,
        instructions=out_h * (tiles.instructions + 40 + 14 * kh) + widen,
        code_bytes=tiles.code_bytes,
    )


def _border_runs(layer: Layer) -> int:
    """Kernel rows of all output pixels that lie partly in the border."""
    (in_h, in_w, _), (out_h, out_w, _), (kh, kw) = layer.image, layer.out, layer.kernel
    top = np.arange(out_h) * layer.stride[0] - layer.pad_top
    rows = top[:, None] + np.arange(kh) * layer.dilation[0]
    left = np.arange(out_w) * layer.stride[1] - layer.pad_left
    inside = (left >= 0) & (left + kw <= in_w) & (layer.dilation[1] == 1 or kw == 1)
    return out_h * kh * out_w - int(((rows >= 0) & (rows < in_h)).sum()) * int(inside.sum())


def strip(request: Request, layer: Layer) -> KernelCall | None:
    """Input widened for each four output pixels."""
    (_, _, in_c), (out_h, out_w, out_c), (kh, kw) = layer.image, layer.out, layer.kernel
    run = kw * in_c
    p = Planes(run, 1, 1, 1, 4)
    turn = round_of(p, kh, LOOP_STEPS[request.optimize])
    w = layer.w.reshape(out_c, kh, 1, run)
    numbers = conv_numbers(layer, w, p) if turn else None
    if turn is None or numbers is None:
        return None
    pixels = out_h * out_w
    tiles = Tiles(p, kh, turn, False, numbers, layer.clamp, out_c, pixels)
    bordered = 4 * run if kh * kw > 1 or layer.pad_top or layer.pad_left else 0
    widen = -(-pixels // 4) * (60 + kh * (70 + 5 * run)) + _border_runs(layer) * (9 * run + 25)
    return KernelCall(
        function="ep_conv2d_strip_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_conv2d_strip_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_conv2d_strip_s8_arm_dsp.h",),
        params_type="ep_conv2d_strip_s8_arm_dsp_params",
        params=(*_geometry(layer), ("kernel_w", kw), *tiles.params),
        constants=numbers.constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=kh * p.row_bytes + bordered,
        instance=tiles.instance,
        instructions=tiles.instructions + widen,
        code_bytes=tiles.code_bytes,
    )


def conv2d(request: Request) -> KernelCall | None:
    """Any convolution of one group whose numbers the tiles can hold."""
    layer = conv_layer(request) if isinstance(request.node.op, Conv2d) else None
    if layer is None:
        return None
    calls = [c for c in (ring(request, layer), strip(request, layer)) if c]
    if request.optimize == "size":
        return min(calls, key=lambda c: (c.code_bytes, c.instructions), default=None)
    return min(calls, key=lambda c: c.instructions, default=None)
