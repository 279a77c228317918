"""int8 ``.onnx`` and ``.ort`` files under ONNX Runtime as its users run it: accuracy and speed.

    EDGEPRUNE_DATA=... python benchmarks/bench_onnxruntime.py [--samples 1000]

MLPerf Tiny's int8 networks, written as edgeprune writes them (uint8 values and weights) and with
signed integers, under no and under default graph optimisations, these also with the session option
``session.x64quantprecision=1``. Kernels that saturate are those of x86 without VNNI: which CPU it
ran on is printed first. "differ" counts outputs other than those without optimisations.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort

from edgeprune.emit import to_onnx, to_ort
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Array, DType, Graph, dequantise_array

LEVELS = {
    "none": (ort.GraphOptimizationLevel.ORT_DISABLE_ALL, False),
    "default": (ort.GraphOptimizationLevel.ORT_ENABLE_ALL, False),
    "default, x64quantprecision": (ort.GraphOptimizationLevel.ORT_ENABLE_ALL, True),
}


def samples(model: str, graph: Graph, count: int) -> tuple[Array, Array]:
    """Test samples in real values, and their labels."""
    folder = Path(os.environ["EDGEPRUNE_DATA"])
    if model == "ic01":
        with np.load(folder / "cifar10.npz") as f:
            return f["x_test"][:count].astype(np.float32), f["y_test"][:count].ravel()
    with np.load(folder / "kws01.npz") as f:
        x, y = f["x"][:count], f["y"][:count]
    return dequantise_array(x, graph.types[graph.inputs[0]]), y


def answers(content: bytes, x: Array, level: str) -> tuple[Array, float] | None:
    """Outputs and milliseconds a sample; None: ONNX Runtime refuses."""
    options = ort.SessionOptions()
    options.graph_optimization_level, precise = LEVELS[level]
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if precise:
        options.add_session_config_entry("session.x64quantprecision", "1")
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    start = time.process_time()
    try:
        rows = [session.run(None, {port.name: i.reshape(port.shape)})[0].ravel() for i in x]
    except Exception:  # noqa: BLE001  ONNX Runtime's own errors share no base class
        return None
    return np.stack(rows), (time.process_time() - start) / len(x) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", type=int, default=1000)
    count = parser.parse_args().samples
    if "EDGEPRUNE_DATA" not in os.environ:
        sys.exit("EDGEPRUNE_DATA names no folder")
    cpu = Path("/proc/cpuinfo")
    text = cpu.read_text() if cpu.is_file() else ""
    vnni = "with" if "vnni" in text else "without"
    print(f"{platform.machine()} {vnni} VNNI, ONNX Runtime {ort.__version__}, {count} samples")
    print(f"{'network':8}{'file':14}{'optimisations':28}{'accuracy':>9}{'differ':>8}{'ms':>8}")
    for model in ("ic01", "kws01"):
        path = Path(os.environ["EDGEPRUNE_DATA"]) / "mlperf_tiny" / f"{model}_int8.tflite"
        graph = as_float(fuse(load(path)))
        x, y = samples(model, graph, count)
        wanted: Array | None = None
        for signed in (False, True):
            content = to_onnx.emit(graph, signed=signed)
            for kind, file in (("onnx", content), ("ort", to_ort.convert(content)[0])):
                for level in LEVELS:
                    got = answers(file, x, level)
                    name = f"{kind}, {'int8' if signed else 'uint8'}"
                    if got is None:
                        print(f"{model:8}{name:14}{level:28}  does not run")
                        continue
                    out, ms = got
                    wanted = out if wanted is None else wanted
                    right = float((out.argmax(1) == y).mean())
                    differ = int((np.abs(out - wanted) > 1e-6).sum())
                    print(f"{model:8}{name:14}{level:28}{right:9.1%}{differ:8}{ms:8.2f}")


def as_float(graph: Graph) -> Graph:
    """The same network with ports in real values."""
    ports = {v: replace(p, dtype=DType.FLOAT32) for v, p in graph.ports.items()}
    return replace(graph, ports=ports)


if __name__ == "__main__":
    main()
