"""What an app will answer: the ``.tflite`` under LiteRT's default kernels, measured and bounded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from edgeprune.compiler import Compiled
from edgeprune.ir import Array, Graph
from edgeprune.pipeline.options import BuildOptions
from edgeprune.target import Target
from edgeprune.verify import run_tflite
from edgeprune.verify.delegate import bounds, differences


def answers_in_app(
    compiled: Compiled, options: BuildOptions, target: Target, rows: Array
) -> Array | None:
    """What the ``.tflite`` answers where apps run it; None: it goes into no app.

    Args:
        compiled: the network as emitted.
        options: of the build.
        target: what it is built for.
        rows: samples in the file's own type, (n, *input shape).
    """
    if target.budget != "tflite" and "android" not in options.packages:
        return None
    return run_tflite.run(compiled.tflite, rows, default=True)


def agreement_in_app(ours: Array, found: Array | None, graph: Graph, stored: int) -> dict[str, Any]:
    """How LiteRT's default kernels differ from the reference kernels, as report.json holds it.

    Args:
        ours: what the C answers, and with it the reference kernels, (n, ...).
        found: what the default kernels answer; None: not asked.
        graph: the network as emitted.
        stored: how many samples a test on a phone gets.
    """
    if found is None:
        keys = ("tflite_default_max_lsb", "tflite_default_mismatches", "tflite_default")
        return dict.fromkeys(keys)
    integer = ours.dtype.kind in "iu"
    measured = differences(ours, found, classes=len(graph.results) == 1).record
    asked = bounds(measured, stored, integer=integer)
    return {
        "tflite_default_max_lsb": int(measured["largest"]) if integer else None,
        "tflite_default_mismatches": measured["mismatches"],
        "tflite_default": {**measured, "test": {"samples": stored, **asdict(asked)}},
    }
