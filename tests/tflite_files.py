"""One-operator TFLite files and LiteRT's reference kernels: what integers are checked against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    "bool": s.TensorType.BOOL,
}
FIVE, THREE = QuantParams.of(0.05, -3), QuantParams.of(0.03, 7)


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


@dataclass(frozen=True)
class Step:
    """One operator; tensors by their numbers; ``table`` names its options, "Conv2DOptions"."""

    name: str
    inputs: Sequence[int]
    output: int
    options: Mapping[str, object] | None = None
    table: str | None = None
    version: int = 1


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
    step = Step(name, range(len(inputs)), len(inputs), options, table, version)
    fed = [i for i, v in enumerate(inputs) if v.data is None]
    return file_of([*inputs, output], [step], fed, [len(inputs)])


def file_of(
    values: Sequence[Value], steps: Sequence[Step], inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """A file of several operators, each with a code of its own."""
    model = s.ModelT()
    model.version = 3
    model.operatorCodes = [_code(step) for step in steps]
    model.buffers = [s.BufferT()]
    graph = s.SubGraphT()
    graph.tensors = [_tensor(model, v, i) for i, v in enumerate(values)]
    graph.operators = [_operator(i, step) for i, step in enumerate(steps)]
    graph.inputs, graph.outputs = list(inputs), list(outputs)
    model.subgraphs = [graph]
    return packed(model)


def _code(step: Step) -> s.OperatorCodeT:
    code = s.OperatorCodeT()
    number = getattr(s.BuiltinOperator, step.name)
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
    code.version = step.version
    return code


def _operator(index: int, step: Step) -> s.OperatorT:
    op = s.OperatorT()
    op.opcodeIndex = index
    op.inputs, op.outputs = list(step.inputs), [step.output]
    if step.table:
        op.builtinOptionsType = getattr(s.BuiltinOptions, step.table)
        op.builtinOptions = getattr(s, step.table + "T")()
        for k, v in (step.options or {}).items():
            assert hasattr(op.builtinOptions, k), k
            setattr(op.builtinOptions, k, v)
    return op


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


def changed(content: bytes, change: Callable[[s.ModelT], object]) -> bytes:
    """A file after a change of its records."""
    model = s.ModelT.InitFromPackedBuf(content)
    change(model)
    return packed(model)


def packed(model: s.ModelT) -> bytes:
    """The file of some records."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
