"""SVDF with a state of int16: the product with a frame, and that with what is kept."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import DType
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import dtypes, in_blocks, spell, wrap32, zero_of
from edgeprune.ops import SvdfFeature, SvdfTime


def svdf(request: Request) -> KernelCall | None:
    """Either product, in the integers of a file."""
    op = request.node.op
    if isinstance(op, SvdfFeature):
        return _feature(request, op)
    return _time(request, op) if isinstance(op, SvdfTime) else None


def _feature(request: Request, op: SvdfFeature) -> KernelCall | None:
    graph, node = request.graph, request.node
    if dtypes(request) != (DType.INT8, DType.INT8, DType.INT16):
        return None
    types, w = graph.types_of(node), graph.constants[node.inputs[1]]
    mult, shift = op.multiplier(types, graph.types[node.output])
    filters, inputs = w.shape
    folded = -zero_of(types[0]) * w.sum(axis=1, dtype=np.int64)
    return spell(
        "ep_svdf_feature_s8",
        {"inputs": inputs, "filters": filters, "mult": mult, "shift": shift},
        node.inputs[:1],
        (Constant("weights", in_blocks(w)), Constant("bias", wrap32(folded), "int32_t")),
        shared=("ep_tile_s8",),
        instructions=3 * w.size + 40 * filters,
    )


def _time(request: Request, op: SvdfTime) -> KernelCall | None:
    graph, node = request.graph, request.node
    if dtypes(request) != (DType.INT16, DType.INT16, DType.INT32, DType.INT8):
        return None
    types, y = graph.types_of(node), graph.types[node.output]
    w, bias = (graph.constants[v] for v in node.inputs[1:])
    mult, shift = op.multiplier(types, y)
    return spell(
        "ep_svdf_time_s16",
        {
            "frames": w.shape[1],
            "filters": w.shape[0],
            "rank": w.shape[0] // len(bias),
            "mult": mult,
            "shift": shift,
            "zero": zero_of(y),
        },
        node.inputs[:1],
        (Constant("weights", w.ravel(), "int16_t"), Constant("bias", bias, "int32_t")),
        instructions=6 * w.size + 40 * len(bias),
    )
