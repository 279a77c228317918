"""Functions of single elements, and of two values."""

from __future__ import annotations

import numpy as np
from onnx_models import model, node

from onnx_cases.values import V, X, w

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
    "a large number taken off": model([node("Add", "x", "c")], V, {"c": np.float32(-32768)}),
    "a large number chosen": model(
        [node("Where", "k", "x", "c")], V, {"c": np.float32(-20000), "k": np.arange(12) % 3 > 0}
    ),
    "choices by computed conditions": model(
        [
            node("Greater", "x", "k", outputs=["above"]),
            node("LessOrEqual", "x", "one", outputs=["below"]),
            node("And", "above", "below", outputs=["between"]),
            node("Not", "between", outputs=["outside"]),
            node("Xor", "outside", "above", outputs=["odd"]),
            node("Cast", "odd", to=1, outputs=["number"]),
            node("Where", "between", "x", "number", outputs=["chosen"]),
            node("Sign", "chosen", outputs=["sign"]),
            node("ThresholdedRelu", "x", alpha=0.4, outputs=["beyond"]),
            node("Add", "sign", "beyond"),
        ],
        V,
        {"one": np.float32(1), "k": np.linspace(-1, 0, 12, dtype=np.float32)},
    ),
    "powers that are no products": model(
        [
            node("Sigmoid", "x", outputs=["a"]),
            node("Pow", "a", "less", outputs=["b"]),
            node("Pow", "a", "root", outputs=["c"]),
            node("Pow", "a", "both", outputs=["d"]),
            node("Sum", "b", "c", "d"),
        ],
        V,
        {"less": np.float32(-1), "root": np.float32(0.5), "both": np.float32(-0.5)},
    ),
    "steps that come to nothing": model(
        [
            node("Relu", "x", outputs=["a"]),
            node("Div", "a", "one", outputs=["b"]),
            node("Tanh", "b", outputs=["c"]),
            node("Mul", "c", "two", outputs=["d"]),
            node("Div", "d", "two"),
        ],
        V,
        {"one": np.float32(1), "two": np.float32(2)},
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
    "erf alone": model([*ERF, node("Gemm", "e", "w")], V, GELU),
    "erf beside gelu": model(
        [*GELUS["half first"], node("Add", "g", "e", outputs=["s"]), node("Gemm", "s", "w")],
        V,
        GELU,
    ),
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
}
