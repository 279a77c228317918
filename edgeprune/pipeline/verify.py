"""Every artifact in a folder against the source model and against each other, from files alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array
from edgeprune.target import load_target
from edgeprune.toolchain.cmodel import read_model
from edgeprune.verify.agreement import AGREEMENT_RUNS, Agreement, agree, differing, on_target
from edgeprune.verify.run_c import HostModel

ONNX_MEAN_SHARE = 0.01  # of the output type's range: mean difference of C and ONNX Runtime


@dataclass(frozen=True)
class Verdict:
    """What verifying a folder gave.

    Attributes:
        checks: (what, passed, detail), in the order in which they ran.
    """

    checks: tuple[tuple[str, bool, str], ...]

    @property
    def passed(self) -> bool:
        """Whether every check did."""
        return all(ok for _, ok, _ in self.checks)


def read_report(folder: Path) -> dict[str, Any]:
    """The report of a folder that a build wrote.

    Raises:
        EdgePruneError: it is no such folder.
    """
    path = folder / "report.json"
    try:
        report = json.loads(path.read_text())
    except OSError as error:
        hint = "give the folder that `edgeprune build -o` wrote"
        raise EdgePruneError(str(path), f"cannot be read: {error.strerror}", hint) from None
    except ValueError as error:
        raise EdgePruneError(str(path), f"is not JSON: {error}") from None
    if not isinstance(report, dict) or report.get("schema") != 1:
        raise EdgePruneError(str(path), "is no report of schema 1")
    return report


def stored_vectors(folder: Path) -> dict[str, Array]:
    """The inputs and answers that a build kept.

    Raises:
        EdgePruneError: they are missing or broken.
    """
    path = folder / "vectors.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return {k: file[k] for k in ("inputs", "outputs", "source", "labels")}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise EdgePruneError(str(path), f"cannot be read: {error}") from None


def verify(folder: Path, *, seed: int = 0) -> Verdict:
    """Check what a build wrote, from the files alone.

    The stored inputs, and random ones over the whole range of the input type, are run through the
    C on this machine, the ``.tflite`` under LiteRT's reference kernels, the ``.onnx`` and the
    ``.ort`` under ONNX Runtime without further optimisations, the firmware on the emulated core.

    Args:
        folder: what a build wrote.
        seed: of the random inputs.

    Raises:
        EdgePruneError: the folder is no result of a build.
    """
    report = read_report(folder)
    vectors = stored_vectors(folder)
    model = read_model(folder / "c")
    rng = np.random.default_rng(seed)
    inputs = vectors["inputs"]
    if inputs.dtype.kind in "iu":
        info = np.iinfo(inputs.dtype)
        shape = (AGREEMENT_RUNS, *inputs.shape[1:])
        more = rng.integers(info.min, info.max, shape, inputs.dtype, endpoint=True)
    else:
        picks = rng.integers(0, len(inputs), (2, AGREEMENT_RUNS))
        blend = rng.random((AGREEMENT_RUNS, *[1] * (inputs.ndim - 1)), np.float32)
        more = inputs[picks[0]] * blend + inputs[picks[1]] * (1 - blend)
    checks: list[tuple[str, bool, str]] = []
    with HostModel(folder / "c") as host:
        again = host.run(inputs)
    same = int((again != vectors["outputs"]).sum())
    checks.append(
        ("C on this machine = stored answers", same == 0, f"{same} of {again.size} outputs differ")
    )
    found = agree(folder, np.concatenate([inputs, np.asarray(more, inputs.dtype)]))
    total = found.n * int(np.prod(model.output_shape))
    if found.c_vs_tflite_mismatches is not None:
        checks.append(
            (
                "C = TFLite (LiteRT reference kernels)",
                found.c_vs_tflite_mismatches == 0,
                f"{found.c_vs_tflite_mismatches} of {total} outputs differ"
                + _size_of(found.c_vs_tflite_max_lsb),
            )
        )
    checks += _against_onnx(found, total)
    checks.append(_against_source(vectors, report))
    target = load_target(str(report["target"]["name"]))
    optimize = report["target"].get("optimize", "speed")
    run = on_target(folder / "c", target, inputs[:100], optimize)
    if run is not None:
        wrong = differing(run.outputs, again[: len(run.outputs)])
        checks.append(
            (
                f"{target.name} in {run.emulator} = C on this machine",
                wrong == 0,
                f"{wrong} of {run.outputs.size} outputs differ",
            )
        )
    return Verdict(tuple(checks))


def _against_onnx(found: Agreement, total: int) -> list[tuple[str, bool, str]]:
    """ONNX has no rule for rounding: integers may differ by steps, that a softmax makes larger."""
    rows = (
        (
            "C ~ ONNX (ONNX Runtime, no optimisations)",
            found.c_vs_onnx_mismatches,
            found.c_vs_onnx_mean_share,
            found.c_vs_onnx_max_lsb,
        ),
        (
            "C ~ ORT (ONNX Runtime, optimised for Arm)",
            found.c_vs_ort_mismatches,
            found.c_vs_ort_mean_share,
            found.c_vs_ort_max_lsb,
        ),
    )
    return [
        (
            what,
            wrong == 0 if share is None else share <= ONNX_MEAN_SHARE,
            f"{wrong} of {total} outputs differ{_size_of(lsb)}",
        )
        for what, wrong, share, lsb in rows
        if wrong is not None
    ]


def _size_of(lsb: int | None) -> str:
    return "" if not lsb else f", by at most {lsb} step{'s' if lsb > 1 else ''}"


def _against_source(vectors: dict[str, Array], report: dict[str, Any]) -> tuple[str, bool, str]:
    """The stored answers must be as good, against the source model's, as the report says."""
    n = len(vectors["outputs"])
    ours = vectors["outputs"].reshape(n, -1)
    theirs = vectors["source"].reshape(n, -1)
    if ours.shape[1] != theirs.shape[1] or ours.shape[1] < 2:
        return "answers = source model's", True, "not a classifier: not compared"
    same = float((ours.argmax(1) == theirs.argmax(1)).mean())
    accuracy = report["accuracy"]
    loss = max(float(accuracy["source"] or 0) - float(accuracy["c"] or 0), 0.0)
    slack = 3 * (0.25 / n) ** 0.5
    return (
        "answers ~ source model's",
        same >= 1 - 2 * loss - slack - 0.05,
        f"{same:.1%} of {n} stored inputs get the source model's class",
    )
