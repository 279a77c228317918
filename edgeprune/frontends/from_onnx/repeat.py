"""What copies elements, and what adds them up on the way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx import linear, shape
from edgeprune.frontends.from_onnx.moments import acting, step
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Known, Value

MAX_REPEATED = 1 << 22
"""Elements of a value that is repeated."""


def tile(r: Reader, call: Call) -> Value:
    """Tile: copies of all along each axis."""
    x, times = call.act(0), [int(k) for k in call.need(1).ravel()]
    if len(times) != len(x.shape) or min(times, default=1) < 1:
        raise call.error(f"repeats {list(x.shape)} {times} times")
    if math.prod(x.shape) * math.prod(times) > MAX_REPEATED:
        raise call.unsupported(f"makes more than {MAX_REPEATED} elements")
    for axis, count in enumerate(times):
        if count > 1:
            indices = Known(np.tile(np.arange(x.shape[axis]), count))
            pick = replace(step(call, f"axis{axis}", x, indices), attributes={"axis": axis})
            x = acting(shape.gather(r, pick))
    return x


def running_sum(r: Reader, call: Call) -> Value:
    """CumSum along one axis: the product with a triangle of ones."""
    x, given = call.act(0), call.need(1)
    if given.size != 1:
        raise call.error(f"adds up along {given.size} axes")
    rank = len(x.shape)
    axis = call.axis(int(given.ravel()[0]), rank)
    ones = np.triu(np.ones((x.shape[axis],) * 2, np.float32), call.attr("exclusive", 0))
    weights = Known(ones.T.copy() if call.attr("reverse", 0) else ones)
    perm = [*(a for a in range(rank) if a != axis), axis]
    turned = shape.transpose(r, replace(step(call, "turned", x), attributes={"perm": perm}))
    sums = linear.matmul(r, step(call, "", turned, weights))
    back = [int(a) for a in np.argsort(perm)]
    return shape.transpose(r, replace(step(call, "back", sums), attributes={"perm": back}))
