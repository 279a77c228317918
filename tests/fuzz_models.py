"""Damages model files and reads them: only an EdgePruneError, soon, in bounded memory.

``python tests/fuzz_models.py onnx 500 0`` reads 500 damaged files, seed 0.
"""

from __future__ import annotations

import random
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType

CPU_SECONDS = 5
MEMORY_BYTES = 1 << 30


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut, inserted, repeated; sizes enlarged."""
    made = bytearray(data)
    kind = rng.random()
    place = rng.randrange(rng.choice([len(made), min(len(made), 3000), min(len(made), 400)]))
    if kind < 0.15:
        del made[place:]
    elif kind < 0.8:
        for _ in range(rng.choice([1, 1, 1, 2, 8])):
            made[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
            place = min(place + rng.randrange(40), len(made) - 1)
    elif kind < 0.9:
        made[place:place] = bytes([0xFF] * rng.randint(1, 9))
    else:
        made[place:place] = made[place : place + rng.randint(1, 100)]
    return bytes(made)


def onnx_seeds() -> list[bytes]:
    """Models with every kind of operator, in float and integers."""
    import numpy as np
    from onnx_models import model, node

    rng = np.random.default_rng(0)

    def w(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    nodes = [
        node("Conv", "x", "w", "b", pads=[1, 1, 1, 1], strides=[1, 1], outputs=["a"]),
        node("BatchNormalization", "a", "b", "b", "b", "v", outputs=["n"]),
        node("Clip", "n", "lo", "hi", outputs=["c"]),
        node("MaxPool", "c", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, outputs=["p"]),
        node("Shape", "p", outputs=["s"]),
        node("Slice", "s", "i0", "i1", outputs=["s1"]),
        node("Concat", "s1", "rest", axis=0, outputs=["t"]),
        node("Transpose", "p", perm=[0, 2, 3, 1], outputs=["q"]),
        node("Reshape", "q", "t", outputs=["r"]),
        node("Gemm", "r", "m", outputs=["g"]),
        node("Softmax", "g", axis=1),
    ]
    constants = {
        "w": w(4, 3, 3, 3), "b": w(4), "v": np.abs(w(4)) + 1, "lo": np.float32(0),
        "hi": np.float32(6), "i0": np.asarray([0]), "i1": np.asarray([1]),
        "rest": np.asarray([-1]), "m": w(48, 5),
    }  # fmt: skip
    shapes = [
        node("Pad", "x", "pads", outputs=["a"]),
        node("Split", "a", "parts", axis=2, outputs=["b", "c"]),
        node("Resize", "b", "", "scales", mode="nearest", nearest_mode="floor",
             coordinate_transformation_mode="asymmetric", outputs=["d"]),
        node("ReduceMean", "d", "axes", keepdims=0, outputs=["e"]),
        node("Unsqueeze", "e", "axes", outputs=["f"]),
        node("ConvTranspose", "c", "w2", strides=[2, 2], output_padding=[1, 1], outputs=["h"]),
        node("Add", "f", "h"),
    ]  # fmt: skip
    more = {
        "pads": np.asarray([0, 0, 1, 0, 0, 0, 1, 2]), "parts": np.asarray([4, 6]),
        "scales": np.asarray([1, 1, 2, 2], np.float32), "axes": np.asarray([2, 3]),
        "w2": w(3, 3, 3, 3),
    }  # fmt: skip
    quantised = [
        node("QuantizeLinear", "x", "s", "z", outputs=["a"]),
        node("DequantizeLinear", "a", "s", "z", outputs=["b"]),
        node("DequantizeLinear", "q", "ws", outputs=["c"], axis=0),
        node("Conv", "b", "c", outputs=["d"]),
        node("QuantizeLinear", "d", "s", "z", outputs=["e"]),
        node("DequantizeLinear", "e", "s", "z"),
    ]
    integers = {
        "s": np.float32(0.1), "z": np.int8(-3), "ws": np.abs(w(4)) + 0.01,
        "q": rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8),
    }  # fmt: skip
    image = {"x": ["n", 3, 8, 6]}
    return [
        model(nodes, image, constants),
        model(shapes, {"x": [1, 3, 8, 6]}, more),
        model(quantised, image, integers),
    ]


def torch_seeds() -> list[bytes]:
    """A small exported network."""
    import torch
    from torch import nn

    from edgeprune.frontends.from_torch import export

    module = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(24, 3), nn.Softmax(1),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return [export(module, torch.zeros(1, 3, 8, 6), Path(folder) / "m.pt2").read_bytes()]


SEEDS: dict[str, tuple[str, Callable[[], list[bytes]]]] = {
    "onnx": (".onnx", onnx_seeds),
    "torch": (".pt2", torch_seeds),
}


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise SystemExit(f"a file took more than {CPU_SECONDS} s of processor time")


def main(reader: str, count: int, seed: int) -> None:
    """Read damaged files; leaves with a traceback if one of them is not answered as it must be."""
    from edgeprune.errors import EdgePruneError
    from edgeprune.frontends import load

    suffix, make = SEEDS[reader]
    seeds = make()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        for data in seeds:  # everything that is imported on the way is there before the limit
            path.write_bytes(data)
            load(path)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = size + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        signal.signal(signal.SIGPROF, _too_slow)
        rng = random.Random(seed)
        taken = 0
        for i in range(count):
            data = damaged(rng.choice(seeds), rng)
            path.write_bytes(data)
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            try:
                load(path)
                taken += 1
            except EdgePruneError as e:
                if str(path) not in str(e):
                    raise AssertionError(f"file {i}: the message does not name the file") from e
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
    sys.stdout.write(f"{count} damaged files, {taken} of them still models\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
