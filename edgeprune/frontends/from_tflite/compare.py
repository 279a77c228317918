"""Comparisons, logic on them, and SELECT: truth is 1, falsehood 0, in real numbers or in int8."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator
from edgeprune.frontends.from_tflite.layers import Read
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import Array, DType, Op, QuantParams, TensorType
from edgeprune.ir import fixedpoint as fp
from edgeprune.ops import Add, Compare, Keep, Maximum, Mul, Sub
from edgeprune.ops.compare import TURNED, Test

HEADROOM = 8
"""Bits by which LiteRT shifts integers to the left before it scales and compares them."""
HINT = "use a float model"
TRUTH = QuantParams.of(1.0)
"""Truth values in int8. Times them and sums of which one part is 0 are exact at any scale."""
INT8 = np.arange(-128, 128)
TESTS: dict[Test, Callable[[Array, Array], Array]] = {
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
    ">=": np.greater_equal,
    ">": np.greater,
}


def comparison(test: Test) -> Read:
    """LESS, EQUAL and so on: of two real values, or of int8 and a number; of constants one."""

    def read(r: Reader, op: Operator) -> None:
        if not any(r.operand(op, i).name in r.known for i in (0, 1)):
            r.folded[op.outputs[0]] = _of_constants(r, op, test)
            return
        a, b = (_number(r, op, i) for i in (0, 1))
        dtypes = {r.operand(op, i).dtype for i in (0, 1)}
        if dtypes == {DType.FLOAT32}:
            _in_real_numbers(r, op, test, a, b)
        elif dtypes != {DType.INT8} or (a is None) == (b is None):
            names = ", ".join(sorted(d.value for d in dtypes))
            what = f"compares two computed values of {names}"
            raise UnsupportedError(r.where(op), what, HINT)
        else:
            made = _of_integers(r, op, test if b is not None else TURNED[test], int(b is not None))
            r.given[r.result(op).name] = TensorType(r.result(op).shape[1:], DType.INT8, TRUTH)
            r.add(op, made, (r.value(op, int(b is None)),))

    return read


def _of_constants(r: Reader, op: Operator, test: Test) -> Array:
    """Truth values of real constants of one shape, or of such and a number."""
    a, b = (r.constant(op, i) for i in (0, 1))
    if a is None or b is None:
        raise EdgePruneError(r.where(op), "compares what nothing computes")
    alike = a.shape == b.shape or 1 in (a.size, b.size)
    if not alike or {a.dtype, b.dtype} != {np.dtype(np.float32)}:
        shapes = " and ".join(f"{c.dtype.name} {list(c.shape)}" for c in (a, b))
        raise UnsupportedError(r.where(op), f"compares constants, {shapes}", "fold it")
    return np.asarray(TESTS[test](a, b))


def _in_real_numbers(r: Reader, op: Operator, test: Test, a: float | None, b: float | None) -> None:
    if b is not None:
        r.add(op, Compare(test, b), (r.value(op, 0),))
    elif a is not None:
        r.add(op, Compare(TURNED[test], a), (r.value(op, 1),))
    else:
        difference = r.between(op, Sub(), (r.value(op, 0), r.value(op, 1)), "difference")
        r.add(op, Compare(test), (difference,))


def _number(r: Reader, op: Operator, position: int) -> float | None:
    """A constant operand of one element."""
    data = r.constant(op, position)
    known = r.operand(op, position).name in r.known
    return None if data is None or known or data.size != 1 else float(data.ravel()[0])


def _of_integers(r: Reader, op: Operator, test: Test, position: int) -> Compare:
    """The test of real numbers that int8 passes where it passes LiteRT's of scaled integers.

    Args:
        r: the reader.
        op: the operator.
        test: of the computed operand against the number.
        position: of the number.
    """
    x, held = r.operand(op, 1 - position).quant, r.operand(op, position).quant
    number = r.constant(op, position)
    if x is None or held is None or number is None:
        raise UnsupportedError(r.where(op), "has an operand without a scale", HINT)
    scaled = []
    for q, quant in ((INT8, x), (number.ravel(), held)):
        scale, zero = quant.scalar
        if scale >= 1:
            raise UnsupportedError(r.where(op), f"compares integers on scale {scale:g}", HINT)
        wide = (q.astype(np.int64) - zero) << HEADROOM
        scaled.append(fp.rescale(wide, *fp.quantize_multiplier(scale)))
    passed = INT8[TESTS[test](*scaled)]
    (scale, zero), ends = x.scalar, (-129, 128)
    if test in ("==", "!="):
        found = passed if test == "==" else np.setdiff1d(INT8, passed)
        if len(found) > 1:
            raise UnsupportedError(r.where(op), f"takes {len(found)} integers for the same", HINT)
        equal = int(found[0]) if len(found) else ends[1]
        return Compare(test, float(np.float32(scale * (equal - zero))))
    if test in (">", ">="):
        edge = (int(passed[0]) if len(passed) else ends[1]) - 0.5
    else:
        edge = (int(passed[-1]) if len(passed) else ends[0]) + 0.5
    return Compare(test, float(np.float32(scale * (edge - zero))))


def logic(make: type[Mul] | type[Maximum]) -> Read:
    """LOGICAL_AND, a product, and LOGICAL_OR, a maximum."""

    def read(r: Reader, op: Operator) -> None:
        computed = [i for i in (0, 1) if r.operand(op, i).name in r.known]
        first = _truth(r, op, computed[0] if computed else 0)
        if len(computed) == 2:
            return _give(r, op, make(), (first, _truth(r, op, 1)))
        data = r.constant(op, 1 - computed[0])
        assert data is not None
        held = _held(r, op, data, r.known[first].dtype, "held")
        return _give(r, op, make(), (held, first))

    return read


def logical_not(r: Reader, op: Operator) -> None:
    """LOGICAL_NOT."""
    made, operands = _negation(r, _truth(r, op, 0), r.result(op).name)
    _give(r, op, made, operands)


def _truth(r: Reader, op: Operator, position: int) -> str:
    """The name of a computed condition."""
    name = r.operand(op, position).name
    if name not in r.known:
        raise UnsupportedError(r.where(op), "has a condition that is constant", "fold it")
    return name


def _give(r: Reader, op: Operator, made: Op, operands: tuple[str, ...]) -> None:
    """The operator's result, which has truth values."""
    dtype = r.known[operands[-1]].dtype
    quant = None if dtype is DType.FLOAT32 else TRUTH
    r.given[r.result(op).name] = TensorType(r.result(op).shape[1:], dtype, quant)
    r.add(op, made, operands)


def _negation(r: Reader, value: str, label: str) -> tuple[Op, tuple[str, ...]]:
    """What makes true of false: the opposite test of the same, or 1 less it."""
    node = next((n for n in reversed(r.nodes) if n.output == value), None)
    if node is not None and isinstance(node.op, Compare):
        return node.op.opposite(), node.inputs
    kind = r.known[value]
    one = TensorType((), kind.dtype, kind.quant)
    return Sub(), (r.add_constant(f"{label}/one", np.ones((), kind.dtype.numpy), one), value)


def select(r: Reader, op: Operator) -> None:
    """SELECT, SELECT_V2: the sum of each value where it is chosen; of integers, of products."""
    dtypes = {r.operand(op, i).dtype for i in (1, 2)} | {r.result(op).dtype}
    condition, other = _condition(r, op)
    types = {**r.known, **r.constant_types}
    if dtypes not in ({DType.FLOAT32}, {DType.INT8}) or {types[condition].dtype} != dtypes:
        names = ", ".join(sorted(d.value for d in dtypes))
        what = f"chooses {names} by {types[condition].dtype.value}"
        raise UnsupportedError(r.where(op), what, HINT)
    if any(r.operand(op, i).quant != r.result(op).quant for i in (1, 2)):
        raise UnsupportedError(r.where(op), "chooses between integers of different scales", HINT)
    sides = [(r.value(op, 1), "then", condition), (r.value(op, 2), "else", other)]
    types = {**r.known, **r.constant_types}
    if dtypes == {DType.INT8}:
        like = r.activation_type(r.result(op))
        products = (r.between(op, Mul(), (v, c), role, like) for v, role, c in sides)
        return r.add(op, Add(), tuple(products))
    whole = r.result(op).shape
    if {condition, *(v for v, _, _ in sides)} <= r.constants.keys():
        held = (np.where(r.constants[c], r.constants[v], np.float32(0)) for v, _, c in sides)
        r.folded[op.outputs[0]] = np.broadcast_to(sum(held), whole).astype(np.float32)
        return None
    zeros = [s for s in sides if not r.constants.get(s[0], np.ones(1)).any()]
    if zeros:
        v, _, c = next((s for s in sides if s not in zeros), sides[0])
        if np.broadcast_shapes(types[v].shape, types[c].shape) == whole[1:]:
            return r.add(op, Keep(), (v, c))
    return r.add(op, Add(), tuple(_kept(r, op, *side) for side in sides))


def _kept(r: Reader, op: Operator, value: str, role: str, condition: str) -> str:
    """A real value where it is chosen, else 0; of constants one."""
    if value in r.constants and condition in r.constants:
        kept = np.where(r.constants[condition], r.constants[value], np.float32(0))
        kind = TensorType(kept.shape, DType.FLOAT32)
        return r.add_constant(f"{r.result(op).name}/{role}", kept.astype(np.float32), kind)
    return r.between(op, Keep(), (value, condition), role, r.activation_type(r.result(op)))


def _condition(r: Reader, op: Operator) -> tuple[str, str]:
    """A condition, and what is true where it is false."""
    label, data = r.result(op).name, r.constant(op, 0)
    if data is None or r.operand(op, 0).name in r.known:
        condition = _truth(r, op, 0)
        made, operands = _negation(r, condition, label)
        return condition, r.between(op, made, operands, "other", r.known[condition])
    dtype = r.result(op).dtype
    return _held(r, op, data, dtype, "chosen"), _held(r, op, np.logical_not(data), dtype, "other")


def _held(r: Reader, op: Operator, data: Array, dtype: DType, role: str) -> str:
    """The name of constant truth values, as the type that they are computed with."""
    if data.ndim == len(r.result(op).shape) and data.shape[:1] == (1,):
        data = data[0]
    kind = TensorType(data.shape, dtype, None if dtype is DType.FLOAT32 else TRUTH)
    return r.add_constant(f"{r.result(op).name}/{role}", np.asarray(data, dtype.numpy), kind)


def sign(r: Reader, op: Operator) -> None:
    """SIGN of real numbers: whether they are above 0, less whether they are below."""
    if r.check_types(op, 0) is not DType.FLOAT32:
        raise UnsupportedError(r.where(op), "is of integers", HINT)
    x = r.value(op, 0)
    above = r.between(op, Compare(">"), (x,), "above")
    r.add(op, Sub(), (above, r.between(op, Compare("<"), (x,), "below")))
