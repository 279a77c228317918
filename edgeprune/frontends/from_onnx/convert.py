"""Walks the nodes of an ONNX graph and hands each to its converter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_onnx.file import MAX_FILE_BYTES, Source, tensor
from edgeprune.frontends.from_onnx.fold import FOLDABLE, fold
from edgeprune.frontends.from_onnx.reader import MAX_ELEMENTS, Call, Reader
from edgeprune.frontends.from_onnx.table import TABLE
from edgeprune.frontends.from_onnx.value import IMAGE, Act, Known, Value
from edgeprune.ir import Array, DType, Graph, Port, TensorType, build_graph
from edgeprune.ops import Reshape

IMAGE_OPS = frozenset(
    "AveragePool BatchNormalization Conv ConvTranspose GlobalAveragePool GlobalMaxPool MaxPool "
    "Resize Upsample".split()
)
ORDERED_OPS = frozenset("Transpose Reshape MatMul Gemm Flatten Squeeze Unsqueeze".split())
MAX_LISTED = 40


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
        self.graph = source.model.graph
        self.batched = batched
        self.reader = Reader()
        self.values: dict[str, Value | None] = {}  # None: could not be computed
        self.tensors = {t.name: t for t in self.graph.initializer}
        self.loaded = 0
        self.refused: list[str] = []
        self.notes: list[str] = []
        self.ports: dict[str, Port] = {}
        self.inputs: dict[str, TensorType] = {}

    def run(self, name: str) -> Graph:
        needed = self._needed()
        for v in self.graph.input:
            if v.name not in self.tensors:
                self._input(v)
        for i, node in enumerate(self.graph.node):
            if i in needed:
                self._node(i, node)
        if self.refused:
            self._refuse()
        outputs = self._outputs()
        graph = build_graph(
            name,
            self.reader.nodes,
            self.inputs,
            outputs,
            self.reader.constants,
            self.reader.constant_types,
            known=self.reader.known,
            ports=self.ports,
            origin="onnx",
        )
        return replace(graph, notes=tuple(self.notes))

    def _refuse(self) -> None:
        shown = self.refused[:MAX_LISTED]
        if len(self.refused) > MAX_LISTED:
            shown.append(f"... and {len(self.refused) - MAX_LISTED} more")
        raise UnsupportedError(
            self.source.name,
            f"{len(self.refused)} operators cannot be compiled:\n    " + "\n    ".join(shown),
            "`edgeprune ops` lists what can be compiled",
        )

    def _needed(self) -> set[int]:
        """Nodes that the outputs depend on."""
        producer: dict[str, int] = {}
        for i, node in enumerate(self.graph.node):
            for v in node.output:
                if v in producer:
                    raise EdgePruneError(self.source.name, f"value {v!r} is computed twice")
                if v:
                    producer[v] = i
        todo = [o.name for o in self.graph.output]
        needed: set[int] = set()
        while todo:
            i = producer.get(todo.pop(), -1)
            if i >= 0 and i not in needed:
                needed.add(i)
                todo += self.graph.node[i].input
        return needed

    # -- inputs ----------------------------------------------------------------------------------

    def _input(self, v: onnx.ValueInfoProto) -> None:
        where = f"{self.source.name}: input {v.name!r}"
        t = v.type.tensor_type
        if not v.type.HasField("tensor_type") or not t.HasField("shape"):
            raise EdgePruneError(where, "is no tensor with a shape", "export with fixed shapes")
        if t.elem_type != TensorProto.FLOAT:
            known = t.elem_type in TensorProto.DataType.values()
            kind = TensorProto.DataType.Name(t.elem_type) if known else str(t.elem_type)
            raise UnsupportedError(where, f"has element type {kind}", "export a float32 model")
        shape = [self._length(where, i, d) for i, d in enumerate(t.shape.dim)]
        free = bool(t.shape.dim) and not t.shape.dim[0].HasField("dim_value")
        batch = self._batch(where, shape, free)
        sample = tuple(shape if batch is None else shape[1:])
        if int(np.prod(sample, dtype=object)) > MAX_ELEMENTS:
            raise EdgePruneError(where, f"has shape {shape}")
        perm = self._layout(v.name, len(sample))
        ir_shape = [0] * len(sample)
        for axis, p in enumerate(perm):
            ir_shape[p] = sample[axis]
        name = self.reader.unique(v.name)
        kind = TensorType(tuple(ir_shape))
        self.inputs[name] = kind
        self.values[v.name] = Act(name, kind, perm, batch)
        shown = sample if batch is None else (1, *sample)
        straight = perm == tuple(range(len(perm)))
        self.ports[name] = Port(v.name, shown, None if straight else perm, batch is not None)

    def _length(self, where: str, axis: int, d: onnx.TensorShapeProto.Dimension) -> int:
        if d.HasField("dim_value") and d.dim_value > 0:
            return int(d.dim_value)
        if axis == 0:
            return 1
        label = f" ({d.dim_param})" if d.dim_param else ""
        raise EdgePruneError(
            where, f"axis {axis}{label} has no fixed length", "export with fixed shapes"
        )

    def _batch(self, where: str, shape: list[int], free: bool) -> int | None:
        """The length of the batch axis; None: axis 0 is an ordinary one."""
        if free:
            self.notes.append(f"{where}: the free batch axis is taken as 1")
            return 1
        if len(shape) < 2 or (shape[0] != 1 and not self.batched):
            return None
        if shape[0] != 1:
            self.notes.append(f"{where}: the batch of {shape[0]} is taken as 1")
        return shape[0]

    def _layout(self, name: str, rank: int) -> tuple[int, ...]:
        """Channels last where the first operator to care reads an image."""
        first_channels = {3: IMAGE, 2: (1, 0)}.get(rank)
        if first_channels is None:
            return tuple(range(rank))
        seen = {name}
        for node in self.graph.node:
            if not seen.intersection(node.input):
                continue
            if node.op_type in IMAGE_OPS:
                return first_channels
            if node.op_type in ORDERED_OPS:
                if rank == 3 and node.op_type == "Flatten":
                    return first_channels
                return tuple(range(rank))
            seen.update(node.output)
        return first_channels if rank == 3 else tuple(range(rank))

    # -- nodes -----------------------------------------------------------------------------------

    def _node(self, i: int, node: onnx.NodeProto) -> None:
        label = node.name or (node.output[0] if node.output else "") or f"node {i}"
        where = f"{self.source.name}: {label!r} ({node.op_type})"
        if node.domain not in ("", "ai.onnx"):
            return self._unreadable(node, f"{label!r} ({node.domain}.{node.op_type})")
        if node.op_type not in TABLE and node.op_type not in FOLDABLE:
            return self._unreadable(node, f"{label!r} ({node.op_type})")
        operands = [self._operand(where, v) if v else None for v in node.input]
        if any(v and o is None for v, o in zip(node.input, operands, strict=True)):
            return self._give(node, [None] * len(node.output))
        outputs = list(node.output)
        while outputs and not outputs[-1]:
            outputs.pop()
        try:
            call = Call(
                label,
                where,
                node.op_type,
                self.source.opset,
                self._attributes(where, node),
                tuple(operands),
                tuple(outputs),
            )
            self._give(node, self._results(call, node))
        except UnsupportedError as e:
            hint = f" ({e.hint})" if e.hint else ""
            self._unreadable(node, f"{label!r} ({node.op_type}): {e.what}{hint}")
        return None

    def _results(self, call: Call, node: onnx.NodeProto) -> Sequence[Value]:
        constant = all(o is None or isinstance(o, Known) for o in call.inputs)
        if call.kind in ("Shape", "Size") or not constant:
            if call.kind not in TABLE:
                raise call.unsupported("its operands are not constant")
            made = TABLE[call.kind](self.reader, call)
            return [made] if isinstance(made, Known | Act) else made
        if call.kind == "Constant":
            return [Known(self._constant(call))]
        if call.kind not in FOLDABLE:
            raise call.unsupported("works on constants only", "fold constants before export")
        if call.kind == "ConstantOfShape" and "value" in call.attributes:
            tensor(self.source, call.attributes["value"])
        arrays = [o.array if isinstance(o, Known) else None for o in call.inputs]
        return [Known(a) for a in fold(call, node, arrays)]

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

    def _give(self, node: onnx.NodeProto, results: Sequence[Value | None]) -> None:
        for v, result in zip(node.output, results, strict=False):
            if v:
                self.values[v] = result

    def _unreadable(self, node: onnx.NodeProto, why: str) -> None:
        self.refused.append(why)
        self._give(node, [None] * len(node.output))

    def _operand(self, where: str, name: str) -> Value | None:
        if name not in self.values:
            if name not in self.tensors:
                raise EdgePruneError(where, f"reads {name!r}, which nothing computes before it")
            array = tensor(self.source, self.tensors[name])
            self.loaded += array.nbytes
            if self.loaded > MAX_FILE_BYTES:
                raise EdgePruneError(
                    self.source.name, f"its tensors hold more than {MAX_FILE_BYTES} bytes"
                )
            self.values[name] = Known(array, name)
        return self.values[name]

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

    # -- outputs ---------------------------------------------------------------------------------

    def _outputs(self) -> list[str]:
        names = []
        for v in self.graph.output:
            where = f"{self.source.name}: output {v.name!r}"
            value = self._operand(where, v.name)
            if not isinstance(value, Act):
                raise UnsupportedError(where, "does not depend on any input", "drop that output")
            call = Call(v.name, where, "output", self.source.opset, {}, (value,), (v.name,))
            y = self.reader.plain(call, value)
            if y.name in self.ports:  # an input, or another output: it needs a value of its own
                name, made = self.reader.emit(call, Reshape(y.type.shape), y)
                y = replace(y, name=name, type=made)
            names.append(y.name)
            straight = y.perm == tuple(range(len(y.perm)))
            shown = y.sample if y.batch is None else (1, *y.sample)
            self.ports[y.name] = Port(
                v.name, shown, None if straight else y.perm, y.batch is not None, DType.FLOAT32
            )
        return names
