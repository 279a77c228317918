"""What the pruning benchmarks share: accuracy in float and int8, sizes, tables, kept results."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.pruning.mnist_nets import data_folder
from edgeprune.emit.to_tflite import emit
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import DType, Graph, Samples, predict, quantise_array
from edgeprune.quantize import observe, quantise
from edgeprune.quantize.choose import METHODS

RESULTS = Path(__file__).parents[1] / "results" / "pruning"


def arguments(doc: str, **options: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    for name, default in options.items():
        kind = type(default) if default is not None else str
        parser.add_argument(f"--{name}", type=kind, default=default)
    return parser.parse_args()


def ic01() -> tuple[Graph, Samples, Samples]:
    """ResNet-8, 10,000 training images of CIFAR-10, and the 10,000 test images."""
    graph = load(data_folder() / "mlperf_tiny" / "ic01_fp32.tflite")
    with np.load(data_folder() / "cifar10.npz", allow_pickle=False) as f:
        parts = [
            Samples(f[f"x_{k}"].astype(np.float32), f[f"y_{k}"].astype(np.int64).ravel())
            for k in ("train", "test")
        ]
    return graph, parts[0], parts[1]


def kws01(seed: int) -> tuple[Graph, Samples, Samples]:
    """DS-CNN, half of the 1,000 stimuli, and the other half."""
    graph = load(data_folder() / "mlperf_tiny" / "kws01_fp32.tflite")
    stored = load(data_folder() / "mlperf_tiny" / "kws01_int8.tflite")
    quant = stored.types[stored.inputs[0]].quant
    assert quant is not None
    scale, zero = quant.scalar
    with np.load(data_folder() / "kws01.npz", allow_pickle=False) as f:
        x = (f["x"].astype(np.float32) - zero) * np.float32(scale)
        data = Samples(x, f["y"].astype(np.int64))
    return graph, *data.split(0.5, seed)


def accuracy(graph: Graph, data: Samples) -> float:
    """Per cent."""
    said = predict(graph, data.x).reshape(len(data), -1).argmax(axis=1)
    return 100 * float((said == data.y).mean())


def int8_accuracy(graph: Graph, calibration: Samples, validation: Samples, data: Samples) -> float:
    """Per cent, of the .tflite file under LiteRT's default kernels.

    Ranges from the calibration data, cut by the method that does best on the validation data.
    """
    fused = fuse(graph)
    seen = observe(fused, calibration.x[:500])
    made = [
        quantise(fused, {v: o.range(method, 256) for v, o in seen.items()}, DType.INT8)
        for method in METHODS
    ]
    return _tflite_accuracy(max(made, key=lambda g: _tflite_accuracy(g, validation)), data)


def _tflite_accuracy(whole: Graph, data: Samples) -> float:
    worker = Interpreter(model_content=emit(whole), num_threads=1)
    worker.allocate_tensors()
    (fed,), (made,) = worker.get_input_details(), worker.get_output_details()
    right = 0
    for x, y in zip(quantise_array(data.x, whole.types[whole.inputs[0]]), data.y, strict=True):
        worker.set_tensor(fed["index"], x.reshape(fed["shape"]))
        worker.invoke()
        right += int(worker.get_tensor(made["index"]).argmax() == y)
    return 100 * right / len(data)


def int8_bytes(graph: Graph) -> Mapping[str, float]:
    """Weights one byte each, bias and scale eight a row, and a bit an input where some go."""
    size = 0
    for node in graph.nodes:
        if node.op.kind == "gather":
            size += -(-graph.types[graph.inputs[0]].size // 8)
        if node.op.weights:
            size += graph.constants[node.inputs[1]].size + 8 * graph.constants[node.inputs[2]].size
    return {"flash": float(size)}


def widths(graph: Graph) -> str:
    """Channels of each layer with weights, and how many inputs are read."""
    kept = [len(getattr(n.op, "indices", ())) for n in graph.nodes if n.op.kind == "gather"]
    made = [graph.types[n.output].shape[-1] for n in graph.nodes if n.op.weights]
    return ",".join(map(str, kept + made))


class Table:
    """Prints rows as they come, and keeps them.

    Rows of an earlier run stay in the file until the same one is made anew, so that one can be run
    alone and a run that was stopped can go on.

    Args:
        name: of the file.
        columns: what a row says.
        key: how many of them, from the first on, tell rows apart.
    """

    def __init__(self, name: str, columns: Sequence[str], *, key: int) -> None:
        self._path = RESULTS / f"{name}.json"
        self._columns = list(columns)
        self._key = key
        known = json.loads(self._path.read_text()) if self._path.exists() else []
        self._rows: list[dict[str, object]] = [r for r in known if set(columns) <= set(r)]
        self._start = time.perf_counter()
        print("| " + " | ".join([*columns, "s"]) + " |")
        print("|" + " --- |" * (len(columns) + 1))

    def row(self, *values: object) -> None:
        seconds = time.perf_counter() - self._start
        self._start = time.perf_counter()
        shown = [f"{v:.2f}" if isinstance(v, float) else str(v) for v in values]
        print("| " + " | ".join([*shown, f"{seconds:.0f}"]) + " |", flush=True)
        row = dict(zip(self._columns, values, strict=True))
        made = {**row, "seconds": round(seconds, 1)}
        same = [i for i, r in enumerate(self._rows) if self._named(r) == self._named(made)]
        if same:
            self._rows[same[0]] = made
        else:
            self._rows.append(made)
        RESULTS.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._rows, indent=1) + "\n")

    def _named(self, row: Mapping[str, object]) -> list[object]:
        return [row[c] for c in self._columns[: self._key]]
