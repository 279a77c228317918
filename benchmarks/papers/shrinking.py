"""The Incredible Shrinking Neural Network: the experiments of section 3, on MNIST and toys.

    EDGEPRUNE_DATA=... python -m benchmarks.papers.shrinking [--seeds 3] [--out build/papers]

784-100-10 and 784-50-50-10, logistic sigmoids, squared error, a subset of MNIST that the network is
trained, ranked and (in the paper) measured on; three criteria, both algorithms. Beside the paper's
figures stand those on images that nothing has seen: the same removals cost far more there.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch

from benchmarks.papers.common import Curve, arguments, curve, keep, mean_curve, table
from benchmarks.pruning.mnist_nets import Recipe, mnist, network, to_graph
from edgeprune.ir import Graph, Samples
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.pictures import surfaces
from edgeprune.pruning.ranking import removal_order

mpl.use("Agg")
import matplotlib.pyplot as plt

CRITERIA_SHOWN = {"brute_force": "brute force", "taylor1": "1st order", "taylor2": "2nd order"}
ALGORITHMS = {"single": "algorithm 1", "iterative": "algorithm 2"}
# What the paper says of brute force with algorithm 2, "without any major loss in performance".
PAPER = {"paper100": 0.6, "paper50x50": 0.4}
IMAGES = 5000
TOY_SIZES = (2, 50, 50, 2)


def main() -> None:
    started = time.perf_counter()
    args = arguments(__doc__)
    train, _, test = mnist()
    own = train.first(IMAGES)
    rows, result = [], {}
    for name in ("paper100", "paper50x50", "sig100", "sig50x50"):
        graphs = [network(name, seed) for seed in range(args.seeds)]
        curves = experiment(graphs, own, {"own": own, "held-out": test})
        plot(args.out / f"shrinking-{name}.png", curves)
        for (criterion, schedule, where), c in curves.items():
            mean = mean_curve(c)
            shares = [float(np.mean([k.removable(t) for k in c])) for t in (0.005, 0.01)]
            said = PAPER.get(name, "") if (criterion, schedule, where) == CLAIM else ""
            levels = [mean.at(s) for s in (0, 0.2, 0.4, 0.6, 0.8)]
            rows.append([name, criterion, schedule, where, said, *shares, *levels])
            result["/".join((name, criterion, schedule, where))] = {
                "paper": said or None,
                "removable_0.5pt": shares[0],
                "removable_1pt": shares[1],
                **mean.to_json(),
            }
        print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)
    for name in ("paper100", "paper50x50"):
        plot_surfaces(args.out, name, network(name), own)
    head = ["network", "criterion", "schedule", "data", "paper", "at 0.5 pt", "at 1 pt"]
    print(table([*head, "0 %", "20 %", "40 %", "60 %", "80 %"], rows))
    result["toys"] = toys(args.out, args.seeds)
    keep("shrinking", result, started)


CLAIM = ("brute_force", "iterative", "own")
Curves = dict[tuple[str, str, str], list[Curve]]


def experiment(graphs: list[Graph], ranked: Samples, measured: dict[str, Samples]) -> Curves:
    """All criteria and algorithms: curves on every set of data, one a network."""
    curves: Curves = {}
    for graph in graphs:
        ctx = Context.of(graph, ranked)
        for criterion in CRITERIA_SHOWN:
            for schedule in ALGORITHMS:
                order = removal_order(ctx, CRITERIA[criterion], schedule)
                for where, data in measured.items():
                    found = curve(graph, order, data)
                    curves.setdefault((criterion, schedule, where), []).append(found)
    return curves


def plot(path: Path, curves: Curves) -> None:
    """Error and accuracy against the share removed: figures 2, 3, 7 and 8."""
    places = list(dict.fromkeys(where for _, _, where in curves))
    fig, axes = plt.subplots(2 * len(places), 2, figsize=(11, 7 * len(places)), squeeze=False)
    for (criterion, schedule, where), c in curves.items():
        mean = mean_curve(c)
        share = np.arange(len(mean.error)) / mean.neurons
        row = 2 * places.index(where) + list(ALGORITHMS).index(schedule)
        for ax, y in zip(axes[row], (mean.error, mean.accuracy), strict=True):
            ax.plot(share, y, label=CRITERIA_SHOWN[criterion])
            ax.set(xlabel="share of neurons removed", title=f"{ALGORITHMS[schedule]}, {where} data")
        axes[row][0].set_ylabel("squared error")
        axes[row][1].set_ylabel("accuracy")
    axes[0][0].legend()
    fig.tight_layout()
    fig.savefig(path, dpi=80)
    plt.close(fig)


def plot_surfaces(folder: Path, name: str, graph: Graph, data: Samples) -> None:
    """The error against the gain of every tenth neuron removed: figures 4 to 6 and 9 to 11."""
    ctx = Context.of(graph, data)
    for criterion in CRITERIA_SHOWN:
        order = removal_order(ctx, CRITERIA[criterion], "iterative")
        found = surfaces(graph, data.first(1000), order, every=10)
        fig, axes = plt.subplots(1, 2, figsize=(12, 4))
        for ax, scale in zip(axes, ("log", "linear"), strict=True):
            for s in found:
                ax.plot(s.gains, s.errors, label=f"{s.removed_before + 1}.")
            ax.axvline(1, color="red", linewidth=0.8)
            ax.set(yscale=scale, xlabel="gain", ylabel="squared error")
        axes[1].legend(title="removed as", fontsize=7)
        fig.suptitle(f"{name}, {CRITERIA_SHOWN[criterion]}")
        fig.savefig(folder / f"surface-{name}-{criterion}.png", dpi=80)
        plt.close(fig)


def toys(folder: Path, seeds: int) -> dict[str, object]:
    """Whether a point lies inside a shape: figure 12."""
    said = {"diamond": 0.992, "random": 0.986}
    rows, result = [], {}
    for shape in said:
        data = {where: points(shape, 5000, i) for i, where in enumerate(("own", "held-out"))}
        graphs = [train_toy(data["own"], seed) for seed in range(seeds)]
        curves = experiment(graphs, data["own"], data)
        plot(folder / f"shrinking-{shape}.png", curves)
        for (criterion, schedule, where), c in curves.items():
            mean = mean_curve(c)
            errors = [float(mean.error[round(s * mean.neurons)]) for s in (0, 0.2, 0.4, 0.6)]
            start = float(mean.accuracy[0])
            rows.append([shape, criterion, schedule, where, said[shape], start, *errors])
            result["/".join((shape, criterion, schedule, where))] = {
                "paper_accuracy": said[shape],
                **mean.to_json(),
            }
    head = ["shape", "criterion", "schedule", "data", "paper's accuracy", "accuracy"]
    print(table([*head, "error 0 %", "20 %", "40 %", "60 %"], rows))
    return result


def points(shape: str, count: int, seed: int) -> Samples:
    """Points of the square [-1, 1]^2 and whether they are inside."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 2))
    if shape == "diamond":
        inside = np.abs(x).sum(axis=1) < 0.8
    else:  # a closed curve with random harmonics
        waves = np.random.default_rng(7).normal(size=(2, 5)) / (1 + np.arange(5))
        angle = np.arctan2(x[:, 1], x[:, 0])[:, None] * np.arange(1, 6)
        radius = 0.65 + 0.12 * (np.cos(angle) @ waves[0] + np.sin(angle) @ waves[1])
        inside = np.hypot(*x.T) < radius
    return Samples(x.astype(np.float32), inside.astype(np.int64))


def train_toy(data: Samples, seed: int) -> Graph:
    """2-50-50-2 by Adam on the squared error."""
    torch.manual_seed(seed)
    pairs = list(itertools.pairwise(TOY_SIZES))
    layers = [torch.nn.Linear(a, b) for a, b in pairs]
    with torch.no_grad():
        for layer in layers:
            layer.weight.mul_(4)
    net = torch.nn.Sequential(*[m for k in layers for m in (k, torch.nn.Sigmoid())])
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
    x, t = torch.from_numpy(data.x), torch.eye(2)[torch.from_numpy(data.y)]
    for _ in range(1500):
        rows = torch.randint(len(x), (250,))
        optimizer.zero_grad()
        (net(x[rows]) - t[rows]).square().sum(1).mean().backward()
        optimizer.step()
        rate.step()
    arrays = {
        f"{kind}{i}": getattr(layer, kind).detach().numpy()
        for i, layer in enumerate(layers)
        for kind in ("weight", "bias")
    }
    return to_graph(Recipe(TOY_SIZES, "sigmoid"), arrays)


if __name__ == "__main__":
    main()
