"""The files of a build, and what the C among them answers on the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprune.compiler import Compiled
from edgeprune.emit import to_ort
from edgeprune.emit.packages import PACKAGES, Facts
from edgeprune.emit.to_c import Vectors
from edgeprune.ir import Array, fed
from edgeprune.pipeline.options import BuildOptions
from edgeprune.pipeline.prepare import Prepared
from edgeprune.verify.agreement import AGREEMENT_RUNS, FILES
from edgeprune.verify.relative import RELATIVE, magnitude
from edgeprune.verify.run_c import HostModel

STORED_VECTORS = 4  # in the self-test that is flashed
STORED_STEPS = 32  # likewise, of a model that keeps states
KEPT_VECTORS = 256  # in DIR, for `verify` and `run`


@dataclass(frozen=True)
class Answered:
    """What the C answers on the host.

    Attributes:
        rows: samples as it is fed, (n, ...).
        outputs: its answers, (n, ...).
    """

    rows: Array
    outputs: Array

    @property
    def kept_rows(self) -> Array:
        """Those that are kept beside the artifacts."""
        return self.rows[:KEPT_VECTORS]

    @property
    def kept_outputs(self) -> Array:
        """What is answered to them."""
        return self.outputs[:KEPT_VECTORS]


def run_c(folder: Path, name: str, prepared: Prepared, compiled: Compiled) -> Answered:
    """Write the C, and run it over the samples that nothing was chosen by.

    Args:
        folder: of the build.
        name: of the model, in C.
        prepared: the model and its data.
        compiled: the network as emitted.
    """
    proven = prepared.report.x
    if prepared.reported is None:  # nothing is told of its accuracy
        proven = proven[:AGREEMENT_RUNS]
    rows = fed(compiled.graph, proven)
    compiled.write_c(folder / "c", name)
    with HostModel(folder / "c") as model:
        return Answered(rows, model.run(rows))


def write_files(
    folder: Path,
    name: str,
    prepared: Prepared,
    options: BuildOptions,
    compiled: Compiled,
    answered: Answered,
) -> None:
    """Write what was asked for, and samples with their answers.

    Args:
        folder: of the build.
        name: of the model, in C.
        prepared: the model and its data.
        options: of the build.
        compiled: the network as emitted.
        answered: what its C answers.
    """
    stored, answer = answered.kept_rows, answered.kept_outputs
    tolerance = RELATIVE * magnitude(answer) if answer.dtype.kind == "f" else 0.0
    few = STORED_STEPS if compiled.graph.states else STORED_VECTORS
    compiled.write_c(folder / "c", name, Vectors(stored[:few], answer[:few], tolerance))
    if "tflite" in options.emit and compiled.has_tflite:
        (folder / "model.tflite").write_bytes(compiled.tflite)
    if "onnx" in options.emit and compiled.has_onnx:
        (folder / "model.onnx").write_bytes(compiled.onnx)
    if "ort" in options.emit:
        converted, needed = compiled.ort
        (folder / "model.ort").write_bytes(converted)
        (folder / to_ort.CONFIG).write_bytes(needed)
    if "tflm" in options.emit:
        (folder / FILES["tflm"][0]).write_bytes(compiled.tflm)
    np.savez_compressed(
        folder / "vectors.npz",
        inputs=stored,
        outputs=answer,
        source=prepared.reference[:KEPT_VECTORS],
        labels=prepared.report.y[:KEPT_VECTORS] if prepared.report.y is not None else [],
    )


def bytes_when_asked(folder: Path, options: BuildOptions) -> dict[str, int]:
    """Bytes of the files that are written only when they are asked for."""
    names = {kind: FILES[kind][0] for kind in ("ort", "tflm") if kind in options.emit}
    return {kind: (folder / name).stat().st_size for kind, name in names.items()}


def write_packages(folder: Path, names: Sequence[str], facts: Facts) -> None:
    """Project files, each set in packages/<ecosystem>/<model>."""
    files = {p.name: p.read_bytes() for p in (folder / "c").iterdir()}
    for name in names:
        for path, content in PACKAGES[name](files, facts).items():
            file = folder / "packages" / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def remove_folder(folder: Path) -> None:
    """Remove a folder of files."""
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
