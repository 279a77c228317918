"""MLPerf Tiny's int8 networks on this machine, one thread: our C and LiteRT with XNNPACK.

    EDGEPRUNE_DATA=... python benchmarks/kernels/bench_host.py [--runs 200]

Median microseconds of processor time of an inference. ``portable``: the kernels for any processor;
``vector``: those for compilers that vectorise; gcc's -O3, plain and with this machine's vector
extensions. All in one run, turn by turn: compare them with each other only. Behind them
instructions of an inference on AArch64, counted in QEMU, where its compiler and emulator are.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from edgeprune.compiler import Recipe
from edgeprune.compiler.compile import Compiled
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.target import load_target
from edgeprune.verify import run_target

MODELS = ("ic01", "kws01", "ad01")
FORMS = (("portable", "-O3"), ("vector", "-O3"), ("vector", "-O3 -march=native"))
TURNS = 5
MAIN = r"""
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static _Alignas(16) unsigned char arena[NET_ARENA_BYTES];
static int8_t x[NET_INPUT_LEN], y[NET_OUTPUT_LEN];
int main(int argc, char **argv)
{
    struct timespec a, b;
    for (unsigned i = 0; i < NET_INPUT_LEN; i++) {
        x[i] = (int8_t)(i * 37u);
    }
    const int runs = argc > 1 ? atoi(argv[1]) : 1;
    for (int r = 0; r < runs; r++) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
        net_run(arena, sizeof arena, x, y);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
        printf("%ld\n", (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec);
    }
    return 0;
}
"""


def compiled(model: Path, target: str, kernels: tuple[str, ...]) -> Compiled:
    """The network as C with some sets of kernels."""
    made = replace(load_target(target), kernels=kernels)
    return Recipe(made, "int8", "speed", {}).compile_typed(fuse(load(model)))


def program(model: Path, kernels: str, flags: str, folder: Path) -> Callable[[int], list[float]]:
    """Builds; gives nanoseconds of so many runs."""
    folder.mkdir()
    isas = ("portable",) if kernels == "portable" else (kernels, "portable")
    compiled(model, "host", isas).write_c(folder, "net")
    (folder / "main.c").write_text(MAIN)
    sources = sorted(f.name for f in folder.glob("*.c"))
    subprocess.run(
        ["gcc", "-std=gnu99", *flags.split(), "-I.", *sources, "-lm", "-o", "net"],
        cwd=folder,
        check=True,
    )

    def timed(runs: int) -> list[float]:
        done = subprocess.run(
            [folder / "net", str(runs)], capture_output=True, text=True, check=True
        )
        return [float(line) for line in done.stdout.split()]

    return timed


def litert(model: Path) -> Callable[[int], list[float]]:
    """The same of LiteRT's default delegate."""
    interpreter = Interpreter(model_path=str(model), num_threads=1)
    interpreter.allocate_tensors()
    (fed,) = interpreter.get_input_details()
    interpreter.set_tensor(fed["index"], np.zeros(fed["shape"], np.int8))

    def timed(runs: int) -> list[float]:
        found = []
        for _ in range(runs):
            start = time.process_time_ns()
            interpreter.invoke()
            found.append(float(time.process_time_ns() - start))
        return found

    return timed


def on_aarch64(model: Path, kernels: tuple[str, ...]) -> str:
    """Instructions of an inference; "-" where nothing can count them."""
    made = compiled(model, "aarch64", kernels)
    x = np.zeros((1, *made.graph.types[made.graph.inputs[0]].shape), np.int8)
    with tempfile.TemporaryDirectory() as folder:
        made.write_c(Path(folder), "net")
        try:
            ran = run_target.run(Path(folder), load_target("aarch64"), x)
        except EdgePruneError:
            return "-"
    return f"{ran.instructions:,}" if ran.instructions else "-"


def main() -> None:
    """Print a row for every network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    names = [" ".join(form) for form in FORMS] + ["LiteRT, XNNPACK"]
    print("| model |", " | ".join(names), "| AArch64: portable | vector |")
    print("| --- |" + " ---: |" * (len(names) + 2))
    for name in MODELS:
        model = Path(os.environ["EDGEPRUNE_DATA"]) / "mlperf_tiny" / f"{name}_int8.tflite"
        with tempfile.TemporaryDirectory() as temp:
            ways = [program(model, *form, Path(temp) / str(k)) for k, form in enumerate(FORMS)] + [
                litert(model)
            ]
            found: list[list[float]] = [[] for _ in ways]
            for _ in range(TURNS):
                for way, kept in zip(ways, found, strict=True):
                    kept += way(runs)
        times = [f"{statistics.median(kept) / 1000:,.0f}" for kept in found]
        counts = [on_aarch64(model, k) for k in (("portable",), ("vector", "portable"))]
        print("|", " | ".join([name, *times, *counts]), "|", flush=True)


if __name__ == "__main__":
    main()
