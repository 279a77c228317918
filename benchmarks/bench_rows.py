"""Arena and instructions with layers that run row by row, beside the same network layer by layer.

    EDGEPRUNE_DATA=... python benchmarks/bench_rows.py [--targets cortex-m4] [--only vww]

The int8 files as they are, and MobileNetV2-0.35 of random weights (``mobilenets.py``) for images of
three sizes. Every output of the emulated core is compared with the integer reference in Python.
Left: ``--optimize speed``; right: ``--optimize ram``. An input that is read by rows has no place in
the arena.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mobilenets
import numpy as np
import torch

from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Array, Graph, run_int
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.verify import run_target
from edgeprune.verify.agreement import differing

FILES = {
    "vww": "public/vww_96_int8.tflite",
    "person_detect": "public/person_detect.tflite",
    "ic01": "mlperf_tiny/ic01_int8.tflite",
    "kws01": "mlperf_tiny/kws01_int8.tflite",
}
SIZES = (96, 128, 224)


def mobilenet(size: int, folder: Path) -> Graph:
    """MobileNetV2-0.35 in int8, for images of that size."""
    torch.manual_seed(0)
    x = torch.rand(2, 3, size, size)
    mobilenets.write(mobilenets.mobilenet_v2(0.35, 2), x, folder / "model.onnx")
    graph = load(folder / "model.onnx")
    seen = observe(fuse(graph), np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy()))
    return Recipe(load_target("cortex-m4"), "int8", "speed", seen).typed(graph)


def models(only: str) -> Iterator[tuple[str, Graph]]:
    """Names and networks whose names begin like that."""
    data = Path(os.environ["EDGEPRUNE_DATA"])
    for name, file in FILES.items():
        if name.startswith(only):
            yield name, load(data / file)
    for size in SIZES:
        if f"mobilenet_v2_{size}".startswith(only):
            with tempfile.TemporaryDirectory() as folder:
                yield f"mobilenet_v2_{size}", mobilenet(size, Path(folder))


def measure(graph: Graph, target: str, x: Array, *, by_rows: bool) -> tuple[int, int, int, float]:
    """Arena, instructions, outputs that differ, and seconds of planning."""
    recipe = Recipe(load_target(target), "int8", "speed", {}, by_rows=by_rows)
    begun = time.process_time()
    compiled = recipe.compile_typed(graph)
    took = time.process_time() - begun
    expected = run_int(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    with tempfile.TemporaryDirectory() as folder:
        compiled.write_c(Path(folder), "model")
        run = run_target.run(Path(folder), recipe.target, x)
    assert run.instructions is not None
    return compiled.plan.arena_bytes, run.instructions, differing(run.outputs, expected), took


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--targets", default="cortex-m4")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    print("| network | core | arena | by rows | instructions | by rows | more | differ | plan, s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, graph in models(given.only):
        shape = graph.types[graph.inputs[0]].shape
        x = np.random.default_rng(0).integers(-128, 128, (1, *shape)).astype(np.int8)
        for target in given.targets.split(","):
            a, b = (measure(graph, target, x, by_rows=rows) for rows in (False, True))
            print(
                f"| {name} | {target} | {a[0]:,} | {b[0]:,} | {a[1]:,} | {b[1]:,} "
                f"| {100 * (b[1] / a[1] - 1):+.1f} % | {a[2] + b[2]} | {a[3]:.1f}, {b[3]:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
