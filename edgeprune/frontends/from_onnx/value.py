"""How an ONNX value lies in the IR value that holds it.

The IR is channels last and has no batch axis; an ONNX value keeps its own axes. What lies between
them is carried along as an order of axes, so that an ONNX Transpose, and the change from NCHW, cost
no operator: only what needs a certain order in memory makes the reader insert one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprune.ir import Array, QuantParams, TensorType

Shape = tuple[int, ...]
IMAGE = (2, 0, 1)
"""(c, h, w) of an IR image (h, w, c)."""


@dataclass(frozen=True)
class Known:
    """A value that does not depend on the inputs.

    Attributes:
        array: its elements, in ONNX's axes.
        name: the model's name for it.
        quant: how the file stores it as integers, by ONNX's axes.
    """

    array: Array
    name: str = ""
    quant: QuantParams | None = None

    @property
    def shape(self) -> Shape:
        """Its shape."""
        return tuple(int(s) for s in self.array.shape)


@dataclass(frozen=True)
class Fold:
    """A vector's elements are those of an array in another order of axes.

    ONNX vector = ir vector.reshape(shape).transpose(perm).ravel()
    """

    shape: Shape
    perm: Shape

    @property
    def order(self) -> Array:
        """Where in the IR vector each element of the ONNX vector is."""
        n = int(np.prod(self.shape, dtype=np.int64))
        return np.arange(n).reshape(self.shape).transpose(self.perm).ravel()


@dataclass(frozen=True)
class Act:
    """A value that depends on the inputs.

    Attributes:
        name: the IR value that holds it.
        type: that value's type, without batch.
        perm: ONNX axis i, batch not counted, is the IR axis perm[i].
        batch: length of ONNX's batch axis in front; None: it has none.
        fold: set for a flattened image whose order has not been restored.
        truth: whether the model has it as truth values, here 1 and 0.
    """

    name: str
    type: TensorType
    perm: Shape
    batch: int | None = 1
    fold: Fold | None = None
    truth: bool = False

    @property
    def sample(self) -> Shape:
        """Its shape in ONNX's axes, without the batch."""
        return tuple(self.type.shape[p] for p in self.perm)

    @property
    def shape(self) -> Shape:
        """Its shape in ONNX's axes."""
        return self.sample if self.batch is None else (self.batch, *self.sample)


@dataclass(frozen=True)
class Index:
    """Which element is the largest, or the label that belongs to it.

    Attributes:
        of: the scores among which it is found.
        what: how, for the user.
    """

    of: Act
    what: str


Value = Known | Act


def inverse(perm: Shape) -> Shape:
    """The order of axes that undoes another."""
    return tuple(int(i) for i in np.argsort(perm))


def non_unit(shape: Shape) -> list[int]:
    """Axes longer than 1."""
    return [i for i, s in enumerate(shape) if s != 1]


def regroup(source: Shape, target: Shape) -> list[tuple[list[int], list[int]]]:
    """A reshape as the smallest groups of axes, longer than 1, with the same number of elements."""
    left, right = non_unit(source), non_unit(target)
    groups: list[tuple[list[int], list[int]]] = []
    while left:
        a, b = [left.pop(0)], [right.pop(0)]
        m, n = source[a[0]], target[b[0]]
        while m != n:
            if m < n:
                a.append(left.pop(0))
                m *= source[a[-1]]
            else:
                b.append(right.pop(0))
                n *= target[b[-1]]
        groups.append((a, b))
    return groups
