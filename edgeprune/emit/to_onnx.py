"""ONNX files, with the inputs and outputs that the user's model had; integers as QDQ.

The emitter knows no operator: each one spells itself as an ``OnnxNode`` record. A value may be
there in several orders of axes; a Transpose is written where an operator wants one that is missing.

What the graph has as int8 is written as uint8, 128 higher, values and weights alike; this is exact.
On an x86 processor with AVX2 but without VNNI, ONNX Runtime multiplies uint8 values by int8 weights
and adds two products in 16 bits, which saturates (int8 values become uint8 there before); uint8 by
uint8 is exact everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from edgeprune.emit._onnx_values import Perm, permuted, raw, stored_as, unsigned
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.ir import (
    Array,
    DType,
    Form,
    Graph,
    Node,
    OnnxNode,
    Port,
    QuantParams,
    TensorType,
    initial_value,
)
from edgeprune.ops import Relu

METADATA = "edgeprune"
"""Key of the metadata entry that says how inputs and outputs relate to the other artifacts'."""

LIMIT = 2**31 - 2**20
"""Bytes of a protobuf."""

FIRST = (2, 0, 1)

_ELEMENT = {
    DType.FLOAT32: TensorProto.FLOAT,
    DType.INT8: TensorProto.INT8,
    DType.UINT8: TensorProto.UINT8,
    DType.INT16: TensorProto.INT16,
    DType.INT32: TensorProto.INT32,
    DType.INT64: TensorProto.INT64,
    DType.INT4: TensorProto.INT4,
}


def emit(graph: Graph, labels: Sequence[str] = (), *, signed: bool = False) -> bytes:
    """The network as an ONNX file; the same graph gives the same bytes.

    Args:
        graph: float, or quantised: then every value is rounded to its integers by a QuantizeLinear
            and read through a DequantizeLinear, and weights are stored as integers.
        labels: names of the classes, for the metadata.
        signed: int8 stays int8, for processors whose kernels are exact with it (Arm).

    Raises:
        UnsupportedError: ONNX has no such operator; all of them.
        EdgePruneError: the file would be larger than the format allows.
    """
    if sum(c.nbytes for c in graph.constants.values()) > LIMIT:
        raise EdgePruneError(graph.name, "has over 2 GiB of weights, too many for one ONNX file")
    writer = _Writer(graph, signed)
    problems = []
    for v in graph.inputs:
        writer.input(v)
    for node in graph.nodes:
        try:
            writer.node(node)
        except UnsupportedError as e:
            problems.append(f"{node.name} ({node.op.kind}): {e.what}")
            rank = len(graph.types[node.output].shape)  # what lies behind it is looked at too
            writer.values[node.output] = _Shape(rank, {tuple(range(rank)): node.output})
    if problems:
        what = f"ONNX cannot say {len(problems)} of its operators:\n  " + "\n  ".join(problems)
        raise UnsupportedError(graph.name, what, "use --emit c,tflite")
    content: bytes = writer.finish(labels).SerializeToString(deterministic=True)
    return content


@dataclass
class _Shape:
    """The orders of axes in which a value is there: order → name in the file."""

    rank: int
    names: dict[Perm, str] = field(default_factory=dict)

    @property
    def first(self) -> Perm:
        """The order in which it was made."""
        return next(iter(self.names))


class _Writer:
    def __init__(self, graph: Graph, signed: bool) -> None:
        self.graph = graph
        self.types = {v: t if signed else unsigned(t) for v, t in graph.types.items()}
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.known: dict[object, str] = {}
        self.values: dict[str, _Shape] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.opset = 18
        self.count = 0
        ports = {v: self._port(v) for v in (*graph.inputs, *graph.outputs)}
        self.taken: set[str] = set()
        self.names = {v: self._unique(p.name) for v, p in ports.items()}
        self.ports = ports

    # -- names and pieces ------------------------------------------------------------------------

    def _port(self, v: str) -> Port:
        t = self.graph.types[v]
        dtype = DType.FLOAT32 if t.quant is not None else t.dtype
        return self.graph.ports.get(v) or Port(v, (1, *t.shape), dtype=dtype)

    def _unique(self, name: str) -> str:
        found, n = name or "value", 1
        while found in self.taken:
            n += 1
            found = f"{name}_{n}"
        self.taken.add(found)
        return found

    def _new(self) -> str:
        self.count += 1
        return self._unique(str(self.count))

    def _add(self, op: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        y = self._new()
        self.nodes.append(helper.make_node(op, inputs, [y], name or None, **attributes))
        return y

    def _constant(self, array: Array, dtype: DType | None = None) -> str:
        """An initializer; equal ones are stored once."""
        dtype = dtype or DType(array.dtype.name)
        shape = tuple(int(s) for s in array.shape)
        data = raw(array, dtype)
        key = (dtype, shape, data)
        if key not in self.known:
            self.known[key] = self._unique(f"c{len(self.known)}")
            tensor = TensorProto(name=self.known[key], data_type=_ELEMENT[dtype], raw_data=data)
            tensor.dims.extend(shape)
            self.initializers.append(tensor)
        return self.known[key]

    # -- quantisation ----------------------------------------------------------------------------

    def _scale(self, q: QuantParams) -> str:
        scale = np.asarray(q.scale, np.float32)
        return self._constant(scale if q.axis is not None else scale[0])

    def _zero(self, q: QuantParams, dtype: DType) -> str:
        zero = np.asarray(q.zero_point, dtype.numpy)
        return self._constant(zero if q.axis is not None else zero[0], dtype)

    def _quantised(self, x: str, t: TensorType) -> str:
        """Rounded to the integers of a type."""
        assert t.quant is not None
        self._wants(t.dtype)
        if t.dtype is DType.INT32:  # QuantizeLinear makes none
            steps = self._add("Round", [self._add("Div", [x, self._scale(t.quant)])])
            return self._add("Cast", [steps], to=int(TensorProto.INT32))
        return self._add("QuantizeLinear", [x, self._scale(t.quant), self._zero(t.quant, t.dtype)])

    def _real(self, x: str, t: TensorType, axis: int | None = None) -> str:
        """The real values of integers."""
        assert t.quant is not None
        self._wants(t.dtype)
        operands = [x, self._scale(t.quant)]
        if any(t.quant.zero_point) or t.dtype is DType.UINT8:  # ONNX Runtime fuses no uint8 without
            operands.append(self._zero(t.quant, t.dtype))
        more: dict[str, Any] = {} if axis is None or len(t.quant.scale) == 1 else {"axis": axis}
        return self._add("DequantizeLinear", operands, **more)

    def _rounded(self, x: str, v: str) -> str:
        """The real values of an activation after rounding to its integers."""
        t = self.types[v]
        return self._real(self._quantised(x, t), t)

    def _wants(self, dtype: DType) -> None:
        if dtype in (DType.INT16, DType.INT4):
            self.opset = max(self.opset, 21)

    # -- operands --------------------------------------------------------------------------------

    def _in_order(self, v: str, perm: Perm) -> str:
        """An activation with its axes in that order."""
        have = self.values[v]
        if perm not in have.names:
            at = [have.first.index(p) + 1 for p in perm]
            have.names[perm] = self._add("Transpose", [have.names[have.first]], perm=[0, *at])
        return have.names[perm]

    def _stored(self, v: str, form: Form) -> str:
        """A constant, as the operator stores it, in real values."""
        t, array = self.types[v], self.graph.constants[v]
        if t.dtype is DType.UINT8 and array.dtype == np.int8:
            array = (array.astype(np.int16) + 128).astype(np.uint8)
        stored = form.apply(array)
        if t.quant is None:
            return self._constant(stored, t.dtype)
        if t.dtype is DType.INT64:  # DequantizeLinear takes no int64
            scale = np.asarray(t.quant.scale, np.float64)
            return self._constant((array * scale).astype(np.float32))
        axis = None if t.quant.axis is None else form.axis(t.quant.axis, array.ndim)
        return self._real(self._constant(stored, t.dtype), t, axis)

    def _operand(self, node: Node, i: int, record: OnnxNode, perm: Perm) -> str:
        v = node.inputs[i]
        if v not in self.graph.constants:
            rank = self.values[v].rank
            return self._in_order(v, perm if rank == len(perm) else tuple(range(rank)))
        if i in node.op.weights:
            return self._stored(v, record.forms.get(i, Form()))
        rank = len(self.graph.types[v].shape)
        missing = max(len(perm) - rank, 0)
        lead = tuple(range(missing + 1))  # the batch, and axes that broadcasting adds
        at = [0, *(p + 1 for p in perm)] if perm != tuple(range(len(perm))) else []
        if not at:
            return self._stored(v, Form(new_axes=lead))
        order = tuple(p - missing for p in perm if p >= missing)
        units = (0, *(i + 1 for i, p in enumerate(perm) if p < missing))
        return self._stored(v, Form(order, units))

    def _order(self, node: Node, record: OnnxNode) -> Perm:
        """The order of axes in which a node's operands meet."""
        moving = [v for v in node.inputs if v not in self.graph.constants]
        ranks = {self.values[v].rank for v in moving}
        rank = max(len(self.graph.types[v].shape) for v in node.inputs)
        if record.layout == "first":
            return FIRST
        if record.op_type == "Reshape":
            return self._row_major(moving[0])
        if record.layout == "last" or ranks != {rank}:
            return tuple(range(max(ranks)))
        return self.values[moving[0]].first

    def _row_major(self, v: str) -> Perm:
        """An order in which a value is there already and its elements lie as in the IR's."""
        shape = self.graph.types[v].shape
        for perm in self.values[v].names:
            long = [p for p in perm if shape[p] != 1]
            if long == sorted(long):
                return perm
        return tuple(range(len(shape)))

    # -- nodes -----------------------------------------------------------------------------------

    def node(self, node: Node) -> None:
        """Write one IR node."""
        graph, y = self.graph, self.graph.types[node.output]
        record = node.op.to_onnx(graph.types_of(node), y)
        perm = self._order(node, record)
        takes = range(len(node.inputs)) if record.operands is None else record.operands
        operands = [self._operand(node, i, record, record.orders.get(i, perm)) for i in takes]
        value = self._apply(record, operands, perm, node.name)
        step = record.then
        while step is not None:
            more = [self._operand(node, i, step, perm) for i in step.operands or ()]
            value = self._apply(step, [value, *more], perm)
            step = step.then
        clamp = getattr(node.op, "clamp", None)
        if clamp is not None:
            value = self._apply(Relu(clamp).to_onnx((y,), y), [value], perm)
        if y.quant is not None:
            value = self._rounded(value, node.output)
        keeps = record.layout != "last" and len(perm) == len(y.shape)
        made = perm if keeps else tuple(range(len(y.shape)))
        self.values[node.output] = _Shape(len(y.shape), {made: value})

    def _apply(self, record: OnnxNode, operands: list[str], perm: Perm, name: str = "") -> str:
        if record.op_type == "Identity":
            return operands[0]
        self.opset = max(self.opset, record.opset)
        record = permuted(record, perm)
        for extra in record.extra_inputs:
            operands.append("" if extra is None else self._constant(extra))
        while operands and not operands[-1]:
            operands.pop()
        return self._add(record.op_type, operands, name, **record.attributes)

    # -- the user's interface --------------------------------------------------------------------

    def _shape(self, v: str) -> tuple[Perm, tuple[int, ...]]:
        """The user's order of axes and shape, from the IR's (compaction may have changed it)."""
        port, shape = self.ports[v], self.graph.types[v].shape
        perm = port.perm or tuple(range(len(shape)))
        user = tuple(shape[p] for p in perm)
        return perm, (1, *user) if port.batched else user

    def _info(self, v: str) -> onnx.ValueInfoProto:
        _, shape = self._shape(v)
        return helper.make_tensor_value_info(
            self.names[v], _ELEMENT[self.ports[v].dtype], list(shape)
        )

    def input(self, v: str) -> None:
        """Write one input: the user's layout and type to a real-valued operand."""
        port, t = self.ports[v], self.graph.types[v]
        perm, shape = self._shape(v)
        self.inputs.append(self._info(v))
        value = self.names[v]
        if not port.batched:
            value = self._add("Reshape", [value, self._constant(np.asarray((1, *shape)))])
        stored = stored_as(t, port.dtype)
        if t.dtype is DType.FLOAT32 and port.dtype is not DType.FLOAT32:
            value = self._add("Cast", [value], to=int(TensorProto.FLOAT))
        elif stored is not None:
            value = self._real(value, stored)
        if t.quant is not None and stored != self.types[v]:
            value = self._rounded(value, v)
        self.values[v] = _Shape(len(t.shape), {perm: value})

    def _output(self, v: str) -> None:
        """Write one output; the node that makes it gets the user's name where it can."""
        port, t = self.ports[v], self.graph.types[v]
        perm, shape = self._shape(v)
        self.outputs.append(self._info(v))
        value = self._in_order(v, perm)
        stored = stored_as(t, port.dtype)
        if stored is not None:
            value = self._quantised(value, stored)
        elif port.dtype is not DType.FLOAT32:
            value = self._add("Cast", [value], to=int(_ELEMENT[port.dtype]))
        if not port.batched:
            value = self._add("Reshape", [value, self._constant(np.asarray(shape, np.int64))])
        maker = next((n for n in self.nodes if value in n.output), None)
        free = not any(o.name == value for o in self.outputs[:-1])
        if maker is None or not free:
            self.nodes.append(helper.make_node("Identity", [value], [self.names[v]]))
            return
        for n in self.nodes:
            for names in (n.input, n.output):
                names[:] = [self.names[v] if name == value else name for name in names]
        for have in self.values.values():
            have.names = {p: self.names[v] if n == value else n for p, n in have.names.items()}

    def finish(self, labels: Sequence[str]) -> onnx.ModelProto:
        """The file."""
        for v in self.graph.outputs:
            self._output(v)
        body = helper.make_graph(
            self.nodes, self.graph.name or "model", self.inputs, self.outputs, self.initializers
        )
        opset = helper.make_opsetid("", self.opset)
        model = helper.make_model(body, opset_imports=[opset], producer_name="edgeprune")
        model.ir_version = helper.find_min_ir_version_for([opset])
        named = {"labels": json.dumps(list(labels))} if labels else {}
        helper.set_model_props(model, {METADATA: self._relation(), **named})
        return model

    def _relation(self) -> str:
        """How the file's inputs and outputs relate to those of the C and the ``.tflite``."""
        sides = {}
        for side, values in (("inputs", self.graph.inputs), ("outputs", self.graph.outputs)):
            rows = []
            for v in values:
                t = self.graph.types[v]
                row: dict[str, object] = {"dtype": t.dtype.value, "shape": t.shape}
                row["perm"] = self._shape(v)[0]
                if t.quant is not None:
                    row["scale"], row["zero_point"] = t.quant.scalar
                if side == "inputs" and v in self.graph.states:
                    row["next"] = self.graph.outputs.index(self.graph.states[v])
                    row["first"] = initial_value(self.graph, v).ravel().tolist()
                rows.append(row)
            sides[side] = rows
        return json.dumps(sides, separators=(",", ":"))
