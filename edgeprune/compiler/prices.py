"""What a pruned network takes, as a sum over its layers: each is lowered once a shape.

A search asks for hundreds of networks that differ from each other in two or three layers. None of
them is lowered as a whole: what a layer takes is looked up by what is left of its channels, or else
by its shape, and only a shape that is new is given to the kernels. Which kernel that is stays as it
is in the whole network, so that a price changes with the channels alone; linking the network that
is settled on tells by how much that is off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgeprune.compiler.compile import Compiled, work_of
from edgeprune.compiler.tiles import tiled_macs
from edgeprune.ir import Coupling, Graph, Node, Span, TensorType, couple, span_of
from edgeprune.kernels import costs
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.select import candidates
from edgeprune.ops.shape import Slice
from edgeprune.ops.views import views
from edgeprune.planner import least_bytes
from edgeprune.pruning.compact import Kept, compact, kept_constant, kept_of, old_channels, sliced
from edgeprune.pruning.costs import nothing_removed
from edgeprune.pruning.groups import Mask, removable
from edgeprune.quantize.dynamic import stored
from edgeprune.quantize.half import as_half

SCALE_BYTES = {"tflite": 12, "onnx": 5}
"""Of one scale and zero point in a file."""
INDEX_BYTES = {"tflite": 4, "onnx": 8}
"""Of one index of a gather there."""

OF_KERNELS = {"ram", "near", "instructions", "cycles"}
"""What depends on the kernels that compute the layers, whatever is built."""


@dataclass(frozen=True)
class LayerPrice:
    """What one layer takes.

    Attributes:
        call: how it is computed; None where no code runs.
        arrays: what tells each of its arrays from others, and its bytes.
        file_bytes: of its constants in a file, with scales; 0 where what is built is linked.
        macs: multiply-accumulates of one inference.
        tiled: the same in whole tiles, as phones compute them.
    """

    call: KernelCall | None
    arrays: tuple[tuple[bytes, int], ...]
    file_bytes: int
    macs: int
    tiled: int


class LayerPrices:
    """Prices of what is left of a network, by which of its channels are gone.

    Args:
        compiled: the whole network.
        source: what it was compiled from, float.
        coupling: of the source, whose channels are removed.
        wanted: what beside "macs", "params" and "neurons" is asked for: some of "flash", "ram",
            "near" (constants that AVR reads by pointers), "work" (:func:`tiled_macs`),
            "instructions" and "cycles" (both by the costs of the kernels; who counts them tells how
            far off that is).
    """

    def __init__(
        self, compiled: Compiled, source: Graph, coupling: Coupling, wanted: Collection[str]
    ) -> None:
        self._compiled = compiled
        self._source = source
        self._coupling = coupling
        self._wanted = frozenset(wanted)
        # of a file its bytes are asked for, and the work: no kernel says those
        is_linked = compiled.recipe.target.basis == "linked"
        self._lowers = is_linked or bool(self._wanted & OF_KERNELS)
        self._neurons = removable(coupling)
        self._by_shape: dict[object, LayerPrice] = {}
        self._inputs: dict[bytes, _Layers] = {}
        self._known: dict[bytes, Mapping[str, float]] = {}

    def __call__(self, removed: Mask) -> Mapping[str, float]:
        """Of the network without these channels."""
        key = removed.tobytes()
        if key not in self._known:
            self._known[key] = self._sum(removed)
        return self._known[key]

    def _sum(self, removed: Mask) -> dict[str, float]:
        layers = self._without_inputs(removed & self._coupling.inputs)
        gone = layers.gone(removed)
        parts = layers.parts(gone)
        found = {
            "macs": float(sum(p.macs for p in parts)),
            "params": float(self._params(removed)),
            "neurons": float((self._neurons & ~removed).sum()),
        }
        target = self._compiled.recipe.target
        if "flash" in self._wanted and target.basis != "linked":
            found["flash"] = float(sum(p.file_bytes for p in parts))
        elif "flash" in self._wanted:
            found["flash"] = float(_bytes(parts))
        if "near" in self._wanted:
            found["near"] = float(_bytes(p for p in parts if p.call and p.call.address_space))
        if "work" in self._wanted:
            found["work"] = float(sum(p.tiled for p in parts))
        if "instructions" in self._wanted:
            found["instructions"] = float(sum(p.call.instructions for p in parts if p.call))
        if "cycles" in self._wanted:
            found["cycles"] = float(sum(p.call.work for p in parts if p.call))
        if "ram" in self._wanted:
            copied = [p for p in parts if p.call and not p.call.address_space]
            ram = layers.arena_bytes(parts, gone)
            found["ram"] = float(ram + (_bytes(copied) if target.progmem else 0))
        return found

    def _params(self, removed: Mask) -> int:
        total = 0
        for name, value in self._source.constants.items():
            if name in self._coupling.values:
                kept = kept_of(self._coupling, removed, name)
                total += 0 if kept is None else int(np.prod([len(k) for k in kept], dtype=int))
                continue
            size = 1
            for axis, n in enumerate(value.shape):
                ids = self._coupling.axes.get((name, axis))
                size *= n if ids is None else int((~removed[ids]).sum())
            total += size
        return total

    def _without_inputs(self, gone: Mask) -> _Layers:
        """The layers of the network that skips some elements of its inputs."""
        key = gone.tobytes()
        if key not in self._inputs:
            graph = self._compiled.graph
            whole = couple(graph)
            here = old_channels(self._coupling, nothing_removed(self._coupling), whole)
            skipped = gone[here] & (here >= 0)
            small = compact(graph, whole, skipped)
            now = couple(small) if skipped.any() else whole
            if skipped.any():
                was = old_channels(whole, skipped, now)
                here = np.where(was >= 0, here[was], -1)
            known = self._compiled, small, now, here, self._by_shape
            self._inputs[key] = _Layers(*known, lowers=self._lowers)
        return self._inputs[key]


class _Layers:
    """The layers of a network all of whose inputs are read."""

    def __init__(
        self,
        compiled: Compiled,
        graph: Graph,
        coupling: Coupling,
        source: np.ndarray[tuple[int], np.dtype[np.int64]],
        by_shape: dict[object, LayerPrice],
        *,
        lowers: bool,
    ) -> None:
        self.graph = graph
        self._compiled = compiled
        self._coupling = coupling
        self._source = source
        self._known = source >= 0
        self._by_shape = by_shape
        self._lowers = lowers
        self._by_mask: dict[tuple[int, bytes], LayerPrice] = {}

    def gone(self, removed: Mask) -> Mask:
        """Which of this network's channels are among those of the source."""
        mask: Mask = removed[self._source] & self._known & ~self._coupling.inputs
        return mask

    def parts(self, gone: Mask) -> list[LayerPrice]:
        """By layer; one that lies within its operand in what is left takes no code."""
        nodes = self.graph.nodes
        parts = [self._price(i, gone) for i in range(len(nodes))]
        if not self._has_cuts:
            return parts
        small = compact(self.graph, self._coupling, gone)
        seen = views(small, self._compiled.plan.span)
        return [
            replace(part, call=None, arrays=()) if node.name in seen else part
            for node, part in zip(nodes, parts, strict=True)
        ]

    def _price(self, i: int, gone: Mask) -> LayerPrice:
        """Of the layer of that number, as if it lay in a place of its own."""
        key = i, gone[self._channels[i]].tobytes()
        if key not in self._by_mask:
            self._by_mask[key] = self._priced(self.graph.nodes[i], gone)
        return self._by_mask[key]

    def arena_bytes(self, parts: list[LayerPrice], gone: Mask) -> int:
        """Of the memory of what is left, if it is placed as well as can be: what lives at once."""
        graph = compact(self.graph, self._coupling, gone)
        calls = {n.name: p.call for n, p in zip(self.graph.nodes, parts, strict=True) if p.call}
        order, span = self._by_rows(graph)
        sums = span.nodes[-1] if span and span.sums else None  # kept in scratch by rows alone
        for node in span.nodes if span else ():
            # of a band, no more than of all rows, nor than in the whole network
            known = self._compiled.calls[node.name]
            most = known.scratch_bytes
            most = most if node is sums else min(calls[node.name].scratch_bytes, most)
            calls[node.name] = replace(calls[node.name], scratch_bytes=most, inplace=known.inplace)
        work = work_of(graph, calls)
        return least_bytes(graph, work, order=order, span=span)

    def _by_rows(self, graph: Graph) -> tuple[tuple[str, ...] | None, Span | None]:
        """The layers that run by rows in the whole network, in what is left, and their order."""
        plan = self._compiled.plan
        nodes = {n.name: n for n in graph.nodes}
        if plan.span is None or not set(plan.order) <= set(nodes):
            return None, None
        inner = [nodes[n.name] for n in plan.span.nodes]
        order = (*(n for n in nodes if n not in plan.order), *plan.order)
        span = span_of(graph, inner, plan.span.most, catches_up=plan.span.catches_up)
        return order, span and replace(span, aside=plan.span.aside)

    @cached_property
    def _has_cuts(self) -> bool:
        """Whether some may lie within their operands, which all that read those decide together."""
        return any(isinstance(n.op, Slice) for n in self.graph.nodes)

    @cached_property
    def _channels(self) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
        """Of every layer, those that it reads, makes, or has weights of."""
        c = self._coupling
        found = []
        for node in self.graph.nodes:
            ids = [c.values[v].ravel() for v in (*node.inputs, node.output) if v in c.values]
            for v in node.inputs:
                axes = range(len(self.graph.types[v].shape))
                ids += [c.axes[v, axis] for axis in axes if (v, axis) in c.axes]
            found.append(np.unique(np.concatenate(ids)))
        return found

    def _priced(self, node: Node, gone: Mask) -> LayerPrice:
        graph, coupling = self.graph, self._coupling
        operands = [
            kept_constant(graph, coupling, gone, node, i)
            if v in graph.constants
            else self._kept(v, gone)
            for i, v in enumerate(node.inputs)
        ]
        made = self._kept(node.output, gone)
        small = replace(node, op=node.op.shrink(operands, made))
        key = (small, *(tuple(map(len, k)) for k in (*operands, made)))
        if key not in self._by_shape:
            self._by_shape[key] = self._lowered(small, operands, made)
        return self._by_shape[key]

    def _kept(self, value: str, gone: Mask) -> Kept:
        kept = kept_of(self._coupling, gone, value)
        assert kept is not None, f"{value}: what is removed of it is not a whole slab"
        return kept

    def _lowered(self, node: Node, operands: list[Kept], made: Kept) -> LayerPrice:
        """A layer alone; its constants are the first of the whole ones, whatever has gone."""
        whole = self.graph
        types: dict[str, TensorType] = {
            node.output: whole.types[node.output].with_shape(tuple(map(len, made)))
        }
        constants = {}
        for v, kept in zip(node.inputs, operands, strict=True):
            if v in whole.constants:
                first = tuple(np.arange(len(k)) for k in kept)
                constants[v] = np.array(whole.constants[v][np.ix_(*first)], order="C")
                types[v] = sliced(whole.types[v], first)
            else:
                types[v] = whole.types[v].with_shape(tuple(map(len, kept)))
        read = tuple(dict.fromkeys(v for v in node.inputs if v not in constants))
        graph = Graph(whole.name, (node,), read, (node.output,), types, constants)
        call = self._call(graph, node) if self._lowers and not views(graph) else None
        arrays = (
            []
            if call is None
            else [(_digest(c.c_type, c.values), int(c.values.nbytes)) for c in call.constants]
        )
        size = self._file_bytes(graph, node)
        return LayerPrice(call, tuple(arrays), size, graph.macs, tiled_macs(graph))

    def _call(self, graph: Graph, node: Node) -> KernelCall:
        """By the kernel that computes the layer in the whole network, where that still can."""
        recipe = self._compiled.recipe
        target, core = recipe.target, recipe.target.core or recipe.target.name
        isas, optimize = target.kernels, recipe.optimize
        known = self._compiled.calls.get(node.name)
        kernel = None if known is None else known.kernel
        calls = candidates(
            graph, node, isas, optimize, "ep_layer", pairs=target.pairs, until=kernel
        )
        same = [c for c in calls if c.kernel == kernel]
        best = same[0] if same else min(calls, key=lambda c: c.constant_bytes)
        return costs.calibrated(best, graph, node, core, optimize, target.memory)

    def _file_bytes(self, graph: Graph, node: Node) -> int:
        """What the layer's constants and their scales take in the file that is the budget."""
        basis = self._compiled.recipe.target.basis
        if basis == "linked":
            return 0
        indices = len(getattr(node.op, "indices", ())) * INDEX_BYTES[basis]
        scales = [t.quant for v, t in graph.types.items() if v in graph.constants]
        count = sum(len(q.scale) for q in scales if q is not None)
        size = sum(graph.types[v].nbytes for v in graph.constants)
        dtype = self._compiled.recipe.dtype
        if dtype == "float16":
            short = [as_half(value) for value in graph.constants.values()]
            size -= sum(value.nbytes for value in short if value is not None)
        if dtype == "dynamic" and (found := stored(graph, node)):
            size -= 3 * found[0].nbytes
            count += len(found[1].scale)
        return size + indices + SCALE_BYTES[basis] * count


def _digest(c_type: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    return hashlib.blake2b(values.tobytes(), digest_size=16, key=c_type.encode()).digest()


def _bytes(parts: Iterable[LayerPrice]) -> int:
    """Of the arrays of layers; equal ones are one."""
    return sum(dict(array for p in parts for array in p.arrays).values())
