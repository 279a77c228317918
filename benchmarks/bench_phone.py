r"""Networks for phones: as fast as was asked for, at a share of their bytes.

    EDGEPRUNE_DATA=... python -m benchmarks.bench_phone [--images 4000] [--test-images 2000] \
        [--speedup 1.7] [--finetune 0]

ResNet-8 of MLPerf Tiny on CIFAR-10, at half of its int8 file's bytes. Times are the shortest of
many rounds of LiteRT with XNNPACK on one thread of this machine, both files in turns.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import edgeprune
from edgeprune.ir import Array

SHARE, SPEEDUP = 0.5, 1.7


def images(name: str, count: int) -> tuple[Array, Array]:
    """Images of CIFAR-10 and their labels."""
    with np.load(Path(os.environ["EDGEPRUNE_DATA"]) / "cifar10.npz", allow_pickle=False) as f:
        x, y = f[f"x_{name}"][:count], f[f"y_{name}"][:count]
    return x.astype(np.float32), y.astype(np.int64).ravel()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--test-images", type=int, default=2000)
    parser.add_argument("--criterion", default="obs")
    parser.add_argument("--speedup", type=float, default=SPEEDUP)
    parser.add_argument("--finetune", type=int, default=0)
    options = parser.parse_args()
    folder = Path(os.environ["EDGEPRUNE_DATA"]) / "mlperf_tiny"
    budget = int(SHARE * (folder / "ic01_int8.tflite").stat().st_size)
    with TemporaryDirectory() as out:
        built = edgeprune.build(
            folder / "ic01_fp32.tflite",
            data=images("train", options.images),
            test=images("test", options.test_images),
            target="android",
            dtype="int8",
            criterion=options.criterion,
            budget=budget,
            speedup=options.speedup,
            finetune=options.finetune,
            augment=options.finetune > 0,
            emit=("tflite",),
            out=Path(out) / "ic01",
        )
    report = built.report
    app, size, right = report["app"], report["size"]["flash_bytes"], report["accuracy"]
    print(f"ic01: {size:,} bytes of {budget:,}, {app['speedup']:.2f} times as fast")
    print(f"  {app['ms_before']:.3f} ms, then {app['ms']:.3f} ms")
    print(f"  right {right['source']:.2%}, then {right['tflite_default']:.2%} (XNNPACK)")
    print(f"  outside of the delegate: {', '.join(app['outside_delegate']) or 'nothing'}")


if __name__ == "__main__":
    main()
