"""What the tiles of convolutions read: packed weights and the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.ir import Array
from edgeprune.kernels.accumulators import accumulators
from edgeprune.kernels.arm_dsp._requant import Mode, narrow_fits, requant_table, rescaled
from edgeprune.kernels.arm_dsp._tiles import Planes, as_words, pack_weights
from edgeprune.kernels.call import Constant
from edgeprune.kernels.layer import Layer


@dataclass(frozen=True)
class Numbers:
    """What the tiles read: packed weights and the table, and the form that they are in."""

    weights: Array
    table: Array
    channels: int
    narrow: bool
    mode: Mode
    paired: int

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The two arrays of the call."""
        return (
            Constant("weights", as_words(self.weights), "int32_t", paired=self.paired),
            Constant("table", self.table, "int32_t", 4 * self.channels),
        )


def conv_numbers(layer: Layer, w: Array, planes: Planes) -> Numbers | None:
    """Weights and table of a convolution; None where the tiles' arithmetic does not hold.

    Args:
        layer: the convolution.
        w: its weights (o, rows, taps, channels) as the layout has them.
        planes: the layout.
    """
    flat = w.reshape(w.shape[0], -1)
    acc = accumulators(flat, layer.bias, layer.xq.scalar[1])
    rounded = rescaled(acc, layer)
    if rounded is None:
        return None
    rescale, mode = rounded
    filters = len(w) // layer.groups
    parts = [slice(k, k + filters) for k in range(0, len(w), filters)]
    narrow = all(narrow_fits(acc.part(s), flat[s], rescale.part(s), mode) for s in parts)
    weights = [pack_weights(w[s], planes, narrow=narrow) for s in parts]
    tables = [requant_table(acc.part(s), rescale.part(s), mode, narrow=narrow) for s in parts]
    paired = _paired(filters, len(parts), flat.shape[1]) if narrow else 0
    return Numbers(np.concatenate(weights), np.concatenate(tables), len(w), narrow, mode, paired)


def _paired(filters: int, groups: int, each: int) -> int:
    """Bytes of pairs of channels, as :class:`Constant` counts them; ``each``: of a channel."""
    if filters > 1 and filters % 2 and groups > 1:
        return -1
    return groups * (filters - filters % 2) * each
