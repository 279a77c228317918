"""Every artifact in a folder against the source model and against each other, from files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprune.arrays import load_npz
from edgeprune.errors import EdgePruneError
from edgeprune.files import MODEL_BYTES, read_bytes
from edgeprune.ir import (
    Array,
    DType,
    QuantParams,
    TensorType,
    dequantise_array,
    join_rows,
    row_type,
    split_rows,
)
from edgeprune.report.read import read_report
from edgeprune.report.schema import Report
from edgeprune.report.schema_network import Port
from edgeprune.target import Target, listed_target, load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.agreement import (
    AGREEMENT_RUNS,
    Agreement,
    agree,
    answers_of,
    differing,
    on_target,
)
from edgeprune.verify.delegate import tolerance
from edgeprune.verify.relative import RELATIVE
from edgeprune.verify.run_c import HostModel
from edgeprune.verify.source import Rule, distance

Check = tuple[str, bool, str]
FARTHEST = 1.0  # of the larger of 1 and an output, whatever a report allows
CORE_RUNS = 100  # inferences on the emulated core
ONNX_MEAN_SHARE = 0.01  # of the output type's range: mean difference of C and ONNX Runtime


@dataclass(frozen=True)
class Verdict:
    """What verifying a folder gave.

    Attributes:
        checks: (what, passed, detail), in the order in which they ran.
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check did."""
        return all(ok for _, ok, _ in self.checks)


def stored_vectors(folder: Path, report: Report) -> dict[str, Array]:
    """The inputs and answers that a build kept.

    Args:
        folder: what a build wrote.
        report: its report.

    Raises:
        EdgePruneError: they are missing or broken, or not those of the model in the report.
    """
    path = folder / "vectors.npz"
    hint = "build the folder again"
    found = load_npz(path, ("inputs", "outputs", "source", "labels"), hint)
    n = len(found["inputs"]) if found["inputs"].ndim else 0
    ends = report["interface"]
    sides = {"inputs": ends["inputs"], "outputs": ends["outputs"], "source": ends["outputs"]}
    for key, side in sides.items():
        types = _types(side)
        row = types[0].shape if len(types) == 1 else (sum(t.size for t in types),)
        dtype = row_type(types) if key != "source" else np.dtype(np.float32)
        if n == 0 or found[key].shape != (n, *row) or found[key].dtype != dtype:
            what = f"is {found[key].dtype} {list(found[key].shape)}, not that of the report's model"
            raise EdgePruneError(f"{path}: {key}", what, hint)
    return found


def verify(folder: Path, *, target: str | None = None, seed: int = 0) -> Verdict:
    """Check what a build wrote, from the files alone.

    The stored inputs, and random ones over the whole range of the input type, are run through the
    C on this machine, the ``.tflite`` files under LiteRT's reference kernels, the ``.onnx`` and the
    ``.ort`` under ONNX Runtime without further optimisations, the firmware on the emulated core.
    Without the C, what else is there is compared with the stored answers.

    Args:
        folder: what a build wrote. Its C is compiled and run: whoever wrote it has to be trusted.
        target: what it was built for, where that is a profile of one's own; None: the listed
            target that the report names.
        seed: of the random inputs.

    Raises:
        EdgePruneError: the folder is no result of a build.
    """
    report = read_report(folder)
    name, where = str(report["target"]["name"]), f"{folder / 'report.json'}: target"
    core = listed_target(name, where) if target is None else load_target(target)
    vectors = stored_vectors(folder, report)
    inputs, answers = vectors["inputs"], vectors["outputs"]
    checks: list[Check] = []
    if (folder / "c").is_dir():
        with HostModel(folder / "c") as host:
            again = host.run(inputs)
            checks.append(
                _equal(
                    "C on this machine = stored answers", again, answers, differing(again, answers)
                )
            )
            inputs = np.concatenate(
                [inputs, _more(inputs, _types(report["interface"]["inputs"]), seed)]
            )
            answers = host.run(inputs)
    within = _bound(report)
    files = answers_of(folder, inputs)
    if "tflite" in files and within is not None and within > RELATIVE:
        files["tflite"] = files["tflite"][: len(vectors["inputs"])]  # it was found out with those
    sizes = {kind: theirs.size for kind, theirs in files.items()}
    checks += _against_files(agree(files, answers, within=within), sizes)
    checks += _in_app(folder, report, vectors)
    checks.append(_against_source(vectors, report))
    if (folder / "c").is_dir():
        checks += _on_core(folder, core, report, vectors)
    return Verdict(tuple(checks))


def _bound(report: Report) -> float | None:
    """How far a ``.tflite`` may be off whose kernels round what they read; none for others."""
    within: float | None = report["agreement"].get("c_vs_tflite_within")
    if within is None or within <= RELATIVE:
        return within
    return min(within, FARTHEST) if report["dtype"] == "dynamic" else None


def _more(inputs: Array, types: Sequence[TensorType], seed: int) -> Array:
    """Random inputs: integers over their whole range, real values between those that are there.

    Numbers of rows are those that are there, in other places.
    """
    rng = np.random.default_rng(seed)
    parts = zip(split_rows(inputs, types), types, strict=True)
    return join_rows([_random(p.astype(t.dtype.numpy), t, rng) for p, t in parts])


def _random(x: Array, t: TensorType, rng: np.random.Generator) -> Array:
    shape = (AGREEMENT_RUNS, *x.shape[1:])
    if t.is_index:
        return rng.choice(x.ravel(), shape)
    if x.dtype.kind in "iu":
        info = np.iinfo(x.dtype)
        return rng.integers(info.min, info.max, shape, x.dtype, endpoint=True)
    picks = rng.integers(0, len(x), (2, AGREEMENT_RUNS))
    blend = rng.random((AGREEMENT_RUNS, *[1] * (x.ndim - 1)), np.float32)
    mixed: Array = x[picks[0]] * blend + x[picks[1]] * (1 - blend)
    return mixed.astype(x.dtype)


def _equal(what: str, ours: Array, theirs: Array, wrong: int) -> Check:
    assert ours.shape == theirs.shape, what
    return what, wrong == 0, f"{wrong} of {ours.size} outputs differ"


def _against_files(found: Agreement, sizes: Mapping[str, int]) -> list[Check]:
    """The ``.tflite`` files and what ONNX Runtime runs, where they are there; sizes: of outputs."""
    within = found.c_vs_tflite_within
    near = within is not None and within > RELATIVE
    rows = (
        (
            "tflite",
            f"C {'~' if near else '='} TFLite (LiteRT reference kernels)",
            found.c_vs_tflite_mismatches,
            f" by more than {within:.2g}" if near else _size_of(found.c_vs_tflite_max_lsb),
        ),
        (
            "tflm",
            "C = TFLite for TFLM (decoded, LiteRT reference kernels)",
            found.c_vs_tflm_mismatches,
            _size_of(found.c_vs_tflm_max_lsb),
        ),
    )
    equal = [
        (what, wrong == 0, f"{wrong} of {sizes[kind]} outputs differ{by}")
        for kind, what, wrong, by in rows
        if wrong is not None
    ]
    return equal + _against_onnx(found, sizes)


def _in_app(folder: Path, report: Report, vectors: dict[str, Array]) -> list[Check]:
    """The ``.tflite`` under LiteRT's default kernels keeps to what a test on a phone asks for."""
    measured, path = report["agreement"]["tflite_default"], folder / "model.tflite"
    if measured is None or not path.exists():
        return []
    wanted = vectors["outputs"]
    found = run_tflite.run(read_bytes(path, MODEL_BYTES), vectors["inputs"], default=True)
    asked = tolerance(measured, len(wanted), integer=wanted.dtype.kind in "iu")
    wrong = asked.broken(wanted, found)
    detail = "; ".join(wrong) or f"{differing(wanted, found)} of {wanted.size} outputs differ"
    return [("C ~ TFLite (LiteRT default kernels, XNNPACK)", not wrong, detail)]


def _on_core(
    folder: Path, target: Target, report: Report, vectors: dict[str, Array]
) -> list[Check]:
    """The firmware in the emulator, where there is one."""
    optimize = report["target"]["optimize"]
    notes: list[str] = []
    run = on_target(folder / "c", target, vectors["inputs"][:CORE_RUNS], optimize, notes=notes)
    if run is None:
        return [("not run on the emulated core", True, note) for note in notes]
    expected = vectors["outputs"][: len(run.outputs)]
    what = f"{target.name} in {run.emulator} = C on this machine"
    return [_equal(what, run.outputs, expected, differing(run.outputs, expected))]


def _against_onnx(found: Agreement, sizes: Mapping[str, int]) -> list[Check]:
    """ONNX has no rule for rounding: integers may differ by steps, that a softmax makes larger."""
    rows = (
        (
            "onnx",
            "C ~ ONNX (ONNX Runtime, no optimisations)",
            found.c_vs_onnx_mismatches,
            found.c_vs_onnx_mean_share,
            found.c_vs_onnx_max_lsb,
        ),
        (
            "ort",
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
            f"{wrong} of {sizes[kind]} outputs differ{_size_of(lsb)}",
        )
        for kind, what, wrong, share, lsb in rows
        if wrong is not None
    ]


def _size_of(lsb: int | None) -> str:
    return "" if not lsb else f", by at most {lsb} step{'s' if lsb > 1 else ''}"


def _against_source(vectors: dict[str, Array], report: Report) -> Check:
    """The stored answers are as close to the source model's as they have to be.

    What that is: :data:`edgeprune.verify.source.Rule`.
    """
    known = report["agreement"]["source"]
    rule: Rule = known["rule"]
    ours = _real(vectors["outputs"], report["interface"]["outputs"])
    found = distance(ours, vectors["source"], rule)
    confirmed = found.confirms(known)
    names = {
        "exact": "answers = source model's",
        "float32": "answers = source model's, to 1e-5",
        "measured": "answers as near the source model's as reported",
    }
    detail = (
        f"off by at most {found.max_relative:.3g} relative, {found.mean_square:.3g} mean square"
    )
    return names[rule], found.holds and confirmed, detail


def _real(outputs: Array, rows: Sequence[Port]) -> Array:
    """Stored answers in real values."""
    types = _types(rows)
    parts = zip(split_rows(outputs, types), types, strict=True)
    return join_rows([p if t.quant is None else dequantise_array(p, t) for p, t in parts])


def _types(rows: Sequence[Port]) -> list[TensorType]:
    return [
        TensorType(
            tuple(r["shape"]),
            DType(r["dtype"]),
            QuantParams.of(r["scale"], r["zero_point"] or 0) if r["scale"] is not None else None,
        )
        for r in rows
    ]
