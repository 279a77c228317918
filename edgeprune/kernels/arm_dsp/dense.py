"""int8 fully connected layers: activations widened once, four channels at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from edgeprune.ir import Array, Over
from edgeprune.kernels.accumulators import Accumulators, accumulators
from edgeprune.kernels.arm_dsp._requant import (
    Mode,
    Rescale,
    narrow_fits,
    requant_table,
    rescaled,
    shifted,
    wrap32,
)
from edgeprune.kernels.arm_dsp._tiles import (
    Piece,
    Planes,
    Round,
    Tile,
    as_words,
    pack_weights,
    round_of,
)
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.layer import DenseLayer
from edgeprune.ops import Dense

FOLDER = "arch/arm_dsp"

REST_STEPS = 8
"""Steps that the loop of the last one to three channels unrolls."""

REST_BYTES = 320
"""Code of that loop: fewer zeros than that fill up a four instead."""

LOG_UNROLL = {"size": 1, "speed": 3}
"""Four inputs so many times, as a power of two, are one round of the loop."""

LOG_UNROLL_OCTS = 2
"""The same for eight channels: the code fits a cache of 1,024 bytes."""


@dataclass(frozen=True)
class DenseNumbers:
    """Packed weights and table, and the form that they are in."""

    weights: Array
    table: Array
    narrow: bool
    shared: bool
    rescale: Rescale
    mode: Mode


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
        """(quads, count, pair, lane pairs, 4): words of both pairs for each pair of lanes."""
        parts = []
        for k0, k1 in lanes:
            at0 = offset + k0 + 4 * np.arange(count)
            at1 = offset + k1 + 4 * np.arange(count)
            word = np.stack([a[:, at0], b[:, at0], a[:, at1], b[:, at1]], axis=-1)
            parts.append(word.reshape(quads, 2, count, 4))
        return np.stack(parts, axis=2).transpose(0, 3, 1, 2, 4)

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


def pack_octs(w: Array) -> Array:
    """Weights of whole eights of channels, (o, i) with i a multiple of 4, in their loop's order."""
    wide = w.astype(np.int64)
    a, b = wide[0::2], wide[1::2]
    pairs = np.stack([a, b - (a < 0)], axis=-1).reshape(len(w) // 8, 4, -1, 4, 2)
    halves = np.stack([pairs[:, :, :, 0::2], pairs[:, :, :, 1::2]], axis=2)
    return halves.transpose(0, 3, 1, 2, 4, 5).reshape(-1).astype(np.int8)


def neighbours(w: Array) -> Array:
    """Products of neighbouring weights in each whole four, summed: (o, i) to int64 (o,)."""
    fours = w[:, : w.shape[1] // 4 * 4].astype(np.int64)
    sums: Array = (fours[:, 0::2] * fours[:, 1::2]).sum(axis=1)
    return sums


def _blocks_table(
    acc: Accumulators,
    r: Rescale,
    mode: Mode,
    products: Array,
    *,
    narrow: bool,
    shared: bool,
    block: int = 4,
) -> list[int]:
    rows: list[int] = []
    apart = (acc.bias - products).tolist()  # of channels that are summed apart
    less, more = shifted(mode, narrow=narrow)
    for k in range(0, len(acc.bias), block):
        for j in range(k, k + block, 2):
            together = int(acc.bias[j]) + 256 * int(acc.bias[j + 1])
            rows += [apart[j], together if narrow else apart[j + 1]]
        if not shared:
            for j in range(k, k + block):
                rows += [int(r.mult[j]), int(r.shift[j]) - less + (more if j % 2 else 0)]
    return [wrap32(v) for v in rows]


def _filled(layer: DenseLayer, *, pads: bool) -> DenseLayer:
    """The layer with zero channels up to a multiple of four, where that is less than more code."""
    channels, inputs = layer.w.shape
    missing = -channels % 4
    if not pads or missing * (inputs + 4) > REST_BYTES:
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
    rounded = rescaled(acc, layer)
    if rounded is None:
        return None
    rescale, mode = rounded
    narrow = narrow_fits(acc, layer.w, rescale, mode)
    same = len(set(zip(rescale.mult.tolist(), rescale.shift.tolist(), strict=True))) == 1
    shared = same and mode is Mode.ONCE
    channels = len(layer.w)
    cut = channels - channels % 4
    weights = [pack_quads(layer.w[:cut], narrow=narrow)]
    fours = acc.part(slice(cut)), rescale.part(slice(cut))
    products = neighbours(layer.w[:cut])
    table = _blocks_table(*fours, mode, products, narrow=narrow, shared=shared)
    p = _planes(layer)
    for start, stop in pairwise(rest_bounds(channels)):
        some = slice(start, stop)
        w = layer.w[some][:, None, None, :]
        weights.append(pack_weights(w, p, narrow=narrow))
        part = requant_table(acc.part(some), rescale.part(some), mode, narrow=narrow)
        table += part.tolist()
    arrays = np.concatenate(weights), np.array(table, np.int32)
    return DenseNumbers(*arrays, narrow, shared, rescale, mode)


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


def _left_over(request: Request, block: int) -> set[int]:
    """Inputs beside whole blocks, of all layers: one loop does for all, for less code."""
    graph = request.graph
    return {graph.types_of(n)[1].shape[1] % block for n in graph.nodes if isinstance(n.op, Dense)}


def dense_calls(request: Request, asked: DenseLayer) -> list[KernelCall]:
    """Matrix times vectors, where the loop can hold the numbers.

    With activations that are widened once, in working memory; or, where size counts and for
    memory's sake, from bytes.
    """
    layer = _filled(asked, pads=request.pads)
    numbers = dense_numbers(layer)
    turn = round_of(_planes(layer), 1, REST_STEPS)
    if numbers is None or turn is None:
        return []
    form = _Form(request, asked, layer, numbers, turn)
    if len(layer.w) % 4:
        return [form.widened]
    if request.optimize == "size":
        return [form.of_bytes]
    channels, inputs = asked.w.shape
    eights = channels % 8 == 0 and inputs % 4 == 0 and inputs >= 8
    octs = eights and numbers.narrow and asked.once
    return [form.widened, form.octs if octs else form.of_bytes]


@dataclass(frozen=True)
class _Form:
    """The calls that can compute a layer."""

    request: Request
    asked: DenseLayer
    layer: DenseLayer
    numbers: DenseNumbers
    turn: Round

    def _call(
        self,
        kernel: str,
        loop: tuple[str, Piece | None],
        work: int,
        constants: tuple[Array, Array],
        loop_bytes: int,
    ) -> KernelCall:
        """What all have in common, from blocks of channels alone."""
        n, asked = self.numbers, self.asked
        channels, inputs = self.layer.w.shape
        paired = (channels - channels % 2) * inputs if n.narrow else 0
        shift = int(n.rescale.shift[0]) if n.shared else 2
        role, piece = loop
        return KernelCall(
            function=f"ep_dense_{kernel}s8_arm_dsp",
            sources=(f"{FOLDER}/ep_dense_{kernel}s8_arm_dsp.c",),
            headers=(f"{FOLDER}/ep_dense_{kernel}s8_arm_dsp.h",),
            params_type=f"ep_dense_{kernel}s8_arm_dsp_params",
            params=(
                ("rows", asked.rows),
                ("in_len", asked.w.shape[1]),
                ("out_len", len(asked.w)),
                ("twice_zero", 2 * asked.yq.scalar[1] + 1),
                ("mult", int(n.rescale.mult[0]) if n.shared else 0),
                ("shift_a", shift - 2),
                ("shift_b", shift - 2 + (8 if n.narrow else 0)),
                (role, piece.name if piece else "0"),
            ),
            constants=(
                Constant("weights", as_words(constants[0]), "int32_t", paired=paired),
                Constant("table", constants[1], "int32_t", 4 * len(self.layer.w)),
            ),
            inputs=(self.request.node.inputs[0],),
            instance=piece.instance if piece else "",
            instructions=asked.rows * work,
            code_bytes=loop_bytes,
        )

    def _quads(self, *, bytes_: bool) -> KernelCall:
        """Four channels at a time, in a loop over bytes or over what was widened."""
        layer, n, optimize = self.layer, self.numbers, self.request.optimize
        channels, inputs = layer.w.shape
        one_for_all = bytes_ and optimize == "size"
        uneven = any(_left_over(self.request, 4)) if one_for_all else inputs % 4 != 0
        unroll = LOG_UNROLL[optimize]
        flags = (int(not n.narrow), int(n.shared), int(uneven), int(bytes_))
        output = (2 if n.mode is Mode.TWICE else 1) * 4 if n.mode is not Mode.ONCE else 0
        four = (12 if n.narrow else 15) + 2 * bytes_
        each = inputs // 4 * four + inputs // (4 << unroll) * 2 + 12 * uneven
        piece = Piece("quads", (*flags, unroll, int(n.mode), *layer.clamp))
        return self._call(
            "bytes_" if bytes_ else "",
            ("quads", piece if channels >= 4 else None),
            channels // 4 * (each + (43 if n.shared else 53) + output)
            + inputs * 7 // 4 * bytes_
            + 160,
            (n.weights, n.table),
            160 + (4 * four << unroll) if channels >= 4 else 0,
        )

    @property
    def of_bytes(self) -> KernelCall:
        """Without working memory, and of less code."""
        return self._quads(bytes_=True)

    @property
    def octs(self) -> KernelCall:
        """Without working memory, eight channels at a time."""
        layer, n, unroll = self.layer, self.numbers, LOG_UNROLL_OCTS
        channels, inputs = layer.w.shape
        acc = accumulators(layer.w, layer.bias, layer.xq.scalar[1])
        products = neighbours(layer.w)
        table = _blocks_table(
            acc, n.rescale, n.mode, products, narrow=True, shared=n.shared, block=8
        )
        each = inputs // 4 * 28 + -(-inputs // (4 << unroll)) * 3 + (65 if n.shared else 79)
        return self._call(
            "octs_",
            ("octs", Piece("octs", (int(n.shared), unroll, *layer.clamp))),
            channels // 8 * each + inputs * 7 // 4 + 80,
            (pack_octs(layer.w), np.array(table, np.int32)),
            300 + (110 << unroll),
        )

    @property
    def widened(self) -> KernelCall:
        """Activations widened once; the last channels in tiles of their own."""
        layer, n, call = self.layer, self.numbers, self._quads(bytes_=False)
        channels, inputs = layer.w.shape
        rest = [
            Tile(_planes(layer), 1, 1, solo, n.narrow, n.mode, layer.clamp, self.turn, False)
            for solo, wanted in ((False, channels % 4 >= 2), (True, channels % 2 == 1))
            if wanted
        ]
        names = {t.solo: t.name for t in rest}
        params = dict(call.params)
        grows = max(0, len(self.asked.w) - inputs)  # a vector is widened before it is written over
        work = sum(t.instructions + 20 for t in rest) + inputs * 3 // 4
        return replace(
            call,
            params=(
                *((k, params[k]) for k in ("rows", "in_len", "out_len", "twice_zero")),
                ("shared", int(n.shared)),
                *((k, params[k]) for k in ("mult", "shift_a", "shift_b")),
                ("filled", int(channels != len(self.asked.w))),
                ("quads", params["quads"]),
                ("pair", names.get(False, "{0, 0}")),
                ("solo", names.get(True, "{0, 0}")),
            ),
            scratch_bytes=4 * ((inputs + 1) // 2),
            inplace=Over(lead=(layer.rows - 1) * grows),
            instance=call.instance + "".join(t.instance for t in rest),
            instructions=call.instructions + layer.rows * work,
            code_bytes=call.code_bytes + sum(t.code_bytes for t in rest),
        )
