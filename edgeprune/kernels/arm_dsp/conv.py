"""int8 convolutions read by assembler tiles, in two forms.

``ring``: rows of input are widened once, into a ring of rows. ``strip``: what four output pixels
need is widened for each four; for 1x1 kernels, for narrow images and for the least code. Both are
offered; what they cost on the target decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.arm_dsp._geometry import (
    Fields,
    channel_fields,
    image_fields,
    window_fields,
)
from edgeprune.kernels.arm_dsp._numbers import Numbers, conv_numbers
from edgeprune.kernels.arm_dsp._tiles import (
    Planes,
    Round,
    Tile,
    plane_channels,
    round_of,
)
from edgeprune.kernels.arm_dsp.block import block
from edgeprune.kernels.arm_dsp.winograd import winograd
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.inplace import in_lines, in_pixels
from edgeprune.kernels.layer import Layer

FOLDER = "arch/arm_dsp"

MIRRORED_BYTES = 1024
"""Rings up to this size are held twice, which saves the wrap and lets kernel rows be unrolled."""

RING_STEPS = {"size": 4, "speed": 12}
STRIP_STEPS = {"size": 4, "speed": 8}
"""Steps that one round of the inner loop unrolls."""

MINOR = 20
"""A layer with less than one in so many multiplications is as small as where size counts."""

SHARED_PLANES = 4
"""Planes in a round of the loop that all strips share where size counts."""

PADDING_BYTES = 128
"""Zeros among the weights of a layer that a loop of its own would not be worth."""


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
        shared: the body is the same for any number of rounds.
        dual: for cores that begin two instructions together.
    """

    planes: Planes
    rows: int
    round: Round
    ring: bool
    numbers: Numbers
    clamp: tuple[int, int]
    channels: int
    line: int
    shared: bool = False
    dual: bool = False

    def _tile(self, pixels: int, *, solo: bool) -> Tile | None:
        n = self.numbers
        if not pixels or (self.channels % 2 == 0 if solo else self.channels < 2):
            return None
        return Tile(
            self.planes,
            self.rows,
            pixels,
            solo,
            n.narrow,
            n.mode,
            self.clamp,
            self.round,
            self.ring,
            self.shared,
            self.dual,
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


def _geometry(request: Request, layer: Layer, w: Array) -> Fields:
    """Fields that both forms begin with."""
    return (
        *image_fields(layer),
        *channel_fields(layer, request.pitch),
        *window_fields(layer),
        ("dilation_w", layer.dilation[1]),
        ("pair_bytes", 2 * w.size // len(w)),
    )


def ring(request: Request, layer: Layer) -> KernelCall | None:
    """Rows of input widened once."""
    (in_h, in_w, in_c), (out_h, out_w, out_c), (kh, kw) = layer.image, layer.out, layer.kernel
    filters = out_c // layer.groups
    p = Planes(in_c // layer.groups, kw, layer.stride[1], layer.dilation[1], out_w)
    again = kh > 1 and layer.dilation[0] == 1
    mirrored = again and kh * p.row_bytes <= MIRRORED_BYTES and request.optimize == "speed"
    wraps = again and not mirrored
    turn = round_of(p, 1 if wraps else kh, RING_STEPS[_effort(request, layer)])
    numbers = conv_numbers(layer, layer.w, p) if turn else None
    if turn is None or numbers is None:
        return None
    form = (p, kh, turn, wraps, numbers, layer.clamp, filters, out_w)
    tiles = Tiles(*form, dual=request.pairs)
    rows = in_h if layer.dilation[0] == 1 else out_h * kh
    over = in_lines(layer.windows, held=layer.dilation[0] == 1)
    each = 17 if in_c // layer.groups > 1 else 70  # tenths of an instruction
    widen = rows * (in_w * in_c * each // 10 + 80 * layer.groups) + kh * p.row_bytes // 2
    return KernelCall(
        function="ep_conv2d_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_conv2d_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_conv2d_s8_arm_dsp.h",),
        params_type="ep_conv2d_s8_arm_dsp_params",
        params=(
            *_geometry(request, layer, layer.w),
            ("groups", layer.groups),
            ("phases", p.phases),
            ("phase_words", p.phase_words),
            ("mirrored", int(mirrored)),
            *tiles.params,
        ),
        constants=numbers.constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=(1 + mirrored) * kh * p.row_bytes,
        inplace=over,
        instance=tiles.instance,
        instructions=layer.groups * out_h * (tiles.instructions + 40 + 14 * kh) + widen,
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


@dataclass(frozen=True)
class StripForm:
    """How the input of four pixels lies in a strip, and weights (o, rows, 1, channels) to match."""

    planes: Planes
    rows: int
    round: Round
    w: Array


def _effort(request: Request, layer: Layer) -> str:
    """What to unroll for: "speed" only where most of the time goes."""
    whole = layer.macs * request.pitch // layer.out[2]
    minor = whole * MINOR < request.graph.macs
    return "size" if minor else request.optimize


def _strip_form(request: Request, layer: Layer) -> StripForm | None:
    """For size, kernel rows are merged and filled up to whole rounds of one loop that all share."""
    (kh, kw), in_c, out_c = layer.kernel, layer.image[2], layer.out[2]
    run = kw * in_c
    w = layer.w.reshape(out_c, kh, run)
    if request.optimize == "size":
        merged = _merged(w)
        if request.pads and merged.size - w.size <= PADDING_BYTES:
            p = Planes(merged.shape[1], 1, 1, 1, 4)
            return StripForm(p, 1, Round(1, SHARED_PLANES, False), merged[:, None, None, :])
    p = Planes(run, 1, 1, 1, 4)
    turn = round_of(p, kh, STRIP_STEPS[_effort(request, layer)])
    return StripForm(p, kh, turn, w[:, :, None, :]) if turn else None


def _merged(w: Array) -> Array:
    """Weights (o, rows, run) as (o, channels) of one row that is read in fours, zeros between."""
    run = w.shape[2]
    fours = run - run % 4
    order = [c for ab in plane_channels(fours) for c in ab] + list(range(fours, run))
    order += [run] * (len(order) % 2)  # a zero beside an odd last one
    lanes = np.pad(w, ((0, 0), (0, 0), (0, 1)))[:, :, order].reshape(len(w), -1)
    lanes = np.pad(lanes, ((0, 0), (0, -lanes.shape[1] % (2 * SHARED_PLANES))))
    made = np.empty_like(lanes)
    made[:, [c for ab in plane_channels(lanes.shape[1]) for c in ab]] = lanes
    return made


def strip(request: Request, layer: Layer) -> KernelCall | None:
    """Input widened for each four output pixels."""
    (_, in_w, in_c), (out_h, out_w, out_c), (kh, kw) = layer.image, layer.out, layer.kernel
    run = kw * in_c
    form = _strip_form(request, layer)
    numbers = conv_numbers(layer, form.w, form.planes) if form else None
    if form is None or numbers is None:
        return None
    pixels = out_h * out_w
    spill = request.optimize == "size" and pixels % 4 > 0 and request.pitch == out_c
    line = -(-pixels // 4) * 4 if spill else pixels
    shape = (form.planes, form.rows, form.round, False, numbers, layer.clamp, out_c, line)
    tiles = Tiles(*shape, shared=True, dual=request.pairs)
    over = in_pixels(layer.windows, 4)
    contiguous = kw == 1 or layer.dilation[1] == 1
    border = _border_runs(layer)
    strip_bytes = form.rows * form.planes.row_bytes
    each = 75 + 4 * run + (60 if run % 4 else 0)  # one kernel row of four pixels
    widen = -(-pixels // 4) * (70 + kh * each) + border * (9 * run + 100)
    used = strip_bytes + (4 * run if border or spill else 0) + 4 * out_c * spill
    return KernelCall(
        function="ep_conv2d_strip_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_conv2d_strip_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_conv2d_strip_s8_arm_dsp.h",),
        params_type="ep_conv2d_strip_s8_arm_dsp_params",
        params=(
            *_geometry(request, layer, form.w),
            ("kernel_w", kw),
            ("last_left", in_w - kw if contiguous else -1),
            ("spill", int(spill)),
            ("strip_bytes", strip_bytes),
            *tiles.params,
        ),
        constants=numbers.constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=used,
        inplace=over,
        instance=tiles.instance,
        instructions=tiles.instructions + widen,
        code_bytes=tiles.code_bytes,
    )


def conv_calls(request: Request, layer: Layer) -> list[KernelCall]:
    """Any convolution whose numbers the tiles can hold."""
    # For size, one driver for all convolutions.
    whole = layer.groups == 1
    forms = (strip,) if whole and request.optimize == "size" else (ring, winograd, block, strip)
    return [c for c in (form(request, layer) for form in forms[: None if whole else 1]) if c]
