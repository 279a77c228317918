"""Pools and reductions."""

from __future__ import annotations

from onnx_models import model, node

from onnx_cases.values import S, X, i64

CASES: dict[str, bytes] = {
    "max pool": model([node("MaxPool", "x", kernel_shape=[2, 3], strides=[2, 2])], X),
    "max pool, padded": model([node("MaxPool", "x", kernel_shape=[3, 3], pads=[1, 1, 0, 1])], X),
    "max pool, ceil": model(
        [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
        {"x": [1, 2, 8, 7]},
    ),
    "max pool in one dimension": model([node("MaxPool", "x", kernel_shape=[3], strides=[2])], S),
    "max pool over three axes": model(
        [node("MaxPool", "x", kernel_shape=[2, 3, 2], strides=[1, 2, 2], pads=[1, 0, 0, 0, 1, 1])],
        {"x": [1, 2, 5, 4, 6]},
    ),
    "average pool over three axes, same upper": model(
        [node("AveragePool", "x", kernel_shape=[3, 2, 2], auto_pad="SAME_UPPER")],
        {"x": [1, 2, 5, 4, 6]},
    ),
    "local response, any power": model([node("LRN", "x", size=3, alpha=0.5, beta=0.6)], X),
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
    "reduce mean": model([node("ReduceMean", "x", "a", keepdims=0)], X, {"a": i64(2, 3)}),
    "reduce max": model([node("ReduceMax", "x", "a", keepdims=0)], X, {"a": i64(2, 3)}),
    "reduce max that keeps its axes": model([node("ReduceMax", "x", axes=[-1, -2])], X, opset=13),
    "reduce max over channels": model([node("ReduceMax", "x", axes=[1], keepdims=0)], X, opset=13),
    "reduce min": model([node("ReduceMin", "x", axes=[1, 3])], X, opset=13),
    "reduce sum": model([node("ReduceSum", "x", "a", keepdims=0)], X, {"a": i64(1, 2)}),
    "reduce max of all": model([node("ReduceMax", "x", axes=[1, 2, 3])], X, opset=13),
    "reduce max of rows": model([node("ReduceMax", "x", axes=[3])], X, opset=13),
    "reduce mean over channels": model([node("ReduceMean", "x", axes=[1])], X, opset=13),
    "reduce mean over all": model(
        [node("ReduceMean", "x", axes=[1, 2, 3], keepdims=0)], X, opset=13
    ),
}
