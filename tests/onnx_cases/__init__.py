"""Small ONNX models by family of operators; each runs through every test of the reader."""

from __future__ import annotations

from onnx_cases import elementwise, linear, network, pool, resize, shape, window

FAMILIES = (linear, window, pool, elementwise, shape, resize, network)
CASES: dict[str, bytes] = {k: v for family in FAMILIES for k, v in family.CASES.items()}
