"""Plain records in which an operator says how a format spells it. No format library is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from edgeprune.ir.types import Array, DType

Version = tuple[int, str]
"""A TFLite operator's version, and the first TensorFlow release whose runtime has it."""


@dataclass(frozen=True)
class Form:
    """How a format stores a constant: axes permuted, then new axes of length 1 inserted.

    Attributes:
        perm: stored = constant.transpose(perm); None: as it is.
        new_axes: positions, in the result, of axes of length 1 (as in ``np.expand_dims``).
    """

    perm: tuple[int, ...] | None = None
    new_axes: tuple[int, ...] = ()

    def apply(self, a: Array) -> Array:
        """The constant as it is stored."""
        return np.expand_dims(a if self.perm is None else a.transpose(self.perm), self.new_axes)

    def axis(self, axis: int, rank: int) -> int:
        """Where an axis of a constant of that rank ends up."""
        marks = np.zeros([2 if i == axis else 1 for i in range(rank)])
        return int(np.argmax(self.apply(marks).shape))


@dataclass(frozen=True)
class TfliteOp:
    """One TFLite operator, or several in a row.

    Attributes:
        name: BuiltinOperator name, e.g. "CONV_2D".
        options: fields of its options table by their names in the schema; enums by name.
        options_type: name of the options table, e.g. "Conv2DOptions"; "" for none.
        forms: by input position, how a constant operand is stored.
        extra_inputs: constant operands that the IR holds as attributes (shapes, paddings);
            appended after the node's own inputs. One of the result's integer type has the
            result's quantisation.
        order: where TFLite wants them otherwise: positions of inputs and extra inputs.
        operands: which of the node's inputs it takes; None: all, and none of what is applied next.
        versions: by the element type of the first computed operand, where the emitter has no row.
        then: what is applied to the result: it takes that, its operands and its extra inputs.
        gives: with ``then``, the element type of what is handed on, which has no scale; None: the
            type and the scale of the first operand.
    """

    name: str
    options_type: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    forms: Mapping[int, Form] = field(default_factory=dict)
    extra_inputs: tuple[Array, ...] = ()
    order: tuple[int, ...] = ()
    operands: tuple[int, ...] | None = None
    versions: Mapping[DType, Version] = field(default_factory=dict)
    then: TfliteOp | None = None
    gives: DType | None = DType.INT32


Layout = Literal["any", "last", "first"]


@dataclass(frozen=True)
class OnnxNode:
    """One ONNX operator, or several in a row.

    Attributes:
        op_type: ONNX operator name.
        attributes: its attributes.
        layout: "first": image operands (h, w, c) are fed as NCHW and NCHW comes back;
            "last": operands and result have the IR's own axis order, batch in front;
            "any": any order of axes, as long as all operands agree.
        forms: by input position, how a constant operand is stored.
        extra_inputs: constant operands that the IR holds as attributes; appended. A None is an
            optional operand that is left out.
        axes: for "any": attributes (by name) and extra inputs (by position) that number axes,
            batch counted, in the IR's order.
        operands: which of the node's inputs it takes; None: all.
        then: what is applied to the result: it takes that, then its own ``operands`` (None: none).
        opset: the operator set that it needs.
        orders: by input position, the IR axes in the order in which an operand is taken, where it
            is not that of the others.
    """

    op_type: str
    attributes: Mapping[str, object] = field(default_factory=dict)
    layout: Layout = "any"
    forms: Mapping[int, Form] = field(default_factory=dict)
    extra_inputs: tuple[Array | None, ...] = ()
    axes: tuple[str | int, ...] = ()
    operands: tuple[int, ...] | None = None
    then: OnnxNode | None = None
    opset: int = 18
    orders: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
