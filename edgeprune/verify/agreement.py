"""How far the artifacts agree over the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprune.errors import CannotFitError
from edgeprune.files import MODEL_BYTES, read_bytes
from edgeprune.ir import Array
from edgeprune.target import Target, load_target
from edgeprune.toolchain.compiler import Optimize, find_compiler
from edgeprune.toolchain.emulator import EmulatorError, emulator_version
from edgeprune.verify import run_onnx, run_target, run_tflite
from edgeprune.verify.relative import RELATIVE, relative_difference
from edgeprune.verify.run_target import TargetRun

AGREEMENT_RUNS = 1000


@dataclass(frozen=True)
class Agreement:
    """How far the artifacts agree over the same inputs.

    Attributes:
        n: number of inputs.
        c_vs_tflite_max_lsb: largest difference in steps of the output's scale; None: not compared.
        c_vs_tflite_mismatches: outputs that differ (float32: by more than 1e-5 relative).
        c_vs_onnx_max_lsb: the same against ONNX Runtime without graph optimisations.
        c_vs_onnx_mismatches: outputs that differ.
        c_vs_ort_max_lsb: the same against the ``.ort``, which was optimised when it was made.
        c_vs_ort_mismatches: outputs that differ.
        c_vs_tflm_max_lsb: the same against the file for TFLite Micro, its codes decoded.
        c_vs_tflm_mismatches: outputs that differ.
        c_vs_tflite_max_relative: float32 only: largest relative difference.
        c_vs_tflite_within: float32 only: that from which on outputs count as differing.
        c_vs_onnx_mean_share: integers only: mean difference as a share of the type's range.
        c_vs_ort_mean_share: likewise.
    """

    n: int
    c_vs_tflite_max_lsb: int | None
    c_vs_tflite_mismatches: int | None
    c_vs_onnx_max_lsb: int | None
    c_vs_onnx_mismatches: int | None
    c_vs_ort_max_lsb: int | None = None
    c_vs_ort_mismatches: int | None = None
    c_vs_tflm_max_lsb: int | None = None
    c_vs_tflm_mismatches: int | None = None
    c_vs_tflite_max_relative: float | None = None
    c_vs_tflite_within: float | None = None
    c_vs_onnx_mean_share: float | None = None
    c_vs_ort_mean_share: float | None = None


FILES: Mapping[str, tuple[str, Callable[[bytes, Array], Array]]] = {
    "tflite": ("model.tflite", run_tflite.run),
    "onnx": ("model.onnx", run_onnx.run_raw),
    "ort": ("model.ort", run_onnx.run_raw),
    "tflm": ("model_tflm.tflite", run_tflite.run),
}
"""The artifacts that are no C: what each is called in a folder, and what runs it."""


def answers_of(folder: Path, inputs: Array) -> dict[str, Array]:
    """What every file that is there answers, by its name in :data:`FILES`.

    Args:
        folder: what a build wrote.
        inputs: in the model's own input type, (n, *input shape).
    """
    return {
        kind: run(read_bytes(folder / name, MODEL_BYTES), inputs)
        for kind, (name, run) in FILES.items()
        if (folder / name).exists()
    }


def agree(files: Mapping[str, Array], ours: Array, *, within: float | None = None) -> Agreement:
    """Compare what files answer with what the C does.

    Args:
        files: see :func:`answers_of`; of one, fewer rows are compared where there are fewer.
        ours: what the C answers to the same inputs.
        within: relative difference that float32 outputs of the ``.tflite`` may have; None: 1e-5.
    """
    allowed = dict.fromkeys(FILES, RELATIVE)
    if within is not None:
        allowed["tflite"] = within
    integer = ours.dtype.kind in "iu"
    lsb: dict[str, int | None] = dict.fromkeys(FILES)
    wrong: dict[str, int | None] = dict.fromkeys(FILES)
    relative: float | None = None
    share: dict[str, float] = {}
    for kind, theirs in files.items():
        same = ours[: len(theirs)]
        if integer:
            gap = np.abs(same.astype(np.int32) - theirs.astype(np.int32))
            lsb[kind], wrong[kind] = int(gap.max()), int((gap > 0).sum())
            share[kind] = float(gap.mean()) / 2 ** (8 * ours.itemsize)
        else:
            gap = relative_difference(same, theirs)
            wrong[kind] = int((gap > allowed[kind]).sum())
            if kind == "tflite":
                relative = float(gap.max())
    return Agreement(
        len(ours),
        lsb["tflite"],
        wrong["tflite"],
        lsb["onnx"],
        wrong["onnx"],
        lsb["ort"],
        wrong["ort"],
        lsb["tflm"],
        wrong["tflm"],
        relative,
        None if relative is None else allowed["tflite"],
        share.get("onnx"),
        share.get("ort"),
    )


def on_target(
    c_dir: Path,
    target: Target,
    inputs: Array,
    optimize: Optimize,
    *,
    profile: bool = False,
    notes: list[str] | None = None,
) -> TargetRun | None:
    """Run on the emulated core.

    None where the compiler or the emulator is missing. A small board may have no room for the
    harness, which keeps input and output of its own beside the model's arena: then the same core
    with more memory runs it. An emulator that fails is one that is missing. ``notes``, where given,
    gets a sentence about either.
    """
    told = [] if notes is None else notes
    if target.emulator is None or find_compiler(target) is None:
        return None
    if emulator_version(target.emulator.program) is None:
        return None
    try:
        return run_target.run(c_dir, target, inputs, optimize=optimize, profile=profile)
    except CannotFitError:
        if not target.core:
            return None
        told.append(f"{target.name} has no room for inputs beside the model: run on {target.core}")
        core = load_target(target.core)
        return on_target(c_dir, core, inputs, optimize, profile=profile, notes=notes)
    except EmulatorError as error:
        told.append(f"not run on the emulated core: {error.what}")
        return None


def differing(a: Array, b: Array) -> int:
    """How many outputs differ: integers at all, float32 by more than 1e-5 relative."""
    if a.dtype.kind in "iu":
        return int((a != b).sum())
    return int((relative_difference(a, b) > RELATIVE).sum())
