"""Functions of one int8 as :mod:`edgeprune.emit` spells them: CAST to int32, ADD 128, GATHER."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator
from edgeprune.frontends.from_tflite.moves import gather
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import Array, DType, QuantParams, TensorType
from edgeprune.ops import Reshape
from edgeprune.ops.function import FUNCTIONS, Function, Lookup

ENTRIES = 256


def cast(r: Reader, op: Operator) -> None:
    """CAST of int8 to the int32 that a table is looked up by, or of a type to itself."""
    kinds = r.operand(op, 0).dtype, r.result(op).dtype
    if kinds[0] is kinds[1] and r.operand(op, 0).quant == r.result(op).quant:
        r.add(op, Reshape(shape=r.activation_type(r.result(op)).shape), (r.value(op, 0),))
        return
    if kinds != (DType.INT8, DType.INT32):
        raise UnsupportedError(r.where(op), f"casts {kinds[0].value} to {kinds[1].value}")
    r.steps[op.outputs[0]] = (op.inputs[0], 0)


def follow(r: Reader, op: Operator) -> bool:
    """Take note of the ADD between; whether it is one."""
    source = r.steps.get(op.inputs[0]) if op.inputs else None
    if source is None or op.name != "ADD":
        return False
    offset = r.integers(op, 1)
    if len(offset) != 1:
        raise UnsupportedError(r.where(op), "adds integers without a scale")
    r.steps[op.outputs[0]] = (source[0], source[1] + offset[0])
    return True


def look_up(r: Reader, op: Operator) -> None:
    """GATHER out of a table of 256 results; any other picks indices."""
    source = r.steps.get(op.inputs[1]) if len(op.inputs) > 1 else None
    table = r.constant(op, 0)
    if source is None or table is None or table.dtype != "int8" or table.shape != (ENTRIES,):
        gather(r, op)
        return
    read, result = r.file.tensors[source[0]], r.result(op)
    if source[1] != ENTRIES // 2 or read.quant is None or result.quant is None:
        raise UnsupportedError(r.where(op), "looks up another table than of every int8")
    value = r.value(replace(op, inputs=(source[0],)), 0)
    r.add(op, _named(table, read.quant, result.quant), (value,))


def _named(table: Array, x: QuantParams, y: QuantParams) -> Function:
    """The function that has such a table, or the table itself."""
    held, made = (TensorType((ENTRIES,), DType.INT8, q) for q in (x, y))
    same = (f() for f in FUNCTIONS if (f().table(held, made) == table).all())
    return next(same, Lookup.of(table, x, y))
