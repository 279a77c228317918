"""What packages are made of: the generated C, and what the build found out about the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgeprune.emit.to_c.writer import numbered
from edgeprune.ir import Array, Graph
from edgeprune.planner import MemoryPlan
from edgeprune.toolchain.compiler import COMMON_FLAGS, OPTIMIZE_FLAGS

Files = Mapping[str, bytes]
"""The folder of generated C: file name -> content."""

VERSION = "1.0.0"
"""Of a package; counting on is its owner's business."""


@dataclass(frozen=True)
class End:
    """An input or output.

    Attributes:
        arg: what it is called in C.
        macro: what its macros begin with.
        kind: its element type in C.
        row: its row of the record's interface.
        placed: whether it has a place in the arena.
    """

    arg: str
    macro: str
    kind: str
    row: Mapping[str, Any]
    placed: bool


@dataclass(frozen=True)
class Facts:
    """A model that was built.

    Attributes:
        name: its C identifier.
        record: the content of report.json.
        graph: the network as it is emitted.
        plan: of its memory.
        inputs: stored samples in the input's own type, (n, *shape).
        outputs: what the model answers to them, (n, *shape).
        author: who publishes packages of it; empty where that was not said.
        url: where they are found, likewise.
    """

    name: str
    record: Mapping[str, Any]
    graph: Graph
    plan: MemoryPlan
    inputs: Array
    outputs: Array
    author: str = ""
    url: str = ""

    @cached_property
    def prefix(self) -> str:
        """What the model's macros begin with."""
        return self.name.upper()

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, untrusted text; empty where they are not known."""
        return tuple(self.record.get("labels") or ())

    @cached_property
    def size_flags(self) -> tuple[str, ...]:
        """Flags of gcc that the report's sizes were measured with."""
        target = self.record["target"]
        real = [f for f in target.get("flags") or () if f.startswith("-ffp-")]  # sums of floats
        return (*COMMON_FLAGS, *real, OPTIMIZE_FLAGS[target["optimize"]])

    @cached_property
    def chip(self) -> str:
        """What ESP-IDF calls the board's part; another's where it is no ESP32."""
        board = str(self.record["target"].get("arduino") or "")
        return board.rsplit(":", 1)[-1] if board.startswith("esp32:") else "esp32c3"

    @cached_property
    def cross(self) -> tuple[str, str]:
        """Prefix of gcc and flags of the core that was built for; else those of a Cortex-M4."""
        target = self.record["target"]
        if not target.get("flags"):
            return "arm-none-eabi-", "-mcpu=cortex-m4 -mthumb"
        return str(target["compiler"]).removesuffix("gcc"), " ".join(target["flags"])

    @cached_property
    def is_fed(self) -> bool:
        """Whether the input may come row by row."""
        by_rows = (self.record.get("memory") or {}).get("by_rows")
        return by_rows is not None and by_rows["feed_bytes"] is not None

    @property
    def arena(self) -> str:
        """The macro of the bytes that the self-test wants."""
        return f"{self.prefix}_{'FEED_' if self.is_fed else ''}ARENA_BYTES"

    @cached_property
    def steps(self) -> tuple[int, int] | None:
        """Lowest and highest integer of an input with a scale; None where it has none."""
        row = self.record["interface"]["inputs"][0]
        if row["scale"] is None:
            return None
        dtype = np.dtype(row["dtype"])
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)

    @cached_property
    def ins(self) -> tuple[End, ...]:
        """The inputs."""
        return self._ends("input", self.graph.arguments)

    @cached_property
    def outs(self) -> tuple[End, ...]:
        """The outputs."""
        return self._ends("output", self.graph.results)

    @cached_property
    def state(self) -> str:
        """What stands before the arena in a call, of a model that keeps something: its address."""
        return "&state, " if self.graph.states else ""

    def _ends(self, word: str, values: Sequence[str]) -> tuple[End, ...]:
        spelled = {"float32": "float", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t"}
        rows = self.record["interface"][f"{word}s"]
        return tuple(
            End(
                arg,
                f"{self.prefix}_{arg.upper()}",
                spelled[row["dtype"]],
                row,
                self.plan.has_place(v),
            )
            for arg, row, v in zip(numbered(word, len(rows)), rows, values, strict=True)
        )


@dataclass(frozen=True)
class Parts:
    """The file names of a folder of generated C, each kind in alphabetical order.

    Assembly comes right before the C that it replaces, so that a linker that searches an archive
    finds the faster function first.
    """

    sources: tuple[str, ...]
    headers: tuple[str, ...]
    selftest: tuple[str, str]

    @property
    def assembly(self) -> tuple[str, ...]:
        """Those of the sources that are no C."""
        return tuple(s for s in self.sources if s.endswith(".S"))

    @property
    def all_sources(self) -> tuple[str, ...]:
        """The sources with that of the self-test."""
        return (*self.sources, self.selftest[1])

    @property
    def all_headers(self) -> tuple[str, ...]:
        """The headers with that of the self-test."""
        return (*self.headers, self.selftest[0])


def parts(files: Files, facts: Facts) -> Parts:
    """Sort a folder of generated C by what its files are for."""
    selftest = (f"{facts.name}_selftest.h", f"{facts.name}_selftest.c")
    rest = sorted(set(files) - set(selftest))
    assert all(name in files for name in selftest), "packages hold a self-test"
    return Parts(
        tuple(f for f in rest if f.endswith((".c", ".S"))),
        tuple(f for f in rest if f.endswith((".h", ".inc"))),
        selftest,
    )
