"""Which block of channels goes next, where channels of a kind go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

TRIES = 8  # blocks that are measured in a round, at most


@dataclass(frozen=True)
class Block:
    """Channels that go together.

    Attributes:
        kind: of all of them.
        scores: the estimated rise of the loss, by channel, in order.
        saved: of the cost.
    """

    kind: int
    scores: dict[int, float]
    saved: float

    def value(self, rise: float, *, per_price: bool) -> float:
        """A loss by what is saved, or by channel; the least goes first.

        Of blocks without which the network is better, the one first that gains and saves most.
        """
        if not per_price:
            return rise / len(self.scores)
        if self.saved <= 0:
            return np.inf
        return rise / self.saved if rise > 0 else rise * self.saved


class Losses:
    """What blocks cost in a round, measured or, where nothing can be, estimated.

    Estimates of whole blocks are too large, and the more so the more layers come behind that can
    make up for the loss.

    Args:
        loss: measured, once these channels have gone; None: blocks are estimated only.
        goal: what the blocks of a round are to save. What would be measured and saves no more
            goes in any case, and is not.
    """

    def __init__(self, loss: Callable[[list[int]], float] | None, goal: float) -> None:
        self._loss = loss
        self._goal = goal
        self._measured: dict[int, float] = {}  # by kind

    def best(self, blocks: Sequence[Block], *, per_price: bool) -> Block:
        """The block that costs least: of those that seem to, as it was measured at first."""

        def value(block: Block) -> float:
            rise = self._measured.get(block.kind, sum(block.scores.values()))
            return float(np.nan_to_num(block.value(rise, per_price=per_price), nan=np.inf))

        if self._loss is not None:
            tried = sorted(blocks, key=value)[:TRIES]
            if sum(block.saved for block in tried) > self._goal:
                self._measured = {block.kind: self._loss([*block.scores]) for block in tried}
            self._loss = None
        known = [block for block in blocks if block.kind in self._measured]
        return min(known or blocks, key=value)
