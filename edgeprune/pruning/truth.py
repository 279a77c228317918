"""What a network should answer, classes or numbers, and how right its answers are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import OUTPUTS, Array, Graph, Samples, predict
from edgeprune.ops.answer import Answer, answer_of

Measure = Literal["share", "r2"]
"""What an accuracy is: the share of right answers, or the coefficient of determination."""

HALF = 0.5


@dataclass(frozen=True)
class Truth:
    """What answers are held against.

    Attributes:
        values: classes, (n,) int64, or (n, positions) where each position has its own; or numbers,
            (n, outputs) float32.
        border: of a single output that stands for two classes, above which it says 1.
    """

    values: Array
    border: float = HALF

    def __len__(self) -> int:
        return len(self.values)

    @property
    def measure(self) -> Measure:
        """What :meth:`right` gives."""
        return "r2" if self.values.dtype.kind == "f" else "share"

    def take(self, rows: slice) -> Truth:
        """Of some of the samples."""
        return Truth(self.values[rows], self.border)

    def said(self, outputs: Array) -> NDArray[np.int64]:
        """The classes that outputs (n, ...) stand for, as the truth has them."""
        positions = self.values[0].size if self.measure == "share" else 1
        return classes(outputs, positions, self.border)

    def right(self, outputs: Array) -> float:
        """How right outputs (n, ...) of the first n samples are, 0 to 1.

        Of classes the share that is said. Of numbers R2, the share of their variance about each
        output's mean that is explained (Wright 1921, "Correlation and causation"); 0 where the
        means alone would do better.
        """
        truth = self.values[: len(outputs)]
        if self.measure == "share":
            return float((self.said(outputs) == truth).mean())
        missed = float(np.square(outputs.reshape(truth.shape) - truth, dtype=np.float64).sum())
        return max(self.take(slice(len(outputs))).explained(missed), 0.0)

    def explained(self, missed: float) -> float:
        """Of numbers: R2 where that is the sum of the squared differences from them."""
        return 1 - missed / self.spread if self.spread else float(not missed)

    @cached_property
    def spread(self) -> float:
        """Of numbers: the sum of their squared distances from each output's mean."""
        numbers = self.values.astype(np.float64)
        return float(np.square(numbers - numbers.mean(axis=0)).sum())


def classes(outputs: Array, positions: int = 1, border: float = HALF) -> NDArray[np.int64]:
    """What outputs (n, ...) say: the largest one; of a single one whether it is above a border.

    Args:
        outputs: of a network.
        positions: of several the largest at each.
        border: of a single one: a half of a probability.

    Returns:
        (n,), or (n, positions) of several.
    """
    flat = outputs.reshape(len(outputs), positions, -1)
    if flat.shape[2] == 1:
        said = flat[..., 0] > border
    else:
        said = flat.argmax(axis=2)
    return np.asarray(said[:, 0] if positions == 1 else said, np.int64)


def gives_numbers(graph: Graph, answer: Answer) -> bool:
    """Whether outputs are quantities by what the graph shows alone, rather than classes.

    A single output that is no probability; several outputs of unlike meaning; outputs in the shape
    of the input, as autoencoders have them. Several elements of one output are taken for classes,
    as those of classifiers without a softmax are.
    """
    if len(graph.results) > 1 or graph.outputs == (OUTPUTS,):
        return True
    t = graph.types[graph.results[0]]
    alike = len(graph.inputs) == 1 and graph.types[graph.inputs[0]].shape == t.shape
    return answer.kind == "squared" and (t.size == 1 or alike)


def border_of(graph: Graph, data: Samples) -> float:
    """Above what a single output says 1: a half of a probability, 0 of a logit.

    An output that is no sigmoid's is a logit where it is farther from the labels 0 and 1, in mean
    square, than a half is. One that was trained to be 0 or 1 is nearer; logits of -a and a, if all
    are right, are off by (a - 1/2)^2 + 1/4.

    Args:
        graph: the source model.
        data: with labels; of others the border says nothing.
    """
    single = graph.types[graph.outputs[0]].size == 1 and answer_of(graph).kind == "squared"
    if data.y is None or not single:
        return HALF
    off = predict(graph, data.x).reshape(-1) - data.y
    return 0.0 if float(np.square(off).mean()) > HALF**2 else HALF


def truth_of(
    graph: Graph,
    data: Samples,
    answers: Callable[[], Array] | None = None,
    *,
    border: float | None = None,
) -> Truth:
    """What data say is right or, where they say nothing, what the source model answers.

    Args:
        graph: the source model; its first output counts.
        data: with labels, numbers, or neither. Numbers 0 and 1 for outputs that are probabilities
            each are classes, and of a softmax the largest at every position is the class.
        answers: of the source model, (n, ...); None: of ``graph``.
        border: that of other samples (:func:`border_of`); None: that of these.
    """
    if data.y is not None:
        return Truth(data.y, border_of(graph, data) if border is None else border)
    answer = answer_of(graph)
    if data.targets is not None:
        return _told(data.targets, answer)
    outputs = predict(graph, data.x) if answers is None else answers()
    if gives_numbers(graph, answer):
        return Truth(outputs.reshape(len(outputs), -1).astype(np.float32))
    return Truth(classes(outputs, answer.positions))


def _told(targets: NDArray[np.float32], answer: Answer) -> Truth:
    if answer.kind == "softmax":
        return Truth(classes(targets, answer.positions))
    if answer.kind == "sigmoid" and np.isin(targets, (0, 1)).all():
        found = targets.astype(np.int64)
        return Truth(found[:, 0] if found.shape[1] == 1 else found)
    return Truth(targets)


def accuracy(graph: Graph, x: Array, truth: Truth) -> float:
    """How right a network is on samples (n, *input shape): see :meth:`Truth.right`."""
    return truth.right(predict(graph, x))
