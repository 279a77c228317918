"""Attention of ONNX from operator set 23 on, as the products that it is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx import elementwise, linear, norm, shape
from edgeprune.frontends.from_onnx import mask as masks
from edgeprune.frontends.from_onnx.moments import acting, step
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.ir import Array
from edgeprune.ir.types import MASKED

MASKED_SCORES = 2
"""qk_matmul_output_mode of the scores in front of their softmax."""


def attention(r: Reader, call: Call) -> Sequence[Value]:
    """Attention: softmax(q k' scale + mask) v by head; keys and values; scores.

    Operands: q, k, v as (n, heads, rows, width) or (n, rows, heads * width); a mask; keys and
    values of earlier calls, which come in front. Some keys may be shared by several queries' heads.
    """
    if call.optional(6) is not None:
        raise call.unsupported("has keys that do not count", "give a constant mask")
    cap, mode = call.attr("softcap", 0.0), call.attr("qk_matmul_output_mode", 0)
    if cap < 0:
        raise call.error(f"attribute 'softcap' is {cap:g}, not 0 or more")
    if mode not in range(4):
        raise call.error(f"attribute 'qk_matmul_output_mode' is {mode}, not 0 to 3")
    joined = len(call.operand(0).shape) == 3
    names = ("q_num_heads", "kv_num_heads", "kv_num_heads")
    q, k, v = (_heads(r, call, i, name) if joined else call.act(i) for i, name in enumerate(names))
    k, v = (_after(r, call, 4 + i, x) for i, x in enumerate((k, v)))
    present, past = (k, v), k.shape[2] - call.operand(1).shape[-2]
    k, v = (_shared(r, call, i, x, q.shape[1]) for i, x in enumerate((k, v)))
    scores = _scores(r, call, q, k)
    if cap:
        scores = _capped(r, call, scores, cap)
    seen, given = scores, call.optional(3)
    if isinstance(given, Act):
        if given.shape[-1] != k.shape[2]:
            raise call.unsupported("has a computed mask of some keys only", "give one of all")
        scores, given = masks.less(r, step(call, "mask"), scores, given), None
    mask = _mask(call, given, q.shape[2], k.shape[2], past)
    if mask is not None:
        scores = acting(masks.added(r, call, scores, mask))
    weights = acting(norm.softmax(r, replace(step(call, "softmax", scores), attributes=LAST)))
    y = acting(linear.matmul(r, step(call, "values", weights, v)))
    if joined:
        rows = acting(shape.transpose(r, replace(step(call, "", y), attributes=SWAPPED)))
        y = r.reshape(call, rows, (*rows.shape[:2], rows.shape[2] * rows.shape[3]))
    if len(call.outputs) < 4:
        return [y, *present]
    if mode == MASKED_SCORES and mask is not None:
        raise call.unsupported("gives scores that are minus infinity", "leave that output out")
    by_mode = (seen, seen, scores, weights)
    return [y, *present, by_mode[mode]]


LAST = {"axis": -1}
SWAPPED = {"perm": [0, 2, 1, 3]}


def _heads(r: Reader, call: Call, i: int, name: str) -> Act:
    """An operand (n, rows, heads * width) as (n, heads, rows, width)."""
    x, heads = call.act(i), call.attr(name, 0)
    n, rows, width = x.shape
    if heads < 1 or width % heads:
        raise call.error(f"{width} numbers in {heads} heads")
    split = r.reshape(call, x, (n, rows, heads, width // heads))
    return acting(shape.transpose(r, replace(step(call, f"in{i}", split), attributes=SWAPPED)))


def _after(r: Reader, call: Call, i: int, x: Act) -> Act:
    """Keys or values behind those of earlier calls."""
    past = call.optional(i)
    if past is None:
        return x
    joined = replace(step(call, f"joined{i}", past, x), attributes={"axis": 2})
    return acting(shape.concat(r, joined))


def _shared(r: Reader, call: Call, i: int, x: Act, heads: int) -> Act:
    """Each head of keys or values as often as heads of queries read it."""
    own = x.shape[1]
    if heads % own:
        raise call.error(f"{heads} heads of queries share {own} of keys")
    at = [h // (heads // own) for h in range(heads)]
    return x if own == heads else shape.pick(r, call, x, 1, at, role=f"shared{i}")


def _scores(r: Reader, call: Call, q: Act, k: Act) -> Act:
    turned = acting(
        shape.transpose(r, replace(step(call, "keys", k), attributes={"perm": [0, 1, 3, 2]}))
    )
    made = linear.matmul(r, step(call, "scores", q, turned))
    scale = call.attr("scale", 1 / math.sqrt(q.shape[3]))
    factor = Known(np.asarray(scale, np.float32))
    return acting(elementwise.mul(r, step(call, "scaled", made, factor)))


def _capped(r: Reader, call: Call, x: Act, cap: float) -> Act:
    """Scores that tend to a number at most: cap tanh(x / cap)."""
    down, up = (Known(np.asarray(n, np.float32)) for n in (1 / cap, cap))
    small = elementwise.mul(r, step(call, "down", x, down))
    bent = elementwise.tanh(r, step(call, "tanh", small))
    return acting(elementwise.mul(r, step(call, "up", bent, up)))


def _mask(call: Call, given: Known | None, queries: int, keys: int, past: int) -> Known | None:
    """Which scores count, or what is added to them; None: all count."""
    ahead = np.arange(keys)[None] - np.arange(queries)[:, None] - past
    left, right = (call.attr(f"{side}_window_size", -1) for side in ("left", "right"))
    mask: Array = np.ones_like(ahead, np.bool_)
    if call.attr("is_causal", 0):
        mask &= ahead <= 0
    if left >= 0:
        mask &= ahead >= -left
    if right >= 0:
        mask &= ahead <= right
    if given is None and mask.all():
        return None
    if given is not None:
        held = given.array.shape
        if not held or held[-2:-1] not in ((), (1,), (queries,)) or held[-1] > keys:
            raise call.error(f"{queries} queries of {keys} keys, but its mask is {list(held)}")
        missing = [(0, 0)] * (given.array.ndim - 1) + [(0, keys - given.array.shape[-1])]
        own = given.array.dtype == np.bool_
        padded = np.pad(given.array, missing, constant_values=False if own else MASKED)
        mask = mask & padded if own else np.where(mask, padded, MASKED).astype(np.float32)
    if not (mask if mask.dtype == np.bool_ else mask > MASKED).any(axis=-1).all():
        raise call.unsupported("leaves a query without keys", "mask what reads its result")
    return Known(mask)
