"""How one node becomes one C call: the record that a kernel returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from edgeprune.ir import Array, Graph, Node


@dataclass(frozen=True)
class Constant:
    """An array that lives in flash.

    Attributes:
        role: what it is ("weights", "bias", "rescale", "table"); becomes part of its C name.
        values: the numbers as the kernel wants them, packed; 1-D, int8, int16, int32 or float32.
        c_type: element type in C.
        of_weights: bytes of weights and biases among the values, the rest being tables and
            parameters; None: all of them.
    """

    role: str
    values: Array
    c_type: str = "int8_t"
    of_weights: int | None = None

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights and biases."""
        return int(self.values.nbytes) if self.of_weights is None else self.of_weights


@dataclass(frozen=True)
class KernelCall:
    """One call: ``function(&params, constants..., inputs..., [scratch,] output)``.

    Attributes:
        function: name of the C function.
        sources: files below ``runtime_c`` that must be compiled, e.g. "src/ep_dense_s8.c".
        headers: files below ``runtime_c`` that model.c includes, e.g. "include/ep_dense_s8.h".
        params_type: C type of the parameter struct; "" where there is none.
        params: its fields in order, (name, value); int, float or a C expression as text.
        constants: arrays in flash, in the order of the arguments.
        inputs: names of the activations that are passed, in order.
        scratch_bytes: working memory, part of the planned arena; 0: no such argument.
        inplace: number of the input whose memory the output may take; None: none.
        instance: C text at file scope of the model (macros made for this layer's constants);
            names in it begin with ``Request.prefix``.
        instructions: estimated instructions for one inference; 0: not modelled.
        code_bytes: estimated bytes of code that this call adds beyond its shared sources.
        drop_ins: files below ``runtime_c/arch`` with faster bodies of functions of ``sources``,
            which give way to them where they are built ("arch/armv7m/ep_tile_s8.S").
        frugal: another call, slower and with less working memory; None: there is none.
        address_space: qualifier of its constants, for processors that read flash in a way of their
            own (AVR: "__flash").
    """

    function: str
    sources: tuple[str, ...]
    headers: tuple[str, ...]
    params_type: str
    params: tuple[tuple[str, int | float | str], ...]
    constants: tuple[Constant, ...]
    inputs: tuple[str, ...]
    scratch_bytes: int = 0
    inplace: int | None = None
    instance: str = ""
    instructions: int = 0
    code_bytes: int = 0
    drop_ins: tuple[str, ...] = ()
    frugal: KernelCall | None = None
    address_space: str = ""

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
    def constant_bytes(self) -> int:
        """Bytes of all arrays."""
        return sum(int(c.values.nbytes) for c in self.constants)


@dataclass(frozen=True)
class Request:
    """What a kernel is asked for.

    Attributes:
        graph: the network that is compiled (float32 or quantised).
        node: the node to spell.
        isa: instruction set of the target's kernels: "portable", "arm_dsp", "arm_mve", ...
        optimize: "size" or "speed".
        prefix: unique C identifier of this layer, for names in ``instance``.
    """

    graph: Graph
    node: Node
    isa: str
    optimize: str
    prefix: str


# A kernel family: gives a call, or None where it does not apply.
Kernel = Callable[[Request], KernelCall | None]
