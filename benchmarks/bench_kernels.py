"""Cycles and instructions of one inference, beside what was published and what the best peers need.

    EDGEPRUNE_DATA=... python benchmarks/bench_kernels.py [--targets nucleo-l4r5zi]

Builds the int8 files of MLPerf Tiny as they are, and the float32 networks, for each core; runs them
in QEMU with every instruction counted; compares every output with the integer reference in Python
(float32: within 1e-5 with the C on this machine); prints the table, and keeps what was measured in
results/kernels.json if it was everything. Before that the counter is checked against a loop of
known length on every core. Published times: published.py. Peers: TensorFlow Lite Micro of August
2026 with CMSIS-NN of July 2026, onnx2c -O2 where it says so; Debian's QEMU 7.2, gcc 12.2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from calibration import calibrate
from published import BEST

from edgeprune import bundled
from edgeprune.compiler import Recipe, footprint
from edgeprune.frontends import load
from edgeprune.ir import Graph, run_int
from edgeprune.target import load_target
from edgeprune.verify import run_target
from edgeprune.verify.agreement import differing
from edgeprune.verify.run_c import HostModel

# (model, core): instructions of the best peer
ANCHORS = {
    ("ad01 int8", "cortex-m4"): 582_902,
    ("ic01 int8", "cortex-m4"): 29_865_454,
    ("kws01 int8", "cortex-m4"): 7_696_242,
    ("ad01 int8", "cortex-m55"): 149_927,
    ("ic01 int8", "cortex-m55"): 4_913_638,
    ("kws01 int8", "cortex-m55"): 1_811_958,
    ("ad01 int8", "cortex-m3"): 955_934,
    ("ic01 int8", "cortex-m3"): 41_849_217,
    ("kws01 int8", "cortex-m3"): 10_531_098,
    ("ad01 int8", "cortex-m0plus"): 1_763_188,
    ("ic01 int8", "cortex-m0plus"): 97_564_570,
    ("kws01 int8", "cortex-m0plus"): 28_991_817,
    ("mnist 784-100-10 float32", "cortex-m4"): 404_680,  # onnx2c
    ("ic01 float32", "cortex-m4"): 88_732_908,
}
RESULTS = Path(__file__).parent / "results" / "kernels.json"
TARGETS = (
    "nucleo-l4r5zi",
    "nucleo-h7a3zi",
    "nucleo-u575zi",
    "nucleo-g0b1re",
    "cortex-m55",
    "cortex-m3",
    "rv32imc",
)
FLOAT_TARGETS = ("nucleo-l4r5zi", "cortex-m55")


@dataclass(frozen=True)
class Row:
    """One model on one board or core."""

    model: str
    target: str
    optimize: str
    cycles: int | None
    ms: float | None
    flash_stalls: float | None
    instructions: int
    per_mac: float
    loads: float
    peer: int | None
    flash_bytes: int
    beyond_weights_bytes: int
    arena_bytes: int
    stack_bytes: int
    differ: int


def weights_need(graph: Graph) -> int:
    """Bytes that the weights alone need: weights, int32 biases, 8 a channel for its rescale."""
    total = 0
    for node in graph.nodes:
        if not node.op.weights:
            continue
        weights, bias = (graph.types[v] for v in node.inputs[1:3])
        total += weights.nbytes + bias.nbytes
        total += 8 * bias.size if weights.quant is not None else 0
    return total


def measure(name: str, graph: Graph, target: str, optimize: str) -> Row:
    """Build, run and compare one model."""
    recipe = Recipe(load_target(target), "float32", optimize, {})  # type: ignore[arg-type]
    compiled = recipe.compile_typed(graph if graph.is_quantised else recipe.typed(graph))
    typed = compiled.graph
    t = typed.types[typed.inputs[0]]
    rng = np.random.default_rng(0)
    if t.quant is not None:
        x = rng.integers(-128, 128, (3, *t.shape)).astype(t.dtype.numpy)
    else:
        x = rng.random((3, *t.shape)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        compiled.write_c(Path(folder), "model")
        run = run_target.run(Path(folder), recipe.target, x, optimize=recipe.optimize)
        if t.quant is not None:
            expected = run_int(typed, {typed.inputs[0]: x})[typed.outputs[0]]
        else:
            with HostModel(Path(folder)) as host:
                expected = host.run(x)
    size = footprint(compiled)
    assert run.instructions is not None, "a host compiler makes the counter"
    assert run.loads is not None
    return Row(
        name,
        target,
        optimize,
        run.cycles,
        run.ms,
        run.time["flash_stalls"],
        run.instructions,
        run.instructions / typed.macs,
        run.loads,
        ANCHORS.get((name, recipe.target.core or target)),
        size.flash_bytes,
        size.flash_bytes - weights_need(typed),
        compiled.plan.arena_bytes,
        run.stack_bytes,
        differing(run.outputs, expected),
    )


def models() -> dict[str, Graph]:
    """The networks that are measured."""
    folder = Path(os.environ.get("EDGEPRUNE_DATA", "")) / "mlperf_tiny"
    found = {"mnist 784-100-10 float32": load(bundled.model_path())}
    if not folder.is_dir():
        print("EDGEPRUNE_DATA names no folder: only the bundled model", file=sys.stderr)
        return found
    for short in ("ad01", "ic01", "kws01"):
        found[f"{short} int8"] = load(folder / f"{short}_int8.tflite")
    found["ic01 float32"] = load(folder / "ic01_fp32.tflite")
    return found


def stored() -> list[Row]:
    """What was measured last."""
    return [Row(**row) for row in json.loads(RESULTS.read_text())]


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    heads = (
        "model", "target", "for", "cycles", "ms", "instructions", "per MAC", "loads", "best peer",
        "ratio", "flash beyond weights", "arena", "stack", "outputs that differ",
    )  # fmt: skip
    lines = [
        f"| {' | '.join(heads)} |",
        "| --- | --- | --- |" + " ---: |" * (len(heads) - 3),
    ]
    for r in rows:
        peer = f"{r.peer:,}" if r.peer else "-"
        ratio = f"{r.peer / r.instructions:.2f}" if r.peer else "-"
        lines.append(
            f"| {r.model} | {r.target} | {r.optimize} | {_number(r.cycles)} | {_ms(r.ms)} | "
            f"{r.instructions:,} | {r.per_mac:.3f} | "
            f"{r.loads:,.0f} | {peer} | {ratio} | {r.beyond_weights_bytes:,} | "
            f"{r.arena_bytes:,} | {r.stack_bytes:,} | {r.differ} |"
        )
    return "\n".join(lines)


def published_table(rows: list[Row], levels: tuple[str, ...] = ("speed", "size")) -> str:
    """Cycles and milliseconds beside the fastest published ones, as Markdown."""
    lines = [
        "| model | board | for | cycles | ms | waits for flash | best published | who | ratio |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for r in rows:
        best = BEST.get((r.model.removesuffix(" int8"), r.target))
        if best is None or r.cycles is None or r.flash_stalls is None or r.optimize not in levels:
            continue
        ratio = best.cycles / r.cycles
        lines.append(
            f"| {r.model} | {r.target} | {r.optimize} | {r.cycles:,} | {_ms(r.ms)} | "
            f"{r.flash_stalls:.0%} | {best.cycles:,.0f} | {best.who} | {ratio:.2f} |"
        )
    return "\n".join(lines)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument("--models", default="", help="part of the name; empty: all")
    parser.add_argument("--optimize", default="speed,size")
    given = parser.parse_args()
    all_of_it = given == parser.parse_args([])
    targets = given.targets.split(",")
    for target in targets:
        print(calibrate(load_target(target)))
    rows: list[Row] = []
    for name, graph in models().items():
        if given.models not in name:
            continue
        for target in targets:
            if "float32" in name and target not in FLOAT_TARGETS:
                continue
            for optimize in given.optimize.split(","):
                rows.append(measure(name, graph, target, optimize))
                print(rows[-1], file=sys.stderr)
    print(table(rows))
    print(published_table(rows))
    if any(r.differ for r in rows):
        raise SystemExit("outputs differ")
    if all_of_it and "EDGEPRUNE_DATA" in os.environ:
        RESULTS.write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
