r"""Networks for phones: as fast as was asked for, and what the search takes.

    EDGEPRUNE_DATA=... python -m benchmarks.bench_phone [--images 4000] [--test-images 2000] \
        [--speedup 1.7] [--finetune 0]
    python -m benchmarks.bench_phone --case mobilenet_v2

ResNet-8 of MLPerf Tiny on CIFAR-10, at half of its int8 file's bytes; or MobileNetV2-0.35 of random
weights with 500 images of 96 x 96, whose shape is what a search has to cope with. Times are the
shortest of many rounds of LiteRT with XNNPACK on one thread of this machine, both files in turns.
CPU seconds are those of the build and all that it starts.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import edgeprune
from benchmarks import bench_search
from edgeprune.ir import Array

SHARE, SPEEDUP = 0.5, 1.7


def images(name: str, count: int) -> tuple[Array, Array]:
    """Images of CIFAR-10 and their labels."""
    with np.load(Path(os.environ["EDGEPRUNE_DATA"]) / "cifar10.npz", allow_pickle=False) as f:
        x, y = f[f"x_{name}"][:count], f[f"y_{name}"][:count]
    return x.astype(np.float32), y.astype(np.int64).ravel()


def ic01(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What ResNet-8 is built from, at a share of its bytes."""
    stored = Path(os.environ["EDGEPRUNE_DATA"]) / "mlperf_tiny"
    return {
        "model": stored / "ic01_fp32.tflite",
        "data": images("train", options.images),
        "test": images("test", options.test_images),
        "budget": int(SHARE * (stored / "ic01_int8.tflite").stat().st_size),
    }


def mobilenet_v2(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What MobileNetV2 is built from, as in the benchmark of searches."""
    model, _, data, *_ = bench_search.mobilenet_v2(folder)
    return {"model": model, "data": data}


CASES = {"ic01": ic01, "mobilenet_v2": mobilenet_v2}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--case", choices=CASES, default="ic01")
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--test-images", type=int, default=2000)
    parser.add_argument("--criterion", default="obs")
    parser.add_argument("--speedup", type=float, default=SPEEDUP)
    parser.add_argument("--finetune", type=int, default=0)
    options = parser.parse_args()
    with TemporaryDirectory() as out:
        given = CASES[options.case](Path(out), options)
        before = os.times()
        built = edgeprune.build(
            target="android",
            dtype="int8",
            criterion=options.criterion,
            speedup=options.speedup,
            finetune=options.finetune,
            augment=options.finetune > 0,
            emit=("tflite",),
            out=Path(out) / "built",
            **given,
        )
        cpu = sum(os.times()[:4]) - sum(before[:4])
    report = built.report
    app, size, right = report["app"], report["size"]["flash_bytes"], report["accuracy"]
    print(f"{options.case}: {size:,} bytes, {app['speedup']:.2f} times as fast, {cpu:.0f} CPU s")
    print(f"  {app['ms_before']:.3f} ms, then {app['ms']:.3f} ms")
    print(f"  right {right['source']:.2%}, then {right['tflite_default']:.2%} (XNNPACK)")
    print(f"  outside of the delegate: {', '.join(app['outside_delegate']) or 'nothing'}")


if __name__ == "__main__":
    main()
