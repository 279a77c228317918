"""Walks the nodes of an ONNX graph and hands each to its converter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, TypeProto

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.files import MODEL_BYTES
from edgeprune.frontends.from_onnx import dynamic, elementwise
from edgeprune.frontends.from_onnx.assembly import Assembly, is_constant
from edgeprune.frontends.from_onnx.compare import gives_truth
from edgeprune.frontends.from_onnx.file import Source, tensor
from edgeprune.frontends.from_onnx.fold import FOLDABLE, fold
from edgeprune.frontends.from_onnx.fold_qdq import fold_qdq
from edgeprune.frontends.from_onnx.index import HINT as INDEX_HINT
from edgeprune.frontends.from_onnx.index import KEPT, NUMBERS_HINT
from edgeprune.frontends.from_onnx.index import refusal as counted
from edgeprune.frontends.from_onnx.qdq import note_scales, params_of
from edgeprune.frontends.from_onnx.reader import Call
from edgeprune.frontends.from_onnx.table import TABLE
from edgeprune.frontends.from_onnx.value import Act, Index, Known, Value
from edgeprune.frontends.refusals import Refusal
from edgeprune.ir import Array, DType, Graph, QuantParams, TensorType
from edgeprune.ops import Dequantize, Quantize

IMAGE_OPS = frozenset(
    "AveragePool BatchNormalization Conv ConvTranspose GlobalAveragePool GlobalMaxPool "
    "GroupNormalization InstanceNormalization MaxPool Resize Upsample".split()
)
INPUTS: dict[int, DType] = {
    TensorProto.FLOAT: DType.FLOAT32,
    TensorProto.UINT8: DType.UINT8,
    TensorProto.INT8: DType.INT8,
    TensorProto.INT16: DType.INT16,
    TensorProto.INT32: DType.INT32,
    TensorProto.INT64: DType.INT64,
}
ORDERED_OPS = frozenset("Transpose Reshape MatMul Gemm Flatten Squeeze Unsqueeze".split())


def convert(source: Source, name: str, *, batched: bool) -> Graph:
    """The whole model.

    Args:
        source: the parsed file.
        name: the graph's name.
        batched: whether axis 0 of an input is a batch also where its length is not 1.

    Raises:
        MixesBatchError: with ``batched``, where the model does not treat axis 0 as a batch.
    """
    return _Conversion(source, batched).run(name)


class _Conversion:
    def __init__(self, source: Source, batched: bool) -> None:
        self.source = source
        self.proto = source.model.graph
        self.made = Assembly(source.name, batched)
        self.values: dict[str, Value | Index | None] = {}  # None: could not be computed
        self.tensors = {t.name: t for t in self.proto.initializer}
        self.loaded = 0
        self._inferred: dict[str, TypeProto.Tensor] | None = None

    def run(self, name: str) -> Graph:
        needed = self._needed()
        if any(n.op_type == "DynamicQuantizeLinear" for n in self.proto.node):
            self.made.notes.append(f"{self.source.name}: {dynamic.NOTE}")
        for v in self.proto.input:
            if v.name not in self.tensors:
                self._input(v)
        for i, node in enumerate(self.proto.node):
            if i in needed:
                self._node(i, node)
        self.made.check()
        self.made.give([self._output(v) for v in self.proto.output])
        graph = self.made.graph(name, "onnx")
        if any(isinstance(n.op, Quantize | Dequantize) for n in graph.nodes):
            return fold_qdq(graph, self.made.reader.scales)
        return graph

    def _output(self, v: onnx.ValueInfoProto) -> tuple[str, Value | Index | None, DType]:
        found = self.values.get(v.name)
        if not isinstance(found, Index):
            found = self._operand(f"{self.source.name}: output {v.name!r}", v.name)
        dtype = INPUTS.get(v.type.tensor_type.elem_type, DType.FLOAT32)
        real = not (isinstance(found, Act) and found.type.is_index)
        whole = dtype in (DType.INT32, DType.INT64)
        return v.name, found, DType.FLOAT32 if whole and real else dtype

    def _needed(self) -> set[int]:
        """Nodes that the outputs depend on."""
        producer: dict[str, int] = {}
        for i, node in enumerate(self.proto.node):
            for v in node.output:
                if v in producer:
                    raise EdgePruneError(self.source.name, f"value {v!r} is computed twice")
                if v:
                    producer[v] = i
        todo = [o.name for o in self.proto.output]
        needed: set[int] = set()
        while todo:
            i = producer.get(todo.pop(), -1)
            if i >= 0 and i not in needed:
                needed.add(i)
                todo += self.proto.node[i].input
        return needed

    # -- inputs ----------------------------------------------------------------------------------

    def _input(self, v: onnx.ValueInfoProto) -> None:
        where = f"{self.source.name}: input {v.name!r}"
        t = v.type.tensor_type
        if not v.type.HasField("tensor_type") or not t.HasField("shape"):
            raise EdgePruneError(where, "is no tensor with a shape", "export with fixed shapes")
        dtype = INPUTS.get(t.elem_type)
        if dtype is None:
            known = t.elem_type in TensorProto.DataType.values()
            kind = TensorProto.DataType.Name(t.elem_type) if known else str(t.elem_type)
            raise UnsupportedError(where, f"has element type {kind}", "export a float32 model")
        dims = t.shape.dim
        shape = [self._length(where, i, d) for i, d in enumerate(dims)]
        free = bool(dims) and not dims[0].HasField("dim_value")
        rank = len(shape) - (1 if len(shape) > 1 else 0)
        kind = self._held(v.name, where, dtype)
        image = not kind.is_index and self._is_image(v.name, rank)
        self.values[v.name] = self.made.input(
            v.name, shape, free=free, image=image, dtype=dtype, kind=kind
        )

    def _held(self, name: str, where: str, dtype: DType) -> TensorType:
        """How the IR holds an input: integers that are dequantised, else real numbers."""
        if dtype is DType.FLOAT32:
            return TensorType(())
        if dtype in (DType.INT32, DType.INT64):
            readers = [n for n in self.proto.node if name in n.input]
            real = all(n.op_type == "Cast" and elementwise.makes_real(n) for n in readers)
            return TensorType((), DType.FLOAT32 if real else DType.INT32)
        kinds: dict[tuple[QuantParams, DType], None] = {}
        for node in self.proto.node:
            if name in node.input and node.op_type == "DequantizeLinear":
                operands = tuple(self._operand(where, v) if v else None for v in node.input[1:])
                call = Call("", where, node.op_type, self.source.opset, {}, (None, *operands), ())
                kinds[params_of(call)] = None
            elif name in node.input and node.op_type != "Cast":
                raise UnsupportedError(where, f"is {dtype.value}", "export a float32 or QDQ model")
        if not kinds:
            return TensorType(())
        quant, held = next(iter(kinds))
        if len(kinds) > 1 or quant.axis is not None:
            raise UnsupportedError(where, "is dequantised at several scales")
        return TensorType((), held, quant)

    def _length(self, where: str, axis: int, d: onnx.TensorShapeProto.Dimension) -> int:
        if d.HasField("dim_value") and d.dim_value > 0:
            return int(d.dim_value)
        if axis == 0:
            return 1
        label = f" ({d.dim_param})" if d.dim_param else ""
        raise EdgePruneError(
            where, f"axis {axis}{label} has no fixed length", "export with fixed shapes"
        )

    def _is_image(self, name: str, rank: int) -> bool:
        """Whether the first operator that cares reads an image; two axes and channels are one."""
        seen = {name}
        for node in self.proto.node:
            if not seen.intersection(node.input):
                continue
            if node.op_type in IMAGE_OPS:
                return True
            if node.op_type in ORDERED_OPS:
                return rank == 3 and node.op_type == "Flatten"
            seen.update(node.output)
        return rank == 3

    # -- nodes -----------------------------------------------------------------------------------

    def _node(self, i: int, node: onnx.NodeProto) -> None:
        name = node.name or (node.output[0] if node.output else "") or f"node {i}"
        where = f"{self.source.name}: {name!r} ({node.op_type})"
        foreign = node.domain not in ("", "ai.onnx")
        kind = f"{node.domain}.{node.op_type}" if foreign else node.op_type
        index = next((v for n in node.input if isinstance(v := self.values.get(n), Index)), None)
        if index is not None:
            if node.op_type in KEPT:
                return self._give(node, [index])
            return self._refuse(node, Refusal(kind, name, "computes with an index", INDEX_HINT))
        operands = [self._operand(where, v) if v else None for v in node.input]
        lost = any(v and o is None for v, o in zip(node.input, operands, strict=True))
        if kind not in TABLE and (foreign or lost or kind not in FOLDABLE):
            return self._refuse(node, Refusal(kind, name))
        if lost:
            return self._give(node, [None] * len(node.output))
        outputs = list(node.output)
        while outputs and not outputs[-1]:
            outputs.pop()
        try:
            attributes = self._attributes(where, node)
            call = Call(
                name, where, kind, self.source.opset, attributes,
                tuple(operands), tuple(outputs),
            )  # fmt: skip
            self._give(node, self._results(call))
        except UnsupportedError as e:
            self._refuse(node, Refusal(kind, name, e.what, e.hint))
        except EdgePruneError:
            if not self.made.refused:
                raise
            self._give(node, [None] * len(node.output))  # maybe because of what was refused
        return None

    def _refuse(self, node: onnx.NodeProto, why: Refusal) -> None:
        """Remember it, and go on with values of the shapes that its results have."""
        self.made.refused.append(why)
        self._give(node, [self.made.stand_in(self._shape(v)) for v in node.output])

    def _shape(self, value: str) -> tuple[int, ...]:
        """What ONNX infers for a value; () where it cannot."""
        if self._inferred is None:
            try:
                model = onnx.shape_inference.infer_shapes(self.source.model)
                self._inferred = {v.name: v.type.tensor_type for v in model.graph.value_info}
            except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
                self._inferred = {}
        found = self._inferred.get(value)
        dims = () if found is None else tuple(found.shape.dim)
        return tuple(int(d.dim_value) or int(i == 0) for i, d in enumerate(dims))

    def _results(self, call: Call) -> Sequence[Value | Index]:
        run = call.kind in ("Shape", "Size", "DequantizeLinear")
        if run or not all(map(is_constant, call.inputs)):
            if call.kind not in TABLE:
                raise call.unsupported("is not supported on computed values")
            if why := counted(call.kind, call.inputs):
                raise call.unsupported(why, NUMBERS_HINT)
            first = len(self.made.reader.nodes)
            made = TABLE[call.kind](self.made.reader, call)
            note_scales(self.made.reader, call, first)
            truth = gives_truth(call)
            rows = [made] if isinstance(made, Known | Act | Index) else made
            return [replace(v, truth=truth) if isinstance(v, Act) else v for v in rows]
        if call.kind == "Constant":
            return [Known(self._constant(call))]
        if call.kind not in FOLDABLE:
            raise call.unsupported("works on constants only", "fold constants before export")
        if call.kind == "ConstantOfShape" and "value" in call.attributes:
            tensor(self.source, call.attributes["value"])
        return [Known(a) for a in fold(call)]

    def _constant(self, call: Call) -> Array:
        for key, kind in (("float", np.float32), ("int", np.int64)):
            for suffix in ("", "s"):
                value = call.attributes.get(f"value_{key}{suffix}")
                if value is not None:
                    return np.asarray(value, kind)
        value = call.attributes.get("value")
        if not isinstance(value, TensorProto):
            raise call.error("holds no tensor")
        return tensor(self.source, value)

    def _give(self, node: onnx.NodeProto, results: Sequence[Value | Index | None]) -> None:
        for v, result in zip(node.output, results, strict=False):
            if v:
                self.values[v] = result

    def _operand(self, where: str, name: str) -> Value | None:
        if name not in self.values:
            if name not in self.tensors:
                raise EdgePruneError(where, f"reads {name!r}, which nothing computes before it")
            array = tensor(self.source, self.tensors[name])
            self.loaded += array.nbytes
            if self.loaded > MODEL_BYTES:
                raise EdgePruneError(
                    self.source.name, f"its tensors hold more than {MODEL_BYTES} bytes"
                )
            self.values[name] = Known(array, name)
        found = self.values[name]
        assert not isinstance(found, Index), "no operator reads one"
        return found

    def _attributes(self, where: str, node: onnx.NodeProto) -> dict[str, object]:
        found: dict[str, object] = {}
        for a in node.attribute:
            if a.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) or a.ref_attr_name:
                raise UnsupportedError(where, f"attribute {a.name!r} is a graph or a reference")
            try:
                value = onnx.helper.get_attribute_value(a)
            except ValueError:
                raise EdgePruneError(where, f"attribute {a.name!r} has no value") from None
            is_list = a.type in (AttributeProto.INTS, AttributeProto.FLOATS)
            found[a.name] = list(value) if is_list else value
        return found
