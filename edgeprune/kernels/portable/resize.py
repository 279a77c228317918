"""Images made larger or smaller: which rows and columns are read is worked out here."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array, DType
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import SUFFIX, moves, spell
from edgeprune.ops import Resize
from edgeprune.ops.resize import Taps


def resize(request: Request) -> KernelCall | None:
    """Nearest neighbours of any type; bilinear in float32, int8 or int16."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Resize) or not moves(request):
        return None
    x = graph.types_of(node)[0]
    rows, columns = (op.whole_taps(axis, x) for axis in (0, 1))
    if max(rows.upper[-1], columns.upper[-1]) >= 2**16:
        return None
    if op.mode == "nearest":
        return _nearest(request, op, rows, columns)
    if x.dtype not in (DType.FLOAT32, DType.INT8, DType.INT16):
        return None
    return _bilinear(request, op, rows, columns)


def _band(op: Resize) -> dict[str, int]:
    """Which rows are made."""
    first, above = (op.cut.first, op.cut.above) if op.cut else (0, 0)
    return {"first": first, "above": above, "out_h": op.size[0]}


def _nearest(request: Request, op: Resize, rows: Taps, columns: Taps) -> KernelCall:
    graph, node = request.graph, request.node
    x, y = graph.types_of(node)[0], graph.types[node.output]
    pixel = x.dtype.numpy.itemsize * x.shape[2]
    params = {
        "in_row": x.shape[1] * pixel,
        **_band(op),
        "out_w": op.size[1],
        "pixel": pixel,
    }
    return spell(
        "ep_resize_nearest",
        params,
        node.inputs,
        (_indices([columns.lower, rows.lower]),),
        instructions=y.nbytes + 15 * y.shape[0] * y.shape[1],
    )


def _indices(parts: list[Array]) -> Constant:
    values = np.concatenate(parts).astype(np.uint16)
    return Constant("index", values, "uint16_t", of_weights=0)


def _bilinear(request: Request, op: Resize, rows: Taps, columns: Taps) -> KernelCall:
    graph, node = request.graph, request.node
    x, y = graph.types_of(node)[0], graph.types[node.output]
    params = {
        "in_w": x.shape[1],
        "channels": x.shape[2],
        **_band(op),
        "out_w": op.size[1],
    }
    pairs = [np.stack([taps.lower, taps.upper], axis=1).ravel() for taps in (columns, rows)]
    real = x.dtype is DType.FLOAT32
    weights = np.concatenate([columns.weight, rows.weight])
    weight = Constant(
        "weight",
        weights if real else weights.astype(np.int16),
        "float" if real else "int16_t",
        of_weights=0,
    )
    return spell(
        f"ep_resize_bilinear_{SUFFIX[x.dtype]}",
        params,
        node.inputs,
        (_indices(pairs), weight),
        instructions=35 * y.size,
    )
