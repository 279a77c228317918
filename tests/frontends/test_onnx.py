from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper, version_converter
from onnx_models import evaluate, model, node, oracle, random_feeds

from edgeprune.emit.to_onnx import emit
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.normalize import fuse
from edgeprune.ops import Dense, DepthwiseConv2d, Relu, Reshape, Transpose

R = np.random.default_rng(7)


def w(*shape: int) -> np.ndarray:
    return R.normal(size=shape).astype(np.float32)


def i64(*values: int) -> np.ndarray:
    return np.asarray(values, np.int64)


X = {"x": ["n", 3, 8, 6]}
V = {"x": [1, 12]}
S = {"x": [1, 4, 10]}
STATS = {"g": w(3), "b": w(3), "m": w(3), "v": np.abs(w(3)) + 0.5}

GELU = {
    "root2": np.float32(2**0.5), "inverse": np.float32(0.5**0.5), "one": np.float32(1),
    "half": np.float32(0.5), "three": np.float32(3), "cubic": np.float32(0.044715),
    "rate": np.float32((2 / np.pi) ** 0.5), "w": w(12, 3),
}  # fmt: skip
ERF = [node("Div", "x", "root2", outputs=["z"]), node("Erf", "z", outputs=["e"])]
GELUS = {
    "half last": [
        *ERF,
        node("Add", "e", "one", outputs=["p"]),
        node("Mul", "x", "p", outputs=["q"]),
        node("Mul", "q", "half", outputs=["g"]),
    ],
    "half first": [
        *ERF,
        node("Add", "one", "e", outputs=["p"]),
        node("Mul", "half", "p", outputs=["q"]),
        node("Mul", "x", "q", outputs=["g"]),
    ],
    "half at the side": [
        node("Mul", "x", "inverse", outputs=["z"]),
        node("Erf", "z", outputs=["e"]),
        node("Mul", "x", "half", outputs=["h"]),
        node("Add", "e", "one", outputs=["p"]),
        node("Mul", "h", "p", outputs=["g"]),
    ],
    "tanh": [
        node("Pow", "x", "three", outputs=["c"]),
        node("Mul", "cubic", "c", outputs=["d"]),
        node("Add", "x", "d", outputs=["s"]),
        node("Mul", "s", "rate", outputs=["z"]),
        node("Tanh", "z", outputs=["e"]),
        node("Add", "e", "one", outputs=["p"]),
        node("Mul", "p", "half", outputs=["q"]),
        node("Mul", "x", "q", outputs=["g"]),
    ],
}

CASES: dict[str, bytes] = {
    "gemm": model(
        [node("Gemm", "x", "w", "b", alpha=0.5, beta=2.0)], V, {"w": w(12, 5), "b": w(5)}
    ),
    "gemm transposed": model([node("Gemm", "x", "w", transB=1)], V, {"w": w(5, 12)}),
    "gemm without batch": model(
        [node("Gemm", "x", "w", "b", transA=1)], {"x": [6, 3]}, {"w": w(6, 4), "b": w(3, 4)}
    ),
    "gemm, scalar bias": model([node("Gemm", "x", "w", "b")], V, {"w": w(12, 5), "b": w()}),
    "matmul and add": model(
        [node("MatMul", "x", "w", outputs=["h"]), node("Add", "b", "h")],
        V,
        {"w": w(12, 5), "b": w(1, 5)},
    ),
    "matmul over a sequence": model([node("MatMul", "x", "w")], S, {"w": w(10, 3)}),
    "matmul with a vector": model([node("MatMul", "x", "w")], S, {"w": w(10)}),
    "matmul with many matrices": model([node("MatMul", "x", "w")], S, {"w": w(3, 1, 10, 2)}),
    "matmul, a matrix for each row": model(
        [node("MatMul", "x", "w")], {"x": [1, 4, 2, 5]}, {"w": w(4, 5, 3)}
    ),
    "matmul from the left": model([node("MatMul", "w", "x")], S, {"w": w(3, 4)}),
    "conv": model(
        [node("Conv", "x", "w", "b", pads=[1, 2, 0, 1])], X, {"w": w(5, 3, 3, 3), "b": w(5)}
    ),
    "conv, strided, dilated": model(
        [node("Conv", "x", "w", strides=[2, 1], dilations=[1, 2])], X, {"w": w(4, 3, 3, 2)}
    ),
    "conv, same upper": model(
        [node("Conv", "x", "w", auto_pad="SAME_UPPER", strides=[2, 2])], X, {"w": w(4, 3, 3, 3)}
    ),
    "conv, same lower": model(
        [node("Conv", "x", "w", auto_pad="SAME_LOWER")], X, {"w": w(4, 3, 2, 4)}
    ),
    "conv, valid": model([node("Conv", "x", "w", auto_pad="VALID")], X, {"w": w(4, 3, 2, 4)}),
    "conv, grouped": model(
        [node("Conv", "x", "w", "b", group=2)], {"x": [1, 4, 5, 5]}, {"w": w(6, 2, 3, 3), "b": w(6)}
    ),
    "depthwise": model([node("Conv", "x", "w", "b", group=3)], X, {"w": w(3, 1, 3, 3), "b": w(3)}),
    "depthwise, multiplier 2": model([node("Conv", "x", "w", group=3)], X, {"w": w(6, 1, 3, 3)}),
    "conv in one dimension": model(
        [node("Conv", "x", "w", "b", strides=[2], pads=[1, 2])], S, {"w": w(5, 4, 3), "b": w(5)}
    ),
    "transposed conv": model(
        [node("ConvTranspose", "x", "w", "b", strides=[2, 2], pads=[1, 0, 1, 1])],
        X,
        {"w": w(3, 4, 3, 3), "b": w(4)},
    ),
    "transposed conv, output padding": model(
        [node("ConvTranspose", "x", "w", strides=[2, 3], output_padding=[1, 2])],
        X,
        {"w": w(3, 4, 3, 3)},
    ),
    "transposed conv, a group for each channel": model(
        [node("ConvTranspose", "x", "w", "b", strides=[2, 2], group=3)],
        X,
        {"w": w(3, 2, 3, 3), "b": w(6)},
    ),
    "transposed conv, same": model(
        [node("ConvTranspose", "x", "w", strides=[2, 2], auto_pad="SAME_UPPER")],
        X,
        {"w": w(3, 4, 3, 3)},
    ),
    "max pool": model([node("MaxPool", "x", kernel_shape=[2, 3], strides=[2, 2])], X),
    "max pool, padded": model([node("MaxPool", "x", kernel_shape=[3, 3], pads=[1, 1, 0, 1])], X),
    "max pool, ceil": model(
        [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
        {"x": [1, 2, 8, 7]},
    ),
    "max pool in one dimension": model([node("MaxPool", "x", kernel_shape=[3], strides=[2])], S),
    "average pool": model([node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 1])], X),
    "average pool, padding not counted": model(
        [node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1])], X
    ),
    "average pool, padding counted": model(
        [node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 0, 1, 1], count_include_pad=1)], X
    ),
    "average pool, padding that has no name": model(
        [node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])], X
    ),
    "average pool, ceil, padding counted": model(
        [
            node(
                "AveragePool",
                "x",
                kernel_shape=[3, 3],
                strides=[3, 4],
                pads=[1, 1, 1, 1],
                ceil_mode=1,
                count_include_pad=1,
            )
        ],
        X,
        opset=19,
    ),
    "average pool, same": model(
        [node("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")], X
    ),
    "max pool, dilated": model(
        [node("MaxPool", "x", kernel_shape=[3, 2], dilations=[2, 3], strides=[1, 2])], X
    ),
    "max pool, dilated, padded, ceil": model(
        [
            node(
                "MaxPool",
                "x",
                kernel_shape=[3, 3],
                dilations=[2, 2],
                pads=[2, 1, 1, 2],
                strides=[2, 1],
                ceil_mode=1,
            )
        ],
        X,
    ),
    "max pool, dilated, in one dimension": model(
        [node("MaxPool", "x", kernel_shape=[3], dilations=[3], pads=[2, 0])], S
    ),
    "average pool, dilated": model(
        [node("AveragePool", "x", kernel_shape=[3, 2], dilations=[2, 2])], X, opset=19
    ),
    "average pool, dilated, padding not counted": model(
        [
            node(
                "AveragePool",
                "x",
                kernel_shape=[3, 3],
                dilations=[2, 1],
                pads=[2, 1, 1, 1],
                strides=[2, 2],
            )
        ],
        X,
        opset=19,
    ),
    "average pool, dilated, padding counted": model(
        [
            node(
                "AveragePool",
                "x",
                kernel_shape=[3, 3],
                dilations=[2, 2],
                pads=[1, 1, 2, 1],
                count_include_pad=1,
            )
        ],
        X,
        opset=19,
    ),
    "global pools": model(
        [
            node("GlobalAveragePool", "x", outputs=["a"]),
            node("GlobalMaxPool", "x", outputs=["b"]),
            node("Concat", "a", "b", axis=1),
        ],
        X,
    ),
    "batch norm": model([node("BatchNormalization", "x", "g", "b", "m", "v")], X, STATS),
    "conv, batch norm, relu": model(
        [
            node("Conv", "x", "w", outputs=["c"]),
            node("BatchNormalization", "c", "g", "b", "m", "v", outputs=["n"], epsilon=1e-3),
            node("Relu", "n"),
        ],
        X,
        {"w": w(3, 3, 3, 3), **STATS},
    ),
    "batch norm before a conv": model(
        [
            node("BatchNormalization", "x", "g", "b", "m", "v", outputs=["n"]),
            node("Conv", "n", "w", pads=[1, 1, 1, 1]),
        ],
        X,
        {"w": w(4, 3, 3, 3), **STATS},
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
    "clip": model([node("Clip", "x", "a", "b")], X, {"a": np.float32(-0.5), "b": np.float32(6)}),
    "clip, old": model([node("Clip", "x", min=0.0, max=6.0)], X, opset=10),
    "activations": model(
        [
            node("LeakyRelu", "x", alpha=0.2, outputs=["a"]),
            node("Elu", "a", outputs=["b"]),
            node("HardSwish", "b", outputs=["c"]),
            node("Tanh", "c", outputs=["d"]),
            node("Sigmoid", "d", outputs=["e"]),
            node("PRelu", "e", "s"),
        ],
        X,
        {"s": w(3, 1, 1)},
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
    "hard sigmoid": model([node("HardSigmoid", "x", alpha=0.3, beta=0.4)], X),
    "bounds, a sum": model(
        [
            node("Max", "x", "lo", outputs=["a"]),
            node("Min", "hi", "a", outputs=["b"]),
            node("Neg", "b", outputs=["c"]),
            node("Sum", "c", "x", "k"),
        ],
        X,
        {"lo": np.float32(-1), "hi": np.float32(1), "k": w(3, 1, 1)},
    ),
    "the largest of several, the smallest of two": model(
        [
            node("Conv", "x", "w", outputs=["c"]),
            node("Max", "x", "c", "k", "lo", outputs=["a"]),
            node("Min", "k", "a"),
        ],
        X,
        {"w": w(3, 3, 1, 1), "k": w(3, 1, 6), "lo": np.float32(-0.5)},
    ),
    "gelu": model([node("Gelu", "x", approximate="tanh")], X, opset=20),
    **{
        f"gelu by steps, {name}": model([*steps, node("Gemm", "g", "w")], V, GELU)
        for name, steps in GELUS.items()
    },
    "softmax over channels": model([node("Softmax", "x", axis=1)], X),
    "softmax, old, over all": model([node("Softmax", "x", axis=1)], X, opset=11),
    "log softmax": model([node("LogSoftmax", "x", axis=-1)], V),
    "arithmetic": model(
        [
            node("Sub", "a", "x", outputs=["p"]),
            node("Mul", "p", "x", outputs=["q"]),
            node("Div", "q", "d", outputs=["r"]),
            node("Add", "r", "e"),
        ],
        X,
        {"a": w(1), "d": np.abs(w(1, 1, 8, 1)) + 1, "e": w(3, 1, 6)},
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
    "resize nearest": model(
        [
            node(
                "Resize",
                "x",
                "",
                "s",
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        ],
        X,
        {"s": np.asarray([1, 1, 2, 3], np.float32)},
    ),
    "resize bilinear": model(
        [
            node(
                "Resize",
                "x",
                "",
                "",
                "s",
                mode="linear",
                coordinate_transformation_mode="half_pixel",
            )
        ],
        X,
        {"s": i64(1, 3, 5, 9)},
    ),
    "resize bilinear, aligned": model(
        [
            node(
                "Resize",
                "x",
                "",
                "",
                "s",
                mode="linear",
                coordinate_transformation_mode="align_corners",
            )
        ],
        X,
        {"s": i64(1, 3, 5, 9)},
    ),
    **{
        f"resize, {mode}, {coordinates}{', antialias' if antialias else ''}": model(
            [
                node(
                    "Resize",
                    "x",
                    "",
                    "",
                    "s",
                    mode=mode,
                    antialias=antialias,
                    coordinate_transformation_mode=coordinates,
                    nearest_mode="round_prefer_floor",
                )
            ],
            X,
            {"s": i64(1, 3, 5, 9)},
        )
        for mode, coordinates, antialias in (
            ("nearest", "half_pixel", 0),
            ("nearest", "align_corners", 0),
            ("linear", "half_pixel", 1),
            ("cubic", "pytorch_half_pixel", 0),
            ("cubic", "asymmetric", 0),
            ("cubic", "half_pixel", 1),
        )
    },
    "crop and resize": model(
        [
            node(
                "Resize",
                "x",
                "roi",
                "",
                "s",
                mode="linear",
                extrapolation_value=2.5,
                coordinate_transformation_mode="tf_crop_and_resize",
            )
        ],
        X,
        {"s": i64(1, 3, 6, 5), "roi": np.asarray([0, 0, 0.3, 0.1, 1, 1, 1.3, 0.8], np.float32)},
    ),
    "upsample": model(
        [node("Upsample", "x", "s")], X, {"s": np.asarray([1, 1, 2, 2], np.float32)}, opset=9
    ),
    "reduce mean": model([node("ReduceMean", "x", "a", keepdims=0)], X, {"a": i64(2, 3)}),
    "reduce max": model([node("ReduceMax", "x", "a", keepdims=0)], X, {"a": i64(2, 3)}),
    "reduce max that keeps its axes": model([node("ReduceMax", "x", axes=[-1, -2])], X, opset=13),
    "expand": model(
        [node("GlobalAveragePool", "x", outputs=["g"]), node("Expand", "g", "s")],
        X,
        {"s": i64(1, 3, 8, 6)},
    ),
    "reduce max over channels": model([node("ReduceMax", "x", axes=[1], keepdims=0)], X, opset=13),
    "reduce min": model([node("ReduceMin", "x", axes=[1, 3])], X, opset=13),
    "reduce sum": model([node("ReduceSum", "x", "a", keepdims=0)], X, {"a": i64(1, 2)}),
    "reduce max of all": model([node("ReduceMax", "x", axes=[1, 2, 3])], X, opset=13),
    "reduce max of rows": model([node("ReduceMax", "x", axes=[3])], X, opset=13),
    "reduce mean over channels": model([node("ReduceMean", "x", axes=[1])], X, opset=13),
    "reduce mean over all": model(
        [node("ReduceMean", "x", axes=[1, 2, 3], keepdims=0)], X, opset=13
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


@pytest.mark.parametrize("name", CASES)
def test_a_model_computes_what_onnx_runtime_computes(name: str, rng: np.random.Generator) -> None:
    content = CASES[name]
    feeds = random_feeds(content, rng)
    graph = loads(content)
    for ours, theirs in zip(evaluate(graph, feeds), oracle(content, feeds), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_an_emitted_model_keeps_the_interface_and_the_function(
    name: str, rng: np.random.Generator
) -> None:
    content = CASES[name]
    emitted = emit(fuse(loads(content)))
    onnx.checker.check_model(onnx.load_from_string(emitted), full_check=True)
    assert emitted == emit(fuse(loads(content)))
    feeds = random_feeds(content, rng)
    before, after = oracle(content, feeds), oracle(emitted, feeds)
    for ours, theirs in zip(after, before, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    names = [[v.name for v in side] for side in _sides(content)]
    assert names == [[v.name for v in side] for side in _sides(emitted)]


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 17, 21, 24])
def test_every_operator_set_means_what_onnx_runtime_says(
    opset: int, rng: np.random.Generator
) -> None:
    converted = 0
    for name, content in CASES.items():
        try:
            other = version_converter.convert_version(onnx.load_from_string(content), opset)
            onnx.checker.check_model(other)
        except Exception:  # noqa: BLE001  the converter has no way there for some operators
            continue
        again = other.SerializeToString()
        feeds = random_feeds(content, rng)
        for ours, theirs in zip(evaluate(loads(again), feeds), oracle(again, feeds), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=name)
        converted += 1
    assert converted >= 15


def _sides(content: bytes):
    graph = onnx.load_from_string(content).graph
    held = {t.name for t in graph.initializer}
    return [v for v in graph.input if v.name not in held], graph.output


def test_a_flattened_image_moves_the_columns_of_the_dense_layer_and_nothing_else() -> None:
    for name in ("flatten before a dense layer", "flatten, relu, add, dense"):
        graph = loads(CASES[name])
        assert not any(isinstance(n.op, Transpose) for n in graph.nodes), name
        assert any(isinstance(n.op, Dense) for n in graph.nodes)


def test_transposes_of_a_channels_last_file_vanish() -> None:
    graph = loads(CASES["channels-last file"])
    assert [n.op.kind for n in graph.nodes] == ["conv2d"]
    assert [graph.ports[v].perm for v in (*graph.inputs, *graph.outputs)] == [None, None]


def test_batch_norm_and_input_normalisation_fold_into_the_convolution() -> None:
    for name in ("conv, batch norm, relu", "normalised input"):
        kinds = [n.op.kind for n in loads(CASES[name]).nodes]
        assert kinds[0] == "conv2d", name
        assert set(kinds) <= {"conv2d", "clamp"}, name


@pytest.mark.parametrize("name", GELUS)
def test_gelu_in_steps_is_one_operator(name: str) -> None:
    graph = loads(CASES[f"gelu by steps, {name}"])
    assert [n.op.kind for n in graph.nodes] == ["gelu", "dense"]
    assert graph.nodes[0].op.approximate == (name == "tanh")


def test_what_is_almost_gelu_is_not_taken_for_it() -> None:
    steps = GELUS["half first"]
    shifted = [*steps[:2], node("Add", "e", "half", outputs=["p"]), *steps[3:]]
    for change in (shifted, [*steps, node("Relu", "p", outputs=["y2"])]):
        outputs = ["y", "y2"] if len(change) > len(steps) else ["y"]
        content = model([*change, node("Gemm", "g", "w")], V, GELU, outputs=outputs)
        with pytest.raises(UnsupportedError, match="Erf"):
            loads(content)


def test_a_depthwise_convolution_is_recognised() -> None:
    assert isinstance(loads(CASES["depthwise, multiplier 2"]).nodes[0].op, DepthwiseConv2d)


def test_fusing_folds_clamps_and_unfusing_is_part_of_normalisation() -> None:
    graph = fuse(loads(CASES["conv, batch norm, relu"]))
    assert [n.op.kind for n in graph.nodes] == ["conv2d"]
    assert not any(isinstance(n.op, Relu) for n in graph.nodes)


def test_no_reshape_is_left_where_nothing_changes() -> None:
    graph = loads(CASES["conv in one dimension"])
    assert sum(isinstance(n.op, Reshape) for n in graph.nodes) == 2


def test_a_free_batch_is_taken_as_one_and_said() -> None:
    graph = loads(CASES["conv"])
    port = graph.ports[graph.inputs[0]]
    assert port.shape == (1, 3, 8, 6)
    assert "batch axis is taken as 1" in graph.notes[0]


def test_a_fixed_batch_is_taken_as_one_and_said(rng: np.random.Generator) -> None:
    content = model([node("Gemm", "x", "w")], {"x": [32, 12]}, {"w": w(12, 5)})
    graph = loads(content)
    assert graph.types[graph.inputs[0]].shape == (12,)
    assert "batch of 32 is taken as 1" in graph.notes[0]


def test_external_data_is_read_from_the_folder_of_the_model(tmp_path: Path) -> None:
    content = CASES["gemm"]
    onnx.save_model(
        onnx.load_from_string(content),
        tmp_path / "m.onnx",
        save_as_external_data=True,
        size_threshold=0,
        location="m.onnx.data",
    )
    feeds = random_feeds(content, np.random.default_rng(0))
    found = evaluate(load(tmp_path / "m.onnx"), feeds)
    np.testing.assert_allclose(found[0], oracle(content, feeds)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "", ".", "a/../../secret"])
def test_external_data_elsewhere_is_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(bytes(300))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "m.onnx").write_bytes(_with_external(location))
    with pytest.raises(EdgePruneError, match="outside the model's folder"):
        load(folder / "m.onnx")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(300))
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "data").symlink_to(tmp_path / "secret")
    (folder / "m.onnx").write_bytes(_with_external("data"))
    with pytest.raises(EdgePruneError, match="outside the model's folder"):
        load(folder / "m.onnx")


def test_external_data_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(bytes(100))
    (tmp_path / "m.onnx").write_bytes(_with_external("data"))
    with pytest.raises(EdgePruneError, match="needs 240 bytes"):
        load(tmp_path / "m.onnx")


def _with_external(location: str) -> bytes:
    made = onnx.load_from_string(model([node("Gemm", "x", "w")], V, {"w": w(12, 5)}))
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return made.SerializeToString()


def test_all_unsupported_operators_are_listed_at_once_by_name() -> None:
    nodes = [
        node("Erf", "x", name="first", outputs=["a"]),
        node("Relu", "a", outputs=["b"]),
        node("MaxPool", "x", name="third", kernel_shape=[2, 2], outputs=["c", "indices"]),
        node("NoSuch", "b", "c", name="second"),
    ]
    with pytest.raises(UnsupportedError) as e:
        loads(model(nodes, X))
    for text in ("3 operators", "'first' (Erf)", "'second' (NoSuch)", "'third' (MaxPool)"):
        assert text in str(e.value)
    assert "Relu" not in str(e.value)


BAD: dict[str, tuple[bytes, str]] = {
    "shapes contradict": (
        model([node("Gemm", "x", "w", name="layer")], V, {"w": w(13, 5)}),
        r"'layer' \(Gemm\).*\[1, 12\] does not go with a matrix \[13, 5\]",
    ),
    "channels contradict": (
        model([node("Conv", "x", "w", name="c1")], X, {"w": w(4, 5, 3, 3)}),
        r"'c1' \(Conv\).*an image of 3 channels",
    ),
    "bias contradicts": (
        model([node("Conv", "x", "w", "b")], X, {"w": w(4, 3, 3, 3), "b": w(5)}),
        "4 filters, but its bias has shape",
    ),
    "window too large": (
        model([node("Conv", "x", "w")], X, {"w": w(4, 3, 9, 3)}), "smaller than the window",
    ),
    "reshape contradicts": (
        model([node("Reshape", "x", "s")], V, {"s": i64(1, 5, 5)}), r"\[1, 12\] cannot become",
    ),
    "a free axis": (
        model([node("Relu", "x")], {"x": [1, 3, "height", 5]}),
        r"input 'x': axis 2 \(height\) has no fixed length",
    ),
    "weights are not finite": (
        model([node("Gemm", "x", "w", name="fc")], V, {"w": np.full((12, 5), np.nan, np.float32)}),
        "'fc'.*60 of 60 values of its weights are NaN or infinite",
    ),
    "a missing value": (model([node("Add", "x", "nowhere")], V), "which nothing computes"),
    "a value twice": (model([node("Relu", "x"), node("Tanh", "x")], V), "computed twice"),
    "nothing to compute": (
        model([node("Relu", "c")], V, {"c": w(3)}), "does not depend on any input",
    ),
    "an old operator set": (model([node("Relu", "x")], V, opset=6), "uses operator set 6"),
    "strides of zero": (
        model([node("MaxPool", "x", kernel_shape=[2, 2], strides=[0, 0])], X), "'strides'",
    ),
    "a constant out of bounds": (
        model(
            [node("ConstantOfShape", "s", outputs=["c"]), node("Add", "x", "c")],
            V,
            {"s": i64(1 << 20, 1 << 20)},
        ),
        "makes a constant of about",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_model_is_one_message_with_the_place(name: str) -> None:
    content, message = BAD[name]
    with pytest.raises(EdgePruneError, match=message):
        loads(content)


def test_a_model_in_half_precision_is_refused_by_its_type() -> None:
    content = model([node("Gemm", "x", "w")], V, {"w": w(12, 5).astype(np.float16)})
    made = onnx.load_from_string(content)
    made.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
    with pytest.raises(UnsupportedError, match="FLOAT16"):
        loads(made.SerializeToString())


def test_what_is_no_onnx_file_is_said(tmp_path: Path) -> None:
    for i, data in enumerate((b"", b"not a model", CASES["conv"][:40])):
        (tmp_path / f"{i}.onnx").write_bytes(data)
        with pytest.raises(EdgePruneError):
            load(tmp_path / f"{i}.onnx")
    with pytest.raises(EdgePruneError, match="does not exist"):
        load(tmp_path / "nothing.onnx")
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(EdgePruneError, match="of no kind that is read"):
        load(tmp_path / "a.txt")


def test_untrusted_names_stay_apart() -> None:
    evil = "*/ int evil(void){} /*"
    nodes = [
        node("Relu", "x", name=evil, outputs=["a.b"]),
        node("Tanh", "a.b", name=evil, outputs=["a_b"]),
        node("Relu", "a_b", name="", outputs=["y"]),
    ]
    graph = loads(model(nodes, {"x": [1, 4]}))
    assert [n.name for n in graph.nodes] == [evil, f"{evil}_2", "y"]


def test_the_exported_cnn_loads_without_a_transpose(mnist_cnn: Path) -> None:
    graph = load(mnist_cnn)
    kinds = [n.op.kind for n in graph.nodes]
    assert "transpose" not in kinds
    assert kinds.count("conv2d") == 2
    port = graph.ports[graph.inputs[0]]
    assert (port.name, port.shape, port.perm) == ("image", (1, 1, 28, 28), (2, 0, 1))


@settings(max_examples=60)
@given(st.data())
def test_random_chains_of_shape_operators_compute_what_onnx_runtime_computes(
    data: st.DataObject,
) -> None:
    draw = data.draw
    shape = (1, draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    constants: dict[str, np.ndarray] = {"k": w(2 * shape[1], shape[1], 1, 1)}
    nodes = [node("Conv", "x", "k", outputs=["v0"])]
    now = (1, 2 * shape[1], *shape[2:])
    for i in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(["Reshape", "Transpose", "Relu", "Add", "Softmax", "ReduceMean"])
        )
        after, name = f"v{i + 1}", f"c{i}"
        if kind == "Reshape":
            now = draw(st.sampled_from(_factorings(now)))
            constants[name] = i64(*now)
            nodes.append(node(kind, f"v{i}", name, outputs=[after]))
        elif kind == "Transpose":
            perm = draw(st.permutations(range(len(now))))
            now = tuple(now[p] for p in perm)
            nodes.append(node(kind, f"v{i}", perm=perm, outputs=[after]))
        elif kind == "Add":
            rank = draw(st.integers(0, len(now)))
            constants[name] = w(*(draw(st.sampled_from([1, s])) for s in now[len(now) - rank :]))
            nodes.append(node(kind, name, f"v{i}", outputs=[after]))
        elif kind == "Softmax":
            axis = draw(st.integers(-len(now), len(now) - 1))
            nodes.append(node(kind, f"v{i}", axis=axis, outputs=[after]))
        elif kind == "ReduceMean":
            axis = draw(st.integers(0, len(now) - 1))
            constants[name] = i64(axis)
            now = tuple(1 if j == axis else s for j, s in enumerate(now))
            nodes.append(node(kind, f"v{i}", name, outputs=[after]))
        else:
            nodes.append(node(kind, f"v{i}", outputs=[after]))
    nodes.append(node("Identity", f"v{i + 1}"))
    content = model(nodes, {"x": shape}, constants)
    feeds = random_feeds(content, np.random.default_rng(0))
    graph = loads(content)
    wanted = oracle(content, feeds)[0]
    np.testing.assert_allclose(evaluate(graph, feeds)[0], wanted, rtol=1e-4, atol=1e-5)
    emitted = emit(graph)
    np.testing.assert_allclose(oracle(emitted, feeds)[0], wanted, rtol=1e-4, atol=1e-5)


def _factorings(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Some shapes with the same number of elements."""
    size = int(np.prod(shape))
    found = [(size,), (1, size), (size, 1), (1, size, 1), (1, *shape), (*shape, 1)]
    for d in range(2, size):
        if size % d == 0:
            found += [(d, size // d), (1, d, size // d), (1, d, 1, size // d)]
    for i in range(len(shape) - 1):
        found.append((*shape[:i], shape[i] * shape[i + 1], *shape[i + 2 :]))
    return found


def test_constants_can_be_given_to_torch_without_a_warning() -> None:
    for name, content in CASES.items():
        assert all(c.flags.writeable for c in loads(content).constants.values()), name


def test_tensors_of_a_model_are_not_read_twice_into_memory() -> None:
    made = onnx.load_from_string(CASES["gemm"])
    array = numpy_helper.to_array(made.graph.initializer[0])
    graph = loads(CASES["gemm"])
    assert graph.params == array.size + 5
