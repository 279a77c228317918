"""Convolutions and batch norm."""

from __future__ import annotations

from onnx_models import model, node

from onnx_cases.values import STATS, S, X, w

CASES: dict[str, bytes] = {
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
    "conv over three axes, same upper": model(
        [node("Conv", "x", "w", "b", auto_pad="SAME_UPPER", strides=[2, 1, 2])],
        {"x": [1, 2, 5, 4, 6]},
        {"w": w(3, 2, 3, 2, 2), "b": w(3)},
    ),
    "conv over three axes, same lower": model(
        [node("Conv", "x", "w", auto_pad="SAME_LOWER")],
        {"x": [1, 2, 5, 4, 6]},
        {"w": w(3, 2, 2, 3, 2)},
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
    "batch norm": model([node("BatchNormalization", "x", "g", "b", "m", "v")], X, STATS),
    "batch norm before a conv": model(
        [
            node("BatchNormalization", "x", "g", "b", "m", "v", outputs=["n"]),
            node("Conv", "n", "w", pads=[1, 1, 1, 1]),
        ],
        X,
        {"w": w(4, 3, 3, 3), **STATS},
    ),
}
