"""Files that are right: what damaged ones are made from."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np


def onnx_seeds() -> list[bytes]:
    """Models with every kind of operator, in float and integers."""
    from tests.onnx_models import model, node

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


def keras_seeds() -> list[bytes]:
    """A small network of Keras."""
    import tensorflow as tf

    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input((8, 6, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.keras"
        model.save(path)
        return [path.read_bytes()]


def npz_seeds() -> list[bytes]:
    """Samples for the first of the ONNX networks, in several types and ways of writing."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3, 8, 6)), np.arange(20) % 5
    made = []
    for save in (np.savez, np.savez_compressed):
        for kind in (np.float32, np.uint8, np.float64):
            file = io.BytesIO()
            save(file, x=x.astype(kind), y=y)
            made.append(file.getvalue())
    return made


def npy_seeds() -> list[bytes]:
    """The same samples alone."""
    made = []
    for order in ("C", "F"):
        file = io.BytesIO()
        np.save(file, np.asarray(np.ones((4, 3, 8, 6), np.float32), order=order))
        made.append(file.getvalue())
    return made


def picture_seeds() -> list[bytes]:
    """A small picture in every format, in several kinds of pixels."""
    from PIL import Image

    from edgeprune.frontends.pictures import FORMATS

    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.uint8)
    made = []
    for kind in FORMATS:
        for mode in ("RGB", "L", "P"):
            file = io.BytesIO()
            Image.fromarray(pixels).convert(mode if kind != "JPEG" or mode != "P" else "L").save(
                file, kind
            )
            made.append(file.getvalue())
    return made


def toml_seeds() -> list[bytes]:
    """Profiles of every kind."""
    from edgeprune.resources import targets_dir

    return [p.read_bytes() for p in sorted(targets_dir().glob("*/profile.toml"))]


def journal_seeds() -> list[bytes]:
    """A journal of two runs."""
    point = {
        "criterion": "obs", "seed": 0, "level": 0.5, "removed": 3, "accuracy": 0.9, "error": 0.1,
        "cost": {"params": 100.0},
    }  # fmt: skip
    rows = [{"key": str(i), "task": {"n": i}, "result": [point, point]} for i in range(2)]
    return ["".join(json.dumps(r) + "\n" for r in rows).encode()]


@cache
def built(dtype: str) -> Path:
    """A folder that a build wrote."""
    from edgeprune.pipeline.build import build
    from edgeprune.pipeline.options import BuildOptions
    from edgeprune.scratch import workspace

    folder = Path(tempfile.mkdtemp(dir=workspace()))
    (folder / "m.onnx").write_bytes(onnx_seeds()[0])
    (folder / "d.npz").write_bytes(npz_seeds()[0])
    options = BuildOptions(
        folder / dtype, folder / "m.onnx", folder / "d.npz", dtype=dtype, budget=1 << 16
    )  # type: ignore[arg-type]
    return build(options).out


def built_files(name: str, dtypes: Sequence[str] = ("int8", "float32")) -> list[bytes]:
    """One file of several built folders."""
    return [(built(dtype) / name).read_bytes() for dtype in dtypes]
