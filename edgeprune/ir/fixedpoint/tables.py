"""Unary functions as tables, as LiteRT's reference kernels do: 256 results, of int16 513.

Most of them LiteRT itself evaluates in float32 with the C library's functions, once per table;
hard swish, leaky ReLU and the clamps it computes in fixed point. Add a function of the first kind
to ``_FLOAT_FUNCTIONS``, one of the second to ``_INTEGER_FUNCTIONS``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Callable
from functools import cache, lru_cache, partial

import numpy as np

from edgeprune.ir.fixedpoint.arith import clamp, leaky_relu, ratio
from edgeprune.ir.fixedpoint.rounding import (
    QMAX,
    QMIN,
    Int64s,
    Ints,
    divide_by_pot,
    quantize_multiplier,
    requantize,
    rescale,
    saturate,
)
from edgeprune.ir.fixedpoint.wide import HIGH, LOW, interpolated_table
from edgeprune.ir.types import QuantParams

EVERY = np.arange(QMIN, QMAX + 1).astype(np.int8)
"""Every int8, in the order of the tables: entry i is the result for input i - 128."""

F32 = np.float32
TABLES = 256
"""Of those made last that are kept: a batch of samples asks for the same ones as the last."""


@lru_cache(maxsize=TABLES)
def table_s8(kind: str, x: QuantParams, y: QuantParams, **attrs: float) -> Ints:
    """The results of a unary function for the inputs -128 ... 127; not to be written to.

    Args:
        kind: a key of ``_INTEGER_FUNCTIONS`` or ``_FLOAT_FUNCTIONS``.
        x: quantisation of the input.
        y: quantisation of the result.
        attrs: ``alpha`` for "leaky_relu" and "elu", ``approximate`` (0 or 1) for "gelu", ``low``
            and ``high`` for "clamp".
    """
    if kind in _INTEGER_FUNCTIONS:
        table = _INTEGER_FUNCTIONS[kind](x, y, **attrs)
    else:
        table = _populate(_FLOAT_FUNCTIONS[kind](**attrs), x, y)
    table.flags.writeable = False
    return table


@lru_cache(maxsize=TABLES)
def table_s16(kind: str, x: QuantParams, y: QuantParams, **attrs: float) -> Int64s | None:
    """The results that LiteRT goes straight between in int16, for every 128th input and 32768.

    None where LiteRT's are of no use: a result is infinite, or two differ by more than an int16
    holds.

    Args:
        kind: a key of ``_WIDE_FUNCTIONS``.
        x: quantisation of the input.
        y: quantisation of the result.
        attrs: ``approximate`` (0 or 1) for "gelu".
    """
    xs, ys = F32(x.scale[0]), F32(y.scale[0])
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = ys * F32(LOW), ys * F32(HIGH)
        function = _WIDE_FUNCTIONS[kind](low, high, **attrs)
        table = interpolated_table(function, xs * F32(LOW), xs * F32(HIGH), high - low)
    if table is None or np.abs(np.diff(table)).max() > HIGH:
        return None
    if kind == "rsqrt":  # LiteRT takes no number below 0, which a clamp in front makes 0
        table[: len(table) // 2] = table[len(table) // 2]
    table.flags.writeable = False
    return table


def tabulate(function: Callable[[float], float], x: QuantParams, y: QuantParams) -> Ints:
    """The results of a function for the inputs -128 ... 127, rounded once, half away from zero.

    Args:
        function: in double precision; an infinite result is the end of the range.
        x: quantisation of the input.
        y: quantisation of the result.
    """
    (xs, xz), (ys, yz) = x.scalar, y.scalar
    real = np.array([function(xs * (q - xz)) for q in range(QMIN, QMAX + 1)]) / ys
    rounded = np.copysign(np.floor(np.abs(real) + 0.5), real) + yz
    table: Ints = np.clip(rounded, QMIN, QMAX).astype(np.int8)
    return table


def _populate(function: Callable[[np.float32], np.float32], x: QuantParams, y: QuantParams) -> Ints:
    """LiteRT's LUTPopulate: dequantise, apply, times 1 / scale, round half away; all float32."""
    inverse = F32(1) / F32(y.scale[0])
    zero_in, zero_out = x.zero_point[0], y.zero_point[0]
    results = []
    with np.errstate(over="ignore"):
        for q in range(QMIN, QMAX + 1):
            value = function(F32(x.scale[0]) * F32(q - zero_in)) * inverse
            if math.isinf(value):
                results.append(QMIN if value < 0 else QMAX)
                continue
            rounded = F32(math.copysign(math.floor(abs(float(value)) + 0.5), value))
            results.append(min(max(int(rounded + F32(zero_out)), QMIN), QMAX))
    return np.array(results, np.int8)


@cache
def _libm(name: str) -> Callable[[float], float]:
    """A float function of the C library, which is what LiteRT calls; else the double one."""
    path = ctypes.util.find_library("m")
    found = getattr(ctypes.CDLL(path), name + "f", None) if path else None
    if found is None:
        double: Callable[[float], float] = getattr(math, name)
        return double
    found.restype, found.argtypes = ctypes.c_float, [ctypes.c_float]
    return found  # type: ignore[no-any-return]


def _call(name: str, v: np.float32) -> np.float32:
    try:
        return F32(_libm(name)(float(v)))
    except OverflowError:  # the double fall-back raises where C returns infinity
        return F32(math.inf)


def _logistic() -> Callable[[np.float32], np.float32]:
    return lambda v: F32(1) / (F32(1) + _call("exp", -v))


def _tanh() -> Callable[[np.float32], np.float32]:
    return lambda v: _call("tanh", v)


def _elu(alpha: float = 1.0) -> Callable[[np.float32], np.float32]:
    return lambda v: F32(alpha) * _call("expm1", v) if v < 0 else v


def _gelu(approximate: float = 0) -> Callable[[np.float32], np.float32]:
    if approximate:
        c, k = F32(math.sqrt(2 / math.pi)), F32(0.044715)
        return lambda v: F32(0.5) * v * (F32(1) + _call("tanh", c * (v + k * v * v * v)))
    half = F32(-math.sqrt(0.5))
    return lambda v: F32(0.5) * v * _call("erfc", v * half)


def _log() -> Callable[[np.float32], np.float32]:
    return lambda v: _call("log", v) if v > 0 else F32(-math.inf)


def _exp() -> Callable[[np.float32], np.float32]:
    return lambda v: _call("exp", v)


_FLOAT_FUNCTIONS: dict[str, Callable[..., Callable[[np.float32], np.float32]]] = {
    "logistic": _logistic,
    "tanh": _tanh,
    "elu": _elu,
    "gelu": _gelu,
    "exp": _exp,
    "log": _log,
}


def _log_s16(low: np.float32, high: np.float32) -> Callable[[np.float32], np.float32]:
    log = _log()
    return lambda v: log(v) if v > 0 else low


def _rsqrt_s16(low: np.float32, high: np.float32) -> Callable[[np.float32], np.float32]:
    return lambda v: F32(1) / np.sqrt(v) if v > 0 else high


_WIDE_FUNCTIONS: dict[str, Callable[..., Callable[[np.float32], np.float32]]] = {
    "exp": lambda low, high: _exp(),
    "gelu": lambda low, high, approximate=0.0: _gelu(approximate),
    "log": _log_s16,
    "rsqrt": _rsqrt_s16,
}
"""By the lowest and the highest result that can be said, and the attributes."""


def _abs(x: QuantParams, y: QuantParams) -> Ints:
    moved = (
        rescale(np.abs(EVERY.astype(np.int64) - x.zero_point[0]), *ratio(x, y)) + y.zero_point[0]
    )
    return saturate(moved, np.int8)


def _hard_swish(x: QuantParams, y: QuantParams) -> Ints:
    """Values of x * relu6(x + 3) / 6 in 16-bit fixed point (LiteRT's reference hard_swish.h)."""
    fine = F32(1 / 128) * F32(x.scale[0])
    out_mult, out_shift = _int16_multiplier(fine / F32(y.scale[0]))
    relu_mult, relu_shift = _int16_multiplier(fine / (F32(3) / F32(32768)))
    value = _wrap16((EVERY.astype(np.int64) - x.zero_point[0]) << 7)
    on_output = _high_mul16(value, out_mult)
    gate = value
    if relu_shift > 0:
        gate = _clip16(gate << (relu_shift - 1))
    gate = _high_mul16(gate, relu_mult)
    if relu_shift > 0:
        gate = _clip16(gate << 1)
    if relu_shift < 0:
        gate = divide_by_pot(gate, -relu_shift)
    gate = (gate + (1 << 15)) >> 1
    product = gate * on_output
    product = np.sign(product) * (np.abs(product) >> 15)
    return saturate(divide_by_pot(product, -out_shift) + y.zero_point[0], np.int8)


def _int16_multiplier(real: np.float32) -> tuple[int, int]:
    mult, shift = quantize_multiplier(float(real))
    rounding = 1 << 15
    return (2**15 - 1 if mult >= 2**31 - 1 - rounding else (mult + rounding) >> 16), shift


def _high_mul16(a: Int64s, b: int) -> Int64s:
    return np.asarray(np.minimum((a * b + (1 << 14)) >> 15, 2**15 - 1))


def _clip16(a: Int64s) -> Int64s:
    return np.asarray(np.clip(a, -(2**15), 2**15 - 1))


def _wrap16(a: Int64s) -> Int64s:
    return a.astype(np.int16).astype(np.int64)


_INTEGER_FUNCTIONS: dict[str, Callable[..., Ints]] = {
    "abs": _abs,
    "clamp": partial(clamp, EVERY),
    "leaky_relu": partial(leaky_relu, EVERY),
    "hard_swish": _hard_swish,
    "requantize": partial(requantize, EVERY),
}
