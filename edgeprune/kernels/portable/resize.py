"""Images made larger or smaller: which rows and columns are read is worked out here."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array, DType
from edgeprune.ir.fixedpoint import bilinear_taps, nearest_indices
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import SUFFIX, moves, spell
from edgeprune.ops import Resize


def resize(request: Request) -> KernelCall | None:
    """Nearest neighbours of any type; bilinear in float32 or int8."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Resize) or not moves(request):
        return None
    x = graph.types_of(node)[0]
    if max(x.shape[:2]) > 2**16:
        return None
    if op.mode == "nearest":
        return _nearest(request, op)
    if x.dtype is DType.FLOAT32:
        rows, columns = (op.taps(axis, x.shape[axis]) for axis in (0, 1))
        return _bilinear(request, op, [rows[:2], columns[:2]], [rows[2], columns[2]], "float")
    if x.dtype is not DType.INT8:
        return None
    aligned, half = (op.coordinates == c for c in ("align_corners", "half_pixel"))
    taps = [
        bilinear_taps(x.shape[i], op.size[i], align_corners=aligned, half_pixel=half)
        for i in (0, 1)
    ]
    weights = [(at - (low << 10)).astype(np.int16) for at, low, _ in taps]
    return _bilinear(request, op, [t[1:] for t in taps], weights, "int16_t")


def _nearest(request: Request, op: Resize) -> KernelCall:
    graph, node = request.graph, request.node
    x, y = graph.types_of(node)[0], graph.types[node.output]
    if x.dtype is DType.FLOAT32:
        index = [op.taps(axis, x.shape[axis])[0] for axis in (0, 1)]
    else:
        aligned, half = (op.coordinates == c for c in ("align_corners", "half_pixel"))
        index = [
            nearest_indices(x.shape[i], op.size[i], align_corners=aligned, half_pixel=half)
            for i in (0, 1)
        ]
    pixel = x.dtype.numpy.itemsize * x.shape[2]
    params = {
        "in_row": x.shape[1] * pixel,
        "out_h": op.size[0],
        "out_w": op.size[1],
        "pixel": pixel,
    }
    return spell(
        "ep_resize_nearest",
        params,
        node.inputs,
        (_indices(np.concatenate(index)),),
        instructions=y.nbytes + 15 * y.shape[0] * y.shape[1],
    )


def _indices(values: Array) -> Constant:
    return Constant("index", values.astype(np.uint16), "uint16_t", of_weights=0)


def _bilinear(
    request: Request,
    op: Resize,
    taps: list[tuple[Array, ...]],
    weights: list[Array],
    c_type: str,
) -> KernelCall:
    """The call for lower and upper indices, and weights, of rows and columns."""
    graph, node = request.graph, request.node
    x, y = graph.types_of(node)[0], graph.types[node.output]
    (row_low, row_high), (column_low, column_high) = taps
    index = np.concatenate([row_low, column_low, row_high, column_high])
    params = {
        "in_w": x.shape[1],
        "channels": x.shape[2],
        "out_h": op.size[0],
        "out_w": op.size[1],
    }
    weight = Constant("weight", np.concatenate(weights), c_type, of_weights=0)
    return spell(
        f"ep_resize_bilinear_{SUFFIX[x.dtype]}",
        params,
        node.inputs,
        (_indices(index), weight),
        instructions=35 * y.size,
    )
