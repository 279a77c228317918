"""What a build is asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from edgeprune.errors import EdgePruneError
from edgeprune.pipeline.values import BITS, EMITTERS, FASTER, meant, refuse_unknown
from edgeprune.pruning.criteria import CRITERIA
from edgeprune.pruning.ranking import Schedule
from edgeprune.schema import Count, Range, Share, checked
from edgeprune.target import Target, list_targets, load_target

DtypeChoice = Literal["auto", "int8", "mixed", "int16x8", "int4", "float16", "dynamic", "float32"]
Optimize = Literal["auto", "size", "speed", "ram"]
Some = Annotated[int, Range(1)]
Positive = Annotated[float, Range(1e-9)]


def most_cycles(ms: float | None, target: Target) -> int | None:
    """Cycles of an inference that lasts so many milliseconds on a board.

    Raises:
        EdgePruneError: the target has no clock, or its cycles are not modelled.
    """
    if ms is None:
        return None
    if target.clock_hz is None or target.timing is None:
        boards = [t for t in map(load_target, list_targets()) if t.clock_hz and t.timing]
        hint = f"--target with one of {', '.join(t.name for t in boards)}"
        what = f"{target.name} has no clock that times are known for"
        raise EdgePruneError("--max-ms", what, hint)
    return int(ms * target.clock_hz / 1000)


LIMITS = (
    "budget", "ram", "max_ms", "speedup", "max_instructions", "max_macs", "max_neurons",
    "keep_ratio",
)  # fmt: skip


NEEDED = {
    "augment": "finetune", "device": "finetune", "author": "packages", "url": "packages",
    "zeta": "classes", "hop": "frontend", "frontend": "hop",
}  # fmt: skip
"""Options that do nothing in a build without another one."""


@dataclass(frozen=True)
class BuildOptions:
    """One build; see ``edgeprune build --help``.

    Attributes:
        out: the folder to write.
        force: replace ``out`` whatever it holds; otherwise an earlier result that nobody changed.
        model: the model's file; None: the one that comes with the package.
        data: samples for ranking, calibration, validation and, without ``test``, for reporting.
        test: samples for reporting only.
        random_data: where there are no ``data``, noise ranks and calibrates; to try things out.
        state: inputs and outputs that are kept from call to call, "input:output" by name.
        stream: whether a network over a window of frames becomes one that takes the new frames.
        frontend: a file that makes features of sound: what is built takes samples of it.
        hop: samples from one of its frames to the next.
        mean: the model was trained on (x - mean) / std, the samples are raw x: one number, or one
            a channel.
        std: likewise.
        budget: bytes of flash (or of the file, for android, ios and onnx); None: what the
            target has, where it is a board, less what is reserved there.
        ram: bytes of RAM, likewise.
        max_ms: modelled milliseconds per inference at the clock of the board.
        speedup: for phones, how many times as fast as the whole network, as it is measured.
        max_instructions: instructions per inference.
        max_macs: multiply-accumulates per inference.
        max_neurons: neurons (channels) that stay, outputs not counted.
        keep_ratio: the share of them that stays.
        target: name of a target, or path of a profile.
        dtype: "auto" takes what is more accurate on validation data within the budget, int8, mixed
            or float32; "mixed": int8 whose weights have fewer bits where a budget wants it, chosen
            with the channels; "int16x8": int16 activations, int8 weights; "int4": int8
            activations, weights of four bits but for the layers where that costs accuracy;
            "float16": weights in a file for phones, which "auto" takes there for float32;
            "dynamic": int8 weights there, and activations that are rounded in every call.
        bits: fewest and most that "mixed" and "auto" give to weights where they meet a budget of
            linked firmware; where that leaves out eight, "auto" is "mixed". Without four, "auto"
            tries no four bits for files and RAM.
        criterion: how channels are ranked.
        schedule: how they are removed.
        min_accuracy: lowest accuracy on validation data, 0 to 1.
        max_drop: largest loss of accuracy on validation data, 0 to 1.
        classes: labels whose sub-network is built; None: all.
        labels: names of all classes of the source model, for reports, metadata and macros.
        zeta: for ``classes`` without a limit: the share of the largest mean activity from which a
            neuron is kept.
        emit: which artifacts.
        packages: ecosystems that get project files.
        author: who publishes these packages; empty where that is left out of them.
        url: where they are found, likewise.
        optimize: what the C compiler and the choice of kernels optimise for; "auto": speed, and
            size where bytes are limited, with whichever kernels leave room for most accuracy;
            "ram": as for speed, and layers run row by row where that takes less memory.
        finetune: epochs of training after pruning.
        augment: whether images are shifted and mirrored in that training.
        device: where fine-tuning runs.
        jobs: parallel workers.
        seed: of every random choice.
        log: the record of builds that this one is added to; None: none.
        command: the command line, for the report.
    """

    out: Path
    model: Path | None = None
    data: Path | None = None
    test: Path | None = None
    random_data: bool = False
    state: tuple[str, ...] = ()
    stream: bool = False
    frontend: Path | None = None
    hop: Some | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    budget: Count | None = None  # 0: a board of which nothing is left
    ram: Count | None = None
    max_ms: Positive | None = None
    speedup: Annotated[float, FASTER] | None = None
    max_instructions: Some | None = None
    max_macs: Count | None = None
    max_neurons: Some | None = None
    keep_ratio: Share | None = None
    target: str = "cortex-m4"
    dtype: DtypeChoice = "auto"
    bits: tuple[int, int] = BITS
    criterion: str = "obs"
    schedule: Schedule = "iterative"
    min_accuracy: Share | None = None
    max_drop: Share | None = None
    classes: tuple[int, ...] | None = None
    labels: tuple[str, ...] = ()
    zeta: Share = 0.4
    emit: tuple[str, ...] = ("c", "tflite", "onnx")
    packages: tuple[str, ...] = ()
    author: str = ""
    url: str = ""
    optimize: Optimize = "auto"
    finetune: Count = 0
    augment: bool = False
    device: str = "cpu"
    jobs: Annotated[int, Range(-1)] = 1  # of joblib, -1 is all that its backend has
    seed: Count = 0
    force: bool = False
    log: Path | None = None
    command: str = ""

    def __post_init__(self) -> None:
        refuse_unknown("--criterion", (self.criterion,), ("obs", *CRITERIA))
        refuse_unknown("--emit", self.emit, EMITTERS)
        for name, kind in _kinds().items():
            checked(getattr(self, name), kind, f"--{name.replace('_', '-')}")
        if self.bits != BITS and self.dtype not in ("auto", "mixed"):
            what = f"bounds what auto and mixed give to weights, the type is {self.dtype}"
            raise EdgePruneError("--bits", what, "--dtype mixed, or no --bits")
        if self.jobs == 0:
            raise EdgePruneError("--jobs", "0 workers do nothing", "give 1 or more")

    @staticmethod
    def of(*, alone: Collection[str] = (), **given: Any) -> BuildOptions:
        """From texts of the command line, or from what Python has in their place.

        Args:
            alone: those of ``NEEDED`` that do something by themselves, as this is no build.
            given: the values.

        Raises:
            EdgePruneError: a value can mean nothing, may not be, or would do nothing.
        """
        options = BuildOptions(**meant(given))
        of = {field.name: field.default for field in fields(BuildOptions)}
        for name, needed in NEEDED.items():
            if name in alone:
                continue
            if getattr(options, name) != of[name] and getattr(options, needed) == of[needed]:
                other = "--package" if needed == "packages" else f"--{needed}"
                raise EdgePruneError(f"--{name}", f"does nothing without {other}", f"add {other}")
        if options.zeta != of["zeta"] and options.has_limits:
            what = "does nothing beside a limit, which says what has to go"
            raise EdgePruneError("--zeta", what, "leave one of them out")
        return options

    @property
    def has_limits(self) -> bool:
        """Whether anything has to be pruned for."""
        return self.is_limited or self.min_accuracy is not None or self.max_drop is not None

    @property
    def is_limited(self) -> bool:
        """Whether something has to become small, whatever the accuracy."""
        return any(getattr(self, name) is not None for name in LIMITS)

    def without_limits(self) -> BuildOptions:
        """The same, and nothing has to be pruned for."""
        nothing = dict.fromkeys((*LIMITS, "min_accuracy", "max_drop"))
        return replace(self, **nothing)  # type: ignore[arg-type]


@cache
def _kinds() -> dict[str, Any]:
    """By option the type of its value."""
    return get_type_hints(BuildOptions, include_extras=True)
