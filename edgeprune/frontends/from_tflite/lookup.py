"""GATHER: rows of a table by number, and functions of one integer.

:mod:`edgeprune.emit` spells those as CAST to int32, ADD 128, GATHER out of a table of 256; of int16
ADD 32768, and a table of 65,536.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, option
from edgeprune.frontends.from_tflite.moves import gather, same_scale
from edgeprune.frontends.from_tflite.reader import WHOLE, Reader
from edgeprune.ir import Array, DType, QuantParams, TensorType
from edgeprune.ir import fixedpoint as fp
from edgeprune.ops import (
    Compare,
    Dequantize,
    Elu,
    Embedding,
    Gelu,
    HardSwish,
    Reshape,
    Unary,
)
from edgeprune.ops.function import FUNCTIONS, Reciprocal
from edgeprune.ops.lookup import Lookup

ENTRIES = {DType.INT8: 256, DType.INT16: 65536}
KNOWN: tuple[Unary, ...] = (*(f() for f in FUNCTIONS), Reciprocal(-1.0))
"""Functions that tables are held against."""


def cast(r: Reader, op: Operator) -> None:
    """CAST of integers to the int32 that a table is looked up by, of a type to itself.

    Numbers of rows stay such in any type of whole numbers.
    """
    kinds = r.operand(op, 0).dtype, r.result(op).dtype
    same = kinds[0] is kinds[1] and r.operand(op, 0).quant == r.result(op).quant
    if same or (r.counts_rows(op.inputs[0]) and kinds[1] in WHOLE):
        r.add(op, Reshape(shape=r.activation_type(r.result(op)).shape), (r.value(op, 0),))
        return
    if kinds == (DType.BOOL, DType.FLOAT32):
        _truth(r, op)
        return
    if kinds == (DType.FLOAT32, DType.BOOL):
        r.add(op, Compare("!="), (r.value(op, 0),))
        return
    if kinds[0] not in ENTRIES or kinds[1] is not DType.INT32:
        raise UnsupportedError(r.where(op), f"casts {kinds[0].value} to {kinds[1].value}")
    r.steps[op.outputs[0]] = (op.inputs[0], 0)


def _truth(r: Reader, op: Operator) -> None:
    """CAST of truth values to real ones, which they are already unless they are integers."""
    data = r.constant(op, 0)
    if data is not None and r.operand(op, 0).name not in r.known:
        r.folded[op.outputs[0]] = data.astype(np.float32)
        return
    value = r.value(op, 0)
    made = next((n for n in r.nodes if n.output == value), None)
    if r.known[value].dtype is not DType.FLOAT32:
        r.add(op, Dequantize(), (value,))
    elif made is not None and isinstance(made.op, Compare):
        if sum(o.inputs.count(op.inputs[0]) for o in r.file.operators) == 1:
            r.nodes.remove(made)
        r.add(op, made.op, made.inputs)
    else:
        r.add(op, Reshape(r.known[value].shape), (value,))


def follow(r: Reader, op: Operator) -> bool:
    """Take note of the ADD between, or of what counts rows from the end; whether it is one."""
    if op.inputs and op.outputs and _wraps(r, op):
        return True
    source = r.steps.get(op.inputs[0]) if op.inputs else None
    if source is None or op.name != "ADD":
        return False
    offset = r.integers(op, 1)
    if len(offset) != 1:
        raise UnsupportedError(r.where(op), "adds integers without a scale")
    r.steps[op.outputs[0]] = (source[0], source[1] + offset[0])
    return True


def _wraps(r: Reader, op: Operator) -> bool:
    """Keras lets numbers below 0 count from the end: LESS, ADD, SELECT; samples have none."""
    if op.name in ("LESS", "ADD") and len(op.inputs) == 2 and r.counts_rows(op.inputs[0]):
        held = r.integers(op, 1)
        if len(held) != 1 or (op.name == "LESS" and held[0] != 0):
            raise UnsupportedError(r.where(op), "computes with whole numbers")
        r.wraps[op.outputs[0]] = op.inputs[0]
        return True
    if op.name not in ("SELECT", "SELECT_V2") or len(op.inputs) != 3:
        return False
    if {r.wraps.get(n) for n in op.inputs[:2]} != {op.inputs[2]}:
        return False
    r.add(op, Reshape(r.activation_type(r.result(op)).shape), (r.value(op, 2),))
    return True


def _embedding(r: Reader, op: Operator, table: Array) -> None:
    """GATHER of rows of a constant table by computed numbers."""
    if table.ndim != 2 or option(op, 0, "i") or option(op, 1, "i"):
        what = f"chooses of {list(table.shape)} along another axis than the first"
        raise UnsupportedError(r.where(op), what)
    same_scale(r, op)
    if r.operand(op, 0).dtype is not r.result(op).dtype and table.dtype != np.float32:
        raise UnsupportedError(r.where(op), "chooses of a table of another type")
    held = r.weights(op, 0, table, None)
    r.add(op, Embedding(), (r.value(op, 1), held))


def look_up(r: Reader, op: Operator) -> None:
    """GATHER out of a table of the results of all integers; any other picks indices."""
    source = r.steps.get(op.inputs[1]) if len(op.inputs) > 1 else None
    table = r.constant(op, 0)
    if table is not None and len(op.inputs) > 1 and r.counts_rows(op.inputs[1]):
        _embedding(r, op, table)
        return
    result = r.result(op)
    if source is None or table is None or table.dtype != result.dtype.numpy:
        gather(r, op)
        return
    read = r.file.tensors[source[0]]
    size = ENTRIES.get(read.dtype, 0)
    if table.shape != (size,):
        gather(r, op)
        return
    if source[1] != size // 2 or read.quant is None or result.quant is None:
        raise UnsupportedError(r.where(op), f"looks up another table than of every {read.dtype}")
    value = r.value(replace(op, inputs=(source[0],)), 0)
    named = _named if read.dtype is DType.INT8 else _named_wide
    made = named(table, read.quant, result.quant)
    if made is None:
        what = "looks up results that are not straight between every 128th int16"
        raise UnsupportedError(r.where(op), what, "use a float model")
    r.add(op, made, (value,))


def _named_wide(table: Array, x: QuantParams, y: QuantParams) -> Unary | None:
    """The function whose results these are, straight between ends; None: they are not."""
    held = fp.ends(table)
    known: tuple[Unary, ...] = (*KNOWN, Gelu(), Gelu(True), Elu(), HardSwish())
    if held is None:
        return None
    same = (f for f in known if (f.ends(x, y) == held).all())
    return next(same, Lookup.of_ends(held, x, y))


def _named(table: Array, x: QuantParams, y: QuantParams) -> Unary:
    """The function that has such a table, or the table itself."""
    held, made = (TensorType(table.shape, DType.INT8, q) for q in (x, y))
    same = (f for f in KNOWN if (f.table(held, made) == table).all())
    return next(same, Lookup.of(table, x, y))
