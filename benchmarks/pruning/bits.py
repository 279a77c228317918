"""Channels and bits together: accuracy at sizes, no labels, no training unless it is asked for.

    EDGEPRUNE_DATA=... python -m benchmarks.pruning.bits [--model ic01] [--sizes 32,16]

With ``--finetune EPOCHS`` what is pruned and what is rounded are trained, as in a build.

Sizes are KB of linked firmware on Cortex-M4 for the bundled MNIST network, and of weights with
tables, scales and biases for ic01 and kws01, whose code is measured and added. The accuracy is that
of the C on test images, or the other half of the samples of kws01, that nothing was chosen by.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.pruning.common import Table, arguments, ic01, kws01
from benchmarks.pruning.mnist_nets import data_folder
from edgeprune import heap
from edgeprune.ir import Samples
from edgeprune.pipeline.answered import run_host
from edgeprune.pipeline.choose import Chooser
from edgeprune.pipeline.options import BuildOptions, DtypeChoice
from edgeprune.pipeline.prepare import prepare
from edgeprune.pipeline.room import Room
from edgeprune.target import load_target

SIZES = {"mnist": "16,8,4,2", "ic01": "40,32,24,16,12,8", "kws01": "16,13,10,7"}
CODE = {"mnist": 0, "ic01": 6.5, "kws01": 5.0}
"""KB of flash beside weights."""
IMAGES = 7000
"""Of ic01, that choose and calibrate, as far as there are so many."""


def main() -> None:
    heap.bound()  # as the command line does
    args = arguments(__doc__, model="mnist", sizes="", dtype="mixed", finetune=0)
    dtype: DtypeChoice = args.dtype
    columns = ["size", "flash", "weights", "channels", "bits", "validation %", "test %", "CPU s"]
    trained = f"_{args.finetune}" if args.finetune else ""
    table = Table(f"bits_{args.model}_{dtype}{trained}", columns, key=1)
    with tempfile.TemporaryDirectory() as folder:
        options = BuildOptions(
            Path(folder) / "out",
            *_files(args.model, args.seed, Path(folder)),
            dtype=dtype,
            finetune=args.finetune,
            jobs=1,
        )
        prepared = prepare(options)
        target, x = load_target("cortex-m4"), prepared.report.x
        for kb in (args.sizes or SIZES[args.model]).split(","):
            start = time.process_time()
            flash = int(1024 * (float(kb) + CODE[args.model]))
            chooser = Chooser(prepared, options)
            made = chooser.pruned(target, Room(flash, None))
            seconds = time.process_time() - start
            graph = made.compiled.graph
            layers = [n for n in graph.nodes if n.op.weights]
            table.row(
                f"{kb} KB",
                made.size.flash_bytes,
                made.compiled.constant_bytes,
                ",".join(str(graph.types[n.output].shape[-1]) for n in layers),
                "".join(str(graph.types_of(n)[1].bits)[:1] for n in layers),
                100 * made.accuracy,
                100 * prepared.truth.right(run_host(made.compiled, x)),
                seconds,
            )


def _files(model: str, seed: int, folder: Path) -> tuple[Path | None, Path | None, Path | None]:
    """Model, data and test, as files; None: what comes with the package."""
    if model == "mnist":
        return None, None, None
    _, own, test = ic01() if model == "ic01" else kws01(seed)
    kept = {"data": own.first(IMAGES), "test": test}
    for name, samples in kept.items():
        assert isinstance(samples, Samples)
        np.savez(folder / name, x=samples.x, y=samples.y)
    path = data_folder() / "mlperf_tiny" / f"{model}_fp32.tflite"
    return path, folder / "data.npz", folder / "test.npz"


if __name__ == "__main__":
    main()
