"""Inputs, outputs and refusals of a graph that is read: for ONNX and for PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_onnx.reader import MAX_ELEMENTS, Call, Reader
from edgeprune.frontends.from_onnx.value import IMAGE, Act, Index, Known, Value
from edgeprune.frontends.refusals import Refusal, refusal
from edgeprune.ir import DType, Graph, Port, TensorType, build_graph
from edgeprune.ops import Reshape

REAL = TensorType(())


@dataclass
class Assembly:
    """What a reader collects beside the nodes.

    Attributes:
        source: how messages call the file.
        batched: whether axis 0 of an input is a batch also where its length is not 1.
        refused: operators that cannot be compiled.
    """

    source: str
    batched: bool
    reader: Reader = field(default_factory=Reader)
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ports: dict[str, Port] = field(default_factory=dict)
    inputs: dict[str, TensorType] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)

    def input(
        self,
        name: str,
        shape: Sequence[int],
        *,
        free: bool,
        image: bool,
        dtype: DType = DType.FLOAT32,
        kind: TensorType = REAL,
    ) -> Act:
        """A new input.

        Args:
            name: the user's name for it.
            shape: the user's shape; a free batch axis has length 1.
            free: whether axis 0 has no fixed length.
            image: whether channels are to lie last in the IR.
            dtype: the user's element type.
            kind: element type and quantisation of the IR value.
        """
        where = f"{self.source}: input {name!r}"
        batch = self._batch(where, shape, free)
        sample = tuple(shape if batch is None else shape[1:])
        if int(np.prod(sample, dtype=object)) > MAX_ELEMENTS:
            raise UnsupportedError(where, f"has shape {list(shape)}")
        perm = tuple(range(len(sample)))
        if image:
            perm = {3: IMAGE, 2: (1, 0)}.get(len(sample), perm)
        ir_shape = [0] * len(sample)
        for axis, p in enumerate(perm):
            ir_shape[p] = sample[axis]
        value = self.reader.unique(name)
        kind = kind.with_shape(tuple(ir_shape))
        self.inputs[value] = kind
        act = Act(value, kind, perm, batch)
        self._port(name, act, dtype)
        return act

    def _batch(self, where: str, shape: Sequence[int], free: bool) -> int | None:
        """The length of the batch axis; None: axis 0 is an ordinary one."""
        if free:
            self.notes.append(f"{where}: the free batch axis is taken as 1")
            return 1
        if len(shape) < 2 or (shape[0] != 1 and not self.batched):
            return None
        if shape[0] != 1:
            self.notes.append(f"{where}: the batch of {shape[0]} is taken as 1")
        return shape[0]

    def _port(self, name: str, act: Act, dtype: DType) -> None:
        straight = act.perm == tuple(range(len(act.perm)))
        shape = act.sample if act.batch is None else (1, *act.sample)
        perm = None if straight else act.perm
        self.ports[act.name] = Port(name, shape, perm, act.batch is not None, dtype)

    def give(self, outputs: Sequence[tuple[str, Value | Index | None, DType]]) -> None:
        """All outputs: name, value, the user's element type.

        In place of an index come the scores that it is found in; where those are an output anyway
        it is left out.
        """
        given = {v.name for _, v, _ in outputs if isinstance(v, Act)}
        for name, value, dtype in outputs:
            if not isinstance(value, Index):
                self._output(name, value, dtype)
                continue
            held = "left out"
            if value.of.name not in given:
                given.add(value.of.name)
                self._output(name, value.of, DType.FLOAT32)
                held = "the output is what it is found in"
            self.notes.append(f"{self.source}: output {name!r} {value.what}: {held}")

    def _output(self, name: str, value: Value | None, dtype: DType) -> None:
        where = f"{self.source}: output {name!r}"
        if not isinstance(value, Act):
            raise UnsupportedError(where, "does not depend on any input", "drop that output")
        call = Call(name, where, "output", 0, {}, (value,), (name,))
        y = self.reader.plain(call, value)
        if y.name in self.ports:  # an input, or another output: it needs a value of its own
            made, kind = self.reader.emit(call, Reshape(y.type.shape), y)
            y = replace(y, name=made, type=kind)
        self.outputs.append(y.name)
        self._port(name, y, dtype)

    def stand_in(self, shape: Sequence[int]) -> Act | None:
        """A value in place of one that cannot be computed, so that what reads it is looked at.

        Args:
            shape: what the file says, batch included.
        """
        if not shape or min(shape) < 1:
            return None
        batch = self._batch("", shape, free=False) if shape[0] == 1 else None
        sample = tuple(shape if batch is None else shape[1:])
        value = self.reader.unique("(refused)")
        return Act(value, TensorType(sample), tuple(range(len(sample))), batch)

    def graph(self, name: str, origin: str) -> Graph:
        """The graph.

        Raises:
            UnsupportedError: operators were refused; all of them are listed.
        """
        read = {v for n in self.reader.nodes for v in n.inputs}
        self.notes += [
            f"{self.source}: input {self.ports[v].name!r} is read by nothing"
            for v in self.inputs
            if v not in read
        ]
        made = build_graph(
            name,
            self.reader.nodes,
            {v: t for v, t in self.inputs.items() if v in read},
            self.outputs,
            self.reader.constants,
            self.reader.constant_types,
            known=self.reader.known,
            ports=self.ports,
            origin=origin,
        )
        return replace(made, notes=tuple(self.notes))

    def check(self) -> None:
        """Stop if any operator was refused.

        Raises:
            UnsupportedError: all of them are listed.
        """
        if self.refused:
            raise refusal(self.source, self.refused)


def is_constant(value: Value | None) -> bool:
    """Whether an operand, or one that is left out, is known."""
    return value is None or isinstance(value, Known)
