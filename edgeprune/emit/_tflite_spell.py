"""What a TFLite file says of a node: its operator, operands and version."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.emit._tflite_records import Operand, Use, batched
from edgeprune.emit._tflite_schema import version_of
from edgeprune.ir import Array, DType, Form, Graph, Node, QuantParams, TensorType, TfliteOp
from edgeprune.quantize.dynamic import stored
from edgeprune.quantize.half import as_half

HALF_VERSION, HALF_RELEASE = 3, "1.15.0"
"""Of DEQUANTIZE, and of the runtime, that reads float16."""


def spell(graph: Graph, node: Node, dtype: str) -> list[tuple[Use, str]]:
    """One node as the file has it, and the runtime releases that it needs."""
    uses: list[tuple[Use, str]] = []
    types, result = graph.types_of(node), graph.types[node.output]
    op = node.op.to_tflite(types, result)
    operands = []
    in_steps = stored(graph, node) if dtype == "dynamic" else None
    for i, v in enumerate(node.inputs):
        if v in graph.constants:
            form = op.forms.get(i, Form(new_axes=() if i in node.op.weights else (0,)))
            constant = constant_of(graph.constants[v], types[i], form)
            if i == 1 and in_steps is not None:
                q, quant = in_steps
                constant = constant_of(q, TensorType(q.shape, DType.INT8, quant), form)
                op = rounding(op)
            if dtype == "float16" and (read := widened(constant, f"{v}@{node.name};{i}")):
                uses.append((read, HALF_RELEASE))
                assert read.result is not None
                constant = read.result
            operands.append(constant)
        else:
            operands.append(Operand(batched(types[i]), v))
    whole = Operand(batched(result), node.output)
    first = next((t for v, t in zip(node.inputs, types, strict=True) if v not in graph.constants))
    activation = first.dtype
    given = operands if op.operands is None else [operands[i] for i in op.operands]
    while op.then is not None:
        shape = (1, *result.shape) if op.operands is None else given[0].type.shape
        between = TensorType(shape, op.gives) if op.gives else replace(given[0].type, shape=shape)
        name = f"{node.output}|{len(uses)}"  # readers cut names at ";"
        while name in graph.types:  # of a file that was read
            name += "|"
        handed = Operand(between, name)
        uses.append(use_of(op, given, result, handed, activation))
        activation, op = op.gives or activation, op.then
        given = [handed, *(operands[i] for i in op.operands or ())]
    return [*uses, use_of(op, given, result, whole, activation)]


def rounding(op: TfliteOp) -> TfliteOp:
    """A layer with int8 weights: what it reads is rounded with a zero point, as it may say."""
    if op.name != "FULLY_CONNECTED":
        return op
    return replace(op, options={**op.options, "asymmetricQuantizeInputs": True})


def use_of(
    op: TfliteOp, operands: list[Operand], result: TensorType, made: Operand, activation: DType
) -> tuple[Use, str]:
    for extra in op.extra_inputs:
        dtype = DType(extra.dtype.name)
        quant = result.quant if dtype is result.dtype else None  # e.g. the value that pads
        operands = [*operands, Operand(TensorType(extra.shape, dtype, quant), data=extra)]
    if op.order:
        operands = [operands[i] for i in op.order]
    version, runtime = version_of(op, [o.type for o in operands], activation)
    return Use(op, operands, made, version), runtime


def widened(constant: Operand, name: str) -> Use | None:
    """The operator that makes float32 of a constant in float16; None: it is not stored so."""
    assert constant.data is not None
    short = as_half(constant.data)
    if short is None:
        return None
    read = TfliteOp("DEQUANTIZE", "DequantizeOptions")
    return Use(
        read, [Operand(constant.type, data=short)], Operand(constant.type, name), HALF_VERSION
    )


def constant_of(value: Array, t: TensorType, form: Form) -> Operand:
    stored = form.apply(value)
    quant = t.quant
    if quant is not None and quant.axis is not None:
        quant = QuantParams(quant.scale, quant.zero_point, form.axis(quant.axis, value.ndim))
    return Operand(TensorType(tuple(map(int, stored.shape)), t.dtype, quant), data=stored)
