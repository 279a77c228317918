"""One-operator TFLite files and LiteRT's reference kernels: what integers are checked against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as s
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgeprune.ir.types import Array, QuantParams

TYPES = {
    "float32": s.TensorType.FLOAT32,
    "int8": s.TensorType.INT8,
    "uint8": s.TensorType.UINT8,
    "int16": s.TensorType.INT16,
    "int32": s.TensorType.INT32,
    "int64": s.TensorType.INT64,
}


@dataclass(frozen=True)
class Value:
    """A tensor of the file: fed or computed (``data`` is None) or constant."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    quant: QuantParams | None = None
    data: Array | None = None


def constant(data: Array, quant: QuantParams | None = None) -> Value:
    """A tensor with contents."""
    return Value(tuple(data.shape), data.dtype.name, quant, data)


def one_op(
    name: str,
    inputs: Sequence[Value],
    output: Value,
    options: Mapping[str, object] | None = None,
    *,
    table: str | None = None,
    version: int = 1,
) -> bytes:
    """A file of one operator; ``table`` names its options table, e.g. "Conv2DOptions"."""
    model = s.ModelT()
    model.version = 3
    code = s.OperatorCodeT()
    number = getattr(s.BuiltinOperator, name)
    code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), version
    model.operatorCodes = [code]
    model.buffers = [s.BufferT()]
    graph = s.SubGraphT()
    graph.tensors = [_tensor(model, v, i) for i, v in enumerate((*inputs, output))]
    op = s.OperatorT()
    op.opcodeIndex = 0
    op.inputs, op.outputs = list(range(len(inputs))), [len(inputs)]
    if table:
        op.builtinOptionsType = getattr(s.BuiltinOptions, table)
        op.builtinOptions = getattr(s, table + "T")()
        for k, v in (options or {}).items():
            assert hasattr(op.builtinOptions, k), k
            setattr(op.builtinOptions, k, v)
    graph.operators = [op]
    graph.inputs = [i for i, v in enumerate(inputs) if v.data is None]
    graph.outputs = [len(inputs)]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _tensor(model: s.ModelT, value: Value, index: int) -> s.TensorT:
    t = s.TensorT()
    t.name, t.shape, t.type = f"t{index}", list(value.shape), TYPES[value.dtype]
    t.buffer = 0
    if value.data is not None:
        buffer = s.BufferT()
        buffer.data = np.frombuffer(value.data.tobytes(), np.uint8)
        model.buffers.append(buffer)
        t.buffer = len(model.buffers) - 1
    if value.quant is not None:
        q = s.QuantizationParametersT()
        q.scale, q.zeroPoint = list(value.quant.scale), list(value.quant.zero_point)
        q.quantizedDimension = value.quant.axis or 0
        t.quantization = q
    return t


def run(content: bytes, *feeds: Array) -> Array:
    """The first output of a file under LiteRT's reference kernels."""
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    for detail, feed in zip(interpreter.get_input_details(), feeds, strict=True):
        interpreter.set_tensor(detail["index"], feed)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
