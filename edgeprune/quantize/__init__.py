"""Smaller numbers: a float graph becomes an integer graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edgeprune.ir import DType, Graph
from edgeprune.quantize.dequantise import dequantise
from edgeprune.quantize.observe import Method, Observed, observe
from edgeprune.quantize.rewrite import quantise, quantise_weights, refuse_unquantised

__all__ = [
    "METHODS",
    "Method",
    "Observed",
    "calibrated",
    "dequantise",
    "observe",
    "quantise",
    "quantise_weights",
    "refuse_unquantised",
]

METHODS: Sequence[Method] = ("minmax", "percentile", "mse")


def calibrated(
    graph: Graph,
    observed: Mapping[str, Observed],
    dtype: DType,
    score: Callable[[Graph], float],
) -> tuple[Graph, Method]:
    """The quantised graph whose calibration method scores best.

    Args:
        graph: float32, clamps fused.
        observed: from :func:`observe` on the same graph.
        dtype: INT8 or INT16 activations.
        score: higher is better; measured on data that is not reported on.

    Returns:
        The graph, and the method that made it; ties go to the earlier of ``METHODS``.
    """
    levels = 256 if dtype is DType.INT8 else 65536
    best: tuple[float, Graph, Method] | None = None
    seen: set[tuple[tuple[float, float], ...]] = set()
    for method in METHODS:
        ranges = {v: o.range(method, levels) for v, o in observed.items()}
        key = tuple(ranges.values())
        if key in seen:
            continue
        seen.add(key)
        candidate = quantise(graph, ranges, dtype)
        value = score(candidate)
        if best is None or value > best[0]:
            best = (value, candidate, method)
    assert best is not None
    return best[1], best[2]
