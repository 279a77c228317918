"""Chooses a kernel for every node. Add one: a row in ``KERNELS``, before those that are slower.

A file of ``runtime_c/src`` can also have a faster one of the same name in a folder of
``runtime_c/arch``; it is added where the target has that folder among its kernels, and its
functions take the place of those that are marked EP_WEAK.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import PurePosixPath

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Graph, Node, Part, Span
from edgeprune.kernels import arm_dsp, arm_mve, armv6m, avr, costs, riscv, vector
from edgeprune.kernels.by_rows import in_turns
from edgeprune.kernels.call import Kernel, KernelCall, Request
from edgeprune.kernels.choice import Choice, balanced, leanest, quickest, smallest, weighed
from edgeprune.kernels.fields import holds
from edgeprune.kernels.isa import DEFAULT
from edgeprune.kernels.portable.activation import unary
from edgeprune.kernels.portable.arith import arith, extreme, keep, prelu
from edgeprune.kernels.portable.audio import audio_features
from edgeprune.kernels.portable.conv import conv2d, conv_transpose2d, depthwise_conv2d
from edgeprune.kernels.portable.dense import dense
from edgeprune.kernels.portable.lstm import lstm
from edgeprune.kernels.portable.matmul import matmul
from edgeprune.kernels.portable.pool import mean, pool2d
from edgeprune.kernels.portable.requant import convert
from edgeprune.kernels.portable.resize import resize
from edgeprune.kernels.portable.row_sums import average_rows, mean_rows
from edgeprune.kernels.portable.shape import (
    concat,
    embedding,
    gather,
    pad,
    slice_,
    transpose,
)
from edgeprune.kernels.portable.softmax import softmax
from edgeprune.kernels.portable.svdf import svdf
from edgeprune.kernels.stage import staged
from edgeprune.ops.views import views
from edgeprune.resources import runtime_dir
from edgeprune.target import Memory

# By folder of runtime_c/arch: what it can compute. A kernel gives None for a node that is not its
# own, or that it has no form for; the next row is asked then.
KERNELS: dict[str, tuple[Kernel, ...]] = {
    "arm_mve": arm_mve.KERNELS,
    "arm_dsp": arm_dsp.KERNELS,
    "armv6m": armv6m.KERNELS,
    "avr": avr.KERNELS,
    "riscv": riscv.KERNELS,
    "vector": vector.KERNELS,
    "portable": (
        dense,
        conv2d,
        depthwise_conv2d,
        conv_transpose2d,
        matmul,
        lstm,
        audio_features,
        svdf,
        pool2d,
        mean,
        arith,
        extreme,
        keep,
        prelu,
        unary,
        softmax,
        concat,
        pad,
        slice_,
        transpose,
        gather,
        embedding,
        resize,
        convert,
    ),
}

SUMS: tuple[Kernel, ...] = (mean_rows, average_rows)
"""What computes a part of a sum over rows: portable, where a faster loop is put in its place."""


def lower(
    graph: Graph,
    isas: Sequence[str],
    optimize: str,
    core: str = DEFAULT,
    arena: Callable[[Choice], int] | None = None,
    *,
    fpu: bool = True,
    pairs: bool = False,
    memory: Memory | None = None,
    room: int | None = None,
    balance: bool = False,
    slow: bool = False,
    span: Span | None = None,
) -> dict[str, KernelCall]:
    """Spell every node of a network in C.

    Where several kernels compute a node, "speed" takes the one with the fewest cycles, but
    for little more what needs less memory, see :func:`edgeprune.kernels.choice.leanest` and
    :func:`edgeprune.kernels.choice.balanced`; "size"
    takes what makes the network smallest, see :func:`edgeprune.kernels.choice.smallest`.

    Args:
        graph: float32 or quantised, as it is emitted.
        isas: sets of kernels that the target has, best first.
        optimize: "size" or "speed".
        core: what it is to run on, for the cost model.
        arena: bytes of memory with some calls; None: they do not matter.
        fpu: whether the core computes in float.
        pairs: whether it begins two instructions together.
        memory: of the board, for the cost model; None: it never waits.
        room: bytes of RAM that the target has for the arena; None: they do not matter.
        balance: whether "speed" weighs a share of the arena as much as one of the work.
        slow: whether "size" takes the smallest network, however slow.
        span: nodes that run by rows.

    Returns:
        The call of each node, by name; none for a node whose result lies within its operand.

    Raises:
        UnsupportedError: nodes that no kernel computes, all of them at once.
    """
    spelled = partial(
        priced, isas=isas, optimize=optimize, core=core, fpu=fpu, pairs=pairs, memory=memory
    )
    options = _options(graph, span, spelled)
    if optimize == "size":
        flash = partial(costs.flash_bytes, core=core, optimize=optimize)
        return smallest(options, flash, slow=slow)
    quick = quickest(options)
    if arena is None:
        return quick
    if span is not None:
        return weighed(options, quick, arena, room)
    return leanest(options, balanced(options, quick, arena) if balance else quick, arena, room)


def _options(
    graph: Graph, span: Span | None, spelled: Callable[..., list[KernelCall]]
) -> dict[str, list[KernelCall]]:
    """By node the calls that compute it, of which ``spelled`` gives those of one node.

    Raises:
        UnsupportedError: nodes that no kernel computes, all of them at once.
    """
    options: dict[str, list[KernelCall]] = {}
    refused: list[str] = []
    seen = views(graph, span)
    for i, node in enumerate(graph.nodes):
        if node.name in seen:
            continue

        def lowered(
            graph: Graph, node: Node, end: str = "", part: Part | None = None, layer: int = i
        ) -> list[KernelCall]:
            return spelled(graph, node, prefix=f"ep_layer{layer}{end}", part=part)

        try:
            if span is not None and node.name in span.names:
                calls = in_turns(graph, node, span, lowered)
            else:
                calls = lowered(graph, node)
        except UnsupportedError as error:
            refused.append(str(error).split("\n")[0])
            continue
        if not calls:
            types = ", ".join(t.dtype.value for t in graph.types_of(node))
            refused.append(f"{node.name}: no kernel for {node.op.kind} of {types}")
        options[node.name] = calls
    if refused:
        raise UnsupportedError(
            graph.name,
            f"{len(refused)} of {len(graph.nodes)} nodes cannot be compiled to C:\n  "
            + "\n  ".join(refused),
            "use another --dtype; a format that has them needs no C (--emit tflite or onnx)",
        )
    return options


def priced(
    graph: Graph,
    node: Node,
    *,
    isas: Sequence[str],
    optimize: str,
    core: str,
    prefix: str = "ep_layer",
    fpu: bool = True,
    pairs: bool = False,
    memory: Memory | None = None,
    part: Part | None = None,
) -> list[KernelCall]:
    """How each set of kernels computes a node, with what that costs on a core.

    Args are those of :func:`lower`, and the part of a sum that it is.
    """
    calls = candidates(graph, node, isas, optimize, prefix, fpu=fpu, pairs=pairs, part=part)
    on = (costs.counted_on(c, core, fpu) for c in calls)
    return [
        costs.calibrated(c, graph, node, counted, optimize, memory)
        for c, counted in zip(calls, on, strict=True)
    ]


def candidates(
    graph: Graph,
    node: Node,
    isas: Sequence[str],
    optimize: str,
    prefix: str,
    *,
    fpu: bool = True,
    pairs: bool = False,
    part: Part | None = None,
    until: str | None = None,
) -> list[KernelCall]:
    """How each set of kernels computes a node, the best set first.

    Their instructions are what the kernels say, for any core. Where the one called ``until`` is
    found, sets behind its own are not asked.

    Raises:
        UnsupportedError: no set does, and one says why.
    """
    found: list[KernelCall] = []
    refused: UnsupportedError | None = None
    for isa in isas:
        request = Request(graph, node, isa, optimize, prefix, pairs=pairs, fpu=fpu, part=part)
        kernels = KERNELS.get(isa, ()) if part is None else SUMS if isa == "portable" else ()
        try:
            call = staged(kernels, request)
        except UnsupportedError as error:
            refused = error
            continue
        if call is None:
            continue
        if found and found[0].address_space != call.address_space:
            continue  # start-up code would copy its arrays to RAM
        held = [c for c in (call, *call.others) if holds(c)]
        if not held:
            refused = UnsupportedError(node.name, "has sizes larger than its kernel counts")
        found += [replace(c, drop_ins=_drop_ins(c.sources, tuple(isas)), others=()) for c in held]
        if any(c.kernel == until for c in held):
            break
    if refused and not found:
        raise refused
    return found


@cache
def _drop_ins(sources: tuple[str, ...], isas: tuple[str, ...]) -> tuple[str, ...]:
    """For each portable source the file of that name that is fastest on the target, if any."""
    found = []
    for stem in (PurePosixPath(s).stem for s in sources if s.startswith("src/")):
        names = (f"arch/{isa}/{stem}.{kind}" for isa in isas for kind in ("S", "c"))
        found += [n for n in names if (runtime_dir() / n).is_file()][:1]
    return tuple(found)
