"""How one node becomes one C call: the record that a kernel returns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from edgeprune.ir import Array, Graph, Node, Over, Part

Params = tuple[tuple[str, int | float | str], ...]
"""Fields of a parameter struct in order, (name, value); int, float or a C expression as text."""


@dataclass(frozen=True)
class Constant:
    """An array that lives in flash.

    Attributes:
        role: what it is ("weights", "bias", "rescale", "table"); becomes part of its C name.
        values: the numbers as the kernel wants them, packed; 1-D, int8, int16, int32 or float32.
        c_type: element type in C.
        of_weights: bytes of weights and biases among the values, the rest being tables and
            parameters; None: all of them.
        paired: so many of its first bytes are pairs (A, B - (A < 0)) of weights A and B; -1: some
            are, elsewhere.
    """

    role: str
    values: Array
    c_type: str = "int8_t"
    of_weights: int | None = None
    paired: int = 0

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights and biases."""
        return int(self.values.nbytes) if self.of_weights is None else self.of_weights


@dataclass(frozen=True)
class Rescaling:
    """Rows of short scales and biases that become arrays of a kernel, in the scratch of a call.

    They are the last constant of the call.

    Attributes:
        function: the C function that writes the arrays.
        params: of it, in order.
        channels: of one part.
        arrays: what the kernel is given in place of the rows: element type in C, and where it
            begins, in bytes from ``at``.
        at: where in the scratch they are written to.
    """

    function: str
    params: Params
    channels: int
    arrays: tuple[tuple[str, int], ...]
    at: int

    @property
    def work(self) -> int:
        """Estimated instructions."""
        return 20 + 26 * self.channels


@dataclass(frozen=True)
class Stage:
    """Codes that are unpacked into the scratch of a call, once or some channels at a time.

    The first two constants of the call are codes and their values; the kernel is given what is
    unpacked in their place.

    Attributes:
        function: the C function that unpacks.
        count: codes of one part.
        kinds: values that a code can tell apart.
        own: bytes of scratch that are the kernel's own; the rest lies behind, aligned to 4.
        table: bytes of the table of pairs that comes first; 0: codes are looked up one by one.
        paired: so many bytes are pairs, see :class:`Constant`.
        parts: so many calls, one after the other, each with its share of every array.
        step: elements of the output from one part to the next.
        rest: the call for what is left of the channels; None: nothing is.
        rescaling: of the channels, whose scales are short; None: they are as the kernel reads them.
    """

    function: str
    count: int
    kinds: int
    own: int
    table: int
    paired: int = 0
    parts: int = 1
    step: int = 0
    rest: KernelCall | None = None
    rescaling: Rescaling | None = None

    @property
    def at(self) -> int:
        """Where in the scratch weights are unpacked to."""
        return self.table_at + self.table

    @property
    def table_at(self) -> int:
        """Where in the scratch the table of pairs lies."""
        return -(-self.own // 4) * 4

    @property
    def work(self) -> int:
        """Estimated instructions that unpack all parts, besides their scales."""
        return 2 * self.parts * self.count + 4 * self.kinds**2


@dataclass(frozen=True)
class KernelCall:
    """One call: ``function(&params, constants..., inputs..., [scratch,] output)``.

    Attributes:
        function: name of the C function.
        sources: files below ``runtime_c`` that must be compiled, e.g. "src/ep_dense_s8.c".
        headers: files below ``runtime_c`` that model.c includes, e.g. "include/ep_dense.h".
        params_type: C type of the parameter struct; "" where there is none.
        params: its fields.
        constants: arrays in flash, in the order of the arguments.
        inputs: names of the activations that are passed, in order.
        scratch_bytes: working memory, part of the planned arena; 0: no such argument.
        inplace: the input that the output may lie over; None: none.
        instance: C text at file scope of the model (macros made for this layer's constants);
            names in it begin with ``Request.prefix``.
        instructions: estimated instructions for one inference; 0: not modelled.
        loops: how often its inner loop begins, where the cycles of that differ from those of its
            instructions; 0: not said.
        cycles: estimated cycles, waiting for flash included; 0: not modelled.
        code_bytes: estimated bytes of code that this call adds beyond its shared sources.
        drop_ins: files below ``runtime_c/arch`` with faster bodies of functions of ``sources``,
            which give way to them where they are built ("arch/armv7m/ep_tile_s8.S").
        others: further calls of the same set of kernels for the same node; their costs decide.
        address_space: qualifier of its constants, for processors that read flash in a way of their
            own (AVR: "__flash").
        stage: how weights of few values are unpacked in front of it; None: they are not coded.
        turns: of a layer that runs by rows, the call of each turn, None in those without one: the
            same kernel with the same constants. Empty: the layer is computed at once.
    """

    function: str
    sources: tuple[str, ...]
    headers: tuple[str, ...]
    params_type: str
    params: Params
    constants: tuple[Constant, ...]
    inputs: tuple[str, ...]
    scratch_bytes: int = 0
    inplace: Over | None = None
    instance: str = ""
    instructions: int = 0
    loops: int = 0
    cycles: int = 0
    code_bytes: int = 0
    drop_ins: tuple[str, ...] = ()
    others: tuple[KernelCall, ...] = ()
    address_space: str = ""
    stage: Stage | None = None
    turns: tuple[KernelCall | None, ...] = ()

    @property
    def own_scratch_bytes(self) -> int:
        """Scratch of the kernel itself, 0: no such argument."""
        return self.stage.own if self.stage else self.scratch_bytes

    @property
    def reads_codes(self) -> bool:
        """Whether the kernel looks weights of few values up itself."""
        return self.stage is None and any(c.role == "codes" for c in self.constants)

    @property
    def chain(self) -> tuple[KernelCall, ...]:
        """The call, and those for the rest of its channels."""
        rest = self.stage.rest if self.stage else None
        return (self, *rest.chain) if rest else (self,)

    @property
    def arrays(self) -> tuple[Constant, ...]:
        """All arrays in flash, those of the rest too."""
        return tuple(c for call in self.chain for c in call.constants)

    @property
    def kernel(self) -> str:
        """Name of the function, or of the header that the layer's own function is made from."""
        return self.function if self.sources else PurePosixPath(self.headers[0]).stem

    @property
    def isas(self) -> frozenset[str]:
        """Folders of ``runtime_c/arch`` that it takes files from: only there it can be built."""
        files = (*self.sources, *self.headers)
        return frozenset(f.split("/")[1] for f in files if f.startswith("arch/"))

    @property
    def work(self) -> int:
        """What calls are compared by: cycles, or instructions on cores without a timing."""
        return self.cycles or self.instructions

    @cached_property
    def alike(self) -> Hashable:
        """What equal calls have in common, which differ in where operands and result lie."""
        arrays = tuple((c.c_type, c.values.tobytes()) for c in self.arrays)
        return self.function, self.instance, tuple(c.params for c in self.chain), hash(arrays)

    @cached_property
    def constant_bytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(c.values.nbytes) for c in self.arrays)


def held(calls: Mapping[str, KernelCall]) -> dict[str, list[Constant]]:
    """By layer, the arrays that no layer before it has: equal ones are one in the C.

    Args:
        calls: by layer, in order of execution.
    """
    seen: set[Hashable] = set()
    found: dict[str, list[Constant]] = {}
    for name, call in calls.items():
        own = found[name] = []
        for constant in call.arrays:
            key = call.address_space, constant.c_type, constant.values.tobytes()
            if key not in seen:
                seen.add(key)
                own.append(constant)
    return found


@dataclass(frozen=True)
class Request:
    """What a kernel is asked for.

    Attributes:
        graph: the network that is compiled (float32 or quantised).
        node: the node to spell.
        isa: instruction set of the target's kernels: "portable", "arm_dsp", "arm_mve", ...
        optimize: "size" or "speed".
        prefix: unique C identifier of this layer, for names in ``instance``.
        pairs: whether the core begins two instructions together.
        within: channels of the image that the result is a part of; 0: it is all there is.
        values: the few that its weights have, which are unpacked in front of it; None: they are
            any, and lie in flash.
        fpu: whether the core computes in float.
        part: of the sums that the result is made of; None: the node is computed as a whole.
    """

    graph: Graph
    node: Node
    isa: str
    optimize: str
    prefix: str
    pairs: bool = False
    within: int = 0
    values: Array | None = None
    fpu: bool = True
    part: Part | None = None

    @property
    def pads(self) -> bool:
        """Whether zeros may be added to the weights."""
        return self.values is None or 0 in self.values

    @property
    def pitch(self) -> int:
        """Elements from one pixel of the output to the next."""
        return self.within or self.graph.types[self.node.output].shape[-1]


# A kernel family: gives a call, or None where it does not apply.
Kernel = Callable[[Request], KernelCall | None]
