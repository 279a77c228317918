"""What a build is asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_bytes
from edgeprune.pruning.criteria import CRITERIA
from edgeprune.pruning.search import SCHEDULES, Schedule
from edgeprune.schema import Count, Range, Share, checked
from edgeprune.target import Target, list_targets, load_target

DtypeChoice = Literal["auto", "int8", "mixed", "int16x8", "int4", "float16", "dynamic", "float32"]
BITS = (2, 8)  # all that weights may have
EMITTERS = ("c", "tflite", "onnx", "ort", "tflm")
MOST_LABEL_BYTES = 1 << 20
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(|b|k|kb|kib|m|mb|mib)\s*", re.IGNORECASE)
FASTER = Range(math.nextafter(1, 2), 1000)
"""Times as fast as the whole network: more than once."""
_UNIT = {"": 1, "b": 1, "k": 1024, "m": 1024 * 1024}


def parse_size(text: str, option: str = "--budget", *, least: int = 1) -> int:
    """Bytes of "64KB", "64K", "64KiB" (all 65,536), "1.5M" or a bare number.

    Raises:
        EdgePruneError: it is no size.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise EdgePruneError(option, f"{text!r} is no size", "such as 64KB, 64KiB or 65536")
    unit = match[2].lower()[:1]
    size = int(float(match[1]) * _UNIT[unit])
    if size < least or size > 1 << 40:
        raise EdgePruneError(option, f"{text!r} is {size} bytes", "such as 64KB, 64KiB or 65536")
    return size


def refuse_unknown(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Names that were given against those that there are.

    Raises:
        EdgePruneError: there is none, or one is unknown.
    """
    wrong = [n for n in names if n not in known]
    if wrong or not names:
        what = f"there is no {', '.join(map(repr, wrong))}" if wrong else "names nothing"
        raise EdgePruneError(option, what, f"some of {', '.join(known)}")


def parse_drop(text: str) -> float:
    """Share of "0.5pt", "0.5%" (both 0.005) or "0.005".

    Raises:
        EdgePruneError: it is no drop.
    """
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*(pt|pp|%|)\s*", text)
    if match is None:
        raise EdgePruneError("--max-drop", f"{text!r} is no accuracy drop", "such as 0.5pt")
    value = float(match[1]) / (100 if match[2] else 1)
    if not 0 <= value <= 1:
        raise EdgePruneError("--max-drop", f"{text!r} is not between 0 and 100pt")
    return value


def parse_speedup(text: str) -> float:
    """How many times as fast: "2x" or "1.5".

    Raises:
        EdgePruneError: it is no number above 1.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*x?\s*", text)
    if match is None or not FASTER.low <= float(match[1]) <= FASTER.high:
        raise EdgePruneError("--speedup", f"{text!r} is no speed-up", "such as 2x")
    return float(match[1])


def parse_bits(text: str) -> tuple[int, int]:
    """Fewest and most bits of "2-8", or of "4", which is both.

    Raises:
        EdgePruneError: weights cannot have as many.
    """
    match = re.fullmatch(r"\s*([2348])\s*(?:-\s*([2348])\s*)?", text)
    if match is None or int(match[2] or match[1]) < int(match[1]):
        hint = "weights have 2, 3, 4 or 8 bits: 2-8 is all of them, 4-8 is 4 and 8"
        raise EdgePruneError("--bits", f"{text!r} are no bits of weights", hint)
    return int(match[1]), int(match[2] or match[1])


def parse_numbers(text: str, option: str) -> tuple[float, ...]:
    """Numbers of "0.485,0.456,0.406".

    Raises:
        EdgePruneError: they are none, or not finite.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(math.isfinite(v) for v in values):
        raise EdgePruneError(option, f"{text!r} is no list of numbers", "such as 0.485,0.456,0.406")
    return values


def parse_labels(text: str) -> tuple[str, ...]:
    """Names of classes: "cat,dog", or a text file with one a line.

    Raises:
        EdgePruneError: there are fewer than two, or the file cannot be read.
    """
    if "," in text:
        names = [name.strip() for name in text.split(",")]
    else:
        hint = "names with commas between them, or a file with one a line"
        try:
            raw = read_bytes(Path(text), MOST_LABEL_BYTES, hint)
            lines = raw.decode("utf-8")
        except EdgePruneError as error:
            raise EdgePruneError("--labels", f"{text!r} {error.what}", hint) from None
        except ValueError:
            raise EdgePruneError("--labels", f"{text!r} is no text in UTF-8") from None
        names = [line.strip() for line in lines.splitlines()]
        while names and not names[-1]:
            names.pop()
    if len(names) < 2 or not all(names):
        raise EdgePruneError("--labels", f"{text!r} does not name classes", "such as cat,dog")
    return tuple(names)


def parse_levels(text: str) -> tuple[tuple[float, ...], str]:
    """Levels of a sweep, and what they are of.

    "10:90:10" and "10,20,50" are percent of the channels removed ("share"); "8KB,16KB" are sizes
    of the parameters ("bytes").

    Raises:
        EdgePruneError: they are neither.
    """
    hint = "such as 10:90:10 (percent removed) or 8KB,16KB (bytes of parameters)"
    parts = text.split(":")
    try:
        if len(parts) == 3:
            low, high, step = (int(p) for p in parts)
            values = [float(v) for v in range(low, high + 1, step)]
        elif re.search("[a-zA-Z]", text):
            return tuple(float(parse_size(p, "--levels")) for p in text.split(",")), "bytes"
        else:
            values = [float(p) for p in text.split(",")]
    except ValueError:
        raise EdgePruneError("--levels", f"{text!r} is no list of levels", hint) from None
    if not values or not all(0 < v < 100 for v in values):
        raise EdgePruneError("--levels", f"{text!r} does not lie between 0 and 100 percent", hint)
    return tuple(v / 100 for v in values), "share"


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


Some = Annotated[int, Range(1)]
Positive = Annotated[float, Range(1e-9)]

NUMBERS: dict[str, Any] = {
    "budget": Count | None,  # 0: a board of which nothing is left
    "ram": Count | None,
    "max_ms": Positive | None,
    "speedup": Annotated[float, FASTER] | None,
    "max_instructions": Some | None,
    "max_macs": Count | None,
    "max_neurons": Some | None,
    "keep_ratio": Share | None,
    "min_accuracy": Share | None,
    "max_drop": Share | None,
    "zeta": Share,
    "finetune": Count,
    "jobs": Annotated[int, Range(-1)],  # of joblib, -1 is all that its backend has
    "seed": Count,
}
"""By option, which numbers it can be."""


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
            size where there is a limit, with whichever kernels leave room for most accuracy; "ram":
            as for speed, and layers run row by row through each other where that takes less memory.
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
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    budget: int | None = None
    ram: int | None = None
    max_ms: float | None = None
    speedup: float | None = None
    max_instructions: int | None = None
    max_macs: int | None = None
    max_neurons: int | None = None
    keep_ratio: float | None = None
    target: str = "cortex-m4"
    dtype: DtypeChoice = "auto"
    bits: tuple[int, int] = BITS
    criterion: str = "obs"
    schedule: Schedule = "iterative"
    min_accuracy: float | None = None
    max_drop: float | None = None
    classes: tuple[int, ...] | None = None
    labels: tuple[str, ...] = ()
    zeta: float = 0.4
    emit: tuple[str, ...] = ("c", "tflite", "onnx")
    packages: tuple[str, ...] = ()
    author: str = ""
    url: str = ""
    optimize: Literal["auto", "size", "speed", "ram"] = "auto"
    finetune: int = 0
    augment: bool = False
    device: str = "cpu"
    jobs: int = 1
    seed: int = 0
    force: bool = False
    log: Path | None = None
    command: str = ""

    def __post_init__(self) -> None:
        for option, given, known in (
            ("--dtype", (self.dtype,), get_args(DtypeChoice)),
            ("--optimize", (self.optimize,), ("auto", "size", "speed", "ram")),
            ("--emit", self.emit, EMITTERS),
            ("--criterion", (self.criterion,), ("obs", *CRITERIA)),
            ("--schedule", (self.schedule,), tuple(SCHEDULES)),
        ):
            refuse_unknown(option, given, known)
        for name, kind in NUMBERS.items():
            value = getattr(self, name)
            plain = value.item() if isinstance(value, np.generic) else value
            checked(plain, kind, f"--{name.replace('_', '-')}")
        if self.bits != BITS and self.dtype not in ("auto", "mixed"):
            what = f"bounds what auto and mixed give to weights, the type is {self.dtype}"
            raise EdgePruneError("--bits", what, "--dtype mixed, or no --bits")
        if self.jobs == 0:
            raise EdgePruneError("--jobs", "0 workers do nothing", "give 1 or more")

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
