"""Sub-networks of labels: what a trained network uses for some of the things it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import CannotFitError, EdgePruneError, UnsupportedError
from edgeprune.ir import Array, Graph, Node, Samples, couple, predict, run, tensors
from edgeprune.ops import Dense, Sigmoid
from edgeprune.pruning.compact import Fill, compact, folds
from edgeprune.pruning.criteria import Context
from edgeprune.pruning.groups import Group, find_groups
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.truth import classes

Measure = Literal["mean", "rate"]
Left = Literal["bias", "zero"]


@dataclass(frozen=True)
class LabelActivity:
    """How active every channel is for each label.

    Attributes:
        groups: the layers.
        activity: by label and channel; the mean output, or how often it fires.
    """

    groups: tuple[Group, ...]
    activity: NDArray[np.float64]

    def active(self, labels: Sequence[int], zeta: float) -> NDArray[np.bool_]:
        """The union over labels of the channels with at least zeta times the layer's largest."""
        keep = np.zeros(self.activity.shape[1], bool)
        for group in self.groups:
            x = self.activity[np.asarray(labels)[:, None], group.channels]
            keep[group.channels] = (x >= zeta * x.max(axis=1, keepdims=True)).any(axis=0)
        return keep


@dataclass(frozen=True)
class Subnet:
    """A part of a network, compacted.

    Attributes:
        labels: what it is for.
        zeta: the share of the largest activity from which a neuron was kept.
        graph: the sub-network.
        kept: by layer, how many neurons it has.
        parameters: elements of its weights and biases.
    """

    labels: tuple[int, ...]
    zeta: float
    graph: Graph
    kept: Mapping[str, int]
    parameters: int


@dataclass(frozen=True)
class Detection:
    """How well samples of a label are told from all others.

    Attributes:
        label: which one.
        recall: share of its samples that are recognised.
        specificity: share of the other samples that are not taken for it.
    """

    label: int
    recall: float
    specificity: float

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the two."""
        return (self.recall + self.specificity) / 2


def label_activity(graph: Graph, data: Samples, *, measure: Measure = "mean") -> LabelActivity:
    """Measure every neuron for every label.

    Args:
        graph: float, with one input.
        data: with labels.
        measure: "mean" is the mean output, as the code of "NNS: Neural network surgery" computes
            it; "rate" is how often the neuron fires, as its text can be read.

    Raises:
        EdgePruneError: no labels, or none of some label.
    """
    from edgeprune.pruning.criteria.activity import activity, fires, mean_activation

    y = labels_of(data)
    ctx = Context(graph, couple(graph), data, make_loss(graph, data))
    found = np.asarray(activity(ctx, mean_activation if measure == "mean" else fires).double())
    missing = sorted(set(range(int(y.max()) + 1)) - set(y.tolist()))
    if missing:
        raise EdgePruneError("labels", f"there is no sample of {missing}")
    rows = [found[y == label].mean(axis=0) for label in range(int(y.max()) + 1)]
    return LabelActivity(find_groups(graph, ctx.coupling), np.stack(rows))


def extract(
    graph: Graph,
    found: LabelActivity,
    labels: Sequence[int],
    *,
    zeta: float = 0.4,
    left: Left = "bias",
) -> Subnet:
    """The neurons that are active for some labels, and nothing else.

    "NNS: Neural network surgery": keep what has at least zeta times the largest activity for the
    label; for several labels the union ("integration"). All outputs stay.

    Args:
        graph: float, with one input.
        found: of this graph.
        labels: at least one.
        zeta: 0 to 1.
        left: what a removed neuron leaves behind: "bias" is f(bias), as where the authors' code
            sets its incoming weights to zero and leaves its bias; "zero" is nothing.
    """
    outside = sorted(k for k in labels if not 0 <= k < len(found.activity))
    if outside or not labels:
        raise EdgePruneError(
            "--classes", f"{outside or 'none'} given, known are 0..{len(found.activity) - 1}"
        )
    coupling = couple(graph)
    keep = found.active(labels, zeta)
    members = np.concatenate([g.channels for g in found.groups])
    removed = np.zeros(coupling.count, bool)
    removed[members] = ~keep[members]
    fill = left_behind(graph, removed) if left == "bias" else {}
    small = compact(graph, coupling, removed, fill)
    kept = {g.name: int(keep[g.channels].sum()) for g in found.groups}
    return Subnet(tuple(labels), zeta, small, kept, small.params)


def left_behind(graph: Graph, removed: NDArray[np.bool_]) -> Fill:
    """What layers see of channels whose incoming weights are 0 and whose biases are not.

    Channels that a padded convolution reads are left out: they leave 0 behind.
    """
    import torch

    coupling = couple(graph)
    constants = tensors(graph)
    for read in coupling.reads:
        rows = coupling.axes[read.weight, 0]
        keep = torch.from_numpy(~removed[rows])
        w = constants[read.weight]
        constants[read.weight] = w * keep.reshape(-1, *[1] * (w.dim() - 1))
    zeros = torch.zeros(1, *graph.types[graph.inputs[0]].shape)
    with torch.inference_mode():
        values = run(graph, {graph.inputs[0]: zeros}, constants=constants)
    stuck: set[str] = set()
    fill: dict[str, Array] = {}
    for read in coupling.reads:
        value = graph.node(read.node).inputs[0]
        gone = removed[coupling.values[value]]
        rows = np.where(gone, values[value][0].numpy(), 0).reshape(-1, gone.shape[-1])
        fill[value] = rows[0]
        if not folds(graph, read) or np.ptp(rows, axis=0).any():
            stuck.add(value)
    return {v: x for v, x in fill.items() if v not in stuck}


def search_zeta(
    graph: Graph,
    found: LabelActivity,
    labels: Sequence[int],
    measure: Callable[[Graph], float],
    floor: float,
) -> Subnet:
    """The sub-network with the largest zeta that keeps a figure at a floor.

    Args:
        graph: float, with one input.
        found: of this graph.
        labels: at least one.
        measure: gives the figure of a sub-network, on validation data.
        floor: its lowest value.

    Raises:
        CannotFitError: not even the whole network keeps it.
    """
    shares = []
    for group in found.groups:
        x = found.activity[np.asarray(labels)[:, None], group.channels]
        top = x.max(axis=1, keepdims=True)
        shares.append((x / np.where(top > 0, top, 1)).ravel())
    tried: set[tuple[int, ...]] = set()
    for zeta in np.unique(np.concatenate([*shares, [0.0]]))[::-1]:
        # the share itself may fall on the wrong side of a product that is rounded
        subnet = extract(graph, found, labels, zeta=float(zeta) * (1 - 1e-12))
        size = tuple(subnet.kept.values())
        if size in tried:
            continue
        tried.add(size)
        if measure(subnet.graph) >= floor:
            return subnet
    raise CannotFitError("zeta", f"the whole network is below {floor:g}", "a lower floor")


@dataclass(frozen=True)
class Detector:
    """A network that says of each of some labels whether a sample has it.

    Attributes:
        labels: in the order of its outputs.
        graph: outputs are sigmoids; one above 0.5 says yes. The thresholds are in the biases.
        thresholds: by label, what its pre-activation had to exceed.
    """

    labels: tuple[int, ...]
    graph: Graph
    thresholds: tuple[float, ...]

    def relabel(self, data: Samples) -> Samples:
        """The same samples for this network: 0 or 1 of one label, else those of its labels only."""
        y = labels_of(data)
        if len(self.labels) == 1:
            return Samples(data.x, (y == self.labels[0]).astype(np.int64))
        place = np.full(max(int(y.max()), *self.labels) + 1, -1)
        place[list(self.labels)] = np.arange(len(self.labels))
        part = data.take(place[y] >= 0)
        return Samples(part.x, place[labels_of(part)])


def detector(graph: Graph, data: Samples, labels: Sequence[int]) -> Detector:
    """Keep the outputs of some labels, each with the threshold that separates it best.

    Args:
        graph: a classifier whose head is a dense layer.
        data: with labels; where each threshold gives the largest balanced accuracy.
        labels: at least one.

    Raises:
        UnsupportedError: the head is no dense layer.
    """
    y = labels_of(data)
    value = make_loss(graph, data.first(1)).value
    head = graph.producer.get(value)
    if head is None or not isinstance(head.op, Dense) or len(graph.types[value].shape) != 1:
        raise UnsupportedError("--classes", "needs a network that ends in a dense layer")
    rows = list(labels)
    if max(rows) >= graph.types[value].size:
        raise UnsupportedError("--classes", "needs a network with an output for each label")
    z = predict(replace(graph, outputs=(value,), ports={}), data.x)
    thresholds = tuple(_threshold(z[:, k], y == k) for k in rows)
    w, b = (graph.constants[v] for v in head.inputs[1:])
    names = [f"{v}.labels" for v in head.inputs[1:]]
    raw = f"{value}.labels"
    output = graph.outputs[0] if graph.outputs[0] != value else f"{value}.score"
    nodes = [n for n in graph.nodes if n.output not in (value, output)]
    nodes.append(Node(head.name, head.op, (head.inputs[0], *names), raw))
    nodes.append(Node(f"{head.name}.score", Sigmoid(), (raw,), output))
    ports = {k: p for k, p in graph.ports.items() if k in graph.inputs}
    constants = {
        **graph.constants,
        names[0]: w[rows],
        names[1]: b[rows] - np.asarray(thresholds, np.float32),
    }
    small = graph.rebuilt(nodes, outputs=[output], constants=constants, ports=ports)
    return Detector(tuple(rows), small, thresholds)


def recalibrate(graph: Graph, data: Samples) -> Graph:
    """A detector that was pruned, with the thresholds that separate best now.

    Args:
        graph: of a :class:`Detector`, pruned.
        data: from its ``relabel``.
    """
    y = labels_of(data)
    score = graph.producer[graph.outputs[0]]
    head = graph.producer[score.inputs[0]]
    z = predict(replace(graph, outputs=(head.output,), ports={}), data.x)
    single = z.shape[1] == 1
    moved = [_threshold(z[:, k], y == (1 if single else k)) for k in range(z.shape[1])]
    bias = graph.constants[head.inputs[2]]
    return graph.with_constants({head.inputs[2]: bias - np.asarray(moved, np.float32)})


def detections(found: Detector, data: Samples) -> tuple[Detection, ...]:
    """What a detector reaches, label by label."""
    y = labels_of(data)
    says = predict(found.graph, data.x) > 0.5
    return tuple(_detection(k, says[:, i], y == k) for i, k in enumerate(found.labels))


def recognised(graph: Graph, data: Samples, label: int) -> Detection:
    """The same for a classifier with all its outputs: whether the label's is the largest.

    The works report the recall alone, which a network that always gives the label has at 1.
    """
    return _detection(label, classes(predict(graph, data.x)) == label, labels_of(data) == label)


def recalls(graph: Graph, data: Samples) -> tuple[float, ...]:
    """By label, the share of its samples whose largest output is its own."""
    y = labels_of(data)
    right = classes(predict(graph, data.x)) == y
    return tuple(float(right[y == k].mean()) for k in range(int(y.max()) + 1))


def cumulative(
    graph: Graph, found: LabelActivity, data: Samples, *, zeta: float = 0.4
) -> tuple[tuple[float, ...], ...]:
    """The recall of every label while labels are integrated one after the other.

    "NNS: Neural network surgery", table 4.

    Returns:
        By stage (labels 0..s integrated) the recalls of all labels.
    """
    stages = range(1, len(found.activity) + 1)
    return tuple(recalls(extract(graph, found, range(s), zeta=zeta).graph, data) for s in stages)


def _detection(label: int, says: Array, truth: Array) -> Detection:
    recall = float(says[truth].mean()) if truth.any() else 0.0
    specificity = float((~says[~truth]).mean()) if (~truth).any() else 0.0
    return Detection(label, recall, specificity)


def _threshold(z: Array, truth: Array) -> float:
    """Between two neighbouring values, where recall and specificity add up to most."""
    order = np.argsort(z, kind="stable")
    values, own = z[order].astype(np.float64), truth[order]
    missed = np.r_[0, np.cumsum(own)] / max(int(own.sum()), 1)
    refused = np.r_[0, np.cumsum(~own)] / max(int((~own).sum()), 1)
    edges = np.r_[values[0] - 1, (values[1:] + values[:-1]) / 2, values[-1] + 1]
    possible = np.r_[True, values[1:] > values[:-1], True]
    gain = np.where(possible, refused - missed, -np.inf)
    return float(edges[int(np.argmax(gain))])


def labels_of(data: Samples, where: str = "--data") -> NDArray[np.int64]:
    """The labels of samples, (n,).

    Raises:
        EdgePruneError: they have none.
    """
    if data.y is None:
        what = "no labels" if data.told is None else "numbers, or several classes a sample, as y"
        raise EdgePruneError(where, f"has {what}", "give an .npz with x and y, one class a sample")
    return data.y
