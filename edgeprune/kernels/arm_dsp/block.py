"""int8 convolutions block by block of output rows, weights of four channels beside the block.

``runtime_c/arch/arm_dsp/ep_conv2d_block_s8_arm_dsp.h`` has the loop: weights are read from flash
once a block instead of once for each four pixels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.kernels.arm_dsp._geometry import channel_fields, image_fields, window_fields
from edgeprune.kernels.arm_dsp._numbers import conv_numbers
from edgeprune.kernels.arm_dsp._requant import Mode
from edgeprune.kernels.arm_dsp._tiles import Piece, Planes
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.inplace import in_blocks
from edgeprune.kernels.layer import LONGEST, Layer

FOLDER = "arch/arm_dsp"
STEPS = 11
"""That a round unrolls: with what follows it fits a cache of 1,024 bytes."""
PIXELS = 48
"""Of a block, at least, where there are so many: its weights are copied for each."""
MOST_BYTES = 16384
"""Widened activations of a block that has more than the fewest pixels."""
FEWEST = 8
"""Pixels of a block whose activations take more."""
ROOM = 32768
"""Working memory that a block may take."""
PADDING = 8
"""Zeros beside odd rows of the kernel: fewer than one in so many weights."""


def block(request: Request, layer: Layer) -> KernelCall | None:
    """One group, an even number of channels, columns that are not dilated.

    Not for cores that begin two instructions together: the other tiles have forms for these.
    """
    layer = _flat(layer)
    in_c, (out_h, out_w, out_c), (kh, kw) = layer.image[2], layer.out, layer.kernel
    run, steps = kw * in_c, kh * ((kw * in_c + 1) // 2)
    plain = not request.pairs and layer.groups == 1 and (kw == 1 or layer.dilation[1] == 1)
    if not plain or out_c % 2 or out_c < 4 or (run % 2 and not (request.pads and run > PADDING)):
        return None
    planes = Planes(run + run % 2, 1, 1, 1, 4)
    w = np.pad(layer.w.reshape(out_c, kh, 1, run), ((0, 0), (0, 0), (0, 0), (0, run % 2)))
    numbers = conv_numbers(layer, w, planes)
    if numbers is None or not numbers.narrow:
        return None
    rows = _rows(layer, steps)
    bordered = _bordered_columns(layer)
    tiles = -(-rows * out_w // 2)
    held = (rows - 1) * layer.stride[0] + (kh - 1) * layer.dilation[0] + 1
    scratch = 4 * (16 + 2 * steps) + 8 * tiles * steps + held * bordered * in_c
    if scratch > ROOM:
        return None
    blocks, fours = -(-out_h // rows), -(-out_c // 4)
    piece = Piece("block", (STEPS, int(numbers.mode), *layer.clamp))
    cut = (layer.clamp[0] > -128) + (layer.clamp[1] < 127)
    each = 4 + 3 * cut + (numbers.mode is Mode.TWICE)
    # In cycles, which grow more evenly here than instructions: a step has 14 of these in 15.
    tile = 15 * steps + 7 * -(-steps // STEPS) + 8 * each + 69
    pairs = -(-out_h * out_w // 2)
    widen = pairs * (kh * (11 * (run // 4) + 12 + 24 * (run % 4 > 0)) + 90)
    loaded = out_h * layer.stride[0] + blocks * (held - rows * layer.stride[0])
    widen += loaded * (bordered * in_c + 80) if bordered else 0
    return KernelCall(
        function="ep_conv2d_block_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_conv2d_block_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_conv2d_block_s8_arm_dsp.h",),
        params_type="ep_conv2d_block_s8_arm_dsp_params",
        params=(
            *image_fields(layer),
            *channel_fields(layer, request.pitch),
            *window_fields(layer),
            ("run", run),
            ("steps", steps),
            ("rows", rows),
            ("bordered_w", bordered),
            ("more", 64 if numbers.mode is Mode.RELU else 0),
            ("lead", 8 * (-steps % STEPS)),
            ("block", piece.name),
        ),
        constants=numbers.constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=scratch,
        inplace=in_blocks(layer.windows, rows),
        instance=piece.instance,
        instructions=fours * (pairs * tile + blocks * (3 * steps + 250)) + widen,
        code_bytes=48 * STEPS + 32 * each + 190,
    )


def _flat(layer: Layer) -> Layer:
    """A convolution of single pixels, all of them in one column: blocks end anywhere."""
    if layer.kernel != (1, 1) or layer.stride != (1, 1) or layer.image[:2] != layer.out[:2]:
        return layer
    pixels = layer.out[0] * layer.out[1]
    if pixels > LONGEST:
        return layer
    image, out = (pixels, 1, layer.image[2]), (pixels, 1, layer.out[2])
    return replace(layer, image=image, out=out, pad_top=0, pad_left=0)


def _rows(layer: Layer, steps: int) -> int:
    """Output rows of a block, all blocks of nearly equal height."""
    out_h, out_w = layer.out[:2]
    pixels = min(PIXELS, max(MOST_BYTES // (4 * steps), FEWEST))
    blocks = -(-out_h // max(1, pixels // out_w))
    rows = -(-out_h // blocks)
    return rows + (rows % 2 and rows * out_w % 2 and rows < out_h)


def _bordered_columns(layer: Layer) -> int:
    """Columns that windows read, the border counted; 0 where none of them is beside the image."""
    within = all(
        a.pad == 0 and (a.out - 1) * a.stride + (a.kernel - 1) * a.dilation < a.size
        for a in (layer.windows.rows, layer.windows.columns)
    )
    if within:
        return 0
    return (layer.out[1] - 1) * layer.stride[1] + layer.kernel[1]
