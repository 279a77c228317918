"""TFLite files, written small: float32 or integers, batch 1 in front, equal parts stored once.

The emitter knows no operator: each one spells itself as a ``TfliteOp`` record. What the format has
no word for (explicit padding of a convolution) is split first, in ``_tflite_split.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from edgeprune.emit._tflite_codes import with_codes
from edgeprune.emit._tflite_fused import fused
from edgeprune.emit._tflite_plan import in_best_order, offsets
from edgeprune.emit._tflite_plan import metadata as offline_memory_allocation
from edgeprune.emit._tflite_records import Operand, Use, batched
from edgeprune.emit._tflite_spell import spell
from edgeprune.emit._tflite_split import split
from edgeprune.emit._tflite_state import RELEASE, before, behind, once
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.codes import DECODE
from edgeprune.ir import Array, DType, Graph, QuantParams, TfliteOp

ALIGNMENT = 16
"""Bytes; the schema's ``force_align`` of constant data."""

EARLIEST = "1.5.0"
"""The runtime that reads a file of which nothing asks for a later one."""

LIMIT = 2**31 - 1
"""Bytes that offsets inside a file can span."""

ENUMS = {"padding": "Padding", "fusedActivationFunction": "ActivationFunctionType"}
"""Options that are enumerations, and which."""


def emit(
    graph: Graph,
    *,
    dtype: str = "float32",
    codes: bool = False,
    offline_plan: bool = False,
    metadata: Mapping[str, bytes] | None = None,
) -> bytes:
    """The network as a TFLite file; the same graph gives the same bytes.

    Args:
        graph: float, or quantised.
        dtype: of a float network, how its constants are stored where that is shorter: "float16"
            those that it holds exactly, "dynamic" the weights of layers as int8.
        codes: whether constants of few values are stored as codes, which only TFLite Micro decodes.
        offline_plan: whether TFLite Micro is told where in its arena each activation lies.
        metadata: further named buffers, e.g. labels.

    Raises:
        UnsupportedError: TFLite has no such operator, or not for that element type; all of them.
        EdgePruneError: the file would be larger than the format allows.
    """
    graph = split(graph)
    if offline_plan:
        graph = in_best_order(graph)
    spelled, problems = [], []
    own = fused(graph)
    for node in graph.nodes:
        if node.name in own.uses:
            use = own.uses[node.name]
            spelled += [use] if use else []
            continue
        try:
            spelled += spell(graph, node, dtype)
        except UnsupportedError as e:
            problems.append(f"{node.name} ({node.op.kind}): {e.what}")
    if problems:
        what = f"TFLite cannot say {len(problems)} of its operators:\n  " + "\n  ".join(problems)
        raise UnsupportedError(graph.name, what, "use --emit c,onnx")
    if sum(t.nbytes for v, t in graph.types.items() if v in graph.constants) > LIMIT - 2**20:
        raise EdgePruneError(graph.name, "has over 2 GiB of weights, too many for a TFLite file")
    if codes:
        behind_codes = with_codes([use for use, _ in spelled])
        spelled = [(u, r) for us, (_, r) in zip(behind_codes, spelled, strict=True) for u in us]
    places = offsets(graph) if offline_plan and not own.uses else None
    states = {v: after for v, after in graph.states.items() if v not in own.states}
    return _Writer().write(graph, spelled, states, places, dict(metadata or {}))


@dataclass
class _Part:
    """One graph of the file while it is written: its tensors, and its calls by tensor numbers."""

    tensors: list[tuple[Operand, int]] = field(default_factory=list)
    tensor_of: dict[object, int] = field(default_factory=dict)
    calls: list[tuple[Use, list[int], list[int]]] = field(default_factory=list)


class _Writer:
    """Builds one file back to front; every vector, table and buffer is written once."""

    def __init__(self) -> None:
        import flatbuffers
        from ai_edge_litert import schema_py_generated

        self.fb: Any = flatbuffers.Builder(1 << 16)
        self.s: ModuleType = schema_py_generated
        self.seen: dict[object, int] = {}
        self.buffers: list[bytes] = [b""]
        self.buffer_of: dict[bytes, int] = {b"": 0}

    def write(
        self,
        graph: Graph,
        spelled: Sequence[tuple[Use, str]],
        states: Mapping[str, str],
        places: Mapping[str, int] | None,
        metadata: dict[str, bytes],
    ) -> bytes:
        main, first = _Part(), _Part()
        for v in graph.inputs:
            if v in graph.arguments or v in states:
                self._tensor(main, Operand(batched(graph.types[v]), v))
        ahead, after = before(graph, states), behind(graph, states)
        for use in (*ahead, *(use for use, _ in spelled), *after):
            self._call(main, use)
        for use in once(graph, states):
            self._call(first, use)
        releases = [*(r for _, r in spelled), *([RELEASE] if states else [])]
        metadata["min_runtime_version"] = _release(releases).ljust(16, b"\0")
        if places is not None:
            known = [places.get(o.name, -1) if o.data is None else -1 for o, _ in main.tensors]
            metadata["OfflineMemoryAllocation"] = offline_memory_allocation(known)
        notes = [(name, self._buffer(data)) for name, data in sorted(metadata.items())]
        return self._finish(graph, [main, *([first] if first.calls else [])], notes)

    def _call(self, part: _Part, use: Use) -> None:
        inputs = [-1 if o is None else self._tensor(part, o) for o in use.operands]
        for o in use.between:
            self._tensor(part, o)
        outputs = [] if use.result is None else [self._tensor(part, use.result)]
        part.calls.append((use, inputs, outputs))

    def _tensor(self, part: _Part, operand: Operand) -> int:
        """The number of a tensor; constants with the same type and contents are one."""
        data = None if operand.data is None else _stored_bytes(operand.data, operand.type.dtype)
        key = operand.name if data is None else (operand.type, data)
        if key not in part.tensor_of:
            part.tensor_of[key] = len(part.tensors)
            part.tensors.append((operand, 0 if data is None else self._buffer(data)))
        return part.tensor_of[key]

    def _buffer(self, data: bytes) -> int:
        if data not in self.buffer_of:
            self.buffer_of[data] = len(self.buffers)
            self.buffers.append(data)
        return self.buffer_of[data]

    def _finish(
        self, graph: Graph, parts: Sequence[_Part], notes: Sequence[tuple[str, int]]
    ) -> bytes:
        s, fb = self.s, self.fb
        contents = [self._bytes(data) for data in self.buffers]
        buffers = self._tables("Buffer", [{"Data": c} if c else {} for c in contents])
        uses = [use for part in parts for use, _, _ in part.calls]
        codes = list(dict.fromkeys((use.op.name, use.version) for use in uses))
        operator_codes = self._tables("OperatorCode", [self._code(*c) for c in codes])
        names = {p: port.name for p, port in graph.ports.items()}
        graphs = []
        for part, *ends in zip(parts, (graph.arguments, ()), (graph.results, ()), strict=False):
            io = [[part.tensor_of[v] for v in vs] for vs in ends]
            graphs.append(self._graph(part, codes, names, io))
        metadata = self._tables(
            "Metadata", [{"Name": self._text(n), "Buffer": b} for n, b in notes]
        )
        model = {
            "Version": 3,
            "OperatorCodes": operator_codes,
            "Subgraphs": self._tables("SubGraph", graphs),
            "Buffers": buffers,
            "Metadata": metadata,
        }
        fb.Finish(self._table("Model", model), file_identifier=b"TFL3")
        assert s.Model.ModelBufferHasIdentifier(fb.Output(), 0)
        return bytes(fb.Output())

    def _graph(
        self,
        part: _Part,
        codes: Sequence[tuple[str, int]],
        names: Mapping[str, str],
        ends: Sequence[Sequence[int]],
    ) -> dict[str, int]:
        """One graph of the file."""
        operators = self._tables(
            "Operator",
            [
                {
                    "OpcodeIndex": codes.index((use.op.name, use.version)),
                    "Inputs": self._ints(inputs),
                    "Outputs": self._ints(outputs),
                    **self._options(use.op),
                    **self._between(part, use),
                }
                for use, inputs, outputs in part.calls
            ],
        )
        rows = [self._tensor_fields(o, b, names) for o, b in part.tensors]
        return {
            "Tensors": self._tables("Tensor", rows),
            "Inputs": self._ints(ends[0]),
            "Outputs": self._ints(ends[1]),
            "Operators": operators,
        }

    def _code(self, name: str, version: int) -> dict[str, int]:
        """An operator's number goes into the field that even old readers know, if it fits."""
        if name == DECODE:
            custom = self.s.BuiltinOperator.CUSTOM
            return {"DeprecatedBuiltinCode": custom, "CustomCode": self._text(name)}
        number = getattr(self.s.BuiltinOperator, name)
        if number < 127:
            return {"DeprecatedBuiltinCode": number, "Version": version}
        return {"DeprecatedBuiltinCode": 127, "BuiltinCode": number, "Version": version}

    def _tensor_fields(
        self, operand: Operand, buffer: int, names: Mapping[str, str]
    ) -> dict[str, int]:
        t = operand.type
        fields = {
            "Shape": self._ints(t.shape),
            "Type": getattr(self.s.TensorType, operand.stored_as),
            "Buffer": buffer,
        }
        if operand.name:
            fields["Name"] = self._text(names.get(operand.name, operand.name))
        if operand.is_variable:
            fields["IsVariable"] = 1
        if t.quant is not None:
            fields["Quantization"] = self._quantization(t.quant)
        return fields

    def _quantization(self, q: QuantParams) -> int:
        fields = {
            "Scale": self._vector(np.asarray(q.scale, "<f4")),
            "ZeroPoint": self._vector(np.asarray(q.zero_point, "<i8")),
            "QuantizedDimension": q.axis or 0,
        }
        return self._table("QuantizationParameters", fields)

    def _between(self, part: _Part, use: Use) -> dict[str, int]:
        numbers = [part.tensor_of[o.name] for o in use.between]
        return {"Intermediates": self._ints(numbers)} if numbers else {}

    def _options(self, op: TfliteOp) -> dict[str, int]:
        if not op.options_type:
            return {}
        key = (op.options_type, repr(sorted((k, _plain(v)) for k, v in op.options.items())))
        if key not in self.seen:
            table = getattr(self.s, op.options_type + "T")()
            for field, value in op.options.items():
                assert hasattr(table, field), f"{op.options_type} has no {field}"
                if isinstance(value, str):
                    value = getattr(getattr(self.s, ENUMS[field]), value)
                setattr(table, field, value)
            self.seen[key] = table.Pack(self.fb)
        return {
            "BuiltinOptionsType": getattr(self.s.BuiltinOptions, op.options_type),
            "BuiltinOptions": self.seen[key],
        }

    def _tables(self, kind: str, rows: Sequence[Mapping[str, int]]) -> int:
        """A vector of tables of one kind."""
        made = [self._table(kind, row) for row in rows]
        self.fb.StartVector(4, len(made), 4)
        for offset in reversed(made):
            self.fb.PrependUOffsetTRelative(offset)
        return int(self.fb.EndVector())

    def _table(self, kind: str, fields: Mapping[str, int]) -> int:
        key = (kind, tuple(fields.items()))
        if key not in self.seen:
            getattr(self.s, f"{kind}Start")(self.fb)
            for name, value in fields.items():
                getattr(self.s, f"{kind}Add{name}")(self.fb, value)
            self.seen[key] = getattr(self.s, f"{kind}End")(self.fb)
        return self.seen[key]

    def _ints(self, values: Sequence[int]) -> int:
        return self._vector(np.asarray(values, "<i4"))

    def _vector(self, values: Array) -> int:
        key = (values.dtype.str, values.tobytes())
        if key not in self.seen:
            self.seen[key] = self.fb.CreateNumpyVector(values)
        return self.seen[key]

    def _text(self, text: str) -> int:
        if ("text", text) not in self.seen:
            self.seen["text", text] = self.fb.CreateString(text.encode("utf-8", "replace"))
        return self.seen["text", text]

    def _bytes(self, data: bytes) -> int:
        """Constant data, aligned; 0 for none."""
        if not data:
            return 0
        alignment = min(ALIGNMENT, 1 << (len(data) - 1).bit_length())
        self.fb.StartVector(1, len(data), alignment)
        self.fb.head -= len(data)
        self.fb.Bytes[self.fb.head : self.fb.head + len(data)] = data
        return int(self.fb.EndVector())


def _stored_bytes(value: Array, dtype: DType) -> bytes:
    """Row-major, little-endian; int4 two elements a byte, the first in the low half."""
    if dtype is not DType.INT4:
        return np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
    flat = value.astype(np.uint8).ravel() & 0x0F
    padded = np.pad(flat, (0, flat.size % 2))
    pairs = padded[::2] | padded[1::2] << 4
    return bytes(pairs.astype(np.uint8))


def _release(releases: Any) -> bytes:
    """The newest of the releases that the operators need."""
    newest = max(releases, key=lambda r: [int(n) for n in r.split(".")], default=EARLIEST)
    return str(newest).encode()


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else value
