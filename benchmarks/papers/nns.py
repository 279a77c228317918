"""NNS: Neural network surgery: tables 1 to 5, and what they leave out.

    EDGEPRUNE_DATA=... python -m benchmarks.papers.nns [--out build/papers]

784-100-10, ReLU and softmax, full-batch gradient descent, 200 epochs, rate 0.1 from uniform
weights in -0.5..0.5 (the recipe of the authors' notebook, which stops at an accuracy of 0.84);
selected and measured on the same 1,000 training images, as in the paper, and measured again on
the 10,000 test images. The same is done to a well-trained network.

The paper's accuracy of a label is the recall on that label's samples: a network that always gives
the label has 1. Beside it stand specificity and balanced accuracy, and those of a detector (own
output, calibrated threshold) of the same neurons.
"""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch

from benchmarks.papers.common import arguments, keep, table
from benchmarks.pruning.mnist_nets import Recipe, cache, mnist, network, to_graph
from edgeprune.ir import Graph, Samples, predict
from edgeprune.pruning.subnet import (
    LabelActivity,
    cumulative,
    detections,
    detector,
    extract,
    label_activity,
    recalls,
    recognised,
    search_zeta,
)
from edgeprune.pruning.truth import Truth, accuracy

mpl.use("Agg")
import matplotlib.pyplot as plt

ZETAS = (0.4, 0.5)
ROWS = 1000
EPOCHS = 200
# Tables 1 and 5: recall of the whole network, parameters and recall at zeta 0.4 and 0.5, by label.
PAPER = {
    "simple": (94.4, 92.7, 79.8, 88.8, 78.4, 74.9, 87.6, 87.6, 73.1, 79.3),
    0.4: (
        (6272, 5488, 9408, 9408, 3136, 10976, 7056, 2352, 8624, 2352),
        (100, 88.5, 91.9, 96.6, 0, 55.0, 93.8, 56.2, 77.4, 100),
    ),
    0.5: (
        (3136, 3920, 6272, 8624, 1568, 9408, 5488, 1568, 4704, 2352),
        (100, 98.9, 94.3, 100, 0, 88.7, 85.5, 77.1, 77.4, 100),
    ),
}
# Table 4, last column: all labels integrated.
PAPER_UNION = {0.4: (81.3, 80.2, 81.4, 83.3, 3.9, 67.4, 72.1, 55.2, 75.2, 92.7)}


def main() -> None:
    started = time.perf_counter()
    args = arguments(__doc__)
    train, validation, test = mnist()
    chosen = train.first(ROWS)
    result = {}
    for name, graph in (("paper's", simple(train)), ("well-trained", network("relu100"))):
        found = label_activity(graph, chosen)
        whole = accuracy(graph, chosen.x, Truth(chosen.y)), accuracy(graph, test.x, Truth(test.y))
        print(
            f"\n{name} network: {whole[0]:.3f} on the 1,000, {whole[1]:.3f} held out (paper 0.84)"
        )
        result[name] = {
            "accuracy": whole,
            "labels": labels(name, graph, found, chosen, validation, test),
            "union": unions(graph, found, chosen, validation, test),
        }
        plot(args.out / f"nns-{name.split(chr(39))[0]}.png", graph, found, test)
    keep("nns", result, started)


def simple(train: Samples) -> Graph:
    """The authors' network: everything but the first rows, which they keep for looking at it."""
    path = cache() / "mnist-nns-0.npz"
    if not path.is_file():
        np.savez(path, **descend(train.take(slice(ROWS, 42_000))))
    with np.load(path, allow_pickle=False) as f:
        return to_graph(Recipe((784, 100, 10), "relu"), dict(f.items()))


def descend(data: Samples) -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    x, t = torch.from_numpy(data.x), torch.eye(10)[torch.from_numpy(data.y)]
    w1, b1, w2, b2 = (torch.rand(s) - 0.5 for s in ((100, 784), (100,), (10, 100), (10,)))
    for _ in range(EPOCHS):
        z = x @ w1.T + b1
        h = z.relu()
        error = ((h @ w2.T + b2).softmax(1) - t) / len(x)
        back = (error @ w2) * (z > 0)
        w2 -= 0.1 * error.T @ h
        b2 -= 0.1 * error.sum(0)
        w1 -= 0.1 * back.T @ x
        b1 -= 0.1 * back.sum(0)
    pairs = {"weight0": w1, "bias0": b1, "weight1": w2, "bias1": b2}
    return {k: v.numpy() for k, v in pairs.items()}


def labels(
    name: str,
    graph: Graph,
    found: LabelActivity,
    chosen: Samples,
    validation: Samples,
    test: Samples,
) -> list[dict[str, float]]:
    """Ten specialists at each zeta: tables 1 and 5."""
    dense = recalls(graph, chosen)
    rows, result = [], []
    for zeta in ZETAS:
        sizes, said = PAPER[zeta]
        for label in range(10):
            small = extract(graph, found, [label], zeta=zeta)
            kept = sum(small.kept.values())
            own, held = (recognised(small.graph, data, label) for data in (chosen, test))
            (told,) = detections(detector(small.graph, validation, [label]), test)
            row = {
                "zeta": zeta,
                "label": label,
                "paper_parameters": sizes[label],
                "parameters": kept * 784,
                "paper_simple": PAPER["simple"][label] / 100,
                "simple": dense[label],
                "paper_recall": said[label] / 100,
                "recall": own.recall,
                "held_out_recall": held.recall,
                "specificity": held.specificity,
                "balanced": held.balanced_accuracy,
                "detector": told.balanced_accuracy,
            }
            result.append(row)
            rows.append([zeta, label, *list(row.values())[2:]])
    head = [
        "zeta",
        "label",
        "paper's W1 parameters",
        "ours",
        "paper's simple recall",
        "ours",
        "paper's recall",
        "ours",
        "held-out recall",
        "specificity",
        "balanced",
        "detector's",
    ]
    print(table(head, rows))
    for zeta in ZETAS:
        at = [r for r in result if r["zeta"] == zeta]
        means = [float(np.mean([r[k] for r in at])) for k in ("balanced", "detector")]
        print(
            f"{name}, zeta {zeta}: mean balanced accuracy {means[0]:.3f}, detectors {means[1]:.3f}"
        )
    return result


def unions(
    graph: Graph, found: LabelActivity, chosen: Samples, validation: Samples, test: Samples
) -> dict[str, object]:
    """All labels integrated: tables 2 to 4; and the zeta that costs half a point."""
    result: dict[str, object] = {}
    for zeta in ZETAS:
        stages = cumulative(graph, found, chosen, zeta=zeta)
        print(f"\nzeta {zeta}: recall of each label (rows) with labels 0..n integrated (columns)")
        paper = [v / 100 for v in PAPER_UNION.get(zeta, ())] or [""] * 10
        rows = [[k, *(s[k] for s in stages), paper[k]] for k in range(10)]
        print(table(["label", *map(str, range(10)), "paper, all"], rows))
        union = extract(graph, found, range(10), zeta=zeta)
        sizes = file_sizes(graph, union.graph)
        figures = {
            "neurons": sum(union.kept.values()),
            "accuracy": accuracy(union.graph, chosen.x, Truth(chosen.y)),
            "held_out": accuracy(union.graph, test.x, Truth(test.y)),
            **sizes,
        }
        print(table(["zeta", *figures], [[zeta, *figures.values()]]))
        print("paper's files, KB: dense 2658, zeroed 1692, rows that are left 684 (JSON text)")
        result[str(zeta)] = {"cumulative": stages, **figures}
    floor = accuracy(graph, validation.x, Truth(validation.y)) - 0.005
    best = search_zeta(
        graph, found, range(10), lambda g: accuracy(g, validation.x, Truth(validation.y)), floor
    )
    held = accuracy(best.graph, test.x, Truth(test.y))
    neurons = sum(best.kept.values())
    print(
        f"zeta {best.zeta:.3f} is the largest that costs half a point of validation accuracy: "
        f"{neurons} neurons, {held:.4f} held out"
    )
    result["searched"] = {"zeta": best.zeta, "neurons": neurons, "held_out": held}
    return result


def file_sizes(graph: Graph, small: Graph) -> dict[str, int]:
    """KB as float32: what the tables' JSON files amount to in memory."""
    return {"dense_kb": round(graph.params * 4 / 1024), "kept_kb": round(small.params * 4 / 1024)}


def plot(path: Path, graph: Graph, found: LabelActivity, test: Samples) -> None:
    """The cumulative recalls of labels 9 and 1: figure 9."""
    fig, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True)
    for ax, label in zip(axes, (9, 1), strict=True):
        for zeta in ZETAS:
            stages = cumulative(graph, found, test, zeta=zeta)
            ax.plot([s[label] for s in stages], marker="o", label=f"zeta {zeta}")
        whole = predict(graph, test.x).argmax(axis=1) == test.y
        ax.axhline(whole[test.y == label].mean(), color="gray", linewidth=0.8)
        ax.set(title=f"label {label}, held out", xlabel="labels 0..n integrated")
    axes[0].set_ylabel("recall")
    axes[0].legend()
    fig.savefig(path, dpi=80)
    plt.close(fig)


if __name__ == "__main__":
    main()
