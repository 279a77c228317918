"""Runs the generated C on an emulated core: what the board would compute, and its cost."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from edgeprune.errors import EdgePruneError
from edgeprune.schema import Figure
from edgeprune.scratch import workspace
from edgeprune.target import Target
from edgeprune.toolchain.cmodel import CModel, read_model
from edgeprune.toolchain.compiler import Optimize
from edgeprune.toolchain.counter import Profile, arguments, read_profile
from edgeprune.toolchain.emulator import FirmwareError, emulate, emulator_version, require_emulator
from edgeprune.toolchain.firmware import build_harness

PATIENCE_S = 120.0  # a thousand million instructions take ten seconds on a slow machine


class Time(TypedDict):
    """What one inference takes; None: not known."""

    cycles: Figure
    cycles_error: float | None
    clock_hz: Figure
    ms: float | None
    flash_stalls: float | None


@dataclass(frozen=True)
class TargetRun:
    """What a run on an emulated core gave. Counts are None where no host compiler made the counter.

    Attributes:
        outputs: (n, output shape), in the model's output type.
        stack_bytes: high-water mark of the entry point's stack.
        profile: instructions of every inference, and by function; by layer if it was asked for.
        clock_hz: of the board; None for a core, which has none.
        emulator: "qemu 7.2.22".
        machine: what QEMU emulates, such as "mps2-an386 (Cortex-M4)".
        layer_names: the user's, in the order of their marks.
        marks: of each layer, the one that it runs under where its own is not in the firmware.
    """

    outputs: npt.NDArray[np.generic]
    stack_bytes: int
    profile: Profile | None
    clock_hz: int | None
    emulator: str
    machine: str
    toolchain: str
    layer_names: tuple[str, ...]
    marks: tuple[int, ...]

    @property
    def layers(self) -> dict[int, list[str]]:
        """By mark, the layers that ran under it: several are the turns of a loop."""
        seen = {} if self.profile is None else self.profile.by_layer
        found: dict[int, list[str]] = {}
        for i, (name, mark) in enumerate(zip(self.layer_names, self.marks, strict=True)):
            found.setdefault(i if i in seen else mark, []).append(name)
        return found

    @property
    def instructions(self) -> int | None:
        """Executed instructions of the largest inference; exact."""
        return max(self.profile.inferences) if self.profile else None

    @property
    def instructions_min(self) -> int | None:
        """Executed instructions of the smallest inference; exact."""
        return min(self.profile.inferences) if self.profile else None

    @property
    def cycles(self) -> int | None:
        """Modelled cycles of an inference, in the mean; None where the core has no timing."""
        cycles = self.profile.cycles if self.profile else None
        return None if cycles is None else round(cycles)

    @property
    def ms(self) -> float | None:
        """Modelled milliseconds of an inference at the board's clock."""
        if self.cycles is None or self.clock_hz is None:
            return None
        return 1000 * self.cycles / self.clock_hz

    @property
    def time(self) -> Time:
        """What a report says of the time: cycles, error, clock, milliseconds, flash's share."""
        profile = self.profile if self.cycles else None
        stalls = profile.total.stalls / profile.total.cycles if profile else None
        return {
            "cycles": self.cycles,
            "cycles_error": self.profile.cycles_error if self.profile else None,
            "clock_hz": self.clock_hz,
            "ms": None if self.ms is None else round(self.ms, 4),
            "flash_stalls": None if stalls is None else round(stalls, 4),
        }

    @property
    def loads(self) -> float | None:
        """Instructions that read memory, mean of an inference."""
        if self.profile is None:
            return None
        return self.profile.total.loads / len(self.profile.inferences)


def run(
    c_dir: Path,
    target: Target,
    inputs: npt.NDArray[np.generic],
    *,
    optimize: Optimize = "speed",
    profile: bool = False,
    patience_s: float | None = None,
    fed: bool = False,
) -> TargetRun:
    """Build the firmware of a model and run it in the target's emulator.

    Args:
        c_dir: the folder of generated C, with its ``manifest.json``.
        target: a core or board that is emulated.
        inputs: (n, input shape), in the model's input type.
        optimize: how the model and the runtime are compiled.
        profile: also tell the layers apart.
        patience_s: an inference that takes longer counts as hung; None: ``PATIENCE_S``.
        fed: whether the input comes row by row, of a model that offers it.

    Raises:
        FirmwareError: it locked up, faulted, hung, or overran its stack, its arena or a buffer.
        EdgePruneError: a tool is missing, the model does not compile, or the inputs do not suit it.
    """
    emulator = require_emulator(target)
    model = read_model(c_dir)
    if fed:
        assert model.fed is not None, "the model takes its input as a whole"
        model = model.fed
    raw = input_bytes(model, inputs)
    firmware = build_harness(model, target, optimize=optimize, profile=profile)
    with tempfile.TemporaryDirectory(dir=workspace(), prefix="run-") as name:
        folder = Path(name)
        (folder / "input.bin").write_bytes(raw)
        counting = arguments(firmware, model.entry, folder)
        outcome = emulate(
            firmware,
            folder,
            len(inputs),
            counting,
            patience_s=PATIENCE_S if patience_s is None else patience_s,
        )
        outputs = (folder / "output.bin").read_bytes()
        counted = read_profile(firmware, folder)
    if outcome.inferences != len(inputs) or len(outputs) != len(inputs) * model.outputs.nbytes:
        what = f"ran {outcome.inferences} inferences of {len(inputs)}"
        raise FirmwareError(f"{target.name} in {emulator.program}", what)
    return TargetRun(
        outputs=model.outputs.unpack(outputs),
        stack_bytes=outcome.stack_bytes,
        profile=counted,
        clock_hz=target.clock_hz,
        emulator=emulator_version(emulator.program) or "",
        machine=emulator.title,
        toolchain=firmware.compiler.title,
        layer_names=model.layers,
        marks=model.marks,
    )


def input_bytes(model: CModel, inputs: npt.NDArray[np.generic]) -> bytes:
    """Inputs as the firmware takes them, one behind the other.

    Raises:
        EdgePruneError: they do not suit the model.
    """
    where = str(model.folder)
    rows = model.inputs
    if inputs.dtype != rows.dtype:
        raise EdgePruneError(where, f"takes {rows.dtype} inputs, not {inputs.dtype}")
    if len(inputs) == 0 or inputs[0].size != np.prod(rows.shape):
        what = f"takes inputs of shape (n, {', '.join(map(str, rows.shape))})"
        raise EdgePruneError(where, f"{what}, not {inputs.shape}")
    return rows.pack(inputs)
