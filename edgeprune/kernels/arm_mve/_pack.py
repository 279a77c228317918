"""Weights and constants in the order in which the Helium kernels read them."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array

LANES = 16
"""int8 elements of a vector."""


def pack_rows(w: Array, block: int) -> Array:
    """Weights of whole blocks of channels, then those of the channels that are left over.

    Args:
        w: (channels, weights per channel) int8.
        block: channels that share each load of the input.

    Returns:
        Flat int8: per block [weights / 16][block][16], then [block][weights % 16]; the channels
        that are left over one by one. Zeros follow where the kernel reads behind the last weight.
    """
    channels, n = w.shape
    whole = channels - channels % block
    vectors = n - n % LANES
    parts = [np.zeros(0, np.int8)]
    for k in range(0, whole, block):
        rows = w[k : k + block]
        parts += [rows[:, at : at + LANES] for at in range(0, vectors, LANES)]
        parts.append(rows[:, vectors:])
    parts.append(w[whole:])
    behind = LANES - n % LANES if n % LANES and whole else 0
    parts.append(np.zeros(max(0, behind - (channels - whole) * n), np.int8))
    return np.concatenate([part.ravel() for part in parts]).astype(np.int8)


def as_words(values: Array) -> Array:
    """int8 values, a multiple of four, as the int32 words that hold them."""
    return np.frombuffer(values.astype("<i1").tobytes(), "<i4").astype(np.int32)
