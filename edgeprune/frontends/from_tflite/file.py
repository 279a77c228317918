"""The tables of a TFLite file as plain records, checked: types, shapes, scales, constants."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite import codes as packed
from edgeprune.frontends.from_tflite.flatbuffer import Buffer, Table
from edgeprune.ir import Array, DType, QuantParams

# TensorType in the schema -> (numpy, IR). FLOAT16 is widened as it is read.
TYPES: dict[int, tuple[str, DType]] = {
    0: ("float32", DType.FLOAT32),
    1: ("float16", DType.FLOAT32),
    2: ("int32", DType.INT32),
    3: ("uint8", DType.UINT8),
    4: ("int64", DType.INT64),
    6: ("bool", DType.BOOL),
    7: ("int16", DType.INT16),
    9: ("int8", DType.INT8),
    17: ("int4", DType.INT4),
}
VARIABLE = "is a variable: the model keeps state"
MAX_ELEMENTS = 1 << 28
"""Elements of one tensor."""


@dataclass(frozen=True)
class Tensor:
    """One tensor.

    Attributes:
        name: unique in the file; made up where the file has none.
        shape: with the batch.
        dtype: element type.
        quant: scale and zero point, if any.
        data: contents of a constant, else None.
        half: whether the file has it as float16.
        unsigned: whether the file has it as uint8, 128 higher.
        refused: why it cannot be read, if so; its type is made up then, but for a variable's.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quant: QuantParams | None
    data: Array | None
    half: bool = False
    unsigned: bool = False
    refused: str = ""


@dataclass(frozen=True)
class Operator:
    """One operator: its name in the schema, and its options table (None: all defaults).

    ``inputs`` are tensor numbers; -1 is an operand that is left out. ``custom`` is what an operator
    that the schema does not have brings as its options.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    custom: bytes = b""


@dataclass(frozen=True)
class File:
    """A model's main graph.

    Attributes:
        name: how messages call the file.
        title: the model's own name, "" if it has none.
        signature: what the model's signature calls inputs and outputs, by tensor number.
        once: by their number, the graphs that CALL_ONCE can name.
    """

    name: str
    title: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signature: Mapping[int, str] = field(default_factory=dict)
    once: Mapping[int, File] = field(default_factory=dict)


def read_file(name: str, data: bytes) -> File:
    """Take a file apart.

    Raises:
        EdgePruneError: it is no TFLite file, or contradicts itself.
        UnsupportedError: it has what is not read: sparse or external tensors.
    """
    buffer = Buffer(name, data)
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise EdgePruneError(name, "is no TFLite file: bytes 4 to 7 are not 'TFL3'")
    model = buffer.root()
    if (version := model.number(0, "I")) != 3:
        raise UnsupportedError(name, f"has schema version {version}; version 3 is read")
    graphs = model.tables(2)
    if not graphs:
        raise EdgePruneError(name, "has no graph")
    main = graphs[0]
    contents = [_contents(t, name) for t in model.tables(4)]
    codes = [_code(t, name) for t in model.tables(1)]
    found = _graph(main, contents, codes, buffer)
    if not found.inputs or not found.outputs:
        raise EdgePruneError(name, "has no inputs or no outputs")
    calls = any(op.name == "CALL_ONCE" for op in found.operators)
    once = {i: _graph(t, contents, codes, buffer) for i, t in enumerate(graphs) if i and calls}
    signature = _signature(model, {*found.inputs, *found.outputs})
    return replace(found, signature=signature, once=once)


def _graph(table: Table, contents: list[Array | None], codes: list[str], buffer: Buffer) -> File:
    """One graph of the file."""
    name = buffer.name
    rows = table.tables(0)
    found = [_operator(t, codes, len(rows), name) for t in table.tables(3)]
    decoded = _decoded([op for op in found if op.name == packed.OPERATOR], rows, contents, buffer)
    tensors = _tensors(rows, contents, buffer, decoded)
    operators = tuple(op for op in found if op.name != packed.OPERATOR)
    inputs, outputs = table.ints(1), table.ints(2)
    for number in (*inputs, *outputs):
        _check_index(number, len(tensors), f"{name}: inputs and outputs")
    title = table.text(4)
    return File(name, "" if title == "main" else title, tensors, operators, inputs, outputs)


def _decoded(
    operators: Sequence[Operator],
    rows: Sequence[Table],
    contents: list[Array | None],
    buffer: Buffer,
) -> dict[int, Array]:
    """By tensor number, the bytes of constants that operators make of codes."""
    found: dict[int, Array] = {}
    for op in operators:
        where = f"{buffer.name}: {op.name}"
        if len(op.inputs) != 2 * len(op.outputs) or -1 in op.inputs:
            raise EdgePruneError(where, f"{len(op.inputs)} operands for {len(op.outputs)} results")
        for i, number in enumerate(op.outputs):
            kind = TYPES.get(int(rows[number].number(1, "b")))
            if kind is None or kind[0] not in packed.ELEMENTS:
                raise UnsupportedError(where, "gives elements of a type that is not read")
            ends = [_raw(rows[k], contents, where) for k in op.inputs[2 * i : 2 * i + 2]]
            size = np.dtype(kind[0]).itemsize
            found[number] = packed.decoded(ends[0], ends[1], rows[number], size, where)
            buffer.spend(found[number].size // (8 * size) + 1, rows[number].at)
    return found


def _raw(table: Table, contents: list[Array | None], where: str) -> Array | None:
    """What the buffer of a tensor holds."""
    number = int(table.number(2, "I"))
    if number >= max(1, len(contents)):
        raise EdgePruneError(where, f"buffer {number} of {len(contents)}")
    return contents[number] if contents else None


def _signature(model: Table, ends: Collection[int]) -> dict[int, str]:
    """What the first signature of the main graph calls inputs and outputs; names are unique."""
    found: dict[int, str] = {}
    for table in model.tables(7):
        if table.number(4, "I"):
            continue
        for entry in (*table.tables(0), *table.tables(1)):
            number, name = int(entry.number(1, "I")), entry.text(0)
            if number in ends and name and number not in found and name not in found.values():
                found[number] = name
        break
    return found


def _contents(table: Table, name: str) -> Array | None:
    if table.number(1, "Q") > 1 or table.number(2, "Q") > 1:
        raise UnsupportedError(name, "keeps its weights outside of the flatbuffer")
    found = table.array(0, "u1")
    return found if found is not None and len(found) else None


def _code(table: Table, name: str) -> str:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    number = max(int(table.number(0, "b")), int(table.number(3, "i")))
    names = {v: k for k, v in vars(BuiltinOperator).items() if isinstance(v, int)}
    if number not in names:
        raise EdgePruneError(name, f"has an operator with the unknown number {number}")
    if names[number] == "CUSTOM":
        return f"CUSTOM {table.text(1)!r}"
    return str(names[number])


def _check_index(number: int, count: int, where: str) -> None:
    if not 0 <= number < count:
        raise EdgePruneError(where, f"tensor {number} of {count}")


def _operator(table: Table, codes: list[str], tensors: int, name: str) -> Operator:
    code = int(table.number(0, "I"))
    if code >= len(codes):
        raise EdgePruneError(name, f"operator code {code} of {len(codes)}")
    inputs, outputs = table.ints(1), table.ints(2)
    for number in inputs:
        if number != -1:
            _check_index(number, tensors, f"{name}: {codes[code]}")
    for number in outputs:
        _check_index(number, tensors, f"{name}: {codes[code]}")
    custom = table.array(5, "u1")
    held = b"" if custom is None else custom.tobytes()
    return Operator(codes[code], inputs, outputs, table.table(4), held)


def _tensors(
    tables: Sequence[Table],
    contents: list[Array | None],
    buffer: Buffer,
    decoded: Mapping[int, Array],
) -> tuple[Tensor, ...]:
    # TensorFlow's converter strings the names of fused operators together; the first one will do
    said = [t.text(3).partition(";")[0] for t in tables]
    found, taken = [], set()
    for i, (table, text) in enumerate(zip(tables, said, strict=True)):
        unique = text if text and text not in taken else f"{text or 'tensor'}#{i}"
        while unique in taken:
            unique += "_"
        taken.add(unique)
        found.append(_tensor(table, unique, contents, buffer, decoded.get(i)))
    return tuple(found)


def _tensor(
    table: Table,
    name: str,
    contents: list[Array | None],
    buffer: Buffer,
    decoded: Array | None,
) -> Tensor:
    where = f"{buffer.name}: tensor {name!r}"
    kind = int(table.number(1, "b"))
    if kind not in TYPES:
        return _refused(name, table, f"has elements of type {_type_name(kind)}")
    if table.table(6) is not None:
        raise UnsupportedError(where, "is sparse", "export the model with dense weights")
    shape = table.ints(0)
    if min(shape, default=0) < 0:
        raise EdgePruneError(where, f"has shape {list(shape)}", "export it with fixed sizes")
    elements = 1
    for n in shape:
        elements *= n
    if elements > MAX_ELEMENTS:
        raise EdgePruneError(where, f"has shape {list(shape)}: {elements} elements")
    numpy_name, dtype = TYPES[kind]
    raw = _raw(table, contents, where) if decoded is None else decoded
    data = None
    if raw is not None:
        data = _constant(raw, shape, elements, numpy_name, where)
    if raw is not None and decoded is None:
        buffer.spend(raw.size, table.at)
    quant = _quantisation(table.table(4), shape, dtype, data is not None, where)
    if table.flag(5):
        return Tensor(name, shape, dtype, quant, None, refused=VARIABLE)
    if dtype is DType.UINT8 and quant is not None:
        return _signed(Tensor(name, shape, DType.INT8, quant, data, unsigned=True))
    return Tensor(name, shape, dtype, quant, data, numpy_name == "float16")


def _signed(t: Tensor) -> Tensor:
    """A tensor of uint8 as int8: values and zero points 128 lower, which is exact."""
    assert t.quant is not None
    zeros = tuple(z - 128 for z in t.quant.zero_point)
    data = None if t.data is None else (t.data.astype(np.int16) - 128).astype(np.int8)
    return replace(t, quant=replace(t.quant, zero_point=zeros), data=data)


def _refused(name: str, table: Table, why: str) -> Tensor:
    """A tensor that an operator may not have; whoever reads the operators says so."""
    return Tensor(name, table.ints(0), DType.FLOAT32, None, None, refused=why)


def _type_name(number: int) -> str:
    from ai_edge_litert.schema_py_generated import TensorType

    names = {v: k for k, v in vars(TensorType).items() if isinstance(v, int)}
    return str(names.get(number, f"number {number}"))


def _constant(
    raw: Array, shape: tuple[int, ...], elements: int, numpy_name: str, where: str
) -> Array:
    if numpy_name == "int4":
        wanted = (elements + 1) // 2
    else:
        wanted = elements * np.dtype(numpy_name).itemsize
    if raw.size != wanted:
        raise EdgePruneError(where, f"{list(shape)} needs {wanted} bytes, the file has {raw.size}")
    if numpy_name == "int4":
        return _unpack_int4(raw, elements).reshape(shape)
    kind = np.dtype(numpy_name).newbyteorder("<")
    values = np.frombuffer(raw.tobytes(), kind).reshape(shape)
    native = values.astype("float32" if numpy_name == "float16" else numpy_name)
    if native.dtype == np.float32 and not np.isfinite(native).all():
        raise EdgePruneError(where, "contains NaN or infinite values")
    return native


def _unpack_int4(raw: Array, elements: int) -> Array:
    """Two elements a byte, the first in the low half, as signed int8."""
    pairs = raw.astype(np.uint8)
    halves = np.stack([pairs & 0x0F, pairs >> 4], axis=1).ravel()[:elements].astype(np.int8)
    signed: Array = ((halves ^ 8) - 8).astype(np.int8)
    return signed


def _quantisation(
    table: Table | None, shape: tuple[int, ...], dtype: DType, constant: bool, where: str
) -> QuantParams | None:
    scale = None if table is None else table.array(2, "f4")
    if table is None or scale is None or not scale.size or dtype is DType.FLOAT32:
        return None
    if table.number(4, "B"):
        raise UnsupportedError(where, "is quantised in a way of its own (custom or blockwise)")
    zeros = table.array(3, "i8")
    if zeros is None or zeros.size not in (1, scale.size):
        raise EdgePruneError(where, f"has {scale.size} scales and another number of zero points")
    if not np.isfinite(scale).all() or scale.min() < 0 or (scale.min() == 0 and not constant):
        raise EdgePruneError(where, "has a scale that is not positive")
    zero = np.broadcast_to(zeros, scale.shape)
    bits = 32 if dtype is DType.INT64 else dtype.bits
    low, high = (0, 255) if dtype is DType.UINT8 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if zero.min() < low or zero.max() > high:
        raise EdgePruneError(where, f"has a zero point outside of {low} to {high}")
    axis = int(table.number(6, "i")) if len(shape) > 1 else 0  # some name the weights'
    if scale.size == 1:
        return QuantParams((float(scale[0]),), (int(zero[0]),))
    if not constant:
        raise UnsupportedError(where, "is an activation with a scale per channel")
    if not 0 <= axis < len(shape) or shape[axis] != scale.size:
        raise EdgePruneError(where, f"has {scale.size} scales along axis {axis} of {list(shape)}")
    return QuantParams(tuple(map(float, scale)), tuple(map(int, zero)), axis)


def own_type(t: Tensor) -> DType:
    """The element type that the file has."""
    return DType.UINT8 if t.unsigned else t.dtype


def option(op: Operator, field: int, kind: str, default: float = 0) -> Any:
    """A field of the operator's options, by its number in the schema."""
    return default if op.options is None else op.options.number(field, kind, default)
