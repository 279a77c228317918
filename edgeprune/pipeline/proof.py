"""Proof of a build: what every artifact answers, and that none answers anything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgeprune.errors import CannotFitError
from edgeprune.frontends.ports import part_ports
from edgeprune.ir import Array, Graph, predict, real, step_rows
from edgeprune.pipeline.artifacts import Answered
from edgeprune.pipeline.forms import Candidate
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.phone import IN_APPS, agreement_in_app, allowed, answers_in_app
from edgeprune.pipeline.prepare import Prepared
from edgeprune.pipeline.quantised import scaled_alike
from edgeprune.progress import Progress
from edgeprune.quantize.noise import signal_to_noise
from edgeprune.report.classes import class_table
from edgeprune.report.record import Proof
from edgeprune.report.schema import Accuracy, Classes
from edgeprune.target import Target
from edgeprune.verify.agreement import (
    AGREEMENT_RUNS,
    Agreement,
    agree,
    answers_of,
    differing,
    on_target,
)
from edgeprune.verify.delegate import samples_of_test
from edgeprune.verify.source import Distance, Rule
from edgeprune.verify.source import distance as compare

SNR_SAMPLES = 16
EMULATED_MACS = 100_000_000  # some seconds in the emulator


def prove(
    folder: Path,
    prepared: Prepared,
    options: BuildOptions,
    target: Target,
    chosen: Candidate,
    answered: Answered,
    progress: Progress,
) -> tuple[Proof, list[str]]:
    """Run every artifact, and compare.

    Args:
        folder: what was written.
        prepared: the model and its data.
        options: of the build.
        target: what it is built for.
        chosen: the network.
        answered: what its C answers on the host.
        progress: told how far it is.

    Returns:
        What was found, and what could not be.

    Raises:
        CannotFitError: artifacts differ that must not.
    """
    compiled, graph, rows = chosen.compiled, chosen.compiled.graph, answered.rows
    progress("verify", 0, 3)
    files = answers_of(folder, rows)
    progress("verify", 1, 3)
    app_says = answers_in_app(compiled, options, target, rows)
    progress("verify", 2, 3)
    found = {**files, "c": answered.outputs}
    if app_says is not None:
        found["tflite_default"] = app_says
    accuracy, classes = _accuracy(prepared, chosen, found)
    compared = {kind: theirs[:AGREEMENT_RUNS] for kind, theirs in files.items()}
    some = rows[:AGREEMENT_RUNS], answered.outputs[:AGREEMENT_RUNS]
    agreement = agree(compared, some[1], within=allowed(compiled, *some))
    progress("verify", 3, 3)
    kept = answered.kept_outputs
    distance = compare(real(graph, kept), prepared.reference[: len(kept)], _rule(prepared, chosen))
    missed: list[str] = []
    few_rows = answered.kept_rows[: _runs(graph)]
    run = on_target(
        folder / "c", target, few_rows, compiled.recipe.optimize, profile=True, notes=missed
    )
    mismatches = None if run is None else differing(run.outputs, kept[: len(run.outputs)])
    _refuse_disagreement(agreement, mismatches, distance)
    in_app = agreement_in_app(
        answered.outputs, app_says, graph, samples_of_test(answered.kept_rows)
    )
    alike = scaled_alike(compiled, chosen.float_graph)
    snr = signal_to_noise(alike, graph, prepared.rank.x[:SNR_SAMPLES])
    proof = Proof(accuracy, classes, agreement, in_app, distance, mismatches, run, snr)
    return proof, missed


def _runs(graph: Graph) -> int:
    """Inferences on the emulated core: 100, fewer for models that would take it minutes."""
    return int(np.clip(EMULATED_MACS // max(graph.macs, 1), 10, 100))


def _accuracy(
    prepared: Prepared, chosen: Candidate, outputs: Mapping[str, Array]
) -> tuple[Accuracy, Classes | None]:
    """Share of right answers of the source model and of every artifact, on the report samples.

    Args:
        prepared: the model and its data.
        chosen: what was built.
        outputs: by artifact what it answers, as it does.
    """
    if prepared.reported is None:
        return _shares(prepared, 0, {}), None
    x = prepared.report.x
    truth = prepared.truth
    reals = {k: real(chosen.compiled.graph, made) for k, made in outputs.items()}
    reals["source"] = reals["pruned"] = prepared.reference
    if chosen.float_graph is not prepared.graph:
        smaller = part_ports(chosen.float_graph)
        made = step_rows(smaller, x)[1] if smaller.states else predict(chosen.float_graph, x)
        reals["pruned"] = made
    shares = {kind: truth.right(made) for kind, made in reals.items()}
    tables = None
    if prepared.report.y is not None:
        tables = class_table(truth.values, truth.said(reals["source"]), truth.said(reals["c"]))
    return _shares(prepared, len(x), shares), tables


def _shares(prepared: Prepared, n: int, of: Mapping[str, float]) -> Accuracy:
    """Shares of right answers on ``n`` samples, by who answered; none where there were none."""
    return {
        "n": n,
        "answers_each": prepared.truth.answers_each if n else 1,
        "samples": prepared.reported,
        "labels": prepared.told_by if n else None,
        "measure": prepared.truth.measure if n else None,
        "source": of.get("source"),
        "pruned": of.get("pruned"),
        "tflite": of.get("tflite"),
        "tflite_default": of.get("tflite_default"),
        "onnx": of.get("onnx"),
        "ort": of.get("ort"),
        "tflm": of.get("tflm"),
        "c": of.get("c"),
    }


def _rule(prepared: Prepared, chosen: Candidate) -> Rule:
    """How close the answers have to be to the source model's."""
    if chosen.compiled.graph is prepared.graph:
        return "exact" if prepared.graph.is_quantised else "float32"
    as_it_was = chosen.float_graph is prepared.graph
    is_real = not chosen.compiled.graph.is_quantised
    is_real &= chosen.compiled.recipe.dtype not in IN_APPS
    return "float32" if as_it_was and is_real else "measured"


def _refuse_disagreement(agreement: Agreement, mismatches: int | None, distance: Distance) -> None:
    if distance.rule == "exact" and not distance.holds:
        raise CannotFitError(
            "verify",
            f"answers are off the source model's by {distance.max_relative:.3g}",
            "this is a defect of edgeprune; please report the model",
        )
    for wrong, file in (
        (agreement.c_vs_tflite_mismatches, ".tflite"),
        (agreement.c_vs_tflm_mismatches, ".tflite for TFLite Micro"),
    ):
        if wrong:
            raise CannotFitError(
                "verify",
                f"{wrong} output bytes of the C differ from the {file}",
                "this is a defect of edgeprune; please report the model",
            )
    if mismatches:
        raise CannotFitError(
            "verify",
            f"{mismatches} outputs on the emulated core differ from the host's",
            "this is a defect of edgeprune; please report the model",
        )
