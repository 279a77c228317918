"""A float network becomes artifacts for one target; candidates and results take the same steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from edgeprune.compiler.by_rows import best_spans
from edgeprune.compiler.row_spans import Whole
from edgeprune.emit import tflite_metadata, to_onnx, to_ort, to_tflite
from edgeprune.emit.lacking import lacking
from edgeprune.emit.to_c import CFiles, Program, Vectors
from edgeprune.emit.to_c import emit as emit_c
from edgeprune.frontends.normalize import fuse
from edgeprune.frontends.ports import part_ports
from edgeprune.ir import DType, Graph, Node, Part, Span
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.choice import price
from edgeprune.kernels.select import lower, priced
from edgeprune.ops.views import views
from edgeprune.planner import MemoryPlan, Work, plan_memory
from edgeprune.quantize import DEFAULT, Levels, Observed, Settings, quantise, refuse_unquantised
from edgeprune.quantize.delegate import with_float_softmax, with_means
from edgeprune.quantize.dynamic import with_int8_weights
from edgeprune.quantize.half import with_half_weights
from edgeprune.target import Target
from edgeprune.toolchain.compiler import Optimize

MIXED = "mixed"
"""int8 whose weights have fewer bits where that costs least."""
FLOATS = ("float32", "float16", "dynamic")
"""Element types that need no calibration; of all but the first only weights are, for phones."""
STACK_BYTES = 1024
"""Of a part's RAM, what kernels are chosen to leave beside the arena."""
TRIES = ((True, 3), (False, 1))
"""Times that layers by rows are chosen, each for fewer bytes, until they keep to those given: as if
all results lay over their operands that may, and, as not all find places there, as if none did."""
MUCH = 1.1
"""Times the work of the quickest kernels: where fewer bytes cost more, rows may cost less."""


@dataclass(frozen=True)
class Recipe:
    """How a float graph is turned into what is emitted.

    Attributes:
        target: what it is for.
        dtype: "int8", "int16x8", "int4", or one of :data:`FLOATS`.
        optimize: "size" or "speed".
        observed: what calibration saw in the source model, by value; empty for floats.
        settings: how it is quantised.
        levels: of the weights of the float graph that is compiled, where they lie on some already,
            by layer.
        title: the source model's file name.
        sha256: its hash.
        command: the command line.
        labels: names of the classes.
        balance: whether "speed" weighs a share of the arena as much as one of the work.
        slow: whether "size" takes the smallest code, however slow.
        by_rows: whether layers may run row by row through each other for a smaller arena.
        room: bytes that the arena may have, for which layers run so with as little work as can be;
            None, or none that suffices: for as small an arena as pays.
        nearest: whether, where none suffices, the smallest arena that is found is taken, however
            slow: not to be built, but to be told.
    """

    target: Target
    dtype: str
    optimize: Optimize
    observed: Mapping[str, Observed]
    settings: Settings = DEFAULT
    levels: Mapping[str, Levels] = field(default_factory=dict)
    title: str = "model"
    sha256: str = ""
    command: str = ""
    labels: tuple[str, ...] = ()
    balance: bool = False
    slow: bool = False
    by_rows: bool = False
    room: int | None = None
    nearest: bool = False

    @property
    def form(self) -> str:
        """The element type in words: ``dtype``, or :data:`MIXED`."""
        return MIXED if self.levels else self.dtype

    def typed(self, graph: Graph) -> Graph:
        """The graph as it is emitted: clamps fused, and quantised where asked for."""
        if graph.is_quantised:
            return graph
        in_app = self.target.basis == "tflite"
        parted = part_ports(graph)
        fused = fuse(with_means(parted) if in_app else parted)
        if self.dtype == "float16":
            return with_half_weights(fused)
        if self.dtype == "dynamic":
            return with_int8_weights(fused)
        if self.dtype == "float32":
            return fused
        dtype = DType.INT16 if self.dtype == "int16x8" else DType.INT8
        refuse_unquantised(fused, dtype)
        levels = 65536 if dtype is DType.INT16 else 256
        # what compaction put in (a Gather of the inputs) has the range of what it reads
        seen = [v for v in fused.activations if v in self.observed]
        how = self.settings
        ranges = {v: self.observed[v].range(how.method, levels) for v in seen}
        means = {v: self.observed[v].mean for v in seen} if how.corrects_bias else None
        books = {name: found.codebook for name, found in self.levels.items()}
        made = quantise(
            fused,
            ranges,
            dtype,
            four_bit={*how.four_bit, *(k for k, found in self.levels.items() if found.is_int4)},
            codebooks={name: book for name, book in books.items() if book is not None},
            scales={name: found.scales for name, found in self.levels.items()},
            means=means,
            short=not self.target.progmem,
        )
        return with_float_softmax(made) if in_app else made

    def compile(self, graph: Graph, *, thorough: bool = True) -> Compiled:
        """Quantise, choose kernels, plan the memory; not ``thorough``: as a guess that is quick."""
        return self.compile_typed(self.typed(graph), thorough=thorough)

    def compile_typed(
        self,
        typed: Graph,
        *,
        order: Sequence[str] | None = None,
        span: Span | None = None,
        thorough: bool = True,
    ) -> Compiled:
        """Choose kernels and plan the memory of a graph that has its types already.

        Args:
            typed: the graph.
            order: names of the nodes as they must run; None: the best order is searched, and what
                runs by rows.
            span: with an order, the nodes that run by rows.
            thorough: whether better offsets than the greedy ones are searched for.
        """
        whole = self._compiled(typed, order, span, thorough=thorough)
        if not self.by_rows or order is not None or typed.states:
            return whole
        nodes, fewest = whole.plan.order, whole.work
        if self.room is not None:
            free = replace(self, room=None)._compiled(typed, nodes, None, thorough=False)
            fewest = min(fewest, free.work)
            if whole.plan.arena_bytes <= self.room and whole.work <= MUCH * fewest:
                return whole
        found = self._by_rows(whole, fewest, thorough=thorough)
        if self.room is not None and not self.nearest and found.plan.arena_bytes > self.room:
            # what comes nearest may be several times slower
            return replace(self, room=None).compile_typed(typed, thorough=thorough)
        return found

    def _by_rows(self, whole: Compiled, fewest: int, *, thorough: bool) -> Compiled:
        """With layers by rows where that is better; fewest: the work of the quickest kernels."""
        typed, nodes = whole.graph, whole.plan.order
        found = whole
        for overlaps, tries in TRIES:
            less = 0  # bytes that are asked for below those that there are
            for _ in range(tries):
                room = None if self.room is None else self.room - less
                best = best_spans(
                    Whole(
                        typed,
                        whole.calls,
                        whole.plan,
                        self._priced,
                        fewest,
                        keeps_kernels=self.optimize == "size",
                        room=room,
                        overlaps=overlaps,
                    )
                )
                forms = [self._compiled(typed, nodes, f.span, thorough=thorough) for f in best]
                options = [found, *(replace(c, whole=whole) for c in forms)]
                found = min(options, key=lambda c: price(c.plan.arena_bytes, c.work, self.room))
                least = min((c.plan.arena_bytes for c in forms), default=0)
                if self.room is None:
                    pairs = zip(forms, best, strict=True)
                    if not best or any(c.plan.arena_bytes <= f.arena_bytes for c, f in pairs):
                        return found
                    break
                if least <= self.room and not less:
                    return found
                if least <= self.room or all(f.arena_bytes > self.room - less for f in best):
                    break
                less += least - self.room
        return found

    def _priced(self, graph: Graph, node: Node, part: Part | None) -> list[KernelCall]:
        """All calls that compute the only node of a graph, or a part, with what they cost."""
        target = self.target
        return priced(
            graph,
            node,
            isas=target.kernels,
            optimize=self.optimize,
            core=target.core or target.name,
            fpu=target.fpu != "none",
            pairs=target.pairs,
            memory=target.memory,
            part=part,
        )

    def _compiled(
        self, typed: Graph, order: Sequence[str] | None, span: Span | None, *, thorough: bool
    ) -> Compiled:
        core = self.target.core or self.target.name
        room = self.room
        if room is None and span is None and self.target.ram_limit is not None:
            room = self.target.ram_limit - STACK_BYTES

        def planned(calls: Mapping[str, KernelCall], *, thorough: bool = thorough) -> MemoryPlan:
            return plan_memory(
                typed, work_of(typed, calls), order=order, thorough=thorough, span=span
            )

        def arena(calls: Mapping[str, KernelCall]) -> int:
            if span is None:
                return planned(calls).arena_bytes
            plan = planned(calls, thorough=False)  # as a span leaves little to search for
            fits = room is not None and plan.lower_bound_bytes <= room < plan.arena_bytes
            return planned(calls).arena_bytes if fits else plan.arena_bytes

        calls = lower(
            typed,
            self.target.kernels,
            self.optimize,
            core,
            arena,
            fpu=self.target.fpu != "none",
            pairs=self.target.pairs,
            memory=self.target.memory,
            room=room,
            balance=self.balance,
            slow=self.slow,
            span=span,
        )
        return Compiled(self, typed, calls, planned(calls))


def work_of(graph: Graph, calls: Mapping[str, KernelCall]) -> dict[str, Work]:
    """What the planner has to know of every node; those without a call are views."""
    seen = views(graph)
    return {
        n.name: Work(calls[n.name].scratch_bytes, calls[n.name].inplace)
        if n.name in calls
        else Work(view=seen[n.name])
        for n in graph.nodes
    }


@dataclass(frozen=True)
class Compiled:
    """A network ready to be emitted.

    Attributes:
        recipe: how it was made.
        graph: as it is emitted.
        calls: by node.
        plan: of its memory.
        whole: where some layers run by rows, the same network layer by layer.
    """

    recipe: Recipe
    graph: Graph
    calls: Mapping[str, KernelCall]
    plan: MemoryPlan
    whole: Compiled | None = None

    @property
    def work(self) -> int:
        """Estimated cycles of an inference, or instructions where cycles are not modelled."""
        return sum(c.work for c in self.calls.values())

    @cached_property
    def program(self) -> Program:
        """What the C emitter wants."""
        arch = any(call.isas for call in self.calls.values())
        return self._form(self.portable._form(None) if arch else None)

    @property
    def is_portable(self) -> bool:
        """Whether nothing that is linked is for an instruction set."""
        return not any(call.isas or call.drop_ins for call in self.calls.values())

    @cached_property
    def portable(self) -> Compiled:
        """The same network with portable kernels, in the same order."""
        target = replace(self.recipe.target, kernels=("portable",))
        recipe = replace(self.recipe, target=target)
        return recipe.compile_typed(self.graph, order=self.plan.order, span=self.plan.span)

    def _form(self, fallback: Program | None) -> Program:
        r = self.recipe
        return Program(
            self.graph,
            self.calls,
            self.plan,
            title=r.title,
            sha256=r.sha256,
            target=r.target.name,
            command=r.command,
            labels=r.labels,
            fallback=fallback,
        )

    @property
    def constant_bytes(self) -> int:
        """Bytes of arrays and parameters in flash, counted without linking."""
        return _bytes(self.calls.values())

    def layer_bytes(self, name: str) -> int:
        """Of these, what the layer of that name has."""
        return _bytes([self.calls[name]])

    @property
    def near_bytes(self) -> int:
        """Of these, what is read from flash through pointers of its own (AVR)."""
        return _bytes(call for call in self.calls.values() if call.address_space)

    @property
    def copied_bytes(self) -> int:
        """Of these, what start-up code copies to RAM, on processors that read flash in that way."""
        if not self.recipe.target.progmem:
            return 0
        return _bytes(call for call in self.calls.values() if not call.address_space)

    def c_files(self, name: str, vectors: Vectors | None = None) -> CFiles:
        """The folder of generated C."""
        return emit_c(self.program, name, vectors)

    @cached_property
    def tflite(self) -> bytes:
        """The ``.tflite`` file; with metadata for phones, and where there are labels to say."""
        r = self.recipe
        if not r.labels and r.target.basis != "tflite":
            return to_tflite.emit(self.graph, offline_plan=self._is_mcu)
        return tflite_metadata.described(
            self.graph,
            f"{r.title}, {r.dtype}",
            r.labels,
            dtype=r.dtype,
            offline_plan=self._is_mcu,
        )

    @property
    def _is_mcu(self) -> bool:
        return self.recipe.target.kind in ("core", "board")

    @cached_property
    def tflm(self) -> bytes:
        """The ``.tflite`` file of which TFLite Micro decodes the weights that have few values."""
        return to_tflite.emit(self.graph, codes=True, offline_plan=self._is_mcu)

    @property
    def has_onnx(self) -> bool:
        """Whether ONNX can say all of its operators."""
        return not lacking(self.graph, "onnx")

    @property
    def has_tflite(self) -> bool:
        """Whether LiteRT runs all of its operators."""
        return not lacking(self.graph, "tflite")

    @cached_property
    def onnx(self) -> bytes:
        """The ``.onnx`` file."""
        return to_onnx.emit(self.graph, self.recipe.labels)

    @cached_property
    def ort(self) -> tuple[bytes, bytes]:
        """The ``.ort`` file, and the operators that it needs of ONNX Runtime."""
        return to_ort.convert(to_onnx.emit(self.graph, self.recipe.labels, signed=True))

    def write_c(self, folder: Path, name: str, vectors: Vectors | None = None) -> CFiles:
        """Write the folder of generated C."""
        files = self.c_files(name, vectors)
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.files.items():
            (folder / file).write_bytes(content)
        return files


def _bytes(calls: Iterable[KernelCall]) -> int:
    """Of the arrays of calls; equal ones are one."""
    unique = {
        (c.c_type, c.values.tobytes()): int(c.values.nbytes) for call in calls for c in call.arrays
    }
    return sum(unique.values())
