"""What an app will answer: the ``.tflite`` under LiteRT's default kernels, measured and bounded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import cast

from edgeprune.compiler import Compiled
from edgeprune.emit.packages import PHONES
from edgeprune.errors import CannotFitError
from edgeprune.ir import Array, Graph
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pruning.pruned import Pruned
from edgeprune.quantize.dynamic import rounded_in_calls
from edgeprune.report.schema import App, InApp
from edgeprune.report.schema import Asked as Test
from edgeprune.target import Target
from edgeprune.verify import run_tflite
from edgeprune.verify.delegate import differences, tolerance
from edgeprune.verify.speed import Speed, outside_delegate

IN_APPS = ("float16", "dynamic")
"""Element types of weights that only files for phones have; they compute in float32, or nearly."""
NEARER = 0.98  # of the work that a speed-up like the last one would leave
INPUTS_LOSS = 0.01  # of accuracy, that is worth more than a delegate for all operators


def with_inputs(
    choose: Callable[..., Pruned], accuracy: Callable[[Graph], float], *, timed: bool = False
) -> Pruned:
    """A smaller network that reads the whole input, unless bytes force it not to.

    What is left of the inputs is gathered, which XNNPACK does not do: it would run outside of it,
    and cost about the time that the smaller layer saves.

    Args:
        choose: a search; with ``inputs=False`` one that leaves the inputs alone.
        accuracy: of a network, on validation data.
        timed: whether a time is asked for, which no accuracy makes up for.

    Raises:
        CannotFitError: no network fits.
    """
    if timed:
        with suppress(CannotFitError):
            return choose(inputs=False)
    found = choose()
    if not (found.removed & found.coupling.inputs).any():
        return found
    try:
        whole = choose(inputs=False)
    except CannotFitError:
        return found
    return whole if accuracy(whole.graph) >= accuracy(found.graph) - INPUTS_LOSS else found


def work_left(left: float, ratio: float, asked: float) -> float:
    """How much of a network's work may be left for a speed-up, by what another share has given.

    Args:
        left: that share; the rest has gone.
        ratio: how many times as fast it is.
        asked: how many are wanted, more than that.
    """
    saved = 1 - 1 / ratio  # of the time; not all of it is in proportion to the work
    wanted = 1 - (1 - left) * (1 - 1 / asked) / saved if saved > 0 else 0.0
    return NEARER * max(min(wanted, left), left / 2)


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
    if target.basis != "tflite" and not set(PHONES) & set(options.packages):
        return None
    return run_tflite.run(compiled.tflite, rows, default=True)


def allowed(compiled: Compiled, rows: Array, ours: Array) -> float | None:
    """How far float32 outputs of the ``.tflite`` may be from those of the C; None: as usual.

    Weights in int8 make LiteRT round what layers read, which the C does not. By how much that moves
    outputs at the most is computed from the network; others may be moved by half as much again.

    Args:
        compiled: the network as emitted.
        rows: samples, (n, ...).
        ours: what the C answers to them, (n, ...).
    """
    if compiled.recipe.dtype != "dynamic":
        return None
    rounded = rounded_in_calls(compiled.graph, rows)
    measured = differences(ours, rounded, classes=False).record
    return tolerance(measured, len(rows), integer=False).each


def agreement_in_app(ours: Array, found: Array | None, graph: Graph, stored: int) -> InApp:
    """How LiteRT's default kernels differ from the reference kernels, as report.json holds it.

    Args:
        ours: what the C answers, and with it the reference kernels, (n, ...).
        found: what the default kernels answer; None: not asked.
        graph: the network as emitted.
        stored: how many samples a test on a phone gets.
    """
    if found is None:
        return {
            "tflite_default_max_lsb": None,
            "tflite_default_mismatches": None,
            "tflite_default": None,
        }
    integer = ours.dtype.kind in "iu"
    measured = differences(ours, found, classes=len(graph.results) == 1).record
    asked = tolerance(measured, stored, integer=integer)
    return {
        "tflite_default_max_lsb": int(measured["largest"]) if integer else None,
        "tflite_default_mismatches": measured["mismatches"],
        "tflite_default": {
            **measured,
            "test": cast(Test, {"samples": stored, **asdict(asked)}),
        },
    }


def in_app(compiled: Compiled, target: Target, found: Speed | None) -> App | None:
    """How an app runs the ``.tflite``, as report.json holds it; None: it goes into no app.

    Args:
        compiled: the network as emitted.
        target: what it is built for.
        found: its speed beside the whole network's; None: not asked.
    """
    if target.basis != "tflite":
        return None
    return {
        "outside_delegate": list(outside_delegate(compiled.tflite)),
        "speedup": None if found is None else round(found.ratio, 3),
        "ms": None if found is None else round(found.after_ms, 4),
        "ms_before": None if found is None else round(found.before_ms, 4),
    }
