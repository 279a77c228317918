"""Bytes that a network may take."""

from __future__ import annotations

from dataclasses import dataclass

from edgeprune.pipeline.options import BuildOptions
from edgeprune.pruning.limits import Limits
from edgeprune.target import Target


@dataclass(frozen=True)
class Room:
    """Bytes that a network may take; None: no limit."""

    flash: int | None
    ram: int | None
    bound: str = "flash"  # what the first of them is of, in words
    work: float | None = None  # no bytes: multiply-accumulates in whole tiles

    @property
    def is_endless(self) -> bool:
        """Whether every network fits."""
        return self.flash is None and self.ram is None

    @property
    def limits(self) -> Limits:
        """The same as limits, which say whether a network fits."""
        return Limits.of(self.bound, flash=self.flash, ram=self.ram)


def room(options: BuildOptions, target: Target) -> Room:
    """What was asked for; where nothing was, the whole part less what is reserved on it."""
    return Room(
        options.budget if options.budget is not None else target.flash_limit,
        options.ram if options.ram is not None else target.ram_limit,
        target.bound,
    )


ENDLESS = Room(None, None)
"""Whatever a network takes."""
