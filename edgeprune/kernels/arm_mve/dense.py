"""int8 fully connected layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array
from edgeprune.ir.fixedpoint import effective_scales, single_multipliers
from edgeprune.kernels.accumulators import Accumulators, accumulators
from edgeprune.kernels.arm_mve._pack import LANES, as_words, pack_rows
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.layer import DenseLayer, dense_layer

FOLDER = "arch/arm_mve"
BLOCK = 8

Int64s = NDArray[np.int64]


def dense(request: Request) -> KernelCall | None:
    """Fully connected layers whose accumulators fit and whose multipliers are below one half."""
    layer = dense_layer(request)
    if layer is None:
        return None
    acc = accumulators(layer.w, layer.bias, layer.xq.scalar[1])
    found = _rescale(layer, acc)
    if found is None or np.any(acc.reach >= 2**31):
        return None
    mult, shift = found
    channels, n = layer.w.shape
    shared = len(set(zip(mult.tolist(), shift.tolist(), strict=True))) == 1
    blocks, singles = divmod(channels, BLOCK)
    work = blocks * (19 * (n // LANES) + (28 if n % LANES else 0) + (28 if shared else 34))
    return KernelCall(
        function="ep_dense_shared_s8_arm_mve" if shared else "ep_dense_s8_arm_mve",
        sources=(f"{FOLDER}/ep_dense_s8_arm_mve.c", f"{FOLDER}/ep_dense_blocks_arm_mve.S"),
        headers=(f"{FOLDER}/ep_dense_s8_arm_mve.h",),
        params_type="ep_dense_s8_arm_mve_params",
        params=(
            ("rows", layer.rows),
            ("in_len", n),
            ("out_len", channels),
            ("y_zero", layer.yq.scalar[1]),
            ("act_min", layer.clamp[0]),
            ("act_max", layer.clamp[1]),
            ("mult", int(mult[0]) if shared else 0),
            ("shift", int(shift[0]) if shared else -1),
        ),
        constants=(
            Constant("weights", pack_rows(layer.w, BLOCK)),
            Constant("table", _table(acc, mult, shift, shared), "int32_t", 4 * channels),
        ),
        inputs=(request.node.inputs[0],),
        instructions=layer.rows * (work + singles * (16 * -(-n // LANES) + 45) + 80),
    )


def _rescale(layer: DenseLayer, acc: Accumulators) -> tuple[Int64s, Int64s] | None:
    """Multipliers and shifts < 0 with which one rounding is exact; None where there are none."""
    scales = effective_scales(layer.xq, layer.wq, layer.yq)
    shared = len(scales) == 1
    low = acc.low.min(keepdims=True) if shared else acc.low
    high = acc.high.max(keepdims=True) if shared else acc.high
    try:
        mult, shift = single_multipliers(scales, low, high, layer.yq.scalar[1], layer.clamp)
    except ValueError:
        return None
    mult, shift = (np.broadcast_to(a, len(acc.bias)) for a in (mult, shift))
    return None if np.any(shift >= 0) else (mult, shift)


def _table(acc: Accumulators, mult: Int64s, shift: Int64s, shared: bool) -> Array:
    """Biases, multipliers and shifts, block by block."""
    words: list[int] = []
    whole = len(mult) - len(mult) % BLOCK
    for k in range(0, whole, BLOCK):
        words += acc.bias[k : k + BLOCK].tolist()
        if not shared:
            even_then_odd = [*range(k, k + BLOCK, 2), *range(k + 1, k + BLOCK, 2)]
            words += mult[even_then_odd].tolist()
            words += as_words(shift[even_then_odd]).tolist()
    for k in range(whole, len(mult)):
        words += [int(acc.bias[k]), int(mult[k]), int(shift[k])]
    return np.array(words, np.int32)
