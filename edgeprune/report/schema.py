"""What ``report.json`` holds, as types: those that it is written and read by.

Schema 1. More keys may stand beside these; a figure that was not measured is None.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_json
from edgeprune.schema import Count, Range, Share, checked

MOST_BYTES = 64 << 20
Text = Annotated[str, Range(0, 1 << 16)]
Percent = Share | None
Figure = Count | None
Optimize = Literal["speed", "size"]


class Model(TypedDict):
    """The source model."""

    path: Text
    sha256: Text
    macs: Count
    params: Count


class TargetUsed(TypedDict):
    """What it was built for."""

    name: Text
    toolchain: Text | None
    optimize: Optimize


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
    """Shares of right answers."""

    n: Count
    labels: Text | None
    samples: Text | None
    source: Percent
    pruned: Percent
    tflite: Percent
    tflite_default: Percent
    onnx: Percent
    ort: Percent
    tflm: NotRequired[Percent]
    c: Percent


Real = Annotated[float, Range(0)]


class Source(TypedDict):
    """How close the answers are to the source model's."""

    rule: Literal["exact", "float32", "measured"]
    max_relative: float
    mean_square: float
    spread: NotRequired[Real]


class Default(TypedDict):
    """A ``.tflite`` under LiteRT's default kernels; see :mod:`edgeprune.verify.delegate`."""

    n: Annotated[int, Range(1)]
    outputs: Count
    mismatches: Count
    largest: Real
    mean: Real
    spread: Real
    changed: Figure
    margin: Real
    test: Asked


class Asked(TypedDict):
    """What a test on a phone asks for."""

    samples: Annotated[int, Range(1)]
    each: Real
    mean: Real
    clear_margin: Real | None


class Agreement(TypedDict):
    """How far the artifacts agree."""

    n: Count
    c_vs_tflite_max_lsb: Figure
    c_vs_tflite_mismatches: Figure
    c_vs_tflite_within: NotRequired[Real | None]
    tflite_default_max_lsb: Figure
    tflite_default_mismatches: Figure
    tflite_default: Default | None
    c_vs_onnx_max_lsb: Figure
    c_vs_onnx_mismatches: Figure
    c_vs_ort_max_lsb: Figure
    c_vs_ort_mismatches: Figure
    c_vs_tflm_max_lsb: NotRequired[Figure]
    c_vs_tflm_mismatches: NotRequired[Figure]
    target_vs_host_mismatches: Figure
    source: Source


class Run(TypedDict):
    """What the emulated core did, or the board that ``measured_on`` names."""

    target: Text | None
    emulator: Text | None
    instructions: Figure
    instructions_per_mac: float | None
    cycles: Figure
    cycles_error: float | None
    clock_hz: Figure
    ms: float | None
    flash_stalls: float | None
    stack_bytes: Figure
    measured_on: Text | None


class Layer(TypedDict):
    """A layer."""

    name: Text
    op: Text
    inputs: NotRequired[list[Annotated[int, Range(-(1 << 10), 1 << 20)]]]
    macs: Count
    weight_bytes: Count
    bits: float | None
    bits_before: NotRequired[float | None]
    channels_before: Count
    channels_after: Count
    instructions: Annotated[float, Range(0)] | None
    cycles: Figure
    snr_db: float | None
    kernel: Text | None


class Seconds(TypedDict):
    """What the steps took."""

    total: Annotated[float, Range(0)]


class Port(TypedDict):
    """An input or output."""

    name: Text
    shape: Annotated[list[Annotated[int, Range(1, 1 << 24)]], Range(0, 8)]
    dtype: Literal["float32", "int8", "uint8", "int16", "int32"]
    scale: Annotated[float, Range(0)] | None
    zero_point: Annotated[int, Range(-(1 << 31), (1 << 31) - 1)] | None
    read: NotRequired[list[Annotated[list[Count], Range(2, 2)]] | None]


class Interface(TypedDict):
    """What goes in and comes out."""

    inputs: Annotated[list[Port], Range(1, 1 << 10)]
    outputs: Annotated[list[Port], Range(1, 1 << 10)]
    states: NotRequired[list[Port]]


class Step(TypedDict):
    """Buffers that are alive in a step."""

    step: Text
    live: dict[str, Count]


class Buffer(TypedDict):
    """Where a buffer lies."""

    name: Text
    offset: Count
    bytes: Count
    first: Annotated[int, Range(-1)]
    last: Annotated[int, Range(-1)]


class Rows(TypedDict):
    """What there is of a value between layers that run by rows."""

    name: Text
    rows: Count
    of: Count
    bytes: Count
    whole_bytes: Count


class ByRows(TypedDict):
    """Layers that run row by row through each other."""

    layers: list[Text]
    turns: Count
    values: list[Rows]
    fed_by_rows: list[Text]
    feed_bytes: Figure
    arena_bytes_whole: Count
    more_work: Real | None


class Memory(TypedDict):
    """The arena."""

    steps: list[Step]
    buffers: list[Buffer]
    by_rows: NotRequired[ByRows | None]


class Flash(TypedDict):
    """A function or constant in flash."""

    layer: Text
    name: Text
    bytes: int


class Free(TypedDict):
    """What was folded away without any loss."""

    channels: Count
    inputs: Count


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
    distance: Real
    answers: Annotated[list[Count], Range(2, 2)]
    source: list[Answer]
    built: list[Answer]
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


def read_report(folder: Path) -> dict[str, Any]:
    """The report of a folder that a build wrote.

    Raises:
        EdgePruneError: it is no such folder, or the report is not one of schema 1.
    """
    path = folder / "report.json"
    where = str(path)
    found = read_json(path, MOST_BYTES, "give the folder that `edgeprune build -o` wrote")
    if not isinstance(found, dict) or found.get("schema") != 1:
        raise EdgePruneError(where, "is no report of schema 1")
    try:
        checked(found, Report, where)
        _check_references(found, where)
    except EdgePruneError as error:
        raise EdgePruneError(error.where, error.what, "build the folder again") from None
    return found


def _check_references(report: Any, where: str) -> None:
    """What names or counts another part of the report."""
    noisiest = report.get("noisiest_layer")
    rows = {row["name"]: row for row in report["layers"]}
    if noisiest is not None and rows.get(noisiest, {}).get("snr_db") is None:
        raise EdgePruneError(f"{where}: noisiest_layer", "is no layer with an snr_db")
    run = report["run"]
    is_modelled = run["measured_on"] is None
    has_time = run["cycles"] is not None or run["ms"] is not None
    if is_modelled and (
        (has_time and run["cycles_error"] is None)
        or (run["ms"] is not None and run["clock_hz"] is None)
    ):
        raise EdgePruneError(f"{where}: run", "has a time without its error or clock")
    for i, row in enumerate(report["layers"]):
        if max(row.get("inputs", []), default=-1) >= i:
            what = "takes what comes after it"
            raise EdgePruneError(f"{where}: layers[{i}]", what)
    for i, port in enumerate(report["interface"]["inputs"]):
        size = math.prod(port["shape"])
        if any(first + count > size for first, count in port.get("read") or []):
            what = f"reads beyond its {size} elements"
            raise EdgePruneError(f"{where}: interface: inputs[{i}]", what)
    chosen = report.get("frontier_chosen")
    if chosen is not None and chosen >= len(report.get("frontier", [])):
        raise EdgePruneError(f"{where}: frontier_chosen", f"is {chosen}, beyond the frontier")
    classes = report.get("classes")
    if classes is None:
        return
    matrices = [classes[k] for k in ("confusion_before", "confusion_after")]
    count = len(matrices[0])
    labels = report.get("labels")
    square = all(len(m) == count and all(len(r) == count for r in m) for m in matrices)
    known = labels is None or len(labels) >= count
    if not square or not known or any(row["label"] >= count for row in classes["rows"]):
        what = "its tables and labels do not belong together"
        raise EdgePruneError(f"{where}: classes", what)
