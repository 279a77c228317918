"""int8 sums and differences of two activations of one shape, as one linear form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, DType, Over, QuantParams
from edgeprune.ir import fixedpoint as fp
from edgeprune.ir.fixedpoint import QMAX, QMIN
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.layer import int_clamp
from edgeprune.ops import Add, Sub

FOLDER = "arch/arm_mve"
Int64s = NDArray[np.int64]

VALUES: Int64s = np.arange(QMIN, QMAX + 1)
PRODUCT_SHIFT = 7
"""The kernel's high multiply of an element in the top byte divides by 2^7."""
OFFSETS = sorted(range(-10, 11), key=abs)
NEAR = np.array(sorted(range(-16, 17), key=abs))
"""Steps around the real factors and offset in which a form is looked for."""
HARDEST = 256
"""Pairs nearest to a half, which are looked at first."""


@dataclass(frozen=True)
class Form:
    """y = clamp((offset + (a * a_mult >> 7) + (b * b_mult >> 7)) >> shift), products rounded."""

    a_mult: int
    b_mult: int
    offset: int
    shift: int

    def results(self, clamp: tuple[int, int]) -> Array | None:
        """The sums of every a (rows) and b; None where a number leaves int32."""
        a, b = _product(VALUES, self.a_mult), _product(VALUES, self.b_mult)
        total = self.offset + a[:, None] + b[None, :]
        largest = max(abs(int(total.min())), abs(int(total.max())), abs(self.offset))
        if max(largest, abs(self.a_mult), abs(self.b_mult)) >= 2**31 - 2**24:
            return None
        return np.asarray(np.clip(total >> self.shift, *clamp))


def add(request: Request) -> KernelCall | None:
    """Sums without repetition of an operand, where a linear form gives every result exactly."""
    graph, node = request.graph, request.node
    op = node.op
    if not isinstance(op, Add | Sub) or any(v in graph.constants for v in node.inputs):
        return None
    types = (*graph.types_of(node), graph.types[node.output])
    if any(t.dtype is not DType.INT8 or t.quant is None for t in types):
        return None
    if types[0].shape != types[1].shape:
        return None
    a, b, y = (t.quant for t in types if t.quant)
    clamp = int_clamp(op.clamp, y)
    form = _find(a, b, y, clamp, -1 if isinstance(op, Sub) else 1)
    if form is None:
        return None
    saturates = clamp == (QMIN, QMAX)
    length = types[2].size
    return KernelCall(
        function="ep_add_saturate_s8_arm_mve" if saturates else "ep_add_s8_arm_mve",
        sources=(f"{FOLDER}/ep_add_s8_arm_mve.S",),
        headers=(f"{FOLDER}/ep_add_s8_arm_mve.h",),
        params_type="ep_add_s8_arm_mve_params",
        params=(
            ("length", length),
            ("a_mult", form.a_mult),
            ("b_mult", form.b_mult),
            ("offset", form.offset),
            ("shift", -form.shift),
            ("act_min", clamp[0]),
            ("act_max", clamp[1]),
        ),
        constants=(),
        inputs=node.inputs,
        inplace=Over(),
        instructions=-(-length // 16) * (38 if saturates else 42) + 20,
    )


@lru_cache(maxsize=256)
def _find(
    a: QuantParams, b: QuantParams, y: QuantParams, clamp: tuple[int, int], sign: int
) -> Form | None:
    """A form near the real one that agrees with the reference on all 65,536 pairs."""
    rows, columns = np.meshgrid(VALUES.astype(np.int8), VALUES.astype(np.int8), indexing="ij")
    wanted = fp.add(rows, columns, a, b, y, clamp, sign=sign).astype(np.int64)
    on_a, on_b = a.scale[0] / y.scale[0], sign * b.scale[0] / y.scale[0]
    constant = y.zero_point[0] - a.zero_point[0] * on_a - b.zero_point[0] * on_b
    reach = 128 * (abs(on_a) + abs(on_b)) + abs(constant) + 2
    shift = min(30 - ceil(log2(reach)), 30 - PRODUCT_SHIFT - ceil(log2(max(on_a, abs(on_b)))))
    if not 1 <= shift <= 31:
        return None
    near = [round(v * 2.0 ** (shift + PRODUCT_SHIFT)) for v in (on_a, on_b)]
    offset = round((constant + 0.5) * 2.0**shift)
    real = VALUES[:, None] * on_a + VALUES[None, :] * on_b + constant
    hard = np.argsort(np.abs(real % 1 - 0.5), axis=None)[:HARDEST]
    at, bt = VALUES[hard // len(VALUES)], VALUES[hard % len(VALUES)]
    da, db = (d.ravel()[:, None] for d in np.meshgrid(NEAR, NEAR))
    products = _product(at, near[0] + da) + _product(bt, near[1] + db)
    for more in OFFSETS:
        got = np.clip((offset + more + products) >> shift, *clamp)
        for k in np.flatnonzero((got == wanted.ravel()[hard]).all(axis=1)).tolist():
            form = Form(near[0] + int(da[k, 0]), near[1] + int(db[k, 0]), offset + more, shift)
            results = form.results(clamp)
            if results is not None and np.array_equal(results, wanted):
                return form
    return None


def _product(x: Int64s, mult: Int64s | int) -> Int64s:
    """Products x * mult / 2^7, halves up."""
    wide: Int64s = x * mult + (1 << (PRODUCT_SHIFT - 1))
    return wide >> PRODUCT_SHIFT
