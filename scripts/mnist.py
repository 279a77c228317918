"""MNIST for the training scripts: the file, the split, and a training loop for small networks.

The file is ``mnist.npz`` in the folder that EDGEPRUNE_DATA names: x_train (60000, 28, 28) uint8,
y_train, x_test (10000, 28, 28), y_test (LeCun and Cortes, CC BY-SA 3.0).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

HELD_OUT = 10_000
"""Training images that no script here trains on."""


@dataclass(frozen=True)
class Mnist:
    """Pixels 0..255 as uint8, shape (n, 28, 28), and labels (n,).

    ``train`` and ``held_out`` are a seeded split of the 60,000 training images, ``test`` the
    10,000 others.
    """

    train: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    held_out: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    test: tuple[NDArray[np.uint8], NDArray[np.uint8]]


def load() -> Mnist:
    """Read and split the file; ends the script with a message where there is none."""
    path = Path(os.environ.get("EDGEPRUNE_DATA", "")) / "mnist.npz"
    if not path.is_file():
        sys.exit(f"{path}: no such file\n  hint: EDGEPRUNE_DATA names the folder of mnist.npz")
    with np.load(path, allow_pickle=False) as file:
        x, y, x_test, y_test = (file[k] for k in ("x_train", "y_train", "x_test", "y_test"))
    order = np.random.default_rng(0).permutation(len(x))
    held, rest = order[:HELD_OUT], order[HELD_OUT:]
    return Mnist((x[rest], y[rest]), (x[held], y[held]), (x_test, y_test))


Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """AdamW with a one-cycle learning rate (Smith and Topin 2017, arXiv:1708.07120)."""

    epochs: int
    batch: int
    rate: float
    decay: float
    seed: int = 0


def train(net: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: Loss, recipe: Recipe) -> None:
    """Train in place. ``x`` is (n, input shape) in 0..1, ``y`` (n,) class numbers."""
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * -(-len(x) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, total_steps=steps, pct_start=0.1
    )
    for epoch in range(recipe.epochs):
        for rows in torch.randperm(len(x), generator=generator).split(recipe.batch):
            optimizer.zero_grad()
            loss(net(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
        print(f"\repoch {epoch + 1}/{recipe.epochs}", file=sys.stderr, end="")
    print(file=sys.stderr)


def accuracy(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Share of rows whose largest output is the label."""
    with torch.no_grad():
        return float((net(x).argmax(dim=1) == y).double().mean())


def tensors(
    part: tuple[NDArray[np.uint8], NDArray[np.uint8]], shape: tuple[int, ...]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Images as float32 in 0..1, each reshaped to ``shape``, and labels as int64."""
    x, y = part
    images = torch.from_numpy(x.reshape(len(x), *shape).astype(np.float32) / 255)
    return images, torch.from_numpy(y.astype(np.int64))
