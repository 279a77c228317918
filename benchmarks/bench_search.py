"""What a build costs: CPU seconds and peak memory of the command that a user types.

    [EDGEPRUNE_DATA=...] python benchmarks/bench_search.py [--cases bundled,mobilenet_v2]

Seconds are those of the command and all that it starts (compilers, linkers, the emulator), user and
system together, on one thread; they hardly depend on what else a machine does. Peak memory is that
of the largest process. The package's own files are compiled to bytecode first, as an installation
leaves them. Halves and shares are of the flash that the network takes as it is. Cases
whose model lies in EDGEPRUNE_DATA are left out where there is no such folder. Writes
benchmarks/results/search.json.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import edgeprune
from edgeprune.frontends import load

RESULTS = Path(__file__).parent / "results" / "search.json"


@dataclass(frozen=True)
class Case:
    """A model with its data, and how small it is to become.

    Attributes:
        title: what people call it.
        make: writes model and data into a folder and gives the command's arguments.
        asked: CPU seconds that it may take on an idle machine.
        budget: bytes, or a share of what it takes as it is; None: it is only compiled.
    """

    title: str
    make: Callable[[Path], list[str]]
    asked: int
    budget: str | float | None = None


@dataclass(frozen=True)
class Row:
    """What one command took."""

    case: str
    title: str
    budget: int | None
    flash_bytes: int
    cpu_seconds: float
    peak_mib: int


def mobilenet_v2(folder: Path) -> list[str]:
    """Width 0.35, two classes, 500 images of 96 x 96."""
    return _mobilenet(folder, "mobilenet_v2", 0.35, 2, 500, 96)


def mobilenet_v1(folder: Path) -> list[str]:
    """Width 0.25, ten classes, 120 images of 32 x 32."""
    return _mobilenet(folder, "mobilenet_v1", 0.25, 10, 120, 32)


def _mobilenet(
    folder: Path, name: str, width: float, classes: int, count: int, size: int
) -> list[str]:
    import torch

    from benchmarks import mobilenets

    torch.manual_seed(0)
    images = torch.rand(count, 3, size, size)
    network = getattr(mobilenets, name)(width, classes)
    mobilenets.write(network, images, folder / "model.onnx")
    np.savez(folder / "data.npz", x=images.numpy())
    return [str(folder / "model.onnx"), "--data", str(folder / "data.npz"), "--dtype", "int8"]


def sww(folder: Path) -> list[str]:
    """MLPerf Tiny's streaming wake word, int8, 64 samples of noise."""
    model = _stored() / "public" / "sww_int8.tflite"
    graph = load(model)
    t = graph.types[graph.inputs[0]]
    assert t.quant is not None
    scale, zero = t.quant.scalar
    q = np.random.default_rng(0).integers(-128, 128, (64, *t.shape))
    np.savez(folder / "data.npz", x=((q - zero) * scale).astype(np.float32))
    return [str(model), "--data", str(folder / "data.npz")]


def ic01(folder: Path) -> list[str]:
    """MLPerf Tiny's ResNet-8, float, 10,000 training images of CIFAR-10."""
    with np.load(_stored() / "cifar10.npz", allow_pickle=False) as f:
        np.savez(folder / "data.npz", x=f["x_train"].astype(np.float32), y=f["y_train"].ravel())
    model = _stored() / "mlperf_tiny" / "ic01_fp32.tflite"
    return [str(model), "--data", str(folder / "data.npz")]


def kws01(folder: Path) -> list[str]:
    """MLPerf Tiny's keyword spotting, int8, with 1,000 stimuli."""
    model = _stored() / "mlperf_tiny" / "kws01_int8.tflite"
    return [str(model), "--data", str(_stored() / "kws01.npz")]


def bundled(folder: Path) -> list[str]:
    """The model that comes with the package, with its data."""
    return []


CASES = {
    "bundled_as_it_is": Case("MNIST 784-100-10, compiled", bundled, 4),
    "kws01_as_it_is": Case("DS-CNN int8, compiled", kws01, 4),
    "bundled": Case("MNIST 784-100-10 to 64 KB", bundled, 8, "64KB"),
    "mobilenet_v1": Case("MobileNetV1-0.25 at 32 x 32 to 60 %", mobilenet_v1, 60, 0.6),
    "sww": Case("streaming wake word to 32 KB", sww, 30, "32KB"),
    "ic01": Case("ResNet-8 to 78 KB", ic01, 150, "78KB"),
    "mobilenet_v2": Case("MobileNetV2-0.35 at 96 x 96 to a half", mobilenet_v2, 240, 0.5),
}
PEAK_MIB = 1024  # that no case may take more than
STORED = ("kws01_as_it_is", "sww", "ic01")


def _stored() -> Path:
    return Path(os.environ["EDGEPRUNE_DATA"])


def run(arguments: list[str]) -> tuple[dict[str, Any], float, int]:
    """The command's report, its CPU seconds, and the peak memory in MiB of its largest process."""
    command = [sys.executable, "-m", "edgeprune", "build", *arguments, "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
        out.seek(0)
        report: dict[str, Any] = json.loads(out.read())
    return report, used.ru_utime + used.ru_stime, used.ru_maxrss >> 10


def measure(name: str) -> Row:
    """One case."""
    case = CASES[name]
    with tempfile.TemporaryDirectory(prefix="edgeprune-bench-") as temp:
        given = case.make(Path(temp))
        budget = case.budget
        if isinstance(budget, float):
            whole = run([*given, "-o", f"{temp}/whole"])[0]["size"]["flash_bytes"]
            budget = str(int(budget * whole))
        limit = [] if budget is None else ["--budget", budget]
        report, seconds, peak = run([*given, *limit, "--jobs", "1", "-o", f"{temp}/out"])
    bound = report["budget"]["flash_bytes"]
    flash = report["size"]["flash_bytes"]
    return Row(name, case.title, bound, flash, round(seconds, 1), peak)


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    head = f"| build | budget | flash, bytes | CPU, s | asked | peak, MiB (asked: {PEAK_MIB:,}) |"
    lines = [head, "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for r in rows:
        budget = "" if r.budget is None else f"{r.budget:,}"
        lines.append(
            f"| {r.title} | {budget} | {r.flash_bytes:,} | {r.cpu_seconds} | "
            f"{CASES[r.case].asked} | {r.peak_mib:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Build all, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES))
    names = parser.parse_args().cases.split(",")
    if not os.environ.get("EDGEPRUNE_DATA"):
        names = [n for n in names if n not in STORED]
    compileall.compile_dir(Path(edgeprune.__file__).parent, quiet=1)
    kept = [Row(**r) for r in json.loads(RESULTS.read_text())] if RESULTS.exists() else []
    known = {r.case: r for r in kept}
    for name in names:
        known[name] = measure(name)
        rows = [known[n] for n in CASES if n in known]
        RESULTS.write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n")
    print(table([known[name] for name in CASES if name in known]))


if __name__ == "__main__":
    main()
