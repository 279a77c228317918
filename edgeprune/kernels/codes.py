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
        function: of ``runtime_c/src``, unpacks them, two at a time from a table of pairs.
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


def digits_of(kinds: int) -> int:
    """How many codes of so many kinds a word of 32 bits holds as digits of one number."""
    return max(n for n in range(1, 33) if kinds**n <= 2**32)


def stored_bytes(n: int, kinds: int, *, digits: bool) -> int:
    """Bytes of codes, as digits or else packed, and of their values; above 16 kinds: of int8."""
    if kinds > CODINGS[-1].kinds:
        return n
    if digits:
        return kinds + 4 * -(-n // digits_of(kinds))
    return kinds + int(coding_of(kinds).packed(np.zeros(n, np.uint8)).nbytes)


def in_digits(codes: Array, kinds: int) -> Array:
    """Words that ``ep_dense_codes_s8`` reads: the codes are the first digits of a fraction."""
    digits = digits_of(kinds)
    numbers = np.pad(codes, (0, -len(codes) % digits)).astype(np.uint64).reshape(-1, digits)
    place = np.array([kinds**k for k in range(digits - 1, -1, -1)], np.uint64)
    found = [-(-(int(n) << 32) // kinds**digits) for n in numbers @ place]
    return np.array(found, np.uint32)


def _words(codes: Array, bits: int, width: int) -> Array:
    """Words of ``width`` bits: the first pair in the lowest bits, of a pair the second code."""
    pairs = codes.astype(np.uint32).reshape(-1, 2) @ np.array([1 << bits, 1], np.uint32)
    shifts = np.arange(0, width, 2 * bits, dtype=np.uint32)
    packed: Array = np.bitwise_or.reduce(pairs.reshape(-1, len(shifts)) << shifts, axis=1)
    return packed


def _in_fours(codes: Array) -> Array:
    return _words(codes, 4, 32)


def _in_twos(codes: Array) -> Array:
    return _words(codes, 2, 32)


def _in_threes(codes: Array) -> Array:
    words = _words(codes, 3, 24)
    packed: Array = (words[:, None] >> np.array([0, 8, 16], np.uint32)).astype(np.uint8).ravel()
    return packed


def _in_thirds(codes: Array) -> Array:
    """Five codes of three kinds a byte: the number of five digits to base 3, times 256 / 243."""
    number = codes.astype(np.int64).reshape(-1, 5) @ 3 ** np.arange(4, -1, -1)
    packed: Array = (-(-number * 256 // 243)).astype(np.uint8)
    return packed


TERNARY = Coding("ep_unpack_ternary_s8", 3, "uint8_t", 10, _in_thirds)
CODINGS = (
    Coding("ep_unpack2_s8", 4, "uint32_t", 16, _in_twos),
    Coding("ep_unpack3_s8", 8, "uint8_t", 8, _in_threes),
    Coding("ep_unpack4_s8", 16, "uint32_t", 8, _in_fours),
)
