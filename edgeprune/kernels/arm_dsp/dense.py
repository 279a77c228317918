"""int8 fully connected layers: activations widened once, four channels at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from edgeprune.ir import Array, QuantParams
from edgeprune.ir.fixedpoint import effective_scales, single_multiplier
from edgeprune.kernels.arm_dsp._requant import Mode, Rescale, narrow_holds, requant_table, wrap32
from edgeprune.kernels.arm_dsp._tiles import Piece, Planes, Tile, as_words, pack_weights, round_of
from edgeprune.kernels.bounds import Accumulators, accumulators
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.layer import DenseLayer, dense_layer
from edgeprune.ops import Dense

FOLDER = "arch/arm_dsp"

REST_STEPS = 8
"""Steps that the loop of the last one to three channels unrolls."""

REST_BYTES = 320
"""Code of that loop: fewer zeros than that fill up a four instead."""

LOG_UNROLL = {"size": 1, "speed": 3}
"""Four inputs so many times, as a power of two, are one round of the loop."""


def rescale_once(
    acc: Accumulators, xq: QuantParams, wq: QuantParams, yq: QuantParams, clamp: tuple[int, int]
) -> Rescale | None:
    """Multipliers and shifts >= 2 with which one rounding is exact; None where there are none."""
    scales = effective_scales(xq, wq, yq)
    zero = yq.scalar[1]
    shared = len(scales) == 1
    low = [int(acc.low.min())] if shared else acc.low.tolist()
    high = [int(acc.high.max())] if shared else acc.high.tolist()
    try:
        found = [
            single_multiplier(s, lo, hi, zero, clamp)
            for s, lo, hi in zip(scales.tolist(), low, high, strict=True)
        ]
    except ValueError:
        return None
    channels = len(acc.bias)
    mult = np.broadcast_to(np.array([m for m, _ in found], np.int64), channels)
    shift = np.broadcast_to(np.array([-s for _, s in found], np.int64), channels)
    if np.any(shift < 2):
        return None
    # Where the shift is too long for the rounding constant and the result is the zero point,
    # whatever comes, a factor of zero and a short shift give the same.
    long = np.abs(2 * zero + 1) << np.minimum(shift + 6, 40) >= 2**31
    vanishes = long & ((acc.reach + 1) * mult < np.int64(1) << np.minimum(30 + shift, 62))
    mult, shift = np.where(vanishes, 0, mult), np.where(vanishes, 2, shift)
    return Rescale(mult, shift, zero)


def _fits(acc: Accumulators, r: Rescale, *, narrow: bool) -> bool:
    """Whether rounding constant and high word stay within 32 bits."""
    constant = np.abs(2 * r.zero + 1) * (np.int64(1) << (r.shift - 2))
    product = ((acc.reach * r.mult) >> 32) + 1
    total = constant + product
    if narrow:
        total[1::2] *= 256
    return bool(np.all(total < 2**31) and np.all(acc.reach < 2**31))


@dataclass(frozen=True)
class DenseNumbers:
    """Packed weights and table, and the form that they are in."""

    weights: Array
    table: Array
    narrow: bool
    shared: bool
    rescale: Rescale


def pack_quads(w: Array, *, narrow: bool) -> Array:
    """Weights of whole fours of channels, (o, i) with o a multiple of 4, in their loop's order."""
    inputs = w.shape[1]
    quads = w.shape[0] // 4
    if quads == 0:
        return np.zeros(0, np.int8)
    wide = w.astype(np.int64)
    a, b = wide[0::2], wide[1::2]
    if narrow:
        b = b - (a < 0)
    fours = inputs // 4
    rest = inputs - 4 * fours

    def words(lanes: list[tuple[int, int]], offset: int, count: int) -> Array:
        """(quads, count, lane pairs, pair, 4): words of both pairs for each pair of lanes."""
        parts = []
        for k0, k1 in lanes:
            at0 = offset + k0 + 4 * np.arange(count)
            at1 = offset + k1 + 4 * np.arange(count)
            word = np.stack([a[:, at0], b[:, at0], a[:, at1], b[:, at1]], axis=-1)
            parts.append(word.reshape(quads, 2, count, 4))
        return np.stack(parts, axis=2).transpose(0, 3, 2, 1, 4)

    streams = [words([(0, 2), (1, 3)], 0, fours).reshape(quads, -1)]
    at = 4 * fours
    if rest >= 2:
        streams.append(words([(0, 1)], at, 1).reshape(quads, -1))
    if rest % 2:
        last = inputs - 1
        streams.append(
            np.stack([a[0::2, last], b[0::2, last], a[1::2, last], b[1::2, last]], axis=-1)
        )
    return np.concatenate(streams, axis=1).reshape(-1).astype(np.int8)


def _quads_table(acc: Accumulators, r: Rescale, *, narrow: bool, shared: bool) -> list[int]:
    rows: list[int] = []
    for k in range(0, len(acc.bias), 4):
        for j in (k, k + 2):
            a, b = int(acc.bias[j]), int(acc.bias[j + 1])
            rows += [a, a + 256 * b if narrow else b]
        if not shared:
            for j in range(k, k + 4):
                ahead = 8 if narrow and j % 2 else 0
                rows += [int(r.mult[j]), int(r.shift[j]) - 2 + ahead]
    return [wrap32(v) for v in rows]


def _filled(layer: DenseLayer) -> DenseLayer:
    """The layer with zero channels up to a multiple of four, where that is less than more code."""
    channels, inputs = layer.w.shape
    missing = -channels % 4
    if missing * (inputs + 4) > REST_BYTES:
        return layer
    scales = layer.wq.scale
    if len(scales) > 1:
        scales = (*scales, *[scales[-1]] * missing)
    return replace(
        layer,
        w=np.pad(layer.w, ((0, missing), (0, 0))),
        bias=np.pad(layer.bias, (0, missing)),
        wq=replace(layer.wq, scale=scales, zero_point=(0,) * len(scales)),
    )


def dense_numbers(layer: DenseLayer) -> DenseNumbers | None:
    """Weights and table; None where the arithmetic does not hold."""
    acc = accumulators(layer.w, layer.bias, layer.xq.scalar[1])
    rescale = rescale_once(acc, layer.xq, layer.wq, layer.yq, layer.clamp)
    if rescale is None:
        return None
    narrow = narrow_holds(acc, layer.w) and _fits(acc, rescale, narrow=True)
    if not narrow and not _fits(acc, rescale, narrow=False):
        return None
    shared = len(set(zip(rescale.mult.tolist(), rescale.shift.tolist(), strict=True))) == 1
    channels = len(layer.w)
    cut = channels - channels % 4
    weights = [pack_quads(layer.w[:cut], narrow=narrow)]
    table = _quads_table(
        acc.part(slice(cut)), rescale.part(slice(cut)), narrow=narrow, shared=shared
    )
    p = _planes(layer)
    for start, stop in pairwise(rest_bounds(channels)):
        some = slice(start, stop)
        w = layer.w[some][:, None, None, :]
        weights.append(pack_weights(w, p, narrow=narrow))
        part = requant_table(acc.part(some), rescale.part(some), Mode.ONCE, narrow=narrow)
        table += part.tolist()
    return DenseNumbers(np.concatenate(weights), np.array(table, np.int32), narrow, shared, rescale)


def rest_bounds(channels: int) -> list[int]:
    """Where the last channels % 4 are split: two, then one."""
    bounds = [channels - channels % 4]
    if channels % 4 >= 2:
        bounds.append(bounds[0] + 2)
    if channels % 2:
        bounds.append(channels)
    return bounds


def _planes(layer: DenseLayer) -> Planes:
    return Planes(layer.w.shape[1], 1, 1, 1, 1)


def _uneven(request: Request) -> bool:
    """Whether any layer has inputs beside its fours: one loop does for all where size counts."""
    graph = request.graph
    inputs = (graph.types_of(n)[1].shape[1] for n in graph.nodes if isinstance(n.op, Dense))
    return any(n % 4 for n in inputs)


def dense(request: Request) -> KernelCall | None:
    """Fully connected layers whose numbers the loop can hold."""
    asked = dense_layer(request)
    layer = _filled(asked) if asked else None
    numbers = dense_numbers(layer) if layer else None
    p = _planes(layer) if layer else None
    if asked is None or layer is None or numbers is None or p is None:
        return None
    turn = round_of(p, 1, REST_STEPS)
    if turn is None:
        return None
    channels, inputs = layer.w.shape
    rest = [
        Tile(p, 1, 1, solo, numbers.narrow, Mode.ONCE, layer.clamp, turn, False)
        for solo, wanted in ((False, channels % 4 >= 2), (True, channels % 2 == 1))
        if wanted
    ]
    pair = next((t.name for t in rest if not t.solo), "{0, 0}")
    solo = next((t.name for t in rest if t.solo), "{0, 0}")
    bytes_ = request.optimize == "size" and not rest  # no working memory, less code
    uneven = _uneven(request) if bytes_ else inputs % 4 != 0
    form = (int(not numbers.narrow), int(numbers.shared), int(uneven), int(bytes_))
    quads = Piece("quads", (*form, LOG_UNROLL[request.optimize], *layer.clamp))
    shift = int(numbers.rescale.shift[0])
    four = (14 if numbers.narrow else 18) + 2 * bytes_
    each = 40 if numbers.shared else 50
    work = (
        channels
        // 4
        * (
            inputs // 4 * four
            + inputs // (4 << LOG_UNROLL[request.optimize]) * 2
            + 12 * uneven
            + each
        )
    )
    work += sum(t.instructions + 20 for t in rest) + inputs * 3 // 4 * (not bytes_) + 160
    common = (
        ("rows", layer.rows),
        ("in_len", inputs),
        ("out_len", len(asked.w)),
        ("twice_zero", 2 * layer.yq.scalar[1] + 1),
    )
    rescale = (
        ("mult", int(numbers.rescale.mult[0])),
        ("shift_a", shift - 2),
        ("shift_b", shift - 2 + (8 if numbers.narrow else 0)),
    )
    constants = (
        Constant("weights", as_words(numbers.weights), "int32_t"),
        Constant("table", numbers.table, "int32_t", 4 * channels),
    )
    loop_bytes = 160 + (4 * four << LOG_UNROLL[request.optimize])
    if bytes_:
        return KernelCall(
            function="ep_dense_bytes_s8_arm_dsp",
            sources=(f"{FOLDER}/ep_dense_bytes_s8_arm_dsp.c",),
            headers=(f"{FOLDER}/ep_dense_bytes_s8_arm_dsp.h",),
            params_type="ep_dense_bytes_s8_arm_dsp_params",
            params=(*common, *rescale, ("quads", quads.name)),
            constants=constants,
            inputs=(request.node.inputs[0],),
            instance=quads.instance,
            instructions=layer.rows * work,
            code_bytes=loop_bytes,
        )
    return KernelCall(
        function="ep_dense_s8_arm_dsp",
        sources=(f"{FOLDER}/ep_dense_s8_arm_dsp.c",),
        headers=(f"{FOLDER}/ep_dense_s8_arm_dsp.h",),
        params_type="ep_dense_s8_arm_dsp_params",
        params=(
            *common,
            ("shared", int(numbers.shared)),
            *rescale,
            ("filled", int(channels != len(asked.w))),
            ("quads", quads.name if channels >= 4 else "0"),
            ("pair", pair),
            ("solo", solo),
        ),
        constants=constants,
        inputs=(request.node.inputs[0],),
        scratch_bytes=4 * ((inputs + 1) // 2),
        inplace=0
        if layer.rows == 1 or len(asked.w) <= inputs
        else None,  # a vector is widened first
        instance=(quads.instance if channels >= 4 else "") + "".join(t.instance for t in rest),
        instructions=layer.rows * work,
        code_bytes=(loop_bytes if channels >= 4 else 0) + sum(t.code_bytes for t in rest),
    )
