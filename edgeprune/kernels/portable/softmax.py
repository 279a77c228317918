"""Softmax and its logarithm over the last axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import DType, Over
from edgeprune.ir.fixedpoint import quantize_multiplier, softmax_params
from edgeprune.ir.fixedpoint.wide import softmax_tables
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import NO_SCRATCH, all_are, dtypes, quant, spell
from edgeprune.ops import LogSoftmax, Softmax

LONGEST = 4095
"""Terms of a sum of exponentials that Q12.19 holds."""
KEPT = 64
"""Exponentials that scratch holds between their sum and the results: 256 bytes."""
ENTRIES = 256
"""Differences of two int8, and so exponentials: from so many elements on, a table in scratch. In
flash, each of several softmaxes would need one of its own, to save some percent of its work."""


def softmax(request: Request) -> KernelCall | None:
    """Softmax in float32, int8 or int16, log-softmax in float32 or int8."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Softmax | LogSoftmax):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    length = x.shape[-1]
    shape: dict[str, int | float | str] = {"rows": x.size // length, "length": length}
    if all_are(request, DType.FLOAT32):
        beta = {"beta": float(op.beta)} if isinstance(op, Softmax) else {}
        return spell(
            f"ep_{op.kind}_f32",
            {**shape, **beta},
            node.inputs,
            inplace=Over(),
            instructions=80 * x.size,
        )
    if all_are(request, DType.INT16) and isinstance(op, Softmax):
        return _s16(request, op, shape)
    wide = isinstance(op, Softmax) and dtypes(request) == (DType.INT8, DType.INT16)
    if not (all_are(request, DType.INT8) or wide):
        return None
    if length > LONGEST:
        raise UnsupportedError(node.name, f"a softmax over {length} classes, {LONGEST} at most")
    scale, zero = quant(y).scalar
    is_wide = zero == -32768 and np.isclose(scale, 1 / 65536, rtol=1e-3)  # files have 1/65535, too
    if not (is_wide if wide else quant(y) == op.fixed_quant(8)):
        raise UnsupportedError(node.name, f"a {op.kind} to scale {scale:g} and zero point {zero}")
    p = softmax_params(quant(x), op.beta if isinstance(op, Softmax) else 1.0)
    shape |= {"mult": p.mult, "shift": p.left_shift, "diff_min": p.diff_min}
    if isinstance(op, LogSoftmax):
        back_mult, back_shift = quantize_multiplier((1 << (31 - p.left_shift)) / p.mult)
        shape |= {"back_mult": back_mult, "back_shift": back_shift}
        return spell(
            "ep_log_softmax_s8", shape, node.inputs, inplace=Over(), instructions=400 * x.size
        )
    end, inplace = ("s8_s16", None) if wide else ("s8", Over())
    keep = length <= KEPT
    call = spell(
        f"ep_softmax_{end}",
        {**shape, "keep": int(keep)},
        node.inputs,
        scratch_bytes=4 * length if keep else NO_SCRATCH,
        inplace=inplace,
        instructions=(190 if keep else 290) * x.size,
    )
    if x.size < ENTRIES:
        return call
    table = spell(
        f"ep_softmax_table_{end}",
        {**shape, "diff_min": max(p.diff_min, 1 - ENTRIES)},
        node.inputs,
        scratch_bytes=4 * ENTRIES,
        inplace=inplace,
        instructions=110 * ENTRIES + 26 * x.size,
    )
    return replace(table, others=(call,))


def _s16(request: Request, op: Softmax, shape: dict[str, int | float | str]) -> KernelCall | None:
    graph, node = request.graph, request.node
    x, y = graph.types_of(node)[0], graph.types[node.output]
    if quant(y) != op.fixed_quant(16) or x.shape[-1] > 2**16 - 1:
        return None
    scale = np.float32(quant(x).scalar[0]) * np.float32(op.beta)
    mult, shift = quantize_multiplier(float(scale) / (10.0 / 65535.0))
    exps, reciprocals = (
        Constant(role, values.astype(np.int16), "int16_t", of_weights=0)
        for role, values in zip(("exps", "reciprocals"), softmax_tables(), strict=True)
    )
    return spell(
        "ep_softmax_s16",
        {**shape, "mult": mult, "shift": shift},
        node.inputs,
        (exps, reciprocals),
        inplace=Over(),
        instructions=90 * x.size,
    )
