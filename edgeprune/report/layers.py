"""Layer by layer: what each was, is and takes."""

from __future__ import annotations

from collections.abc import Mapping

from edgeprune.compiler import Compiled
from edgeprune.ir import Graph, Node
from edgeprune.kernels.call import held
from edgeprune.quantize.dynamic import stored
from edgeprune.report.schema_network import Layer
from edgeprune.verify.run_target import TargetRun


def channels(graph: Graph) -> dict[str, int]:
    """Channels of every layer with weights, by the layer's name."""
    return {n.name: graph.types[n.output].shape[-1] for n in graph.nodes if n.op.weights}


def _by_layer(run: TargetRun | None) -> dict[str, tuple[float, int | None]]:
    """Instructions and cycles an inference, by layer, where the run was profiled.

    Layers that are turns of a loop do the same work, and each has an equal share of the loop's.
    """
    if run is None or run.profile is None:
        return {}
    n = len(run.profile.inferences)
    found: dict[str, tuple[float, int | None]] = {}
    for mark, names in run.layers.items():
        if (counts := run.profile.by_layer.get(mark)) is None:
            continue
        whole = round(counts.cycles / n)
        for i, name in enumerate(names):
            cycles = whole * (i + 1) // len(names) - whole * i // len(names)
            share = counts.instructions / n / len(names)
            found[name] = share, None if run.cycles is None else cycles
    return found


def _turns(compiled: Compiled, run: TargetRun | None) -> dict[str, str]:
    """By layer that is another turn of a loop of the C, the layer of the first turn."""
    loops = run.layers.values() if run else ()
    turns = {name: names[0] for names in loops for name in names[1:]}
    nodes = {n.name: n for n in compiled.graph.nodes}
    made_by = {n.output: n.name for n in compiled.graph.nodes}
    for name, first in list(turns.items()):
        # views run no code, and belong to what reads them
        for own, its in zip(nodes[name].inputs, nodes[first].inputs, strict=True):
            view, other = made_by.get(own), made_by.get(its)
            if view and other and view != other and view not in compiled.calls:
                turns.setdefault(view, turns.get(other, other))
    return turns


def _bits(compiled: Compiled, node: Node) -> int | None:
    """Bits of a layer's weights as they ship; None: it has none."""
    if not node.op.weights:
        return None
    if compiled.recipe.dtype == "float16":
        return 16
    if compiled.recipe.dtype == "dynamic" and stored(compiled.graph, node) is not None:
        return 8
    return compiled.graph.types_of(node)[1].bits


def layer_rows(
    source: Graph,
    compiled: Compiled,
    run: TargetRun | None,
    snr: Mapping[str, float],
) -> list[Layer]:
    """What each layer was, is and takes, in order of execution.

    Args:
        source: the source model.
        compiled: the network as emitted.
        run: on the emulated core; None: it was not run.
        snr: by layer, signal to quantisation noise in decibels.
    """
    g, work = compiled.graph, _by_layer(run)
    before = {n.output: source.types[n.output].shape for n in source.nodes}
    before |= {v: source.types[v].shape for v in source.inputs}
    bits = {n.name: source.types_of(n)[1].bits for n in source.nodes if n.op.weights}
    made_by = {n.output: i for i, n in enumerate(g.nodes)}
    made_by |= {v: -1 - i for i, v in enumerate(g.inputs)}
    own = held(compiled.calls)
    turns = _turns(compiled, run)
    rows: list[Layer] = []
    for node in g.nodes:
        call = compiled.calls.get(node.name)
        arrays = own.get(node.name, [])
        shape = g.types[node.output].shape
        # what skips inputs is new: the source had all of them there
        old = before.get(node.output) or before.get(node.inputs[0]) or shape
        instructions, cycles = work.get(node.name, (None, None))
        rows.append(
            {
                "name": node.name,
                "turn_of": turns.get(node.name),
                "op": node.op.kind,
                "inputs": [made_by[v] for v in node.inputs if v in made_by],
                "macs": g.macs_of(node),
                "weight_bytes": sum(c.weight_bytes for c in arrays),
                "bits": _bits(compiled, node),
                "bits_before": bits.get(node.name),
                "constant_bytes": sum(int(c.values.nbytes) for c in arrays),
                "channels_before": old[-1] if old else 1,
                "channels_after": shape[-1] if shape else 1,
                "shape": list(shape),
                "dtype": g.types[node.output].dtype.value,
                "kernel": None if call is None else call.function,
                "instructions": instructions,
                "cycles": cycles,
                "snr_db": snr.get(node.name),
            }
        )
    return rows
