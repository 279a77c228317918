"""Normalisation by moments of the value itself: layer, root mean square, instance, group norm.

None has a kernel of its own: each is means, products and a reciprocal root, which every format
says and every type computes alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.frontends.from_onnx import elementwise, linear, reduce
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.ops import Maximum
from edgeprune.ops.function import Abs, Exp, Log, Rsqrt

Axes = tuple[int, ...]
TINY = 1e-12
"""The least length that something is divided by."""


def step(call: Call, role: str, *operands: Value, opset: int | None = None) -> Call:
    """A part of a call, with its own name; ``opset``: by whose rules, where not by the call's."""
    name = f"{call.name}/{role}" if role else call.name
    return replace(call, name=name, inputs=operands, attributes={}, opset=opset or call.opset)


def acting(value: Value) -> Act:
    """A value that is no constant."""
    assert isinstance(value, Act)
    return value


@dataclass(frozen=True)
class Moments:
    """A value by its own mean and variance.

    Attributes:
        scaled: (x - mean) / sqrt(variance + epsilon).
        mean: over the axes, which stay with length 1; None: it was not taken off.
        root: 1 / sqrt(variance + epsilon).
    """

    scaled: Act
    mean: Act | None
    root: Act


def normalised(
    r: Reader, call: Call, x: Act, axes: Axes, epsilon: float, *, centred: bool = True
) -> Moments:
    """A value normalised over some axes, batch not counted.

    Without ``centred`` the mean stays, and the mean square takes the variance's place.
    """
    x, mean = r.plain(call, x), None
    if centred:
        mean = reduce.mean(r, step(call, "mean"), x, axes)
        x = acting(elementwise.sub(r, step(call, "centred", x, mean)))
    square = acting(elementwise.mul(r, step(call, "square", x, x)))
    variance = reduce.mean(r, step(call, "variance"), square, axes)
    small = Known(np.asarray(epsilon, np.float32))
    shifted = acting(elementwise.add(r, step(call, "epsilon", variance, small)))
    root = r.like(shifted, r.emit(call, Rsqrt(), shifted, role="root"))
    return Moments(acting(elementwise.mul(r, step(call, "scaled", x, root))), mean, root)


def _affine(r: Reader, call: Call, y: Act, scale: Value | None, bias: Value | None) -> Act:
    """A factor and a sum; nothing where they change nothing."""
    if scale is not None and not (isinstance(scale, Known) and (scale.array == 1).all()):
        y = acting(elementwise.mul(r, step(call, "scale", y, scale)))
    if bias is not None and not (isinstance(bias, Known) and not bias.array.any()):
        y = acting(elementwise.add(r, step(call, "bias", y, bias)))
    return y


def _behind(r: Reader, call: Call, *, centred: bool) -> Sequence[Value]:
    """Over one axis and all behind it; mean and root are results too."""
    x = call.act(0)
    rank = len(x.shape)
    first = call.axis(call.attr("axis", -1), rank)
    if x.batch is None or first == 0:
        x = r.unbatched(call, x)
    skip = 0 if x.batch is None else 1
    axes = tuple(a - skip for a in range(first, rank))
    made = normalised(r, call, x, axes, call.attr("epsilon", 1e-5), centred=centred)
    y = _affine(r, call, made.scaled, call.optional(1), call.optional(2))
    return [y, made.mean or made.root, made.root]


def layer_normalization(r: Reader, call: Call) -> Sequence[Value]:
    """LayerNormalization."""
    return _behind(r, call, centred=True)


def rms_normalization(r: Reader, call: Call) -> Sequence[Value]:
    """RMSNormalization."""
    return _behind(r, call, centred=False)


def _per_channel(r: Reader, call: Call, value: Value, rank: int) -> Value:
    """One number a channel, beside values (channels, ...)."""
    shape = (value.shape[0], *[1] * (rank - 1))
    if isinstance(value, Known):
        return Known(value.array.reshape(shape))
    return r.reshape(call, r.unbatched(call, value), (1, *shape))


def instance_normalization(r: Reader, call: Call) -> Value:
    """InstanceNormalization: over all positions of a channel."""
    x = r.batched(call, call.act(0))
    rank = len(x.perm)
    y = normalised(r, call, x, tuple(range(1, rank)), call.attr("epsilon", 1e-5)).scaled
    return _affine(r, call, y, *(_per_channel(r, call, call.operand(i), rank) for i in (1, 2)))


def group_normalization(r: Reader, call: Call) -> Value:
    """GroupNormalization: over all positions of some channels; before 21 one factor a group."""
    x = r.batched(call, call.act(0))
    groups, channels, rank = call.attr("num_groups", 1), x.sample[0], len(x.perm)
    if groups < 1 or channels % groups:
        raise call.error(f"{channels} channels in {groups} groups")
    size = channels // groups
    split = r.reshaped(call, x, (groups, size, *x.sample[1:]))
    made = normalised(r, call, split, tuple(range(1, rank + 1)), call.attr("epsilon", 1e-5))
    y = r.reshaped(call, made.scaled, x.sample)
    given = [call.operand(i) for i in (1, 2)]
    if call.opset < 21 and call.kind == "GroupNormalization":
        given = [Known(np.repeat(call.need(i), size)) for i in (1, 2)]
    if any(c.shape != (channels,) for c in given):
        raise call.error(f"{channels} channels, but factors {[list(c.shape) for c in given]}")
    return _affine(r, call, y, *(_per_channel(r, call, c, rank) for c in given))


def reduce_l2(r: Reader, call: Call) -> Value:
    """ReduceL2: the root of a sum of squares."""
    made = acting(reduce_sum_square(r, replace(call, name=f"{call.name}/squares")))
    return elementwise.sqrt(r, step(call, "", made))


def reduce_l1(r: Reader, call: Call) -> Value:
    """ReduceL1: a sum of magnitudes."""
    x = call.act(0)
    magnitude = r.like(x, r.emit(call, Abs(), x, role="magnitude"))
    return reduce.reduce_sum(r, replace(call, inputs=(magnitude, *call.inputs[1:])))


def reduce_log_sum(r: Reader, call: Call) -> Value:
    """ReduceLogSum."""
    made = acting(reduce.reduce_sum(r, replace(call, name=f"{call.name}/sum")))
    return r.like(made, r.emit(call, Log(), made))


def lp_normalization(r: Reader, call: Call) -> Value:
    """LpNormalization: by the length, or the sum of magnitudes, along an axis."""
    over = {1: reduce_l1, 2: reduce_l2}.get(call.attr("p", 2))
    if over is None:
        raise call.error(f"attribute 'p' is {call.attr('p', 2)}, not 1 or 2")
    axis = Known(np.asarray([call.attr("axis", -1)]))
    length = over(r, step(call, "length", call.act(0), axis, opset=18))
    least = elementwise.extreme(Maximum())
    kept = least(r, step(call, "least", length, Known(np.asarray(TINY, np.float32))))
    return elementwise.div(r, step(call, "", call.act(0), kept))


def local_response(r: Reader, call: Call) -> Value:
    """LRN: by the mean square of neighbouring channels, a sum of products with a band of ones."""
    x = r.batched(call, call.act(0))
    size, channels = call.attr("size", 1), x.sample[0]
    if size < 1:
        raise call.error(f"attribute 'size' is {size}, not 1 or more")
    before = (size - 1) // 2
    apart = np.arange(channels)[None] - np.arange(channels)[:, None]
    band = ((apart >= -before) & (apart <= size - 1 - before)).astype(np.float32)
    square = elementwise.mul(r, step(call, "square", x, x))
    flat = r.reshape(call, acting(square), (x.batch or 1, channels, -(-x.type.size // channels)))
    factor = Known(band * call.attr("alpha", 1e-4) / size)
    near = acting(linear.matmul(r, step(call, "near", factor, flat)))
    bias = Known(np.asarray(call.attr("bias", 1.0), np.float32))
    shifted = elementwise.add(r, step(call, "bias", r.reshape(call, near, x.shape), bias))
    return elementwise.mul(r, step(call, "", x, _response(r, call, acting(shifted))))


def _response(r: Reader, call: Call, base: Act) -> Value:
    """The power of LRN: by roots and products where there are few, else by a logarithm."""
    exponent = -call.attr("beta", 0.75)
    if exponent and (4 * exponent) % 1 == 0 and abs(exponent) <= elementwise.MAX_POWER:
        power = Known(np.asarray(exponent, np.float32))
        return elementwise.power(r, step(call, "power", base, power))
    if call.attr("bias", 1.0) <= 0 or call.attr("alpha", 1e-4) < 0:
        raise call.unsupported(f"takes the power {exponent:g} of what may be negative")
    logarithm = r.like(base, r.emit(call, Log(), base, role="logarithm"))
    factor = Known(np.asarray(exponent, np.float32))
    scaled = acting(elementwise.mul(r, step(call, "exponent", logarithm, factor)))
    return r.like(scaled, r.emit(call, Exp(), scaled, role="power"))


def reduce_sum_square(r: Reader, call: Call) -> Value:
    """ReduceSumSquare."""
    x = call.act(0)
    square = elementwise.mul(r, step(call, "square", x, x))
    return reduce.reduce_sum(r, replace(call, inputs=(square, *call.inputs[1:])))


def reduce_log_sum_exp(r: Reader, call: Call) -> Value:
    """ReduceLogSumExp: the largest, and the logarithm of the sum of what exp makes of the rest."""
    x = call.act(0)
    kept = {**call.attributes, "keepdims": 1}
    top = reduce.reduce_max(r, replace(call, name=f"{call.name}/largest", attributes=kept))
    rest = acting(elementwise.sub(r, step(call, "rest", x, top)))
    powers = r.like(rest, r.emit(call, Exp(), rest, role="powers"))
    total = replace(call, name=f"{call.name}/total", inputs=(powers, *call.inputs[1:]))
    summed = acting(reduce.reduce_sum(r, total))
    logarithm = r.like(summed, r.emit(call, Log(), summed, role="logarithm"))
    flat = r.reshape(call, acting(top), logarithm.shape)
    return elementwise.add(r, step(call, "", logarithm, flat))
