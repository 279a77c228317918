"""Dense layers and products of matrices."""

from __future__ import annotations

from onnx_models import model, node

from onnx_cases.values import S, V, w

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
    "matmul from the left, a matrix for each row": model(
        [node("MatMul", "w", "x")], {"x": [1, 4, 2, 5]}, {"w": w(4, 3, 2)}
    ),
    "matmul from the left, many matrices": model(
        [node("MatMul", "w", "x")], S, {"w": w(3, 1, 2, 4)}
    ),
}
