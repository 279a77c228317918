"""What ``report.json`` holds, as types: those that it is written and read by.

Schema 1. More keys may stand beside these; a figure that was not measured is None.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from edgeprune.report.schema_network import Flash, Interface, Layer, Memory
from edgeprune.schema import Count, Figure, Range, Real, Share, Text
from edgeprune.verify.delegate import Measured as UnderDelegate
from edgeprune.verify.run_target import Time

Optimize = Literal["speed", "size"]
Percent = Share | None


class FileUsed(TypedDict):
    """A file that was read."""

    path: Text
    sha256: Text


class Model(TypedDict):
    """The source model; ``frontend``: the file that makes its features of sound, if any."""

    path: Text
    sha256: Text
    macs: Count
    params: Count
    frontend: NotRequired[FileUsed]


class TargetUsed(TypedDict):
    """What it was built for."""

    name: Text
    toolchain: Text | None
    title: NotRequired[Text]
    kind: NotRequired[Text]
    arduino: NotRequired[Text | None]
    optimize: Optimize
    compiler: NotRequired[Text | None]
    flags: NotRequired[list[Text]]


class Budget(TypedDict):
    """What was allowed."""

    flash_bytes: Figure
    ram_bytes: Figure
    fits: bool


class Size(TypedDict):
    """Bytes."""

    flash_bytes: Count
    code_bytes: Figure
    weight_bytes: Count
    ram_bytes: Count
    arena_bytes: Count
    state_bytes: NotRequired[Count]
    arena_lower_bound_bytes: Count
    stack_bytes: Figure
    tflite_bytes: Figure
    onnx_bytes: Figure
    ort_bytes: Figure
    tflm_bytes: NotRequired[Figure]
    measured: bool
    basis: Text


class Before(TypedDict):
    """The source model at the same element type."""

    flash_bytes: Figure
    macs: Count
    params: Count
    channels: dict[str, Count]


class After(TypedDict):
    """What was built."""

    macs: Count
    params: Count
    channels: dict[str, Count]


class Accuracy(TypedDict):
    """Shares of right answers; where answers are numbers, of their variance (R2)."""

    n: Count
    answers_each: NotRequired[Count]
    labels: Text | None
    measure: NotRequired[Literal["share", "r2"] | None]
    samples: Text | None
    source: Percent
    pruned: Percent
    tflite: Percent
    tflite_default: Percent
    onnx: Percent
    ort: Percent
    tflm: NotRequired[Percent]
    c: Percent


class Source(TypedDict):
    """How close the answers are to the source model's."""

    rule: Literal["exact", "float32", "measured"]
    n: NotRequired[Count]
    mean_square: Real
    max_relative: Real
    spread: NotRequired[Real]


class Default(UnderDelegate):
    """A ``.tflite`` under LiteRT's default kernels."""

    test: Asked


class Asked(TypedDict):
    """What a test on a phone asks for."""

    samples: Annotated[int, Range(1)]
    each: Real
    mean: Real
    clear_margin: Real | None


class InApp(TypedDict):
    """Outputs of a ``.tflite`` under LiteRT's default kernels beside those of the reference."""

    tflite_default_max_lsb: Figure
    tflite_default_mismatches: Figure
    tflite_default: Default | None


class Agreement(InApp):
    """How far the artifacts agree."""

    n: Count
    c_vs_tflite_max_lsb: Figure
    c_vs_tflite_mismatches: Figure
    c_vs_tflite_max_relative: NotRequired[Real | None]
    c_vs_tflite_within: NotRequired[Real | None]
    c_vs_onnx_max_lsb: Figure
    c_vs_onnx_mismatches: Figure
    c_vs_ort_max_lsb: Figure
    c_vs_ort_mismatches: Figure
    c_vs_tflm_max_lsb: NotRequired[Figure]
    c_vs_tflm_mismatches: NotRequired[Figure]
    target_vs_host_mismatches: Figure
    source: Source


class Measured(TypedDict):
    """What a board measured, or what was modelled in its place."""

    cycles: Figure
    cycles_error: float | None
    clock_hz: Figure
    ms: float | None
    stack_bytes: Figure
    measured_on: Text | None


class Run(Time):
    """What the emulated core did, or the board that ``measured_on`` names."""

    target: Text | None
    emulator: Text | None
    instructions: Figure
    instructions_per_mac: float | None
    stack_bytes: Figure
    measured_on: Text | None
    modelled: NotRequired[Measured]


class Seconds(TypedDict):
    """What the steps took."""

    total: Annotated[float, Range(0)]
    rank: NotRequired[Real]
    quantize: NotRequired[Real]
    emit: NotRequired[Real]
    verify: NotRequired[Real]


class Free(TypedDict):
    """What was folded away without any loss."""

    channels: Count
    inputs: Count
    params_before: NotRequired[Count]
    params_after: NotRequired[Count]


class Pruning(TypedDict):
    """How neurons were ranked and removed."""

    criterion: Text
    schedule: Text


class Score(TypedDict):
    """A group of channels and how important it is."""

    name: Text
    score: float


class Point(TypedDict):
    """A network that was compared."""

    label: Text
    flash_bytes: Count
    ram_bytes: Figure
    accuracy: Share


class Visited(TypedDict):
    """A network that the search passed through."""

    flash_bytes: Count
    neurons: Count
    inputs: Count
    accuracy: Share
    n: Count


Answer = Annotated[list[float], Range(2, 2)]
"""The number of an output and its value."""


class Example(TypedDict):
    """A sample and what is answered to it."""

    number: Count
    truth: Annotated[int, Range()] | None
    wanted: NotRequired[list[Answer] | None]
    distance: Real
    answers: Annotated[list[Count], Range(2, 2)]
    source: Annotated[list[Answer], Range(1)]
    built: Annotated[list[Answer], Range(1)]
    picture: Text | None


class Class(TypedDict):
    """How often a class is answered right."""

    label: Count
    n: Count
    before: Share
    after: Share


Confusion = list[list[Count]]


class Classes(TypedDict):
    """The same, class by class."""

    rows: list[Class]
    confusion_before: Confusion
    confusion_after: Confusion


class App(TypedDict):
    """How an app runs the ``.tflite``."""

    outside_delegate: list[Text]
    speedup: Real | None
    ms: Real | None
    ms_before: Real | None


class Report(TypedDict):
    """The record of a build."""

    schema: Literal[1]
    edgeprune: Text
    command: Text
    seed: Count
    model: Model
    target: TargetUsed
    budget: Budget
    size: Size
    before: Before
    after: After
    dtype: Text
    accuracy: Accuracy
    agreement: Agreement
    run: Run
    layers: list[Layer]
    seconds: Seconds
    labels: list[Text] | None
    interface: Interface
    memory: Memory | None
    flash: list[Flash]
    free: Free
    pruning: Pruning | None
    finetune: NotRequired[Count]
    packages: NotRequired[list[Text]]
    removals: list[Score]
    kept: list[Score]
    kept_whole: NotRequired[dict[str, Text]]
    frontier: list[Point]
    frontier_chosen: Figure
    visited: NotRequired[list[Visited]]
    examples: NotRequired[list[Example]]
    mean_sample: NotRequired[Text | None]
    classes: Classes | None
    noisiest_layer: Text | None
    notes: list[Text]
    app: NotRequired[App | None]
