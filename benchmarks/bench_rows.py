"""Arena and instructions with layers that run row by row, beside the same network layer by layer.

    EDGEPRUNE_DATA=... python benchmarks/bench_rows.py [--targets cortex-m4] [--only vww] [--room]

The int8 files as they are, MobileNetV2-0.35 of random weights (``mobilenets.py``) for images of
three sizes, and its first blocks with a head for each 8x8 pixels (FOMO), all as read from int8
files: FOMO's has a PAD in front of convolutions that stride. Every output of the emulated core is
compared with the integer reference in Python. Left: ``--optimize speed``; right ``--optimize ram``,
or with ``--room`` the fewest instructions in an arena of so many bytes (``ROOM``), as ``--ram``
chooses. An input that is read by rows has no place in the arena.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mobilenets
import numpy as np
import torch
from torch import nn

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
NETWORKS: dict[str, tuple[Callable[[float, int], nn.Module], int]] = {
    "mobilenet_v2_96": (mobilenets.mobilenet_v2, 96),
    "mobilenet_v2_128": (mobilenets.mobilenet_v2, 128),
    "mobilenet_v2_224": (mobilenets.mobilenet_v2, 224),
    "fomo_96": (mobilenets.fomo, 96),
}
ROOM = {
    "vww": 15_500,
    "person_detect": 15_500,
    "ic01": 14_500,
    "kws01": 7_500,
    "mobilenet_v2_96": 25_000,
    "mobilenet_v2_128": 35_000,
    "mobilenet_v2_224": 90_000,
    "fomo_96": 40_000,
}


def random_network(name: str, folder: Path) -> Graph:
    """A network of random weights in int8, as it is read from its file."""
    make, size = NETWORKS[name]
    torch.manual_seed(0)
    x = torch.rand(2, 3, size, size)
    mobilenets.write(make(0.35, 2), x, folder / "model.onnx")
    graph = load(folder / "model.onnx")
    seen = observe(fuse(graph), np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy()))
    made = Recipe(load_target("cortex-m4"), "int8", "speed", seen).compile(graph)
    (folder / "model.tflite").write_bytes(made.tflite)
    return load(folder / "model.tflite")


def models(only: str) -> Iterator[tuple[str, Graph]]:
    """Names and networks whose names begin like that."""
    data = Path(os.environ["EDGEPRUNE_DATA"])
    for name, file in FILES.items():
        if name.startswith(only):
            yield name, load(data / file)
    for name in NETWORKS:
        if name.startswith(only):
            with tempfile.TemporaryDirectory() as folder:
                yield name, random_network(name, Path(folder))


def measure(
    graph: Graph, target: str, x: Array, *, by_rows: bool, room: int | None = None
) -> tuple[int, int, int, float]:
    """Arena, instructions, outputs that differ, and seconds of planning."""
    recipe = Recipe(load_target(target), "int8", "speed", {}, by_rows=by_rows, room=room)
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
    parser.add_argument("--room", action="store_true")
    given = parser.parse_args()
    print("| network | core | arena | by rows | instructions | by rows | more | differ | plan, s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, graph in models(given.only):
        shape = graph.types[graph.inputs[0]].shape
        x = np.random.default_rng(0).integers(-128, 128, (1, *shape)).astype(np.int8)
        for target in given.targets.split(","):
            room = ROOM[name] if given.room else None
            a = measure(graph, target, x, by_rows=False)
            b = measure(graph, target, x, by_rows=True, room=room)
            print(
                f"| {name} | {target} | {a[0]:,} | {b[0]:,} | {a[1]:,} | {b[1]:,} "
                f"| {100 * (b[1] / a[1] - 1):+.1f} % | {a[2] + b[2]} | {a[3]:.1f}, {b[3]:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
