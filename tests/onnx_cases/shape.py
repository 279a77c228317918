"""Operators that move elements."""

from __future__ import annotations

import numpy as np
from onnx_models import model, node

from onnx_cases.values import STATS, S, X, i64, w

CASES: dict[str, bytes] = {
    "copies, and sums on the way": model(
        [
            node("CumSum", "x", "rows", exclusive=1, outputs=["a"]),
            node("CumSum", "x", "columns", reverse=1, outputs=["b"]),
            node("CumSum", "b", "columns", reverse=1, exclusive=1, outputs=["c"]),
            node("Add", "a", "c", outputs=["d"]),
            node("Tile", "d", "times"),
        ],
        S,
        {"rows": np.int64(1), "columns": np.int64(-1), "times": i64(1, 2, 3)},
    ),
    "flatten before a dense layer": model(
        [
            node("Relu", "x", outputs=["r"]),
            node("MaxPool", "r", kernel_shape=[2, 2], strides=[2, 2], outputs=["p"]),
            node("Flatten", "p", outputs=["f"]),
            node("Gemm", "f", "w", "b"),
        ],
        X,
        {"w": w(36, 5), "b": w(5)},
    ),
    "flatten that is an output": model(
        [node("MaxPool", "x", kernel_shape=[2, 2], outputs=["p"]), node("Flatten", "p")], X
    ),
    "flatten, relu, add, dense": model(
        [
            node("Conv", "x", "k", outputs=["c"]),
            node("Flatten", "c", outputs=["f"]),
            node("Relu", "f", outputs=["r"]),
            node("Add", "r", "a", outputs=["s"]),
            node("MatMul", "s", "w"),
        ],
        X,
        {"k": w(2, 3, 3, 3), "a": w(48), "w": w(48, 5)},
    ),
    "flatten from axis 2": model(
        [node("Conv", "x", "k", outputs=["c"]), node("Flatten", "c", axis=2)],
        X,
        {"k": w(4, 3, 1, 1)},
    ),
    "concat of channels and a constant": model(
        [node("Conv", "x", "w", outputs=["c"]), node("Concat", "c", "k", "x", axis=1)],
        X,
        {"w": w(2, 3, 1, 1), "k": w(1, 1, 8, 6)},
    ),
    "concat of flattened images": model(
        [
            node("Conv", "x", "w", outputs=["c"]),
            node("Flatten", "c", outputs=["f"]),
            node("Flatten", "x", outputs=["g"]),
            node("Concat", "f", "g", axis=1, outputs=["h"]),
            node("Gemm", "h", "m"),
        ],
        X,
        {"w": w(2, 3, 1, 1), "m": w(240, 4)},
    ),
    "depth to space and back": model(
        [
            node("Conv", "x", "k", outputs=["c"]),
            node("DepthToSpace", "c", blocksize=2, outputs=["d"]),
            node("Relu", "d", outputs=["r"]),
            node("SpaceToDepth", "r", blocksize=4, outputs=["s"]),
            node("DepthToSpace", "s", blocksize=2, mode="CRD"),
        ],
        X,
        {"k": w(8, 3, 1, 1)},
    ),
    "pad": model(
        [node("Pad", "x", "p", "v")], X, {"p": i64(0, 0, 1, 2, 0, 1, 0, 1), "v": np.float32(1.5)}
    ),
    "pad, cut, axes": model(
        [node("Pad", "x", "p", "", "a")], X, {"p": i64(-1, 2, 1, -2), "a": i64(2, -1)}
    ),
    "pad, old": model([node("Pad", "x", pads=[0, 0, 1, 0, 0, 0, 0, 2])], X, opset=10),
    "slice": model(
        [node("Slice", "x", "a", "b", "c", "d")],
        X,
        {"a": i64(1, -5), "b": i64(3, 1000), "c": i64(1, 2), "d": i64(1, 2)},
    ),
    "slice backwards": model(
        [node("Slice", "x", "a", "b", "c", "d")],
        X,
        {"a": i64(-1, 6, 2), "b": i64(-99, 1, -99), "c": i64(1, 2, 3), "d": i64(-1, -2, -1)},
    ),
    "split": model(
        [
            node("Split", "x", "s", outputs=["a", "b"], axis=2),
            node("Concat", "b", "a", axis=2),
        ],
        X,
        {"s": i64(3, 5)},
    ),
    "split, old": model(
        [node("Split", "x", outputs=["a", "b"], axis=2), node("Add", "b", "a")], X, opset=12
    ),
    "squeeze and unsqueeze": model(
        [
            node("GlobalAveragePool", "x", outputs=["g"]),
            node("Squeeze", "g", "a", outputs=["s"]),
            node("Unsqueeze", "s", "b", outputs=["u"]),
            node("Mul", "u", "x"),
        ],
        X,
        {"a": i64(3, 2), "b": i64(2, 3)},
    ),
    "gather": model(
        [node("Gather", "x", "i", axis=1, outputs=["a"]), node("Gather", "a", "j", axis=3)],
        X,
        {"i": i64(2, 0), "j": np.asarray(-1)},
    ),
    "gather, indices of two axes": model(
        [node("Gather", "x", "i", axis=2)], X, {"i": np.asarray([[5, 0, 0], [7, 1, 2]])}
    ),
    "reshape, norm, transpose, reshape back": model(  # not what was there before: a shuffle
        [
            node("Reshape", "x", "s", outputs=["a"]),
            node("BatchNormalization", "a", *"gbmv", outputs=["n"]),
            node("Transpose", "n", perm=[0, 2, 1, 3], outputs=["t"]),
            node("Reshape", "t", "back"),
        ],
        {"x": [1, 9, 4, 4]},
        {**STATS, "s": i64(1, 3, 3, 16), "back": i64(1, 9, 4, 4)},
    ),
    "reshape, transpose, norm, reshape back": model(
        [
            node("Reshape", "x", "s", outputs=["a"]),
            node("Transpose", "a", perm=[0, 2, 1, 3], outputs=["t"]),
            node("BatchNormalization", "t", *"gbmv", outputs=["n"]),
            node("Reshape", "n", "back"),
        ],
        {"x": [1, 9, 4, 4]},
        {**STATS, "s": i64(1, 3, 3, 16), "back": i64(1, 9, 4, 4)},
    ),
    "expand": model(
        [node("GlobalAveragePool", "x", outputs=["g"]), node("Expand", "g", "s")],
        X,
        {"s": i64(1, 3, 8, 6)},
    ),
}
