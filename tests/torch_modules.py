"""Modules of PyTorch that several tests are made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


class Applied(nn.Module):
    """A function of the inputs and of some modules."""

    def __init__(self, function: Callable[..., torch.Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)
        self.function = function

    def forward(self, *x: torch.Tensor) -> torch.Tensor:
        return self.function(*x, *self.parts)
