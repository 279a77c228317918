"""What the C emitter is given: the graph, the call of every node, the memory plan, the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeprune.ir import Array, Graph, TensorType
from edgeprune.kernels.call import KernelCall
from edgeprune.planner import MemoryPlan


@dataclass(frozen=True)
class Program:
    """A lowered network.

    Attributes:
        graph: float32 or quantised, as it is emitted.
        calls: by node name; a node without one is a view of its first operand.
        plan: order and offsets.
        title: the source model's file name, untrusted text.
        sha256: hash of the source model.
        target: name of the target it was lowered for.
        command: the command line that made it; "" for none.
        labels: names of the classes, untrusted text.
        fallback: the same network with portable kernels, in the same order, for compilers that do
            not build for the instruction set of ``calls``; None: ``calls`` are portable.
    """

    graph: Graph
    calls: Mapping[str, KernelCall]
    plan: MemoryPlan
    title: str = "model"
    sha256: str = ""
    target: str = "host"
    command: str = ""
    labels: tuple[str, ...] = ()
    fallback: Program | None = None

    @property
    def arena_bytes(self) -> int:
        """Size of the arena, whichever kernels are built."""
        other = self.fallback.arena_bytes if self.fallback is not None else 4
        return max(self.plan.arena_bytes, other)


@dataclass(frozen=True)
class Vectors:
    """Stored inputs and what the model must answer, in the model's own element types.

    Attributes:
        inputs: (n, *shape).
        outputs: (n, *shape).
        tolerance: by how much real answers may be off.
    """

    inputs: Array
    outputs: Array
    tolerance: float = field(default=0.0)


def c_type(t: TensorType) -> str:
    """Element type of an activation in C."""
    return {"float32": "float", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t"}[
        t.dtype.value
    ]
