"""CIFAR-10 for the experiments: images, a dense network, and the ResNet-8 of MLPerf Tiny."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from benchmarks.pruning.mnist_nets import Recipe, cache, data_folder, to_graph
from edgeprune.frontends import load
from edgeprune.ir import Graph, Samples

SIZES = (3072, 256, 128, 10)
EPOCHS = 12


def images(flat: bool) -> tuple[Samples, Samples, Samples]:
    """To train and rank with, to choose with, to report: 9,000 and 1,000 training, 10,000 test."""
    with np.load(data_folder() / "cifar10.npz", allow_pickle=False) as f:
        x, y, xt, yt = (f[k] for k in ("x_train", "y_train", "x_test", "y_test"))

    def samples(pixels: np.ndarray, labels: np.ndarray) -> Samples:
        x = pixels.astype(np.float32)
        x = (x / 255 - 0.5).reshape(len(x), -1) if flat else x
        return Samples(x, labels.astype(np.int64))

    return samples(x[:9000], y[:9000]), samples(x[9000:], y[9000:]), samples(xt, yt)


def resnet() -> Graph:
    """The published network; its input is 0..255."""
    return load(data_folder() / "mlperf_tiny" / "ic01_fp32.tflite")


def dense(seed: int = 0) -> Graph:
    """3072-256-128-10 with ReLU, Adam on the 9,000 images."""
    path = cache() / f"cifar-dense-{seed}.npz"
    if not path.is_file():
        np.savez(path, **train(seed))
    with np.load(path, allow_pickle=False) as f:
        return to_graph(Recipe(SIZES, "relu"), dict(f.items()))


def train(seed: int) -> dict[str, np.ndarray]:
    torch.manual_seed(seed)
    data = images(flat=True)[0]
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(SIZES)]
    params = [p for layer in layers for p in layer.parameters()]
    optimizer = torch.optim.Adam(params, 1e-3, weight_decay=1e-4)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(x)), 100):
            z = x[rows]
            for layer in layers[:-1]:
                z = torch.nn.functional.dropout(layer(z).relu(), 0.2)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(layers[-1](z), y[rows]).backward()
            optimizer.step()
        rate.step()
    return {
        f"{kind}{i}": getattr(layer, kind).detach().numpy()
        for i, layer in enumerate(layers)
        for kind in ("weight", "bias")
    }
