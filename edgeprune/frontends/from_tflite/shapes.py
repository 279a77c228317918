"""Shape arithmetic: what converters put beside a free batch. With all sizes fixed it is constant.

SHAPE gives integers, and operators whose operands are such integers are done here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeprune.frontends.from_tflite.file import Operator, option
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import Array

MOST_ELEMENTS = 1 << 10

Compute = Callable[[Operator, list[Array]], Array]


def _pair(function: np.ufunc) -> Compute:
    return lambda _, x: np.asarray(function(x[0], x[1]))


def _joined(op: Operator, x: list[Array]) -> Array:
    return np.concatenate(x, axis=int(option(op, 0, "i")))


def _stacked(op: Operator, x: list[Array]) -> Array:
    return np.stack(x, axis=int(option(op, 1, "i")))


def _product(op: Operator, x: list[Array]) -> Array:
    keeps = op.options is not None and op.options.flag(0)
    return np.asarray(np.prod(x[0], axis=tuple(x[1].ravel().tolist()), keepdims=keeps))


def _picked(op: Operator, x: list[Array]) -> Array:
    return np.take(x[0], x[1], axis=int(option(op, 0, "i")))


COMPUTED: dict[str, Compute] = {
    "ADD": _pair(np.add),
    "CAST": lambda _, x: x[0],
    "CONCATENATION": _joined,
    "DIV": _pair(np.floor_divide),
    "EXPAND_DIMS": lambda _, x: np.expand_dims(x[0], int(x[1].item())),
    "FLOOR_DIV": _pair(np.floor_divide),
    "GATHER": _picked,
    "MAXIMUM": _pair(np.maximum),
    "MINIMUM": _pair(np.minimum),
    "MUL": _pair(np.multiply),
    "PACK": _stacked,
    "REDUCE_PROD": _product,
    "SUB": _pair(np.subtract),
}


def follow(r: Reader, op: Operator) -> bool:
    """Compute an operator on whole numbers that are known; whether it is one."""
    compute = COMPUTED.get(op.name)
    if compute is None or len(op.outputs) != 1 or not op.inputs:
        return False
    operands = [r.constant(op, p) for p in range(len(op.inputs))]
    known = [x for x in operands if x is not None and x.dtype in (np.int32, np.int64)]
    if len(known) != len(operands) or sum(x.size for x in known) > MOST_ELEMENTS:
        return False
    if any(r.operand(op, p).quant is not None for p in range(len(operands))):
        return False
    try:
        with np.errstate(all="ignore"):
            found = compute(op, [x.astype(np.int64) for x in known])
    except (ValueError, IndexError, ZeroDivisionError, OverflowError):
        return False
    r.folded[op.outputs[0]] = found
    return True
