"""Elements moved, none computed: concatenation, padding, slices, transpositions, gathers."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np

from edgeprune.ir import DType, Over, TensorType
from edgeprune.kernels.call import Constant, KernelCall, Request
from edgeprune.kernels.portable._spell import C_TYPE, SUFFIX, moves, spell
from edgeprune.ops import Concat, Embedding, Gather, Pad, Slice, Transpose

AXES = 5  # EP_BOX_AXES of ep_copy_box.h


def _row_steps(shape: tuple[int, ...], bytes_: int) -> list[int]:
    """Bytes from one index of each axis to the next, row-major."""
    return [bytes_ * prod(shape[i + 1 :]) for i in range(len(shape))]


def _item(t: TensorType) -> int:
    return t.dtype.numpy.itemsize


def concat(request: Request) -> KernelCall | None:
    """A concatenation of operands of one type and one scale, along any axis."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Concat):
        return None
    types, y = graph.types_of(node), graph.types[node.output]
    if any(t.dtype is not y.dtype or t.quant != y.quant for t in types):
        return None
    axis = op.axis % len(y.shape)
    rows = prod(y.shape[:axis])
    name = f"{request.prefix}_concat"
    c_type = C_TYPE[y.dtype]
    is_constant = [v in graph.constants for v in node.inputs]
    order = sorted(range(len(types)), key=lambda i: not is_constant[i])
    arguments = "".join(f"const {c_type} *x{i}, " for i in order)
    pitch = y.nbytes // rows
    lines, at = [], 0
    for i, t in enumerate(types):
        part = t.nbytes // rows
        lines.append(f"    ep_copy_rows({rows}, {part}, {pitch}, x{i}, y + {at // _item(y)});\n")
        at += part
    signature = f"static void {name}({arguments}{c_type} *y)"
    return KernelCall(
        function=name,
        sources=("src/ep_copy_rows.c",),
        headers=("include/ep_copy_rows.h",),
        params_type="",
        params=(),
        constants=tuple(
            Constant(f"operand{i}", graph.constants[node.inputs[i]], c_type)
            for i in order
            if is_constant[i]
        ),
        inputs=tuple(node.inputs[i] for i in order if not is_constant[i]),
        instance=f"{signature}\n{{\n{''.join(lines)}}}\n",
        instructions=y.nbytes * 2 + 12 * rows * len(types),
        code_bytes=24 * len(types),
    )


def _box(
    request: Request,
    size: tuple[int, ...],
    x_step: list[int],
    y_step: list[int],
    starts: tuple[int, int] = (0, 0),
    fill: bytes = b"",
) -> KernelCall | None:
    """A copy of a box; axes that continue each other are merged, the last become one element."""
    y = request.graph.types[request.node.output]
    axes: list[tuple[int, int, int]] = []
    for n, a, b in zip(size, x_step, y_step, strict=True):
        if n == 1:
            continue
        if axes and axes[-1][1:] == (a * n, b * n):
            axes[-1] = (axes[-1][0] * n, a, b)
        else:
            axes.append((n, a, b))
    element = _item(y)
    if axes and axes[-1][1:] == (element, element):
        element *= axes.pop()[0]
    if len(axes) > AXES:
        return None
    axes = [(1, 0, 0)] * (AXES - len(axes)) + axes
    columns = [f"{{{', '.join(str(a[k]) for a in axes)}}}" for k in range(3)]
    return spell(
        "ep_copy_box",
        {
            "size": columns[0],
            "x_step": columns[1],
            "y_step": columns[2],
            "x_start": starts[0],
            "y_start": starts[1],
            "bytes": element,
            "y_size": y.nbytes if fill else 0,
            "fill_bytes": max(len(fill), 1),
            "fill": f"{{{', '.join(map(str, fill)) or '0'}}}",
        },
        request.node.inputs,
        instructions=prod(size) * _item(y) // element * 40 + 2 * y.nbytes,
    )


def pad(request: Request) -> KernelCall | None:
    """Constant padding of any axes."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Pad) or not moves(request):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    step = _row_steps(y.shape, _item(y))
    start = sum(b * s for b, s in zip(op.before, step, strict=True))
    fill = op.border(y).tobytes()
    return _box(request, x.shape, _row_steps(x.shape, _item(x)), step, (0, start), fill)


def slice_(request: Request) -> KernelCall | None:
    """A box cut out of the operand."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Slice) or not moves(request):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    step = _row_steps(x.shape, _item(x))
    ranges = [s.indices(n) for s, n in zip(op.index, x.shape, strict=True)]
    start = sum(first * s for (first, _, _), s in zip(ranges, step, strict=True))
    x_step = [by * s for (_, _, by), s in zip(ranges, step, strict=True)]
    return _box(request, y.shape, x_step, _row_steps(y.shape, _item(y)), (start, 0))


def transpose(request: Request) -> KernelCall | None:
    """Axes in another order."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Transpose) or not moves(request):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    step = _row_steps(x.shape, _item(x))
    return _box(request, y.shape, [step[i] for i in op.perm], _row_steps(y.shape, _item(y)))


def gather(request: Request) -> KernelCall | None:
    """Chosen indices of the last axis: by a bitmap, or by a list of those below 65,536."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Gather) or not moves(request):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    length, rows = x.shape[-1], x.size // x.shape[-1]
    increases = all(a < b for a, b in pairwise(op.indices))
    if y.dtype is not DType.INT32 and increases and -(-length // 8) <= 2 * len(op.indices):
        kept = np.zeros(length, np.uint8)
        kept[list(op.indices)] = 1
        return spell(
            f"ep_gather_bits_{SUFFIX[y.dtype]}",
            {"rows": rows, "in_len": length},
            node.inputs,
            (Constant("kept", np.packbits(kept, bitorder="little"), "uint8_t", of_weights=0),),
            inplace=Over(),
            instructions=4 * x.size,
        )
    if max(op.indices) >= 2**16:
        return None
    return spell(
        "ep_gather",
        {
            "rows": rows,
            "in_bytes": x.nbytes // rows,
            "count": len(op.indices),
            "bytes": _item(y),
        },
        node.inputs,
        (Constant("index", np.array(op.indices, np.uint16), "uint16_t", of_weights=0),),
        instructions=15 * y.size,
    )


def embedding(request: Request) -> KernelCall | None:
    """Rows of a table, by number."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Embedding):
        return None
    numbers, table = graph.types_of(node)
    y = graph.types[node.output]
    if (table.dtype, table.quant) != (y.dtype, y.quant) or y.dtype not in SUFFIX:
        return None
    held = graph.constants[node.inputs[1]].ravel()
    return spell(
        "ep_embedding",
        {"count": numbers.size, "rows": table.shape[0], "bytes": table.shape[1] * _item(y)},
        node.inputs[:1],
        (Constant("table", held, C_TYPE[y.dtype]),),
        instructions=40 * numbers.size + y.nbytes,
    )
