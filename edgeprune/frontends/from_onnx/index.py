"""Which elements are the largest: what the model's user finds in the scores himself.

ArgMax and TopK end a network; what follows them (casts, a table of labels) computes nothing with
numbers. The scores that they read become the output instead, unless they are one already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Index

KEPT = frozenset(
    "ArrayFeatureExtractor Cast Flatten Identity Reshape Squeeze Unsqueeze "
    "_to_copy alias clone contiguous reshape squeeze to unsqueeze view".split()
)
"""Operators, of ONNX and ATen, behind which an index is still that index, or names the class."""

MOVES = frozenset(
    "Cast Concat Expand Flatten Gather Identity Reshape Slice Split Squeeze Transpose Unsqueeze "
    "_to_copy alias cat clone contiguous embedding expand flatten index permute reshape select "
    "slice split squeeze to transpose unbind unsqueeze view".split()
)
"""Operators, of ONNX and ATen, that numbers of rows may go into: they move or look up."""

NUMBERS_HINT = "whole numbers choose rows of a table; give others as float32"

HINT = "end the model at the scores; their largest is found in your own code"


def refusal(kind: str, operands: Iterable[object]) -> str:
    """Why an operator cannot have its operands; "" where it can."""
    counted = any(isinstance(v, Act) and v.type.is_index for v in operands)
    return "computes with whole numbers" if counted and kind not in MOVES else ""


def arg_max(r: Reader, call: Call) -> Index:
    """ArgMax over one axis."""
    return _found(call, "largest")


def arg_min(r: Reader, call: Call) -> Index:
    """ArgMin over one axis."""
    return _found(call, "smallest")


def _found(call: Call, which: str) -> Index:
    x = call.act(0)
    axis = call.axis(call.attr("axis", 0), len(x.shape))
    return Index(x, f"is the index of the {which} of {list(x.shape)} along axis {axis}")


def top_k(r: Reader, call: Call) -> Sequence[Index]:
    """TopK over one axis: the elements, and where they are."""
    count = int(call.need(1).ravel()[0]) if call.opset >= 10 else call.attr("k", 1)
    which = "largest" if call.attr("largest", 1) else "smallest"
    x = call.act(0)
    axis = call.axis(call.attr("axis", -1), len(x.shape))
    if not 0 < count <= x.shape[axis]:
        raise call.error(f"wants {count} of {x.shape[axis]} elements")
    of = f"the {count} {which} of {list(x.shape)} along axis {axis}"
    return [Index(x, f"is {of}"), Index(x, f"is where {of} are")]
