"""All numbers of a build as one record: what report.json holds and every other report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from edgeprune import __version__
from edgeprune.compiler import Compiled, Footprint
from edgeprune.ir import Graph
from edgeprune.pruning import lossless
from edgeprune.pruning.limits import Limits
from edgeprune.quantize.noise import noisiest
from edgeprune.report.interface import interface_of
from edgeprune.report.layers import channels, layer_rows
from edgeprune.report.memory import flash_rows, memory_of
from edgeprune.report.schema import (
    Accuracy,
    App,
    Classes,
    Example,
    Free,
    InApp,
    Model,
    Point,
    Report,
    Run,
    Score,
    Size,
    TargetUsed,
    Visited,
)
from edgeprune.report.schema import Agreement as AgreementRow
from edgeprune.report.schema import Source as SourceRow
from edgeprune.target import Target
from edgeprune.verify.agreement import Agreement
from edgeprune.verify.run_target import TargetRun, Time
from edgeprune.verify.source import Distance

NO_TIME: Time = {
    "cycles": None, "cycles_error": None, "clock_hz": None, "ms": None, "flash_stalls": None
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        command: the command line.
        seed: of the build.
        target: what it was built for.
        flash: bytes of it that were allowed.
        ram: bytes of it that were allowed.
        packages: ecosystems that get project files.
    """

    command: str
    seed: int
    target: Target
    flash: int | None
    ram: int | None
    packages: Sequence[str]


@dataclass(frozen=True)
class Source:
    """The user's model.

    Attributes:
        path: its file.
        sha256: the file's hash.
        graph: the network.
        free: what was folded away of it without any loss.
        labels: names of the classes.
        kept_whole: by layer of which no channel can go, why.
        frontend: name and hash of the file that makes features of sound.
    """

    path: Path
    sha256: str
    graph: Graph
    free: lossless.Report
    labels: Sequence[str]
    kept_whole: Mapping[str, str]
    frontend: tuple[str, str] | None = None


@dataclass(frozen=True)
class Pruning:
    """What was removed, and what of the rest could have been.

    Attributes:
        criterion: what ranked the channels.
        schedule: how they were removed.
        removed: name and score of every channel, in the order in which they went.
        kept: name and score of the others, least important first.
    """

    criterion: str
    schedule: str
    removed: Sequence[tuple[str, float]]
    kept: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Tried:
    """A network that was compared with others.

    Attributes:
        label: what it is.
        size: its footprint.
        accuracy: on the samples that chose, 0 to 1.
    """

    label: str
    size: Footprint
    accuracy: float


@dataclass(frozen=True)
class Made:
    """What was built, and how it was found.

    Attributes:
        pruned: the float network that is emitted.
        compiled: the network as emitted.
        size: its footprint.
        before: the footprint of the source model at the same element type; None: not measured.
        pruning: what was removed; None: nothing was asked for.
        epochs: of training after pruning; 0 where nothing was trained.
        tried: the networks that were compared, the one that is built among them.
        visited: the networks that the search passed through.
        files: bytes of the files that are written when asked for ("ort", "tflm").
        app: how an app runs it; None: it goes into none.
    """

    pruned: Graph
    compiled: Compiled
    size: Footprint
    before: Footprint | None
    pruning: Pruning | None
    epochs: int
    tried: Sequence[Tried]
    visited: Sequence[Visited]
    files: Mapping[str, int]
    app: App | None


@dataclass(frozen=True)
class Proof:
    """What the artifacts answer, beside each other and beside the source model.

    Attributes:
        accuracy: shares of right answers.
        classes: the same by class; None where there are no labels.
        agreement: of C, TFLite and ONNX.
        in_app: the rows of it about LiteRT's default kernels.
        distance: to the source model.
        mismatches: outputs on the emulated core that differ from the host's.
        run: on the emulated core; None: it was not run.
        snr: by layer, signal to quantisation noise in decibels.
    """

    accuracy: Accuracy
    classes: Classes | None
    agreement: Agreement
    in_app: InApp
    distance: Distance
    mismatches: int | None
    run: TargetRun | None
    snr: Mapping[str, float]


@dataclass(frozen=True)
class Shown:
    """Samples that people look at.

    Attributes:
        examples: with their answers, from :func:`edgeprune.report.examples.examples`.
        mean: picture of the mean sample.
    """

    examples: Sequence[Example] = ()
    mean: str | None = None


def build_record(
    asked: Asked, source: Source, made: Made, proof: Proof, shown: Shown, notes: Sequence[str]
) -> Report:
    """The record of a build, without what the steps took; a figure not measured is None.

    Args:
        asked: what was asked for.
        source: the user's model.
        made: what was built.
        proof: what it answers.
        shown: samples with their answers.
        notes: what was taken for granted.
    """
    g, size, pruning, model = made.compiled.graph, made.size, made.pruning, source.graph
    fits = Limits.of(flash=asked.flash, ram=asked.ram).hold(size.taken)
    return {
        "schema": 1,
        "edgeprune": __version__,
        "command": asked.command,
        "seed": asked.seed,
        "model": _model(source),
        "target": _target(asked.target, made),
        "budget": {"flash_bytes": asked.flash, "ram_bytes": asked.ram, "fits": fits},
        "size": _size(made),
        "before": {
            "flash_bytes": made.before.flash_bytes if made.before is not None else None,
            "macs": model.macs,
            "params": model.params,
            "channels": channels(model),
        },
        "after": {"macs": g.macs, "params": made.pruned.params, "channels": channels(g)},
        "dtype": made.compiled.recipe.form,
        "accuracy": proof.accuracy,
        "agreement": _agreement(proof),
        "run": _run(proof.run, asked.target, g.macs),
        "labels": list(source.labels) or None,
        "interface": interface_of(g),
        "memory": memory_of(made.compiled),
        "flash": flash_rows(made.compiled, size),
        "free": _free(source.free),
        "pruning": None
        if pruning is None
        else {"criterion": pruning.criterion, "schedule": pruning.schedule},
        "finetune": made.epochs,
        "packages": list(asked.packages),
        "removals": _scores(pruning.removed if pruning is not None else ()),
        "kept": _scores(pruning.kept if pruning is not None else ()),
        "kept_whole": dict(source.kept_whole),
        "frontier": [_point(t) for t in made.tried],
        "frontier_chosen": next((i for i, t in enumerate(made.tried) if t.size is size), None),
        "visited": list(made.visited),
        "classes": proof.classes,
        "examples": list(shown.examples),
        "mean_sample": shown.mean,
        "layers": layer_rows(model, made.compiled, proof.run, proof.snr),
        "noisiest_layer": noisiest(g, proof.snr),
        "notes": list(notes),
        "seconds": {"total": 0.0},
        "app": made.app,
    }


def _model(source: Source) -> Model:
    made: Model = {
        "path": source.path.name,
        "sha256": source.sha256,
        "macs": source.graph.macs,
        "params": source.graph.params,
    }
    if source.frontend is not None:
        name, digest = source.frontend
        made["frontend"] = {"path": name, "sha256": digest}
    return made


def _free(free: lossless.Report) -> Free:
    return {
        "channels": free.channels,
        "inputs": free.inputs,
        "params_before": free.params_before,
        "params_after": free.params_after,
    }


def _target(target: Target, made: Made) -> TargetUsed:
    tools, linked = target.toolchain, made.size.size
    return {
        "name": target.name,
        "toolchain": linked.toolchain if linked is not None else None,
        "title": target.title,
        "kind": target.kind,
        "arduino": target.arduino or None,
        "optimize": made.compiled.recipe.optimize,
        "compiler": None if tools is None else f"{tools.prefix}gcc",
        "flags": [] if tools is None else list(tools.flags),
    }


def _agreement(proof: Proof) -> AgreementRow:
    found = proof.agreement
    return {
        "n": found.n,
        "c_vs_tflite_max_lsb": found.c_vs_tflite_max_lsb,
        "c_vs_tflite_mismatches": found.c_vs_tflite_mismatches,
        "c_vs_tflite_max_relative": found.c_vs_tflite_max_relative,
        "c_vs_tflite_within": found.c_vs_tflite_within,
        **proof.in_app,
        "c_vs_onnx_max_lsb": found.c_vs_onnx_max_lsb,
        "c_vs_onnx_mismatches": found.c_vs_onnx_mismatches,
        "c_vs_ort_max_lsb": found.c_vs_ort_max_lsb,
        "c_vs_ort_mismatches": found.c_vs_ort_mismatches,
        "c_vs_tflm_max_lsb": found.c_vs_tflm_max_lsb,
        "c_vs_tflm_mismatches": found.c_vs_tflm_mismatches,
        "target_vs_host_mismatches": proof.mismatches,
        "source": cast(SourceRow, proof.distance.record),
    }


def _run(run: TargetRun | None, target: Target, macs: int) -> Run:
    instructions = run.instructions if run is not None else None
    time = run.time if run is not None else NO_TIME
    return {
        "target": target.name if run is not None else None,
        "emulator": run.emulator if run is not None else None,
        "cycles": time["cycles"],
        "cycles_error": time["cycles_error"],
        "clock_hz": time["clock_hz"],
        "ms": time["ms"],
        "flash_stalls": time["flash_stalls"],
        "measured_on": None,
        "instructions": instructions,
        "instructions_per_mac": round(instructions / macs, 4)
        if instructions is not None and macs
        else None,
        "stack_bytes": run.stack_bytes if run is not None else None,
    }


def _size(made: Made) -> Size:
    compiled, size = made.compiled, made.size
    basis = compiled.recipe.target.basis
    return {
        "flash_bytes": size.flash_bytes,
        "code_bytes": size.code_bytes,
        "weight_bytes": size.weight_bytes,
        "ram_bytes": size.ram_bytes,
        "arena_bytes": size.arena_bytes,
        "state_bytes": compiled.graph.state_bytes,
        "arena_lower_bound_bytes": compiled.plan.lower_bound_bytes,
        "stack_bytes": size.stack_bytes,
        "tflite_bytes": len(compiled.tflite) if compiled.has_tflite else None,
        "onnx_bytes": len(compiled.onnx) if compiled.has_onnx else None,
        "ort_bytes": made.files.get("ort"),
        "tflm_bytes": made.files.get("tflm"),
        "measured": size.measured,
        "basis": basis if size.measured else "estimated",
    }


def _scores(rows: Sequence[tuple[str, float]]) -> list[Score]:
    return [{"name": name, "score": score} for name, score in rows]


def _point(tried: Tried) -> Point:
    return {
        "label": tried.label,
        "flash_bytes": tried.size.flash_bytes,
        "ram_bytes": tried.size.ram_bytes,
        "accuracy": tried.accuracy,
    }
