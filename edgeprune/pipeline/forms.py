"""What a network may be compiled to, and one that was: the forms that are tried for a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeprune.compiler.compile import FLOATS, MIXED, Compiled
from edgeprune.compiler.measure import Footprint
from edgeprune.ir import Graph
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pruning.groups import Mask
from edgeprune.pruning.pruned import Pruned
from edgeprune.target import Target
from edgeprune.toolchain.compiler import Optimize, find_compiler

TYPE_LOSS = 0.005  # of accuracy, that eight bits may cost before floats are tried


@dataclass(frozen=True)
class Candidate:
    """A network that fits, for one element type.

    Attributes:
        float_graph: pruned, float32.
        compiled: as it is emitted.
        size: its footprint.
        accuracy: on the validation samples, as it is emitted.
        float_accuracy: there, of ``float_graph``.
        pruned: how it came about; None where nothing was pruned.
        before: the footprint without pruning; None where nothing was pruned.
        flash_of: about how many bytes what is left takes, by which channels are gone: what the
            search reckoned with; None where nothing was pruned.
        epochs: of training after pruning; 0 where nothing was trained.
    """

    float_graph: Graph
    compiled: Compiled
    size: Footprint
    accuracy: float
    float_accuracy: float
    pruned: Pruned | None
    before: Footprint | None = None
    flash_of: Callable[[Mask], float] | None = None
    epochs: int = 0

    @property
    def is_as_good_as_float(self) -> bool:
        """Whether its element type costs next to nothing: four times the bytes gain no more."""
        return self.float_accuracy - self.accuracy <= TYPE_LOSS

    @property
    def title(self) -> str:
        """That of its form."""
        recipe = self.compiled.recipe
        return Form(recipe.form, recipe.optimize, recipe.target, slow=recipe.slow).title


@dataclass(frozen=True)
class Form:
    """What a network is compiled to: element type, kernels, and what they are chosen for.

    Attributes:
        dtype: "int8", "int16x8", "int4", "float16", "dynamic", "float32" or :data:`MIXED`.
        optimize: "size" or "speed".
        target: the target, with the sets of kernels that may be used.
        balance: whether "speed" weighs a share of the arena as much as one of the work.
        by_rows: whether layers may run row by row for a smaller arena.
        ram: bytes that there are, for which they run so where it does not fit without; None: they
            do not.
        slow: whether "size" takes the smallest code, however slow.
    """

    dtype: str
    optimize: Optimize
    target: Target
    balance: bool = False
    by_rows: bool = False
    ram: int | None = None
    slow: bool = False

    @property
    def title(self) -> str:
        """What tells it from others in words."""
        what = "the least code" if self.slow else self.optimize
        return f"{self.dtype}, {self.target.kernels[0]} kernels, for {what}"


def forms(
    options: BuildOptions, target: Target, dtypes: Sequence[str], ram: int | None
) -> list[Form]:
    """The forms that may be tried, in that order.

    Without a limit nothing is to be met: memory is worth as much as time. With one, the target's
    own kernels, which are larger and want more RAM than the portable ones, have to earn their
    bytes. A limit on the time is kept by the quickest kernels first, as those that save bytes do
    less work in it; they are tried too, for a limit on bytes may stand beside it. Last come kernels
    of the least code, several times slower, for what fits by no others.

    Args:
        options: what is asked for.
        target: for what.
        dtypes: element types, in the order in which they are tried.
        ram: bytes that there are; None: no matter.
    """
    optimizes: list[Optimize] = ["size"] if options.has_limits else ["speed"]
    if options.max_ms is not None or options.max_instructions is not None:
        optimizes = ["speed", "size"]
    by_rows = options.optimize == "ram" and not target.progmem
    if options.optimize != "auto":
        optimizes = ["size" if options.optimize == "size" else "speed"]
    sets = [target.kernels]
    if target.toolchain is not None and find_compiler(target) is None and not target.progmem:
        sets = [("portable",)]  # the sizes that are known without linking
    own = len(target.kernels) > 1 and not target.progmem  # portable constants lie in RAM there
    if options.optimize == "auto" and options.has_limits and own and len(sets[0]) > 1:
        sets.append(("portable",))
    balance = options.optimize == "auto"
    pairs = [(replace(target, kernels=k), o) for k in sets for o in optimizes]
    if target.progmem or target.basis != "linked":
        ram = None  # an interpreter runs layer by layer
    made = [Form(d, o, t, balance, by_rows, ram) for d in dtypes for t, o in pairs]
    is_linked = target.basis == "linked" and not target.progmem
    if not options.has_limits or "size" not in optimizes or not is_linked:
        return made
    plain = replace(target, kernels=("portable",))
    integers = [d for d in dtypes if d not in FLOATS]
    return [*made, *(Form(d, "size", plain, balance, by_rows, ram, slow=True) for d in integers)]


def rank(target: Target, form: Form) -> tuple[bool, ...]:
    """Where a form is among those that are tried: integers first, by the target's own kernels.

    Of the portable ones fewer bits come first, as they tell whether eight add anything.
    """
    is_portable = form.target.kernels != target.kernels
    return form.slow, form.dtype in FLOATS, is_portable, is_portable and form.dtype != MIXED


def adds_nothing(form: Form, found: Sequence[Candidate], target: Target) -> bool:
    """Whether what the target's own kernels made tells that smaller ones make nothing better.

    They leave the same bytes more to every element type, so one that lost loses again. A network
    that is computed by portable kernels, which are among those that it may have, is what they alone
    would make of it.
    """
    if form.target.kernels == target.kernels:
        return False
    own = [c for c in found if c.compiled.recipe.target.kernels == target.kernels]
    same = [c for c in own if c.compiled.recipe.form == form.dtype]
    if any(c.compiled.is_portable for c in same):
        return True
    return bool(same) and max(c.accuracy for c in same) < max(c.accuracy for c in found)
