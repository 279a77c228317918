"""What the experiments share: curves over removals, tables, plots, kept results."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from edgeprune.ir import Graph, Samples, couple, run
from edgeprune.ops import Dense
from edgeprune.pruning.loss import make_loss

RESULTS = Path(__file__).parents[1] / "results" / "papers"


@dataclass(frozen=True)
class Curve:
    """Accuracy and mean error after 0, 1, 2, ... removals, and how many neurons there were."""

    accuracy: np.ndarray
    error: np.ndarray
    neurons: int

    def removable(self, tolerance: float) -> float:
        """The largest share such that no removal up to it costs more than the tolerance."""
        within = self.accuracy >= self.accuracy[0] - tolerance - 1e-9
        return (int(np.argmin(within)) - 1 if not within.all() else len(within) - 1) / self.neurons

    def to_json(self) -> dict[str, list[float]]:
        """Every tenth of the way."""
        rows = [round(i * self.neurons / 10) for i in range(11)]
        rows = [i for i in rows if i < len(self.accuracy)]
        return {
            "share": [round(i / self.neurons, 3) for i in rows],
            "accuracy": [round(float(self.accuracy[i]), 5) for i in rows],
            "error": [round(float(self.error[i]), 6) for i in rows],
        }

    def at(self, share: float) -> float:
        """The accuracy with that share removed."""
        return float(self.accuracy[min(round(share * self.neurons), len(self.accuracy) - 1)])


def curve(graph: Graph, order: Sequence[int], data: Samples) -> Curve:
    """Remove neurons of a dense network in order; one matrix product a layer behind the first."""
    coupling = couple(graph)
    loss = make_loss(graph, data)
    dense = [n for n in graph.nodes if isinstance(n.op, Dense)]
    reads = {n.name: coupling.values[n.inputs[0]] for n in dense[1:]}
    at = {int(k): (name, i) for name, ids in reads.items() for i, k in enumerate(ids)}
    masks = {name: torch.ones(len(ids)) for name, ids in reads.items()}
    targets = torch.from_numpy(loss.targets)
    truth = torch.from_numpy(data.y)
    weights = {k: torch.from_numpy(v) for k, v in graph.constants.items()}
    first = dense[0].output
    behind = graph.nodes[graph.nodes.index(dense[0]) + 1 :]
    accuracy, error = [], []
    with torch.inference_mode():
        z1 = run(graph, {graph.inputs[0]: torch.from_numpy(data.x)})[first]
        for k in (None, *order):
            if k is not None:
                name, i = at[k]
                masks[name][i] = 0

            def hook(node, i, v):
                return v * masks[node.name] if i == 0 and node.name in masks else v

            values = run(graph, {first: z1}, constants=weights, nodes=behind, hook=hook)
            z = values[loss.value]
            accuracy.append(float((z.argmax(1) == truth).float().mean()))
            error.append(float(loss.per_sample(z, targets).double().mean()))
    return Curve(np.asarray(accuracy), np.asarray(error), len(at))


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean of several of one length."""
    n = min(len(c.accuracy) for c in curves)
    return Curve(
        np.mean([c.accuracy[:n] for c in curves], axis=0),
        np.mean([c.error[:n] for c in curves], axis=0),
        curves[0].neurons,
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    cells = [list(map(str, head)), *[[_cell(v) for v in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def keep(name: str, result: object, started: float) -> None:
    """Write a result where the documentation finds it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = {"seconds": round(time.perf_counter() - started, 1), "result": result}
    (RESULTS / f"{name}.json").write_text(json.dumps(text, indent=1) + "\n")


def arguments(description: str | None, **more: object) -> argparse.Namespace:
    """The options of every experiment."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, default=3, help="networks of each kind")
    parser.add_argument("--out", type=Path, default=Path("build/papers"), help="where plots go")
    for name, default in more.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    return args
