"""What a network answers as it is emitted: the integer reference, or its C on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from edgeprune.compiler.compile import Compiled
from edgeprune.ir import Array, Graph, fed, real
from edgeprune.pipeline.prepare import one_call
from edgeprune.scratch import workspace
from edgeprune.verify.run_c import HostModel

REFERENCE_ELEMENTS = 2**24  # of all values that are computed in less time than C is compiled


def answered(graph: Graph, x: Array, compiled: Callable[[], Compiled]) -> Array:
    """What a network answers, real values in and out: of a few samples without compiling it.

    The emitted C is bit for bit the integer reference, so that either may be asked.

    Args:
        graph: the network as it is emitted.
        x: float32 samples, (n, *input shape).
        compiled: compiles it.

    Returns:
        float32 outputs, (n, *output shape).
    """
    elements = len(x) * sum(graph.types[v].size for v in graph.activations)
    if graph.is_quantised and elements <= REFERENCE_ELEMENTS:
        return one_call(graph, x)
    return run_host(compiled(), x)


def run_host(compiled: Compiled, x: Array) -> Array:
    """Run the emitted C on this machine, portable kernels, real values in and out.

    Args:
        compiled: the network. One that keeps states is run call by call, each with the states of
            its sample: not the C, which has its own, but the same integers.
        x: float32 samples, (n, *input shape).

    Returns:
        float32 outputs, (n, *output shape).
    """
    if compiled.graph.states:
        return one_call(compiled.graph, x)
    with TemporaryDirectory(dir=workspace(), prefix="c-") as temp:
        compiled.portable.write_c(Path(temp), "model")
        with HostModel(Path(temp)) as model:
            return real(compiled.graph, model.run(fed(compiled.graph, x)))
