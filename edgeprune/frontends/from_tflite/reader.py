"""What is known while the records of a file are read: values, constants, types."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import File, Operator, Tensor, option
from edgeprune.frontends.from_tflite.states import States
from edgeprune.ir import (
    Array,
    DType,
    Node,
    Op,
    QuantParams,
    TensorType,
)

if TYPE_CHECKING:
    from edgeprune.frontends.from_tflite.audio import Sound
    from edgeprune.frontends.from_tflite.dilated import Phases

CLAMPS = {0: None, 1: (0.0, math.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
"""Fused activations by their number in the schema."""

INTEGERS = (DType.INT8, DType.INT16)
WHOLE = (DType.INT32, DType.INT64)
MOVES = frozenset(
    "EXPAND_DIMS RESHAPE SPLIT SPLIT_V SQUEEZE STRIDED_SLICE SLICE TRANSPOSE UNPACK".split()
)
"""Operators that numbers of rows may go into, beside those that look up, and truth values."""

SIGNAL = "CUSTOM 'Signal"
"""What operators begin with whose samples are int16 without a scale."""

MAX_COMPARED = 1 << 30
"""Bytes of constants that are compared with one another before a file is given up."""


class Reader:
    """Collects nodes, constants and types while operator after operator is read."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.constant_types: dict[str, TensorType] = {}
        self.known: dict[str, TensorType] = {}
        self.folded: dict[int, Array] = {}
        self.centred: dict[int, Tensor] = {}
        self.phases: dict[int, Phases] = {}
        self.stacked: dict[int, str] = {}  # values whose first axis is no batch, by tensor
        self.rows: set[int] = set()  # tensors of rows that are one below the other
        self.steps: dict[int, tuple[int, int]] = {}  # of a look-up: (tensor, what was added to it)
        self.wraps: dict[int, int] = {}  # of numbers of rows below 0: what they are made of
        self.sound: dict[int, Sound] = {}  # between samples and features, by tensor
        self.given: dict[str, TensorType] = {}  # of computed tensors whose own says too little
        self.hybrid: set[str] = set()
        self.remarks: list[str] = []
        self.states = States()
        self.compared = 0
        self.inputs: dict[str, TensorType] = {}
        heard = {op.inputs[0] for op in file.operators if op.name.startswith(SIGNAL) and op.inputs}
        for i in file.inputs:
            t = file.tensors[i]
            if i in heard and t.dtype is DType.INT16 and t.quant is None:
                shape = t.shape[1:] if t.shape[:1] == (1,) else t.shape
                self.given[t.name] = TensorType(shape, t.dtype, QuantParams.of(1.0))
            self.inputs[t.name] = self.known[t.name] = self.activation_type(t)

    def tensor(self, op: Operator, position: int) -> Tensor | None:
        """An operand; None if it is left out."""
        if position >= len(op.inputs) or op.inputs[position] < 0:
            return None
        number = op.inputs[position]
        return self.centred.get(number, self.file.tensors[number])

    def operand(self, op: Operator, position: int) -> Tensor:
        """An operand that must be there."""
        found = self.tensor(op, position)
        if found is None:
            raise EdgePruneError(self.where(op), f"operand {position} is missing")
        return found

    def result(self, op: Operator) -> Tensor:
        """The operator's first result."""
        return self.file.tensors[op.outputs[0]]

    def where(self, op: Operator) -> str:
        """How messages call an operator."""
        label = f"{self.result(op).name!r} ({op.name})" if op.outputs else op.name
        return f"{self.file.name}: {label}"

    def constant(self, op: Operator, position: int) -> Array | None:
        """The contents of an operand that is, or became, a constant."""
        if position >= len(op.inputs) or op.inputs[position] < 0:
            return None
        number = op.inputs[position]
        held = self.centred.get(number, self.file.tensors[number])
        return self.folded.get(number, held.data)

    @cached_property
    def readers(self) -> dict[int, set[str]]:
        """By tensor, the names of the operators that read it."""
        found: dict[int, set[str]] = {}
        for op in self.file.operators:
            for number in op.inputs:
                found.setdefault(number, set()).add(op.name)
        return found

    def counts_rows(self, number: int) -> bool:
        """Whether a tensor is computed, and has numbers of rows."""
        t = self.known.get(self.file.tensors[number].name) if number >= 0 else None
        return t is not None and t.is_index

    def integers(self, op: Operator, position: int) -> list[int]:
        """An operand that must be constant integers (axes, sizes, paddings), flat."""
        found = self.constant(op, position)
        if found is None:
            raise UnsupportedError(self.where(op), f"operand {position} is computed, not constant")
        if found.dtype.kind not in "iu" or found.size > 1 << 16:
            raise EdgePruneError(self.where(op), f"operand {position} is no short integer list")
        return [int(v) for v in found.ravel()]

    def activation_type(self, t: Tensor) -> TensorType:
        """The per-sample type of a computed tensor.

        Raises:
            UnsupportedError: its batch is not 1, or it has a type that no operator computes.
        """
        if t.name in self.given:
            return self.given[t.name]
        where = f"{self.file.name}: tensor {t.name!r}"
        if t.refused:
            raise UnsupportedError(where, t.refused)
        if not t.shape or t.shape[0] != 1:
            raise UnsupportedError(
                where, f"has shape {list(t.shape)}: its first axis is no batch of 1",
                "export the model with batch size 1",
            )  # fmt: skip
        if 0 in t.shape:
            raise EdgePruneError(where, f"has shape {list(t.shape)}: it is empty")
        if t.dtype in WHOLE and t.quant is None:
            return TensorType(t.shape[1:], DType.INT32)  # numbers of rows
        if t.dtype is DType.BOOL:
            return TensorType(t.shape[1:])  # 1 and 0
        if t.dtype is not DType.FLOAT32 and t.quant is None:
            raise UnsupportedError(where, f"is {t.dtype.value} without a scale")
        return TensorType(t.shape[1:], t.dtype, t.quant)

    def value(self, op: Operator, position: int) -> str:
        """The name of an operand that is used as data: an activation, or a constant like one."""
        t = self.operand(op, position)
        if t.name in self.known:
            return t.name
        data = self.constant(op, position)
        if op.inputs[position] in self.stacked and len(t.shape) < len(self.result(op).shape):
            return self.stacked[op.inputs[position]]  # spread over the batch
        if data is None and op.inputs[position] in self.stacked:
            what = f"works on {list(t.shape)}, whose first axis is no batch of 1"
            raise UnsupportedError(self.where(op), what, "export the model with batch size 1")
        if data is None:
            raise EdgePruneError(self.where(op), f"nothing computes {t.name!r}")
        rank = max(len(self.result(op).shape), 1)
        if data.shape[:1] == (1,):  # the batch
            data = data.reshape(data.shape[1:])
        if data.ndim >= rank:
            raise UnsupportedError(self.where(op), f"constant operand of shape {list(data.shape)}")
        return self.add_constant(t.name, data, TensorType(data.shape, t.dtype, t.quant))

    def add_constant(self, name: str, data: Array, t: TensorType) -> str:
        """Keep a constant under a name of its own; the same one twice is one."""
        while name in self.known or name in self.constants:
            if name in self.constants and self.constant_types[name] == t:
                self.compared += data.nbytes
                if self.compared > MAX_COMPARED:
                    raise EdgePruneError(self.file.name, "uses the same constants too often")
                if np.array_equal(self.constants[name], data):
                    return name
            name += "_"
        self.constants[name] = np.require(data, requirements=["C", "W"])  # a scalar stays one
        self.constant_types[name] = t
        return name

    def add(self, op: Operator, made: Op, inputs: Sequence[str], t: Tensor | None = None) -> None:
        """Append the node that computes the operator's result (or ``t``)."""
        result = t or self.result(op)
        if result.name in self.known or result.name in self.constants:
            raise EdgePruneError(self.where(op), f"{result.name!r} is computed twice")
        if result.dtype is DType.BOOL and made.moves:
            moved = self.known[inputs[0]]
            shape = self.activation_type(result).shape
            self.given[result.name] = TensorType(shape, moved.dtype, moved.quant)
        kind = self.activation_type(result)
        self.known[result.name] = kind
        self.nodes.append(Node(result.name, made, tuple(inputs), result.name))

    def between(
        self,
        op: Operator,
        made: Op,
        sources: Sequence[str],
        suffix: str,
        like: TensorType | None = None,
    ) -> str:
        """Append a node that the file does not have, in front of the operator's own.

        Its elements are those of ``like``; None: of its first operand.
        """
        name = f"{self.result(op).name}/{suffix}"
        while name in self.known or name in self.constants:
            name += "_"
        types = [self.known[v] if v in self.known else self.constant_types[v] for v in sources]
        self.known[name] = (like or types[0]).with_shape(made.infer(*types).shape)
        self.nodes.append(Node(name, made, tuple(sources), name))
        return name

    def real(self, op: Operator, t: Tensor, data: Array) -> Array:
        """The real values of a constant that is stored as integers or float16."""
        if t.half:
            return data
        if t.quant is None:
            raise EdgePruneError(self.where(op), f"{t.name!r} is {t.dtype.value} without a scale")
        shape = [1] * data.ndim
        if t.quant.axis is not None:
            shape[t.quant.axis] = -1
        scale = np.asarray(t.quant.scale, np.float32).reshape(shape)
        zero = np.asarray(t.quant.zero_point, np.int32).reshape(shape)
        return np.asarray((data.astype(np.int32) - zero) * scale, np.float32)

    def skip(self, op: Operator) -> None:
        """Go on behind an operator that is not supported, as if it had been read."""
        for number in op.outputs:
            t = self.file.tensors[number]
            self.known[t.name] = TensorType(t.shape[1:], t.dtype, t.quant)

    def clamp(self, op: Operator, field: int) -> tuple[float, float] | None:
        """The fused activation."""
        number = option(op, field, "b")
        if number not in CLAMPS:
            raise UnsupportedError(self.where(op), f"fused activation number {number}")
        return CLAMPS[number]

    def check_types(self, op: Operator, *positions: int) -> DType:
        """The one element type of the result and of operands: float32, int8 or int16.

        Raises:
            UnsupportedError: another type, or a mixture.
        """
        result = self.result(op).dtype
        types = [self.operand(op, p).dtype for p in positions]
        for t in (self.result(op), *(self.operand(op, p) for p in positions)):
            if t.dtype is DType.INT16 and t.quant is not None and t.quant.zero_point[0]:
                raise UnsupportedError(self.where(op), f"{t.name!r} is int16 with a zero point")
        known = (*INTEGERS, DType.FLOAT32, *((*WHOLE, DType.BOOL) if op.name in MOVES else ()))
        if result in known and all(t is result for t in types):
            return result
        names = ", ".join(dict.fromkeys(t.value for t in (*types, result)))
        hint = "export the model as float32 or with int8 activations"
        if "bool" in names:
            hint = "compute with numbers, and compare what comes of them"
        raise UnsupportedError(self.where(op), f"has activations of type {names}", hint)

    def layer(self, op: Operator, x: int, w: int, b: int, axis: int) -> tuple[str, Array, str]:
        """Image or vector, stored weights and bias of a layer.

        Args:
            op: the operator.
            x: position of the activation.
            w: position of the weights.
            b: position of the bias, which may be left out.
            axis: the axis of the stored weights that counts the outputs.

        Returns:
            The activation's name, the weights as the file has them, the bias's name.
        """
        dtype = self.check_types(op, x)
        weights = self._centred(op, w) if dtype in INTEGERS else self.operand(op, w)
        data = self.constant(op, w)
        if data is None:
            raise UnsupportedError(self.where(op), "has weights that are computed, not constant")
        if dtype is DType.FLOAT32 and data.dtype != np.float32:
            data = self.real(op, weights, data)
            self.hybrid.add(weights.name)
        packed = weights.dtype in (DType.INT8, DType.INT4) and weights.quant is not None
        if dtype in INTEGERS and not packed:
            raise UnsupportedError(self.where(op), f"has weights of type {weights.dtype.value}")
        if not data.ndim > axis:
            raise EdgePruneError(self.where(op), f"has weights of shape {list(data.shape)}")
        bias = self.bias(op, self.operand(op, x), weights, b, data.shape[axis])
        return self.value(op, x), data, bias

    def _centred(self, op: Operator, position: int) -> Tensor:
        """Integer weights around 0, where they can be: what old files have as uint8 may not be."""
        t, data = self.operand(op, position), self.constant(op, position)
        if data is None or t.quant is None or len(t.quant.scale) > 1 or not t.quant.zero_point[0]:
            return t
        wide = data.astype(np.int32) - t.quant.zero_point[0]
        if wide.size and np.abs(wide).max() <= 127:
            t = replace(t, data=wide.astype(np.int8), quant=QuantParams(t.quant.scale, (0,)))
            self.centred[op.inputs[position]] = t
        return t

    def bias(self, op: Operator, x: Tensor, w: Tensor, position: int, outputs: int) -> str:
        """The bias's name; zeros where there is none."""
        t, data = self.tensor(op, position), self.constant(op, position)
        if t is not None and data is None:
            raise UnsupportedError(self.where(op), "has a bias that is computed, not constant")
        wanted = {DType.FLOAT32: (np.float32,), DType.INT8: (np.int32,)}.get(
            x.dtype, (np.int64, np.int32)
        )
        if data is None:
            data = np.zeros(outputs, wanted[0])
        if data.size != outputs or data.dtype not in wanted:
            what = f"has a bias of {data.size} {data.dtype.name} for {outputs} outputs"
            raise EdgePruneError(self.where(op), what)
        quant = None if t is None else t.quant
        if x.quant is not None and w.quant is not None and quant is None:
            scale = np.float32(x.quant.scale[0]) * np.asarray(w.quant.scale, np.float32)
            scales = tuple(map(float, scale))
            quant = QuantParams(scales, (0,) * len(scales), None if len(scales) == 1 else 0)
        name = f"{self.result(op).name}/bias" if t is None else t.name
        dtype = DType(data.dtype.name)
        return self.add_constant(name, data.ravel(), TensorType((outputs,), dtype, quant))

    def weights(self, op: Operator, position: int, data: Array, axis: int | None) -> str:
        """Keep weights in the IR's shape; ``axis``: where a scale per channel lies there."""
        t = self.operand(op, position)
        quant = t.quant if data.dtype != np.float32 else None
        if quant is not None and quant.axis is not None:
            quant = QuantParams(quant.scale, quant.zero_point, axis)
        dtype = t.dtype if data.dtype != np.float32 else DType.FLOAT32
        return self.add_constant(t.name, data, TensorType(data.shape, dtype, quant))

    def need_symmetric(self, op: Operator, position: int, axis: int | None) -> None:
        """Scales of weights must lie along their outputs, without zero points."""
        quant = self.operand(op, position).quant
        if quant is None:
            return
        if any(quant.zero_point):
            raise UnsupportedError(self.where(op), "has weights with a zero point")
        if quant.axis not in (None, axis):
            raise UnsupportedError(self.where(op), f"has weights scaled along axis {quant.axis}")


def counts(reader: Reader, op: Operator, *fields: tuple[int, int]) -> tuple[int, ...]:
    """Fields (number, default) that must be small positive integers: strides, windows."""
    found = tuple(int(option(op, field, "i", default)) for field, default in fields)
    if not all(1 <= n <= 1 << 16 for n in found):
        raise EdgePruneError(reader.where(op), f"has strides, dilations or windows {list(found)}")
    return found
