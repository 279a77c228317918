"""Weights of few values: packed codes in flash, unpacked into scratch in front of any int8 kernel.

The kernels know nothing of it. A layer with a codebook is lowered as the int8 layer that it is,
whole or as parts of its output channels; then the packed weights of each call give way to codes in
the same order. Every code is unpacked once in an inference; what a part costs is that it gathers
its inputs anew, and that its results cannot lie over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

import numpy as np

from edgeprune.ir import Array, DType, LinearOp, QuantParams, TensorType, numbers_of
from edgeprune.ir.fixedpoint.short import Short
from edgeprune.kernels.call import Constant, Kernel, KernelCall, Request, Stage
from edgeprune.kernels.codes import Coding, coding_of
from edgeprune.kernels.rescaling import CALL_BYTES, rescaling
from edgeprune.ops import Conv2d, Dense

STAGE_BYTES = {"avr": 256}
"""Scratch that unpacked weights should take, by set of kernels."""
MOST_BYTES = 4800
"""The same of all other sets."""
LEAN_BYTES = 1024
"""The same of dense layers where size counts: they have nothing to gather anew for each part."""
PART = "@part"
"""What the names of values end with that are made for some channels."""


def staged(kernels: Sequence[Kernel], request: Request) -> KernelCall | None:
    """What the first kernel that can makes of a node, weights as codes where they have few values.

    Raises:
        UnsupportedError: a kernel that is asked says why nothing can.
    """
    request, coding = _as_int8(request)
    known = None  # the same with its values, where few of its bytes would be saved
    if coding is not None and _saved(request, coding) < CALL_BYTES:
        known = request if request.optimize == "size" else None
        request, coding = replace(request, values=None), None
    for kernel in kernels:
        call = kernel(request)
        if call is not None and coding is not None:
            assert isinstance(request.node.op, LinearOp)
            layer = _Coded(kernel, request, request.node.op.out_axis, coding)
            found = [c for c in map(layer.call, (call, *call.others)) if c is not None]
            call = replace(found[0], others=tuple(found[1:])) if found else None
        elif call is not None and known is not None:
            call = replace(call, others=(*call.others, *_read_as_they_are(kernel, known)))
        if call is not None:
            return call
    return None


def _as_int8(request: Request) -> tuple[Request, Coding | None]:
    """A layer with weights of few values as the int8 layer that it is, and how they are coded.

    None where they are not: they have many values.
    """
    op, graph = request.node.op, request.graph
    if not isinstance(op, LinearOp) or request.node.inputs[1] not in graph.constants:
        return request, None
    t = graph.types_of(request.node)[1]
    if t.codebook is None and t.dtype is not DType.INT4:
        return request, None
    values = np.unique(graph.constants[request.node.inputs[1]])
    if 0 not in values and len(values) < coding_of(len(values)).kinds:
        values = np.unique([*values, np.int8(0)])
    coding = coding_of(len(values))
    return replace(_part(request, op.out_axis, 0, t.shape[op.out_axis]), values=values), coding


def _saved(request: Request, coding: Coding) -> int:
    """Bytes of weights that codes save, less those of the values."""
    assert request.values is not None
    n = request.graph.types_of(request.node)[1].size
    return n - coding.packed(np.zeros(n, np.uint8)).nbytes - len(request.values)


def _read_as_they_are(kernel: Kernel, request: Request) -> list[KernelCall]:
    """Calls that look codes up one by one: they save the code of other kernels, not weights."""
    call = kernel(request)
    return [] if call is None else [c for c in (call, *call.others) if c.reads_codes]


def _part(request: Request, axis: int, first: int, count: int) -> Request:
    """The layer of some of the output channels, its weights plain int8."""
    graph, node = request.graph, request.node
    types, constants = dict(graph.types), dict(graph.constants)
    some = slice(first, first + count)
    for v, a in zip(node.inputs[1:3], (axis, 0), strict=True):
        t = types[v]
        array = constants[v][(slice(None),) * a + (some,)]
        dtype = DType.INT8 if t.dtype is DType.INT4 else t.dtype
        constants[v + PART] = array
        types[v + PART] = TensorType(array.shape, dtype, _quant_of(t.quant, some))
    y = types[node.output]
    types[node.output + PART] = y.with_shape((*y.shape[:-1], count))
    inputs = (node.inputs[0], *(v + PART for v in node.inputs[1:3]))
    return replace(
        request,
        graph=replace(graph, types=types, constants=constants),
        node=replace(node, inputs=inputs, output=node.output + PART),
        within=y.shape[-1] if count < y.shape[-1] else 0,
    )


def _quant_of(quant: QuantParams | None, some: slice) -> QuantParams | None:
    if quant is None or len(quant.scale) == 1:
        return quant
    return QuantParams(quant.scale[some], quant.zero_point[some], quant.axis)


@dataclass(frozen=True)
class _Coded:
    """A layer with weights of few values.

    Attributes:
        kernel: what lowers it.
        whole: all of it, its weights as plain int8.
        axis: of the weights, runs over the results.
        coding: of its values.
    """

    kernel: Kernel
    whole: Request
    axis: int
    coding: Coding
    _known: dict[tuple[int, int], KernelCall | None] = field(default_factory=dict)

    def call(self, form: KernelCall) -> KernelCall | None:
        """One form of the layer, whole or in parts; None where it needs other values."""
        if form.reads_codes:
            return form
        weights = form.constants[0].values.nbytes
        channels = self.whole.pitch
        is_lean = self.whole.optimize == "size" and isinstance(self.whole.node.op, Dense)
        limit = STAGE_BYTES.get(self.whole.isa, LEAN_BYTES if is_lean else MOST_BYTES)
        y = self.whole.graph.types[self.whole.node.output]
        over = max(0, y.nbytes - form.inplace.lead) if form.inplace is not None else 0
        if weights <= limit + over or not self._can_part:
            return self._with_codes(form, 0, channels)
        size = self._channels_of_part(limit * channels // weights)
        calls = []
        for first in range(0, channels, size):
            count = min(size, channels - first)
            made = self._made(first, count)
            same = (made, *made.others) if made else ()
            part = next((c for c in same if c.function == form.function), made)
            coded = self._with_codes(part, first, count) if part else None
            if coded is None:
                return self._with_codes(form, 0, channels)
            calls.append(replace(coded, inplace=None))
        return _joined(calls, size)

    @cached_property
    def _short(self) -> Short | None:
        """Scales and biases of the whole layer where they take three bytes a channel."""
        graph, node = self.whole.graph, self.whole.node
        x, w, y = (graph.types[v].quant for v in (*node.inputs[:2], node.output))
        if x is None or w is None or y is None:
            return None
        weights, bias = (graph.constants[v].astype(np.int64) for v in node.inputs[1:3])
        rest = tuple(k for k in range(weights.ndim) if k != self.axis)
        return Short.of(x, w, y, bias - x.scalar[1] * weights.sum(axis=rest))

    def _made(self, first: int, count: int) -> KernelCall | None:
        """What the kernel makes of some channels; all forms ask for the same."""
        if (first, count) not in self._known:
            part = _part(self.whole, self.axis, first, count)
            self._known[first, count] = self.kernel(part)
        return self._known[first, count]

    @property
    def _values(self) -> Array:
        assert self.whole.values is not None
        return self.whole.values

    @property
    def _can_part(self) -> bool:
        op, x = self.whole.node.op, self.whole.graph.types_of(self.whole.node)[0]
        if isinstance(op, Dense):
            return x.size == x.shape[-1]
        return isinstance(op, Conv2d) and op.groups == 1

    def _channels_of_part(self, most: int) -> int:
        """About so many, in blocks of what kernels compute together; a divisor if there is."""
        op, channels = self.whole.node.op, self.whole.pitch
        block = 8 if self.whole.isa == "arm_mve" and isinstance(op, Dense) else 4
        if self.whole.isa == "avr":
            block = min(block, max(1, most))
        if most >= 16:
            block = 8
        most = max(block, most - most % block)
        even = (n for n in range(most, most // 2, -block) if channels % n == 0)
        return next(even, most)

    def _with_codes(self, call: KernelCall, first: int, channels: int) -> KernelCall | None:
        """The call of some channels with its weights as codes; None where some are no values."""
        weights, others = call.constants[0], call.constants[1:]
        if weights.paired < 0:
            return None
        stored = weights.values.ravel().view(np.int8).copy()
        pairs = stored[: weights.paired].reshape(-1, 2)
        pairs[:, 1] += pairs[:, 0] < 0
        numbers = numbers_of(stored, self._values.tolist())
        used = int(np.flatnonzero(numbers >= 0)[-1]) + 1  # what follows fills up an array
        if (numbers[:used] < 0).any():
            return None
        codes = np.zeros(len(stored), np.uint8)
        codes[:used] = numbers[:used]
        count, coding = len(codes), self.coding
        function, header, helpers = coding.function, "include/ep_unpack", ["ep_pair_table_s8"]
        folder, table = "src", -(-2 * coding.kinds**2 // 4) * 4
        if call.address_space:
            folder, table, helpers = f"arch/{self.whole.isa}", 0, []
            function = f"{function}_{self.whole.isa}"
            header = f"{folder}/ep_unpack_s8_{self.whole.isa}"
        fill = coding.kinds - len(self._values) if table else 0  # all are read for a table
        if 0 < weights.paired < count:
            helpers.append("ep_untie_s8")
        stage = Stage(function, count, coding.kinds, call.scratch_bytes, table, weights.paired)
        end, files = stage.at + -(-count // coding.group) * coding.group, call.headers
        if self._short is not None and not call.address_space:
            short, at = self._short.part(first, channels), -(-end // 4) * 4
            before = sum(c.values.nbytes for c in others)
            others, scales = rescaling(others, short, at)
            if scales is not None:
                stage, end = replace(stage, rescaling=scales), at + before
                helpers.append(scales.function)
                files = (*files, "include/ep_rescale.h")
        return replace(
            call,
            sources=(
                *call.sources,
                f"{folder}/{function}.c",
                *(f"src/{name}.c" for name in helpers),
            ),
            headers=(*files, f"{header}.h"),
            constants=(
                Constant("codes", coding.packed(codes), coding.c_type),
                Constant("values", np.pad(self._values.astype(np.int8), (0, fill), "edge")),
                *others,
            ),
            scratch_bytes=end,
            instructions=call.instructions + stage.work,
            stage=stage,
        )


def _joined(calls: list[KernelCall], size: int) -> KernelCall:
    """One call after the other, those that differ in nothing but their arrays as one."""
    rest: KernelCall | None = None
    for _, same in reversed([(k, list(g)) for k, g in groupby(calls, _form)]):
        first = same[0]
        assert first.stage is not None
        arrays = zip(*(c.constants for c in same), strict=True)
        constants = [
            parts[0] if parts[0].role == "values" else _together(parts) for parts in arrays
        ]
        rest = replace(
            first,
            constants=tuple(constants),
            scratch_bytes=max(first.scratch_bytes, rest.scratch_bytes if rest else 0),
            instructions=sum(c.instructions for c in same) + (rest.instructions if rest else 0),
            loops=sum(c.loops for c in same) + (rest.loops if rest else 0),
            stage=replace(first.stage, parts=len(same), step=size, rest=rest),
        )
    assert rest is not None
    return rest


def _form(call: KernelCall) -> tuple[object, ...]:
    """What calls must have in common to be made in a loop."""
    sizes = tuple((c.role, c.values.size) for c in call.constants)
    return call.function, call.params, call.instance, call.stage, sizes


def _together(parts: tuple[Constant, ...]) -> Constant:
    shares = [c.of_weights for c in parts]
    of_weights = None if shares[0] is None else sum(s or 0 for s in shares)
    return replace(
        parts[0], values=np.concatenate([c.values for c in parts]), of_weights=of_weights
    )
