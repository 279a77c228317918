"""Adam with rates that fall to 0 along a cosine.

``torch.optim`` imports torch's compiler with its first optimiser, which nothing here uses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DECAY = 0.9, 0.999
"""Of the means of derivatives and of their squares."""
LEAST = 1e-8
"""Added to what is divided by."""


class Adam:
    """Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1, with their constants.

    The rates of step t of T are those given times (1 + cos(pi t / T)) / 2 (Loshchilov and Hutter
    2017, arXiv:1608.03983, equation 5 without restarts).
    """

    def __init__(self, rates: Iterable[tuple[Sequence[torch.Tensor], float]], steps: int) -> None:
        """Set up.

        Args:
            rates: tensors that are learned, and how far one goes in a step.
            steps: how many will be taken; beyond them nothing moves.
        """
        import torch

        self._learned = [(p, rate) for tensors, rate in rates for p in tensors]
        self._means = [torch.zeros_like(p) for p, _ in self._learned]
        self._squares = [torch.zeros_like(p) for p, _ in self._learned]
        self._steps, self._taken, self._share = steps, 0, 1.0

    def step(self) -> None:
        """Move what has a derivative, and forget that."""
        import torch

        one, two = DECAY
        self._taken += 1
        near, far = (1 - decay**self._taken for decay in DECAY)
        with torch.no_grad():
            moments = zip(self._learned, self._means, self._squares, strict=True)
            for (p, rate), mean, square in moments:
                if p.grad is None:
                    continue
                mean.lerp_(p.grad, 1 - one)
                square.mul_(two).addcmul_(p.grad, p.grad, value=1 - two)
                size = (square.sqrt() / math.sqrt(far)).add_(LEAST)
                p.addcdiv_(mean, size, value=-rate * self._share / near)
                p.grad = None
        self._share = (1 + math.cos(math.pi * min(self._taken / self._steps, 1))) / 2
