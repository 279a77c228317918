"""int8 3x3 convolutions by Winograd's F(2x2, 3x3): 16 multiplications where the others take 36.

``runtime_c/arch/arm_dsp/ep_winograd_s8_arm_dsp.h`` has the arithmetic, which is exact.
"""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.accumulators import Accumulators, accumulators
from edgeprune.kernels.arm_dsp._geometry import channel_fields, image_fields
from edgeprune.kernels.arm_dsp._requant import (
    Mode,
    Rescale,
    requant_singles,
    rescale_twice,
    rounding,
)
from edgeprune.kernels.arm_dsp._tiles import Piece, as_words, plane_channels
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import in_bands
from edgeprune.kernels.layer import Layer

FOLDER = "arch/arm_dsp"
STEPS = 8
"""Pairs of channels that a round unrolls: with what follows it fits a cache of 1,024 bytes."""
TILES = 16
"""Tiles of a band, at least, where there are so many: filters are transformed for each band."""
HELD_BYTES = 8192
"""Filters of all channels together that are transformed once, where there are several bands."""
RUN = 16
"""Tiles whose sums are there at once: EP_WINOGRAD_RUN."""
REACH = 4095
"""Bytes that the offset of LDR spans."""


def winograd(request: Request, layer: Layer) -> KernelCall | None:
    """3x3 with strides of 1, input channels in fours, output channels in twos."""
    in_c, out_c = layer.image[2], layer.out[2]
    plain = (layer.kernel, layer.stride, layer.dilation) == ((3, 3), (1, 1), (1, 1))
    if not plain or layer.groups > 1 or in_c % 4 or out_c % 2:
        return None
    if max(layer.pad_top, layer.pad_left) > 1:
        return None
    acc = accumulators(layer.w.reshape(out_c, -1), layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(acc, layer.xq, layer.wq, layer.yq)
    if rescale is None or np.any(acc.reach >= 2**29):
        return None
    rows, columns, all_rows = _band(layer)
    tiles, pairs = -(-rows * columns // 4) * 4, in_c // 2
    steps = max(n for n in range(1, STEPS + 1) if pairs % n == 0)
    if 4 * steps * tiles > REACH:
        return None
    mode = _mode(layer, acc, rescale)
    pieces = {
        "block": Piece("winograd", (pairs // steps, steps, tiles, int(request.pairs))),
        "finish": Piece("winograd_finish", (int(mode), *layer.clamp)),
    }
    row_bytes = (2 * columns + 2) * in_c
    bands, filters = -(-all_rows // rows), 64 * in_c * (out_c // 2)
    held = bands > 1 and filters <= HELD_BYTES
    block = 16 * (14 * pairs + 20 + 4 * (pairs // steps))
    per_pair = tiles // 4 * block + rows * columns * 150
    return KernelCall(
        function="ep_winograd_s8_arm_dsp",
        sources=(
            f"{FOLDER}/ep_winograd_s8_arm_dsp.c",
            f"{FOLDER}/ep_winograd_input_s8_arm_dsp.S",
        ),
        headers=(f"{FOLDER}/ep_winograd_s8_arm_dsp.h",),
        params_type="ep_winograd_s8_arm_dsp_params",
        params=(
            *image_fields(layer),
            *channel_fields(layer, request.pitch),
            ("band_rows", rows),
            ("held", int(held)),
            ("tiles", tiles),
            *((role, piece.name) for role, piece in pieces.items()),
        ),
        constants=(
            Constant("weights", as_words(pack_filters(layer.w)), "int32_t"),
            Constant("table", _table(acc, rescale, mode), "int32_t", 4 * out_c),
        ),
        inputs=(request.node.inputs[0],),
        scratch_bytes=64 * pairs * tiles
        + (filters if held else 128 * pairs)
        + max(128 * RUN, 64 * (columns + 1))
        + (2 * rows + 2) * row_bytes,
        inplace=in_bands(layer.windows, 2 * rows, held=True),
        instance="".join(piece.instance for piece in pieces.values()),
        instructions=bands * (out_c // 2 * per_pair + rows * (pairs * columns * 90 + row_bytes))
        + (1 if held else bands) * out_c // 2 * 120 * pairs,
        code_bytes=56 * steps + 450,
    )


def _mode(layer: Layer, acc: Accumulators, rescale: Rescale) -> Mode:
    """How results are rounded: with a ReLU at once, where sums with another bit stay within 32."""
    total = 2 * (np.abs(rounding(rescale)) + ((acc.reach * rescale.mult) >> 31) + 2)
    relu = layer.clamp[0] >= layer.yq.scalar[1] and np.all(total < 2**31)
    return Mode.RELU if relu else Mode.TWICE


def _table(acc: Accumulators, rescale: Rescale, mode: Mode) -> Array:
    """Four times the bias, multiplier and shift - 1 (with a ReLU the shift) of each channel."""
    rows = requant_singles(acc, rescale).reshape(-1, 3)
    rows = rows * np.array([4, 1, 1], np.int32) + np.array([0, 0, mode is Mode.RELU], np.int32)
    return np.ascontiguousarray(rows.astype(np.int32)).reshape(-1)


def _band(layer: Layer) -> tuple[int, int, int]:
    """Rows of tiles in a band, tiles in a row, and rows of tiles in all."""
    all_rows, columns = -(-layer.out[0] // 2), -(-layer.out[1] // 2)
    bands = -(-all_rows // -(-TILES // columns))
    return -(-all_rows // bands), columns, all_rows


def pack_filters(w: Array) -> Array:
    """Weights (o, 3, 3, i) int8: pairs of output channels, pairs of input channels, taps, bytes."""
    pairs = np.array(plane_channels(w.shape[3]))  # (pairs, 2)
    taps = w.reshape(w.shape[0] // 2, 2, 9, w.shape[3])[..., pairs]  # (o/2, 2, 9, pairs, 2)
    return np.ascontiguousarray(taps.transpose(0, 3, 2, 4, 1)).reshape(-1)
