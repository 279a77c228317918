"""What a network takes on its target: bytes, and instructions and cycles where they are limited."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from edgeprune.compiler.compile import Compiled
from edgeprune.compiler.measure import Footprint, footprint
from edgeprune.errors import EdgePruneError
from edgeprune.ir import fed
from edgeprune.pipeline.forms import Form
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import Prepared
from edgeprune.scratch import workspace
from edgeprune.verify.agreement import on_target
from edgeprune.verify.run_target import TargetRun


@dataclass
class Meter:
    """Measures networks in one form.

    Attributes:
        prepared: the model and its data.
        options: what is asked for: what is not limited is not counted.
        form: what networks are compiled to, and for which target.
    """

    prepared: Prepared
    options: BuildOptions
    form: Form
    _measured: tuple[Compiled, bool, Footprint] | None = field(default=None, init=False, repr=False)

    def taken(self, found: Footprint, compiled: Compiled) -> dict[str, float]:
        """What a network takes of that which prices leave out something of."""
        return {**found.taken, **self._count(compiled)}

    def by_rows(
        self, compiled: Compiled, *, tells: bool = True, nearest: bool = False
    ) -> tuple[Compiled, Footprint]:
        """A network and its footprint, by rows where it takes more RAM than there is.

        Args:
            compiled: the network.
            tells: whether its stack is told where RAM is not limited; a search does without.
            nearest: whether bytes that do not suffice are had at any price: what a refusal names.
        """
        most, size = self.form.ram, self.footprint(compiled, tells=tells)
        for _ in range(2):  # a loop takes some bytes of stack
            if most is None or size.ram_bytes <= most or compiled.graph.states:
                break
            room = max(0, most - (size.ram_bytes - size.arena_bytes))
            recipe = replace(compiled.recipe, by_rows=True, room=room, nearest=nearest)
            found = recipe.compile_typed(compiled.graph)
            if found.plan.arena_bytes >= compiled.plan.arena_bytes:
                break
            compiled, size = found, self.footprint(found, tells=tells)
        if nearest or most is None or size.ram_bytes <= most:
            return compiled, size
        # the room was that beside a stack which may be larger than that of the smallest arena
        least = self.by_rows(compiled, tells=tells, nearest=True)
        return least if least[1].ram_bytes <= most else (compiled, size)

    def footprint(self, compiled: Compiled, *, tells: bool = True) -> Footprint:
        """The footprint; a stack that cannot be read from the machine code is watched in a run.

        The last network is asked for again when it has been settled on.
        """
        stack = tells or self.form.ram is not None or self.options.ram is not None
        known = self._measured
        if known is None or known[0] is not compiled or stack > known[1]:
            known = self._measured = compiled, stack, self._linked(compiled, stack)
        return known[2]

    def _linked(self, compiled: Compiled, stack: bool) -> Footprint:
        found = footprint(compiled, stack=stack)
        if not stack or found.stack_bytes is not None or found.size is None:
            return found
        run = self._run_once(compiled)
        if run is None:
            return found
        return replace(
            found, stack_bytes=run.stack_bytes, ram_bytes=found.ram_bytes + run.stack_bytes
        )

    def _run_once(self, compiled: Compiled) -> TargetRun | None:
        """One inference on the emulated core, where there is one."""
        with TemporaryDirectory(dir=workspace(), prefix="run-") as temp:
            compiled.write_c(Path(temp), "model")
            rows = fed(compiled.graph, self.prepared.report.x[:1])
            return on_target(Path(temp), self.form.target, rows, self.form.optimize)

    def _count(self, compiled: Compiled) -> dict[str, int]:
        """Instructions and cycles of an inference, counted if they are limited, else 0."""
        o = self.options
        wanted = {"--max-instructions": o.max_instructions, "--max-ms": o.max_ms}
        asked = [option for option, limit in wanted.items() if limit is not None]
        if not asked:
            return {"instructions": 0, "cycles": 0}
        run = self._run_once(compiled)
        if run is None or run.instructions is None:
            what = f"cannot be counted for {self.form.target.name} on this machine"
            raise EdgePruneError(asked[0], what, "`edgeprune doctor` says what is missing")
        return {"instructions": run.instructions, "cycles": run.cycles or 0}
