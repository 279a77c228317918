"""Several operators in a row, as exporters write them."""

from __future__ import annotations

import numpy as np
from onnx_models import model, node

from onnx_cases.values import STATS, V, X, i64, w

CASES: dict[str, bytes] = {
    "conv, batch norm, relu": model(
        [
            node("Conv", "x", "w", outputs=["c"]),
            node("BatchNormalization", "c", "g", "b", "m", "v", outputs=["n"], epsilon=1e-3),
            node("Relu", "n"),
        ],
        X,
        {"w": w(3, 3, 3, 3), **STATS},
    ),
    "normalised input": model(
        [
            node("Sub", "x", "mean", outputs=["a"]),
            node("Div", "a", "std", outputs=["b"]),
            node("Conv", "b", "w"),
        ],
        X,
        {"mean": w(1, 3, 1, 1), "std": np.abs(w(1, 3, 1, 1)) + 0.1, "w": w(4, 3, 3, 3)},
    ),
    "residual": model(
        [node("Conv", "x", "w", pads=[1, 1, 1, 1], outputs=["c"]), node("Add", "x", "c")],
        X,
        {"w": w(3, 3, 3, 3)},
    ),
    "squeeze and excite": model(
        [
            node("GlobalAveragePool", "x", outputs=["a"]),
            node("Conv", "a", "w", outputs=["b"]),
            node("HardSigmoid", "b", outputs=["c"], alpha=1 / 6),
            node("Mul", "c", "x"),
        ],
        X,
        {"w": w(3, 3, 1, 1)},
    ),
    "channel shuffle": model(
        [
            node("Conv", "x", "w", outputs=["c"]),
            node("Reshape", "c", "s1", outputs=["r"]),
            node("Transpose", "r", perm=[0, 2, 1, 3, 4], outputs=["t"]),
            node("Reshape", "t", "s2"),
        ],
        X,
        {"w": w(6, 3, 1, 1), "s1": i64(0, 2, 3, 8, 6), "s2": i64(0, -1, 8, 6)},
    ),
    "channels-last file": model(
        [
            node("Transpose", "x", perm=[0, 3, 1, 2], outputs=["t"]),
            node("Conv", "t", "w", outputs=["c"]),
            node("Transpose", "c", perm=[0, 2, 3, 1]),
        ],
        {"x": [1, 6, 5, 3]},
        {"w": w(4, 3, 3, 3)},
    ),
    "detection head": model(
        [
            node("Conv", "x", "w", outputs=["c"]),
            node("Transpose", "c", perm=[0, 2, 3, 1], outputs=["t"]),
            node("Reshape", "t", "s", outputs=["r"]),
            node("Softmax", "r", axis=-1),
        ],
        X,
        {"w": w(6, 3, 1, 1), "s": i64(1, -1, 3)},
    ),
    "shapes computed in the model": model(
        [
            node("Shape", "x", outputs=["s"]),
            node("Gather", "s", "zero", outputs=["n"]),
            node("Unsqueeze", "n", "ax", outputs=["n1"]),
            node("Concat", "n1", "rest", axis=0, outputs=["t"]),
            node("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2], outputs=["p"]),
            node("Reshape", "p", "t"),
        ],
        X,
        {"zero": np.asarray(0), "ax": i64(0), "rest": i64(-1)},
    ),
    "constants computed in the model": model(
        [
            node("Transpose", "w", perm=[1, 0], outputs=["t"]),
            node("Mul", "t", "half", outputs=["u"]),
            node("MatMul", "x", "u"),
        ],
        V,
        {"w": w(5, 12), "half": np.float32(0.5)},
    ),
    "dropout and identity": model(
        [
            node("Dropout", "x", outputs=["d"]),
            node("Identity", "d", outputs=["i"]),
            node("Relu", "i"),
        ],
        X,
    ),
    "two outputs, one an input": model(
        [node("Relu", "x"), node("Identity", "x", outputs=["z"])], X, outputs=["y", "z"]
    ),
    "two inputs": model(
        [node("Concat", "x", "z", axis=1, outputs=["c"]), node("Gemm", "c", "w")],
        {"x": [1, 3], "z": ["n", 4]},
        {"w": w(7, 2)},
    ),
    "no batch at all": model(
        [node("MatMul", "x", "w", outputs=["h"]), node("Softmax", "h", axis=0)],
        {"x": [7]},
        {"w": w(7, 3)},
    ),
}
