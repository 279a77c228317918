"""int8 convolutions: 1x1 kernels read pixels in place, others what is gathered for a line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.ir.fixedpoint import QMAX, QMIN
from edgeprune.kernels.accumulators import accumulators
from edgeprune.kernels.arm_mve._axes import Lines, both_ways
from edgeprune.kernels.arm_mve._pack import LANES, as_words, pack_rows
from edgeprune.kernels.arm_mve._rescale import Int64s, rescale_twice
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.inplace import UNCOPIED, in_lines, in_pixels
from edgeprune.kernels.layer import Layer, conv_layer
from edgeprune.ops.conv import Conv2d

FOLDER = "arch/arm_mve"
BLOCK = 4
GATHERED_BYTES = 2048
"""Scratch that the columns of a line may take; a longer line is cut."""
COPIED_BYTES = 1024
"""Scratch for pixels of a 1x1 kernel whose results may lie over them."""
PHASE = 100
"""Instructions of a part of a dilated convolution beside its own."""
COPY_PAYS = 32
"""Output channels from which on copying them is cheap."""
FEW = 100
"""What is added to the weights of a layer may be one in so many bytes of the model's constants."""


def saturates(layer: Layer) -> bool:
    """Whether saturation is the clamp, and nothing below zero is left."""
    return layer.clamp == (QMIN, QMAX) and layer.yq.scalar[1] == QMIN


def conv2d(request: Request) -> KernelCall | None:
    """Convolutions whose scales are below 1."""
    layer = conv_layer(request) if isinstance(request.node.op, Conv2d) else None
    if layer is None:
        return None
    if layer.kernel == (1, 1) and layer.groups == 1 and _unpadded(layer):
        return _pointwise(request, layer)
    # both, as bands of several heights take the same weights, which columns have turned
    found = (_gathered(request, layer, at) for at in both_ways(layer, request.pitch))
    calls = sorted(filter(None, found), key=lambda call: call.instructions)
    return replace(calls[0], others=tuple(calls[1:])) if calls else None


def are_few(request: Request, added: int) -> bool:
    """Whether a layer may have so many bytes more; never where size counts, or there are codes."""
    stored = sum(int(c.nbytes) for c in request.graph.constants.values())
    return request.pads and request.optimize == "speed" and added * FEW <= stored


def _constants(layer: Layer, w: Array) -> tuple[Constant, ...] | None:
    """Packed weights and table; None where the arithmetic does not hold.

    Args:
        layer: the convolution.
        w: its weights in the order in which their inputs lie, (o, ...).
    """
    rows = w.reshape(len(w), -1)
    acc = accumulators(rows, layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(layer, acc)
    if rescale is None:
        return None
    each = len(w) // layer.groups
    groups = [slice(k, k + each) for k in range(0, len(w), each)]
    weights = [pack_rows(rows[s], BLOCK) for s in groups]
    tables = [_table(acc.bias[s], rescale.mult[s], rescale.shift[s]) for s in groups]
    return (
        Constant("weights", np.concatenate(weights)),
        Constant("table", np.concatenate(tables), "int32_t", 4 * len(w)),
    )


def _unpadded(layer: Layer) -> bool:
    """Whether every window lies inside the image."""
    last = [(layer.out[i] - 1) * layer.stride[i] for i in (0, 1)]
    inside = last[0] < layer.image[0] and last[1] < layer.image[1]
    return inside and layer.pad_top == 0 and layer.pad_left == 0


def _pointwise(request: Request, layer: Layer) -> KernelCall | None:
    (_, in_w, in_c), (out_h, out_w, _) = layer.image, layer.out
    sy, sx = layer.stride
    lines, pixels, x_step = out_h, out_w, sx * in_c
    if in_w == out_w and sy == 1:  # no pixel is left out, and all of them are one line
        lines, pixels, x_step = 1, out_h * out_w, in_c
    constants = _constants(layer, layer.w)
    if constants is None:
        return None
    work = lines * _line_work(layer, in_c, pixels)
    wide = layer.stride == (1, 1) and layer.out[2] >= COPY_PAYS
    copied = wide and request.pitch == layer.out[2]
    whole = layer.out[2] % BLOCK == 0  # else single channels are computed behind the others
    over = in_pixels(layer.windows, 1, late=0 if copied else UNCOPIED) if copied or whole else None
    block = max(2, COPIED_BYTES // in_c // 2 * 2)
    geometry = (
        (("pixels", pixels), ("block", block))
        if copied
        else (
            ("lines", lines),
            ("pixels", pixels),
            ("line_step", sy * in_w * in_c),
            ("x_step", x_step),
            ("y_step", request.pitch),
        )
    )
    name = f"ep_conv2d_1x1_{'copied_' if copied else ''}s8_arm_mve"
    call = KernelCall(
        function=name,
        sources=(
            f"{FOLDER}/ep_conv2d_1x1_s8_arm_mve.c",
            f"{FOLDER}/ep_conv_line_arm_mve.c",
            f"{FOLDER}/ep_conv_pairs_arm_mve.S",
            f"{FOLDER}/ep_conv_single_arm_mve.S",
        ),
        headers=(f"{FOLDER}/ep_conv2d_1x1_s8_arm_mve.h",),
        params_type=f"{name}_params",
        params=(("line", _line(layer, in_c)), *geometry),
        constants=constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=block * in_c if copied else 0,
        inplace=over,
        instructions=work + (pixels * (in_c // 4 + 180 // block) if copied else 0),
    )
    few = _of_few(request, layer)
    return replace(few, others=(call,)) if few else call


def _of_few(request: Request, layer: Layer) -> KernelCall | None:
    """Up to sixteen inputs of a pixel, which stay in registers; no pixel is left out."""
    (_, _, in_c), (out_h, out_w, out_c) = layer.image, layer.out
    if in_c > LANES or out_c % BLOCK or layer.stride != (1, 1) or request.pitch != out_c:
        return None
    relu, step = saturates(layer), LANES // 2 if in_c <= LANES // 2 else LANES
    zeros = step - in_c
    if layer.clamp != (QMIN, QMAX) or (zeros and not are_few(request, out_c * zeros)):
        return None
    w = layer.w.reshape(out_c, in_c)
    acc = accumulators(w, layer.bias, layer.xq.scalar[1])
    rescale = rescale_twice(layer, acc)
    if rescale is None or not (relu or np.all(rescale.shift < 0)):
        return None
    rows = np.pad(w, ((0, 0), (0, zeros))).ravel()
    shifts = as_words(rescale.shift)
    table = np.stack([acc.bias, rescale.mult], axis=1).reshape(-1, 2 * BLOCK)
    table = np.insert(table, BLOCK, shifts, axis=1)
    family = "ep_conv2d_1x1_few"
    name = f"{family}{step}_{'relu_' if relu else ''}s8_arm_mve"
    pixels, groups = out_h * out_w, -(-out_h * out_w // BLOCK)
    return KernelCall(
        function=name,
        sources=(f"{FOLDER}/{name}.S",),
        headers=(f"{FOLDER}/{family}_s8_arm_mve.h",),
        params_type=f"{family}_s8_arm_mve_params",
        params=(
            ("in_c", in_c),
            ("pixels", pixels),
            ("out_c", out_c),
            ("blocks", out_c // BLOCK),
            ("y_zero", layer.yq.scalar[1]),
        ),
        constants=(
            # the last load of rows of eight reads on
            Constant("weights", np.append(rows, rows[: LANES - step]).astype(np.int8)),
            Constant("table", table.astype(np.int32).ravel(), "int32_t", 4 * out_c),
        ),
        inputs=(request.node.inputs[0],),
        inplace=in_pixels(layer.windows, 1),
        instructions=60 + groups * (38 + out_c // BLOCK * (55 if relu else 60)),
    )


def _gathered(request: Request, layer: Layer, at: Lines) -> KernelCall | None:
    in_c, phase = layer.image[2] // layer.groups, at.phase
    lines, pixels, kernel = phase.lines, phase.pixels, phase.pixels.kernel
    w = layer.w.transpose((0, 2, 1, 3) if at.by_row else (0, 1, 2, 3)).reshape(layer.out[2], -1)
    zeros = _zeros(request, w)
    constants = _constants(layer, np.pad(w, ((0, 0), (0, zeros))))
    if constants is None:
        return None
    step = pixels.stride
    place = lines.kernel * in_c
    in_len = kernel * place + zeros
    most = max(2, (GATHERED_BYTES // place - kernel) // step + 1)
    block = min(pixels.out, most - most % 2)
    places = (block - 1) * step + kernel
    blocks = -(-pixels.out // block)
    fresh = min(lines.kernel, lines.stride)
    each = 6 * -(-in_c // LANES)
    if 2 * in_c <= LANES and at.pixels.in_step == in_c:  # as many as fill a vector at once
        each = -(-5 // (LANES // in_c))
    fill = blocks * (fresh * (90 + places * each) + places * place // 5)
    over = None
    if not at.dilated:
        over = in_lines(layer.windows, held=True, by_row=at.by_row, block=block)
    dilated = "dilated_" if at.dilated else ""
    work = layer.groups * lines.out * (fill + _line_work(layer, in_len, pixels.out))
    return KernelCall(
        function=f"ep_conv2d_{dilated}s8_arm_mve",
        sources=(
            *((f"{FOLDER}/ep_conv2d_dilated_s8_arm_mve.c",) if dilated else ()),
            f"{FOLDER}/ep_conv2d_s8_arm_mve.c",
            f"{FOLDER}/ep_spread_arm_mve.S",
            f"{FOLDER}/ep_conv_line_arm_mve.c",
            f"{FOLDER}/ep_conv_pairs_arm_mve.S",
            f"{FOLDER}/ep_conv_single_arm_mve.S",
        ),
        headers=(f"{FOLDER}/ep_conv2d_s8_arm_mve.h",),
        params_type="ep_conv2d_s8_arm_mve_params",
        params=(
            ("line", _line(layer, in_len)),
            ("lines", at.lines.text),
            ("pixels", at.pixels.text),
            ("groups", layer.groups),
            ("in_c", in_c),
            ("w_group", constants[0].values.size // layer.groups),
            ("table_group", constants[1].values.size // layer.groups),
            ("x_zero", layer.xq.scalar[1]),
            ("block", block),
        ),
        constants=constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=places * place + zeros,
        inplace=over,
        instructions=at.phases * (work + PHASE * at.dilated),
        loops=at.phases * layer.groups * lines.out * blocks,
    )


def _zeros(request: Request, w: Array) -> int:
    """Weights of 0 that fill the last vector of every channel (o, ...), if they are few.

    They meet what lies behind the gathered inputs of a pixel, whatever that is.
    """
    zeros = -w.shape[1] % LANES
    return zeros if are_few(request, len(w) * zeros) else 0


def _line(layer: Layer, in_len: int) -> str:
    """The initialiser of the ``ep_conv_line`` of a group."""
    values = (
        in_len,
        layer.out[2] // layer.groups,
        layer.yq.scalar[1],
        *layer.clamp,
        int(saturates(layer)),
    )
    return f"{{{', '.join(map(str, values))}}}"


def _line_work(layer: Layer, in_len: int, pixels: int) -> int:
    """Estimated instructions of one line of a group."""
    blocks, singles = divmod(layer.out[2] // layer.groups, BLOCK)
    each = 15 * (in_len // LANES) + (24 if in_len % LANES else 0) + (29 if saturates(layer) else 37)
    pairs = -(-pixels // 2)
    fours = -(-pixels // 4) if pixels >= 4 else pixels
    alone = singles * (60 + fours * (10 * -(-in_len // LANES) + 27))
    return 80 + pairs * (11 + blocks * each) + alone


def _table(bias: Int64s, mult: Int64s, shift: Int64s) -> Array:
    """Biases, multipliers and shifts, block by block."""
    words: list[int] = []
    whole = len(bias) - len(bias) % BLOCK
    for k in range(0, whole, BLOCK):
        s = slice(k, k + BLOCK)
        words += [*bias[s].tolist(), *mult[s].tolist(), *as_words(shift[s]).tolist()]
    for k in range(whole, len(bias)):
        words += [int(bias[k]), int(mult[k]), int(shift[k])]
    return np.array(words, np.int32)
