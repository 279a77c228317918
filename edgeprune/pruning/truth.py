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
        border: of outputs that stand for two classes each, above which they say 1.
    """

    values: Array
    border: float = HALF

    def __len__(self) -> int:
        return len(self.values)

    @property
    def measure(self) -> Measure:
        """What :meth:`right` gives."""
        return "r2" if self.values.dtype.kind == "f" else "share"

    @property
    def answers_each(self) -> int:
        """Answers to each sample that are right or wrong by themselves; numbers are one."""
        return int(self.values[0].size) if len(self) and self.measure == "share" else 1

    def take(self, rows: slice) -> Truth:
        """Of some of the samples."""
        return Truth(self.values[rows], self.border)

    def said(self, outputs: Array) -> NDArray[np.int64]:
        """The classes that outputs (n, ...) stand for, as the truth has them."""
        return classes(outputs, self.answers_each, self.border)

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

    A single number at every position that is no probability; several outputs of unlike meaning;
    outputs in the shape of the input, as autoencoders have them. Several numbers are taken for
    classes, as those of classifiers without a softmax are.
    """
    if len(graph.results) > 1 or graph.outputs == (OUTPUTS,):
        return True
    t = graph.types[graph.results[0]]
    alike = len(graph.inputs) == 1 and graph.types[graph.inputs[0]].shape == t.shape
    if answer.kind == "squared":
        return alike or t.size == answer.positions
    return alike and answer.kind == "sigmoid" and t.size > 1


def border_of(graph: Graph, data: Samples, outputs: Array | None = None) -> float:
    """Above what an output that stands for two classes says 1: a half, or 0 of logits.

    Outputs that are no sigmoid's are logits where they are farther from the labels 0 and 1, in mean
    square, than the mean of these is. What was trained to be 0 or 1 is nearer.

    Args:
        graph: the source model.
        data: with labels, or marks; where it has neither, or one class alone, nothing is known.
        outputs: of the source model, (n, ...); None: of ``graph``.
    """
    told = data.y if data.marks is None else data.marks
    size = graph.types[graph.results[0]].size
    if told is None or told[0].size != size or answer_of(graph).kind != "squared":
        return HALF
    labels = told.reshape(len(told), -1)
    made = (predict(graph, data.x) if outputs is None else outputs).reshape(labels.shape)
    nothing = float(labels.var())
    return 0.0 if 0 < nothing < float(np.square(made - labels).mean()) else HALF


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
        data: with labels, marks, numbers, or none of them.
        answers: of the source model, (n, ...); None: of ``graph``.
        border: that of other samples (:func:`border_of`); None: that of these.
    """
    told = data.y if data.marks is None else data.marks
    if told is not None:
        return Truth(told, border_of(graph, data) if border is None else border)
    if data.targets is not None:
        return Truth(data.targets)
    outputs = predict(graph, data.x) if answers is None else answers()
    answer = answer_of(graph)
    if gives_numbers(graph, answer):
        return Truth(outputs.reshape(len(outputs), -1).astype(np.float32))
    return Truth(classes(outputs, answer.positions))


def accuracy(graph: Graph, x: Array, truth: Truth) -> float:
    """How right a network is on samples (n, *input shape): see :meth:`Truth.right`."""
    return truth.right(predict(graph, x))
