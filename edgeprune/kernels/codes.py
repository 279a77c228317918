"""Weights as packed codes: which C function unpacks them, and how they lie in flash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeprune.ir import Array


@dataclass(frozen=True)
class Coding:
    """One width of codes.

    Attributes:
        function: of ``runtime_c/src``, unpacks them.
        kinds: values that the codes can tell apart.
        c_type: element type of the packed array.
        group: codes that the function writes at once, so that what it fills is a multiple.
        pack: codes, a multiple of ``group``, to the packed array.
    """

    function: str
    kinds: int
    c_type: str
    group: int
    pack: Callable[[Array], Array]

    def packed(self, codes: Array) -> Array:
        """Codes of any number, the last group filled up with zeros."""
        return self.pack(np.pad(codes, (0, -len(codes) % self.group)))


def coding_of(kinds: int) -> Coding:
    """The narrowest coding that tells so many values apart, 16 at most."""
    return TERNARY if kinds == TERNARY.kinds else next(c for c in CODINGS if kinds <= c.kinds)


def _in_words(bits: int) -> Callable[[Array], Array]:
    """32 / bits codes a word, the first in the lowest bits."""
    shifts = np.arange(0, 32, bits, dtype=np.uint32)

    def pack(codes: Array) -> Array:
        words = codes.astype(np.uint32).reshape(-1, len(shifts)) << shifts
        packed: Array = np.bitwise_or.reduce(words, axis=1)
        return packed

    return pack


def _in_threes(codes: Array) -> Array:
    """Eight codes of three bits in three bytes, the first in the lowest bits."""
    words = np.bitwise_or.reduce(
        codes.astype(np.uint32).reshape(-1, 8) << np.arange(0, 24, 3, dtype=np.uint32), axis=1
    )
    packed: Array = (words[:, None] >> np.array([0, 8, 16], np.uint32)).astype(np.uint8).ravel()
    return packed


def _in_thirds(codes: Array) -> Array:
    """Five codes of three kinds a byte: the number of five digits to base 3, times 256 / 243."""
    number = codes.astype(np.int64).reshape(-1, 5) @ 3 ** np.arange(4, -1, -1)
    packed: Array = (-(-number * 256 // 243)).astype(np.uint8)
    return packed


TERNARY = Coding("ep_unpack_ternary_s8", 3, "uint8_t", 5, _in_thirds)
CODINGS = (
    Coding("ep_unpack2_s8", 4, "uint32_t", 16, _in_words(2)),
    Coding("ep_unpack3_s8", 8, "uint8_t", 8, _in_threes),
    Coding("ep_unpack4_s8", 16, "uint32_t", 8, _in_words(4)),
)
