"""Computes what does not depend on the inputs, with bounds on what that may cost."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import helper

from edgeprune.frontends.from_onnx.reader import Call
from edgeprune.frontends.from_onnx.value import Known
from edgeprune.ir import Array

MAX_BYTES = 64 << 20

ELEMENTWISE = frozenset(
    "Abs Add And Cast CastLike Ceil Clip Cos Div Equal Erf Exp Floor Greater GreaterOrEqual Less "
    "LessOrEqual Log Max Min Mod Mul Neg Not Or Pow Reciprocal Relu Round Sigmoid Sign Sin Softmax "
    "Sqrt Sub Sum Tanh Where Xor".split()
)
MOVES = frozenset(
    "Concat Flatten Gather GatherElements Identity Reshape Slice Split Squeeze Transpose "
    "Unsqueeze".split()
)
REDUCES = frozenset(
    "ArgMax ArgMin ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
    "ReduceSumSquare".split()
)
GROWS = frozenset("ConstantOfShape Expand MatMul Pad Range Tile".split())
FOLDABLE = ELEMENTWISE | MOVES | REDUCES | GROWS | {"Constant", "Size", "Shape"}


def _elements(kind: str, x: list[Array | None]) -> float:
    """An upper bound of the number of elements that an operator makes."""
    arrays = [a for a in x if a is not None]
    if kind in ELEMENTWISE:
        return float(np.prod(np.broadcast_shapes(*(a.shape for a in arrays)), dtype=np.float64))
    if kind in ("ConstantOfShape", "Expand"):
        shape = arrays[-1].ravel()
        grown = float(np.prod(np.maximum(shape, 1).astype(np.float64)))
        return grown * (arrays[0].size if kind == "Expand" else 1)
    if kind == "Tile":
        return arrays[0].size * float(np.prod(arrays[1].astype(np.float64)))
    if kind == "Range":
        start, stop, step = (float(a.ravel()[0]) for a in arrays[:3])
        return abs(stop - start) / abs(step) if step else math.inf
    if kind == "Pad":
        pads = np.abs(arrays[1].astype(np.float64)).ravel() if len(arrays) > 1 else np.zeros(1)
        return float(np.prod(np.asarray(arrays[0].shape) + pads.sum() + 1.0))
    if kind == "MatMul":
        a, b = arrays[0], arrays[1]
        return float(a.size) * float(b.size) / max(min(a.shape[-1:] + b.shape[-1:], default=1), 1)
    if kind == "Gather":
        return float(arrays[0].size) * max(arrays[1].size, 1)
    return float(sum(a.size for a in arrays))


def fold(call: Call) -> list[Array]:
    """The results of one ONNX node on constants.

    Raises:
        EdgePruneError: it cannot be computed, or its result would be too large.
    """
    x = [o.array if isinstance(o, Known) else None for o in call.inputs]
    try:
        size = 8 * _elements(call.kind, x)
    except (ValueError, IndexError, ZeroDivisionError):
        raise call.error(
            f"cannot be computed from constants {[None if a is None else list(a.shape) for a in x]}"
        ) from None
    if not size <= MAX_BYTES:
        raise call.error(f"makes a constant of about {size:.3g} bytes")
    names = ["" if a is None else f"x{i}" for i, a in enumerate(x)]
    outputs = [f"y{i}" for i in range(len(call.outputs))]
    feeds = {n: a for n, a in zip(names, x, strict=True) if a is not None}
    try:
        node = helper.make_node(call.kind, names, outputs, **call.attributes)
        return _evaluate(node, feeds, call.opset)
    except Exception as e:  # noqa: BLE001  the evaluator raises whatever numpy raises
        raise call.error(f"cannot be computed from constants: {str(e)[:200]}") from None


def _evaluate(node: onnx.NodeProto, feeds: dict[str, Array], opset: int) -> list[Array]:
    from onnx.reference import ReferenceEvaluator

    inputs = [
        helper.make_tensor_value_info(
            n, helper.np_dtype_to_tensor_dtype(a.dtype), [int(s) for s in a.shape]
        )
        for n, a in feeds.items()
    ]
    outputs = [onnx.ValueInfoProto(name=n) for n in node.output]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    with np.errstate(all="ignore"):
        return [np.asarray(y) for y in ReferenceEvaluator(model).run(None, feeds)]
