"""MLPerf Tiny's networks, built, verified and run, beside TFLM. The README's table.

    EDGEPRUNE_DATA=... python benchmarks/bench_models.py [--models ic01,kws01,ad01]
                       [--kinds source,float,int8] [--samples 1000] [--dtype int8]

Every file (Keras or SavedModel where TensorFlow is installed, float .tflite, int8 .tflite) is built
for a Cortex-M4, verified, and run on the emulated core; the script stops where an output differs.
``--samples`` are given to the build for its report; accuracy is that of the generated C on
all test samples (10,000 images of CIFAR-10; the 1,000 keyword stimuli, half of which are what the
build calibrates on; ad01 has no data here: it is fed noise of its input's range and scored by the
mean squared difference to the float network's outputs). Also printed: seconds from the file to C,
.tflite and .onnx. Writes benchmarks/results/models.json.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.ir import Array, dequantise_array, predict
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.verify.run_c import HostModel

RESULTS = Path(__file__).parent / "results" / "models.json"
SOURCES = {"ic01": "ic01.h5", "kws01": "kws01_saved_model", "ad01": "ad01.h5"}
FRAMES = 1000  # of noise for ad01


@dataclass(frozen=True)
class Peer:
    """TFLM with CMSIS-NN, int8, on a Cortex-M4F: release build, only the operators that it needs.

    tflite-micro of August 2026, CMSIS-NN of July 2026; flash is model and code, RAM the arena.
    """

    flash: int
    ram: int
    instructions: int


TFLM = {
    "ic01": Peer(149_172, 54_996, 29_865_454),
    "kws01": Peer(106_808, 22_820, 7_696_242),
    "ad01": Peer(304_512, 2_580, 582_902),
}


@dataclass(frozen=True)
class Data:
    """Samples that the build may use, and those that accuracy is measured on; real values."""

    x: Array
    y: Array | None
    x_test: Array
    y_test: Array | None


def folder() -> Path:
    """Where the models and their data lie."""
    found = Path(os.environ.get("EDGEPRUNE_DATA") or "/nowhere")
    if not found.is_dir():
        sys.exit("EDGEPRUNE_DATA names no folder")
    return found


def data(model: str) -> Data:
    """A model's data, in the float network's real values."""
    if model == "ic01":
        with np.load(folder() / "cifar10.npz", allow_pickle=False) as f:
            x, test = (f[f"x_{k}"].astype(np.float32) for k in ("train", "test"))
            return Data(x[:4000], f["y_train"].ravel()[:4000], test, f["y_test"].ravel())
    stored = load(folder() / "mlperf_tiny" / f"{model}_int8.tflite")
    t = stored.types[stored.inputs[0]]
    if model == "kws01":
        with np.load(folder() / "kws01.npz", allow_pickle=False) as f:
            x, y = dequantise_array(f["x"].astype(np.int8), t), f["y"]
        return Data(x[::2], y[::2], x, y)
    assert t.quant is not None
    scale, zero = t.quant.scalar
    ends = np.array([-128 - zero, 127 - zero]) * scale
    rng = np.random.default_rng(0)
    level = rng.normal(0, 0.12, (2 * FRAMES, 1)) + rng.normal(0, 0.08, (2 * FRAMES, *t.shape))
    noise = np.clip(ends.mean() + level * (ends[1] - ends[0]), *ends).astype(np.float32)
    return Data(noise[:FRAMES], None, noise[FRAMES:], None)


def files(model: str, kinds: Sequence[str]) -> list[tuple[str, Path]]:
    """The model's files: what kind each is, and where."""
    home = folder() / "mlperf_tiny"
    found = []
    if "source" in kinds:
        if importlib.util.find_spec("tensorflow"):
            found.append((SOURCES[model].partition("_")[2] or ".h5", home / SOURCES[model]))
        else:
            print(f"{SOURCES[model]}: TensorFlow is not installed", file=sys.stderr)
    wanted = (("float", f"{model}_fp32.tflite"), ("int8", f"{model}_int8.tflite"))
    return found + [(f"{k} .tflite", home / name) for k, name in wanted if k in kinds]


def edgeprune(*arguments: str) -> Any:
    """The command's JSON; the script ends where it fails."""
    command = [sys.executable, "-m", "edgeprune", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr}")
    return json.loads(done.stdout)


def measure(model: str, kind: str, file: Path, d: Data, samples: int, dtype: str) -> dict[str, Any]:
    """Build, verify, run, score: one row."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="edgeprune-bench-") as temp:
        out = Path(temp) / "out"
        labels = {} if d.y is None else {"y": d.y}
        np.savez(Path(temp) / "data.npz", x=d.x, **labels)
        labels = {} if d.y_test is None else {"y": d.y_test[:samples]}
        np.savez(Path(temp) / "test.npz", x=d.x_test[:samples], **labels)
        given = ["--data", f"{temp}/data.npz", "--test", f"{temp}/test.npz"]
        report = edgeprune("build", str(file), *given, "--dtype", dtype, "-o", str(out))
        verdict = edgeprune("verify", str(out))
        run = edgeprune("run", str(out), "--on", "cortex-m4", "--count", "10")
        wrong = {
            "C, .tflite": report["agreement"]["c_vs_tflite_mismatches"],
            "core, host": run["target_vs_host_mismatches"],
        }
        if any(wrong.values()) or not verdict["passed"]:
            sys.exit(f"{file.name}: outputs differ: {wrong}")
        accuracy, error = score(model, file, out, report, d)
    return {
        "model": model,
        "file": kind,
        "dtype": report["dtype"],
        "accuracy": accuracy,
        "squared_difference": error,
        "flash_bytes": report["size"]["flash_bytes"],
        "ram_bytes": report["size"]["ram_bytes"],
        "arena_bytes": report["size"]["arena_bytes"],
        "instructions": run["instructions"],
        "seconds": round(time.perf_counter() - start, 1),
    }


def score(
    model: str, file: Path, out: Path, report: dict[str, Any], d: Data
) -> tuple[float | None, float | None]:
    """Accuracy, or the mean squared difference to the float network, of the C on all samples."""
    ours, theirs = report["interface"]["inputs"][0], report["interface"]["outputs"][0]
    fed = d.x_test
    if ours["dtype"] != "float32":
        info = np.iinfo(ours["dtype"])
        q = np.rint(fed / np.float32(ours["scale"])) + ours["zero_point"]
        fed = np.clip(q, info.min, info.max).astype(ours["dtype"])
    with HostModel(out / "c") as c:
        y = c.run(fed).reshape(len(fed), -1)
    if d.y_test is not None:
        return float((y.argmax(1) == d.y_test).mean()), None
    exact = file if "int8" not in file.name else file.with_name(f"{model}_fp32.tflite")
    wanted = predict(load(exact), d.x_test)
    real = y.astype(np.float64)
    if theirs["dtype"] != "float32":
        real = (real - theirs["zero_point"]) * theirs["scale"]
    return None, float(np.mean((real - wanted.reshape(real.shape)) ** 2))


def emission_seconds(file: Path, d: Data) -> float:
    """Seconds from a float file to int8 C, .tflite and .onnx, scales known."""
    seen = observe(load(file), d.x[:32])
    start = time.perf_counter()
    compiled = Recipe(load_target("cortex-m4"), "int8", "speed", seen).compile(load(file))
    with tempfile.TemporaryDirectory() as temp:
        compiled.write_c(Path(temp), "model")
        (Path(temp) / "model.tflite").write_bytes(compiled.tflite)
        (Path(temp) / "model.onnx").write_bytes(compiled.onnx)
    return time.perf_counter() - start


def stored() -> list[dict[str, Any]]:
    """What was measured before."""
    found: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    return found


def merged(new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of earlier runs, those of this one in their places."""
    rows = {(r["model"], r["file"]): r for r in (*stored(), *new)}
    models, kinds = list(TFLM), (".h5", "saved_model", "float .tflite", "int8 .tflite")
    return sorted(rows.values(), key=lambda r: (models.index(r["model"]), kinds.index(r["file"])))


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown, TFLM's beneath each model's."""
    head = "model | file | type | accuracy | flash, bytes | RAM, bytes | arena | instructions"
    lines = [f"| {head} |", "| --- " * 8 + "|"]
    for model in dict.fromkeys(r["model"] for r in rows):
        lines += [line(r) for r in rows if r["model"] == model]
        p = TFLM[model]
        lines.append(
            f"| {model} | *TFLM + CMSIS-NN* | int8 | | {p.flash:,} | | {p.ram:,} "
            f"| {p.instructions:,} |"
        )
    return "\n".join(lines)


def line(r: dict[str, Any]) -> str:
    """A row of the table."""
    shown = f"{100 * r['accuracy']:.2f} %" if r["accuracy"] is not None else ""
    shown = shown or f"off by {r['squared_difference']:.3g}"
    return (
        f"| {r['model']} | {r['file']} | {r['dtype']} | {shown} | {r['flash_bytes']:,} "
        f"| {r['ram_bytes']:,} | {r['arena_bytes']:,} | {r['instructions']:,} |"
    )


def main() -> None:
    """Build all, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="ic01,kws01,ad01")
    parser.add_argument("--kinds", default="source,float,int8")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--dtype", default="int8")
    given = parser.parse_args()
    rows = []
    for model in given.models.split(","):
        d = data(model)
        for kind, file in files(model, given.kinds.split(",")):
            rows.append(measure(model, kind, file, d, given.samples, given.dtype))
            print(line(rows[-1]), f"{rows[-1]['seconds']} s", file=sys.stderr, flush=True)
        seconds = emission_seconds(folder() / "mlperf_tiny" / f"{model}_fp32.tflite", d)
        print(f"{model}: from the float .tflite to all artifacts in {seconds:.2f} s")
    print(table(merged(rows)))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(merged(rows), indent=1) + "\n")


if __name__ == "__main__":
    main()
