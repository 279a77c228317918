"""Channels that are split and joined again around a norm: sub-spectral norm.

It splits frequencies into bands, normalises each as channels of their own, and joins them (Chang
et al. 2021, arXiv:2103.13620). What is left is a factor and a sum for each channel and frequency,
in the layout that the value had before; without the reshapes nothing keeps channels from going.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprune.frontends.from_onnx.value import Act, Shape
from edgeprune.ir import Array, Op

MOST_ELEMENTS = 1 << 14
"""Of a constant for each channel and frequency."""

Step = tuple[Op, Array]


@dataclass(frozen=True)
class Origin:
    """What a value was before a reshape, and what was done to it since.

    Attributes:
        act: the value before.
        inner: its shape behind the reshape, by ONNX axes, batch not counted.
        steps: operators with a constant that goes with ``inner``.
    """

    act: Act
    inner: Shape
    steps: tuple[Step, ...] = ()

    def then(self, *steps: Step) -> Origin:
        """With more that was done."""
        return replace(self, steps=(*self.steps, *steps))

    def around(self) -> list[Step] | None:
        """The steps in the shape before, with the smallest constants; None: they are too large."""
        made = []
        for op, held in self.steps:
            full = np.broadcast_to(held, self.inner).reshape(self.act.sample)
            for axis in range(full.ndim):
                first = full.take([0], axis=axis)
                full = first if (full == first).all() else full
            if full.size > MOST_ELEMENTS:
                return None
            made.append((op, np.array(full)))
        return made
