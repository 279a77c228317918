"""Chooses a kernel for every node. Add one: a row in ``KERNELS``, before those that are slower.

A file of ``runtime_c/src`` can also have a faster one of the same name in a folder of
``runtime_c/arch``; it is added where the target has that folder among its kernels, and its
functions take the place of those that are marked EP_WEAK.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Graph, Node
from edgeprune.kernels import arm_dsp, arm_mve, avr
from edgeprune.kernels.call import Kernel, KernelCall, Request
from edgeprune.kernels.portable.activation import unary
from edgeprune.kernels.portable.arith import arith, prelu
from edgeprune.kernels.portable.conv import conv2d, conv_transpose2d, depthwise_conv2d
from edgeprune.kernels.portable.dense import dense
from edgeprune.kernels.portable.pool import mean, pool2d
from edgeprune.kernels.portable.requant import convert
from edgeprune.kernels.portable.resize import resize
from edgeprune.kernels.portable.shape import concat, gather, pad, slice_, transpose
from edgeprune.kernels.portable.softmax import softmax
from edgeprune.ops import Reshape
from edgeprune.resources import runtime_dir

# By folder of runtime_c/arch: what it can compute. A kernel gives None for a node that is not its
# own, or that it has no form for; the next row is asked then.
KERNELS: dict[str, tuple[Kernel, ...]] = {
    "arm_mve": arm_mve.KERNELS,
    "arm_dsp": arm_dsp.KERNELS,
    "avr": avr.KERNELS,
    "portable": (
        dense,
        conv2d,
        depthwise_conv2d,
        conv_transpose2d,
        pool2d,
        mean,
        arith,
        prelu,
        unary,
        softmax,
        concat,
        pad,
        slice_,
        transpose,
        gather,
        resize,
        convert,
    ),
}


def lower(graph: Graph, isas: Sequence[str], optimize: str) -> dict[str, KernelCall]:
    """Spell every node of a network in C.

    Args:
        graph: float32 or quantised, as it is emitted.
        isas: sets of kernels that the target has, best first.
        optimize: "size" or "speed".

    Returns:
        The call of each node, by name; none for a node that only gives its operand another shape.

    Raises:
        UnsupportedError: nodes that no kernel computes, all of them at once.
    """
    calls: dict[str, KernelCall] = {}
    refused: list[str] = []
    for i, node in enumerate(graph.nodes):
        if isinstance(node.op, Reshape):
            continue
        try:
            call = _choose(graph, node, isas, optimize, f"ep_layer{i}")
        except UnsupportedError as error:
            refused.append(str(error).split("\n")[0])
            continue
        if call is None:
            types = ", ".join(t.dtype.value for t in graph.types_of(node))
            refused.append(f"{node.name}: no kernel for {node.op.kind} of {types}")
            continue
        calls[node.name] = call
    if refused:
        raise UnsupportedError(
            graph.name,
            f"{len(refused)} of {len(graph.nodes)} nodes cannot be compiled to C:\n  "
            + "\n  ".join(refused),
            "use another --dtype, or emit only .tflite or .onnx (--emit)",
        )
    return calls


def _choose(
    graph: Graph, node: Node, isas: Sequence[str], optimize: str, prefix: str
) -> KernelCall | None:
    """The first kernel that can compute the node, asking the best set first."""
    for isa in isas:
        request = Request(graph, node, isa, optimize, prefix)
        for kernel in KERNELS.get(isa, ()):
            call = kernel(request)
            if call is not None:
                return replace(call, drop_ins=_drop_ins(call.sources, isas))
    return None


def _drop_ins(sources: Sequence[str], isas: Sequence[str]) -> tuple[str, ...]:
    """For each portable source the file of that name that is fastest on the target, if any."""
    found = []
    for stem in (PurePosixPath(s).stem for s in sources if s.startswith("src/")):
        names = (f"arch/{isa}/{stem}.{kind}" for isa in isas for kind in ("S", "c"))
        found += [n for n in names if (runtime_dir() / n).is_file()][:1]
    return tuple(found)
