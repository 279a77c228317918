"""What the works draw: the error against a neuron's gain, and what layers do for each label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.ir import Array, Graph, Samples, couple, flat, predict, tensors
from edgeprune.pruning.analyze import group_outputs
from edgeprune.pruning.compact import compact, old_channels
from edgeprune.pruning.criteria import Context
from edgeprune.pruning.groups import find_groups
from edgeprune.pruning.loss import Loss, make_loss
from edgeprune.pruning.truth import classes, truth_of

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Surface:
    """The error as a function of a neuron's gain.

    Attributes:
        name: the neuron.
        removed_before: how many others are gone already.
        gains: what its output is multiplied with; 1 is as trained, 0 is removed.
        errors: the mean error.
    """

    name: str
    removed_before: int
    gains: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class ActivationMap:
    """A layer's outputs for samples of one label: a picture, a column a sample, a row a neuron.

    Attributes:
        layer: its name.
        label: of the samples; -1 where answers are numbers: all of them.
        snapshots: by neuron, its output for each of some samples (mean over positions).
        mean: by neuron, over all samples of the label.
        active: by neuron, whether its mean is at least zeta times the layer's largest.
    """

    layer: str
    label: int
    snapshots: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...]
    active: tuple[bool, ...]


def surfaces(
    graph: Graph,
    data: Samples,
    channels: Sequence[int],
    *,
    every: int = 10,
    gains: Array | None = None,
    chosen: Sequence[int] = (),
) -> tuple[Surface, ...]:
    """The error against the gain of neurons at the moment of their removal.

    "The Incredible Shrinking Neural Network", section 3.1.3: gains 0 to 10 in steps of 0.001, for
    every tenth neuron that is removed.

    Args:
        graph: float, with one input.
        data: what the error is measured on.
        channels: the order of removal, as ``Pruned.order``.
        every: which of them are looked at.
        gains: None: those of the paper.
        chosen: further channels, looked at in the whole network.
    """
    if gains is None:
        gains = np.arange(10001) / 1000
    coupling = couple(graph)
    names = {
        int(k): f"{g.name}[{i}]"
        for g in find_groups(graph, coupling)
        for i, k in enumerate(g.channels)
    }
    loss = make_loss(graph, data)
    at: list[tuple[int, tuple[int, ...]]] = [(k, ()) for k in chosen]
    at += [(channels[i], tuple(channels[:i])) for i in range(0, len(channels), every)]
    found = []
    for k, before in at:
        removed = np.zeros(coupling.count, bool)
        removed[list(before)] = True
        small = compact(graph, coupling, removed)
        now = couple(small)
        ctx = Context(small, now, data, loss)
        channel = int(np.flatnonzero(old_channels(coupling, removed, now) == k)[0])
        errors = _errors_by_gain(ctx, channel, gains)
        found.append(Surface(names[k], len(before), _floats(gains), _floats(errors)))
    return tuple(found)


def activation_maps(
    graph: Graph, data: Samples, *, zeta: float = 0.4, samples: int = 40
) -> tuple[ActivationMap, ...]:
    """Pictures of what each layer does for each label.

    "NNS: Neural network surgery", figures 2 to 4.

    Args:
        graph: float, with one input.
        data: with labels, or the network's own answers are taken for them.
        zeta: share of the largest mean from which a neuron counts as active.
        samples: snapshots a label.
    """
    truth = truth_of(graph, data)
    labels = truth.values
    if truth.measure == "r2":  # there are no classes: one map of all
        labels = np.full(len(data), -1)
    elif labels.ndim > 1:  # one a sample
        labels = classes(predict(graph, data.x))
    ctx = Context(graph, couple(graph), data, make_loss(graph, data))
    maps = []
    for group in find_groups(graph, ctx.coupling):
        outputs = group_outputs(ctx, group).mean(axis=1)
        for label in np.unique(labels):
            rows = outputs[labels == label]
            mean = rows.mean(axis=0)
            active = mean >= zeta * mean.max()
            shots = tuple(_floats(column) for column in rows[:samples].T)
            maps.append(
                ActivationMap(
                    group.name, int(label), shots, _floats(mean), tuple(map(bool, active))
                )
            )
    return tuple(maps)


def _errors_by_gain(ctx: Context, channel: int, gains: Array) -> Array:
    import torch

    from edgeprune.pruning.criteria.downstream import forward, plan, rerun

    graph, loss = ctx.graph, ctx.loss
    weights = tensors(graph)
    steps = plan(ctx, channel)
    less = torch.from_numpy(1 - np.asarray(gains, np.float64)).float()
    total = torch.zeros(len(gains), dtype=torch.float64)
    with torch.no_grad():
        for x, t in ctx.batches():
            values, raw = forward(graph, {graph.inputs[0]: x}, weights)
            again = partial(rerun, steps, values, raw, weights)
            error = _error_of_less(loss, t, again)
            largest = max(values[step.node.output].numel() for step in steps)
            chunk = max(1, (1 << 20) // largest)
            total += torch.vmap(error, chunk_size=chunk)(less).double()
    return np.asarray(total) / len(ctx.data)


def _error_of_less(
    loss: Loss, t: torch.Tensor, rerun: Callable[[torch.Tensor], dict[str, torch.Tensor]]
) -> Callable[[torch.Tensor], torch.Tensor]:
    def error(less: torch.Tensor) -> torch.Tensor:
        return loss.per_sample(flat(rerun(less)[loss.value]), t).sum()

    return error


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
