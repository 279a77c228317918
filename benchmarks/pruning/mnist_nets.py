"""MNIST networks for the pruning benchmarks: trained once, seeded, and kept.

Needs EDGEPRUNE_DATA (the folder of mnist.npz). Trained networks are kept in EDGEPRUNE_CACHE, or in
a folder of the temporary directory.

well-trained: 50,000 images, Adam with a cosine schedule; squared error behind sigmoids,
cross-entropy behind ReLU. paper-like: plain stochastic gradient descent with rate 3 and batches of
10 on 5,000 images, squared error (the recipe of Nielsen's book that Wolfe et al. 2017 start from).
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from edgeprune.ir import Graph, Node, Samples, TensorType, build_graph
from edgeprune.ops import Dense, Relu, Sigmoid


@dataclass(frozen=True)
class Recipe:
    sizes: tuple[int, ...]
    activation: str
    images: int = 50_000
    paper: bool = False
    epochs: int = 30
    rate: float = 2e-3
    decay: float = 0.0


RECIPES = {
    "sig100": Recipe((784, 100, 10), "sigmoid"),
    "sig50x50": Recipe((784, 50, 50, 10), "sigmoid"),
    "relu100": Recipe((784, 100, 10), "relu", rate=3e-3, decay=3e-5),
    "relu300x100": Recipe((784, 300, 100, 10), "relu", rate=3e-3, decay=3e-5),
    "paper100": Recipe((784, 100, 10), "sigmoid", 5_000, True, 60),
    "paper50x50": Recipe((784, 50, 50, 10), "sigmoid", 5_000, True, 60),
}


def cache() -> Path:
    folder = Path(os.environ.get("EDGEPRUNE_CACHE") or Path(tempfile.gettempdir()) / "edgeprune")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_folder() -> Path:
    folder = os.environ.get("EDGEPRUNE_DATA")
    if not folder:
        sys.exit("EDGEPRUNE_DATA names no folder\n  hint: the folder of mnist.npz and mlperf_tiny/")
    return Path(folder)


def mnist() -> tuple[Samples, Samples, Samples]:
    """50,000 images to train and to calibrate with, 10,000 to choose with, 10,000 to report."""
    with np.load(data_folder() / "mnist.npz", allow_pickle=False) as f:
        x, y, xt, yt = (f[k] for k in ("x_train", "y_train", "x_test", "y_test"))

    def samples(images: np.ndarray, labels: np.ndarray) -> Samples:
        rows = images.reshape(len(images), -1).astype(np.float32) / 255
        return Samples(rows, labels.astype(np.int64))

    return samples(x[:50_000], y[:50_000]), samples(x[50_000:], y[50_000:]), samples(xt, yt)


def network(name: str, seed: int = 0) -> Graph:
    """A trained network, from the cache where it is there."""
    path = cache() / f"mnist-{name}-{seed}.npz"
    if not path.is_file():
        np.savez(path, **train(RECIPES[name], seed))
    with np.load(path, allow_pickle=False) as f:
        return to_graph(RECIPES[name], dict(f.items()))


def train(recipe: Recipe, seed: int) -> dict[str, np.ndarray]:
    torch.manual_seed(seed)
    data = mnist()[0].first(recipe.images)
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    layers = [
        torch.nn.Linear(a, b) for a, b in zip(recipe.sizes[:-1], recipe.sizes[1:], strict=True)
    ]
    if recipe.paper:
        for layer in layers:
            torch.nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            torch.nn.init.normal_(layer.bias)
    params = [p for layer in layers for p in layer.parameters()]
    batch = 10 if recipe.paper else 128
    steps = recipe.epochs * (len(x) // batch)
    optimizer: torch.optim.Optimizer = torch.optim.SGD(params, 3.0)
    if not recipe.paper:
        optimizer = torch.optim.Adam(params, recipe.rate, weight_decay=recipe.decay)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    squash = torch.sigmoid if recipe.activation == "sigmoid" else torch.relu
    eye = torch.eye(recipe.sizes[-1])
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(x))[: len(x) // batch * batch].split(batch):
            z = x[rows]
            for layer in layers[:-1]:
                z = squash(layer(z))
            z = layers[-1](z)
            if recipe.activation == "sigmoid":
                loss = (z.sigmoid() - eye[y[rows]]).square().sum() / 2 / len(rows)
            else:
                loss = torch.nn.functional.cross_entropy(z, y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if not recipe.paper:
                rate.step()
    return {
        f"{kind}{i}": getattr(layer, kind).detach().numpy()
        for i, layer in enumerate(layers)
        for kind in ("weight", "bias")
    }


def to_graph(recipe: Recipe, arrays: dict[str, np.ndarray]) -> Graph:
    nodes = []
    value = "image"
    last = len(recipe.sizes) - 2
    for i in range(last + 1):
        nodes.append(Node(f"dense{i}", Dense(), (value, f"weight{i}", f"bias{i}"), f"z{i}"))
        value = f"z{i}"
        if recipe.activation == "sigmoid" or i < last:
            op = Sigmoid() if recipe.activation == "sigmoid" else Relu()
            nodes.append(Node(f"act{i}", op, (value,), f"a{i}"))
            value = f"a{i}"
    return build_graph(
        f"mnist-{'-'.join(map(str, recipe.sizes))}",
        nodes,
        {"image": TensorType((recipe.sizes[0],))},
        [value],
        arrays,
    )
