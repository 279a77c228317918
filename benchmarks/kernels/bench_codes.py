"""ResNet-8 with weights of few values, and with int16 activations: flash, instructions and memory.

    EDGEPRUNE_DATA=... python benchmarks/kernels/bench_codes.py [--cores cortex-m4,cortex-m55]

Every layer's weights are rounded to the nearest of the same few values (which says nothing about
accuracy, see the compensated rounding), compiled for speed, run, and compared with the integer
reference. Prints the table of docs/kernels.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import torch

from edgeprune.compiler import Recipe, footprint
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Codebook, DType, Graph, LinearOp, quantise_array, run, run_int
from edgeprune.quantize import quantise
from edgeprune.target import load_target
from edgeprune.verify import run_target

BOOKS = {
    "int8": None,
    "4 bits, uniform": Codebook(tuple(range(-126, 127, 18))),
    "3 bits, a table of 8": Codebook((-127, -70, -40, -15, 9, 33, 66, 127)),
    "2 bits, a table of 4": Codebook((-90, -25, 25, 90)),
    "ternary": Codebook((-127, 0, 127)),
}


def main() -> None:
    """Print a row for every core and width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", default="cortex-m4,cortex-m55,cortex-m0plus")
    cores = parser.parse_args().cores.split(",")
    graph = fuse(load(Path(os.environ["EDGEPRUNE_DATA"]) / "mlperf_tiny" / "ic01_fp32.tflite"))
    x = np.random.default_rng(0).uniform(0, 255, (8, 32, 32, 3)).astype(np.float32)
    values = run(graph, {graph.inputs[0]: torch.from_numpy(x)})
    ranges = {v: (float(a.min()), float(a.max())) for v, a in values.items()}
    layers = [n.name for n in graph.nodes if n.op.weights]
    for core in cores:
        for name, book in BOOKS.items():
            few = {} if book is None else dict.fromkeys(layers, book)
            scales = {k: scales_of(graph, k, b) for k, b in few.items()}
            made = quantise(graph, ranges, codebooks=few, scales=scales)
            print(row(made, core, name, x), flush=True)
        wide = quantise(graph, ranges, DType.INT16)
        print(row(wide, core, "int8, activations of int16", x), flush=True)


def scales_of(graph: Graph, layer: str, book: Codebook) -> np.ndarray:
    """With which the largest value stands for the peak of every channel."""
    node = graph.node(layer)
    assert isinstance(node.op, LinearOp)
    w = np.moveaxis(graph.constants[node.inputs[1]].astype(np.float64), node.op.out_axis, 0)
    return np.abs(w).reshape(len(w), -1).max(axis=1) / max(map(abs, book.values))


def row(graph: Graph, core: str, name: str, x: np.ndarray) -> str:
    """What one form of the network takes on a core."""
    target = load_target(core)
    compiled = Recipe(target, "int8", "speed", {}).compile_typed(graph)
    size = footprint(compiled)
    samples = quantise_array(x[:1], graph.types[graph.inputs[0]])
    with tempfile.TemporaryDirectory() as folder:
        compiled.write_c(Path(folder), "model")
        found = run_target.run(Path(folder), target, samples)
    want = run_int(graph, {graph.inputs[0]: samples})[graph.outputs[0]]
    assert np.array_equal(found.outputs.reshape(want.shape), want), "bit for bit"
    n = found.instructions
    assert n is not None
    return (
        f"| {core} | {name} | {size.flash_bytes:,} | {n:,} | {n / graph.macs:.3f} "
        f"| {size.arena_bytes:,} |"
    )


if __name__ == "__main__":
    main()
