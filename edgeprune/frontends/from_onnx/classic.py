"""ai.onnx.ml: what scikit-learn's scalers and linear models are exported as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx import elementwise, linear, moments, norm, reduce, shape
from edgeprune.frontends.from_onnx.moments import acting, step
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Index, Known, Value
from edgeprune.ir import Array
from edgeprune.ops import Compare, Maximum, Softmax
from edgeprune.ops.function import Abs


def _floats(call: Call, name: str) -> Array:
    """An attribute that is a list of numbers."""
    found = call.attributes.get(name, [])
    if not isinstance(found, list) or not all(isinstance(v, int | float) for v in found):
        raise call.error(f"attribute {name!r} is {str(found)[:80]!r}")
    return np.asarray(found, np.float32)


def scaler(r: Reader, call: Call) -> Value:
    """Scaler: (x - offset) scale."""
    x = call.act(0)
    offset, scale = _floats(call, "offset"), _floats(call, "scale")
    width = x.shape[-1] if x.shape else 1
    if any(v.size not in (1, width) for v in (offset, scale)):
        raise call.error(f"{offset.size} offsets and {scale.size} scales for {width} features")
    y = elementwise.sub(r, step(call, "offset", x, Known(offset)))
    return elementwise.mul(r, step(call, "", y, Known(scale)))


def binarizer(r: Reader, call: Call) -> Value:
    """Binarizer: 1 above a threshold, else 0."""
    x = call.act(0)
    bound = float(np.float32(call.attr("threshold", 0.0)))
    return r.like(x, r.emit(call, Compare(">", bound), x))


def normalizer(r: Reader, call: Call) -> Value:
    """Normalizer: over a row's largest, or the sum or the root of the squares of its sizes."""
    x, kind = call.act(0), call.attr("norm", b"MAX")
    made = {n.output: n.op for n in r.nodes}.get(x.name)
    if kind == b"L1" and isinstance(made, Softmax):
        return x  # its sum is 1
    axis = Known(np.asarray([-1], np.int64))
    if kind == b"L2":
        length = moments.reduce_l2(r, step(call, "length", x, axis, opset=18))
    elif kind == b"L1":
        size = r.like(x, r.emit(call, Abs(), x, role="size"))
        length = reduce.reduce_sum(r, step(call, "length", size, axis, opset=18))
    elif kind == b"MAX":
        length = reduce.reduce_max(r, step(call, "length", x, axis, opset=18))
    else:
        raise call.error(f"its norm is {kind!r}")
    if kind != b"MAX":  # a row of zeros stays one
        least = Known(np.asarray(np.finfo(np.float32).tiny))
        length = elementwise.extreme(Maximum())(r, step(call, "least", length, least))
    return elementwise.div(r, step(call, "", x, length))


def _scores(r: Reader, call: Call, rows: int, *, both: bool = False) -> Act:
    """One weighted sum of the features for each row of coefficients."""
    x, w, b = call.act(0), _floats(call, "coefficients"), _floats(call, "intercepts")
    width = x.shape[-1] if len(x.shape) == 2 else 0
    if rows < 1 or w.size != rows * width or b.size not in (0, rows):
        what = f"{w.size} coefficients and {b.size} intercepts for {rows} x {width}"
        raise call.error(what)
    w, b = w.reshape(rows, width), b if b.size else np.zeros(rows, np.float32)
    if both:  # one score for two classes
        w, b = np.concatenate([-w, w]), np.concatenate([-b, b])
    attributes = {"transB": 1}
    given = (x, Known(w), Known(b))
    gemm = replace(call, name=f"{call.name}/scores", inputs=given, attributes=attributes)
    return acting(linear.gemm(r, gemm))


def linear_regressor(r: Reader, call: Call) -> Value:
    """LinearRegressor."""
    if call.attr("post_transform", b"NONE") != b"NONE":
        raise call.unsupported(f"has post_transform {call.attributes['post_transform']!r}")
    return _scores(r, call, call.attr("targets", 1))


def linear_classifier(r: Reader, call: Call) -> Sequence[Value | Index]:
    """LinearClassifier: the label, and the scores of all classes."""
    labels = call.attributes.get("classlabels_ints") or call.attributes.get("classlabels_strings")
    count = len(labels) if isinstance(labels, list) else 0
    transform = call.attr("post_transform", b"NONE")
    rows = max(_floats(call, "intercepts").size, 1) if count == 2 else count
    both = count == 2 and rows == 1
    scores = _scores(r, call, rows, both=both)
    if transform == b"LOGISTIC":
        made = acting(elementwise.sigmoid(r, step(call, "", scores)))
    elif transform == b"SOFTMAX" and not both:
        made = acting(norm.softmax(r, step(call, "", scores, opset=18)))
    elif transform == b"NONE":
        one = Known(np.asarray([1, 0], np.float32))  # the first of two is what the other leaves
        made = acting(elementwise.add(r, step(call, "", scores, one))) if both else scores
    else:
        raise call.unsupported(f"has post_transform {transform!r}")
    return [Index(made, f"is the class with the largest score, of {labels}"), made]


def array_feature_extractor(r: Reader, call: Call) -> Value:
    """ArrayFeatureExtractor: chosen features."""
    x, at = call.act(0), call.need(1).ravel()
    if not x.shape or not at.size or at.min() < 0 or at.max() >= x.shape[-1]:
        raise call.error(f"picks {at.tolist()[:8]} of {list(x.shape)}")
    return shape.pick(r, call, x, len(x.shape) - 1, [int(i) for i in at])
