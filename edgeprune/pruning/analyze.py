"""What every neuron does: its effect when it goes, whom it resembles, what it responds to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph, Ids, Samples, couple, flat, run, tensors
from edgeprune.progress import Progress, silent
from edgeprune.pruning.criteria import Context
from edgeprune.pruning.groups import Group, find_groups
from edgeprune.pruning.loss import Loss, make_loss
from edgeprune.pruning.truth import Truth, truth_of

if TYPE_CHECKING:
    import torch

POSITIONS = 20  # of an image, at most, that are looked at for redundancy
ALPHA = 0.05  # share of false discoveries among the neurons that are called significant


@dataclass(frozen=True)
class Neuron:
    """One channel, and what happens when it goes and nothing else does.

    Attributes:
        name: the layer and the index in it.
        layer: the layer's name.
        index: in the layer.
        error_change: of the mean error; below 0 the network gets better.
        accuracy_change: above 0 the network gets better.
        fixed: samples that become right; where answers are numbers, that come nearer.
        broken: samples that become wrong, or farther off.
        p_value: two-sided exact McNemar: how likely at least so uneven a split of fixed and broken
            is by chance.
        q_value: the same, corrected for the number of neurons (Benjamini and Hochberg 1995).
        verdict: "harmful" if accuracy rises significantly without it ("rotten" in the paper),
            "useful" if it falls significantly, "indifferent" if chance explains the difference.
        partner: the neuron of the layer that it is most redundant with; "" in a layer of one.
        correlation: of the two neurons' outputs.
        class_means: its mean output by label; empty without labels.
        favourite: the label with the largest mean; -1 without labels.
        selectivity: (m - r) / (m + r) of that mean m and the mean r of the others (Morcos et al.
            2018, arXiv:1803.06959, equation 1).
    """

    name: str
    layer: str
    index: int
    error_change: float
    accuracy_change: float
    fixed: int
    broken: int
    p_value: float
    q_value: float
    verdict: str
    partner: str
    correlation: float
    class_means: tuple[float, ...]
    favourite: int
    selectivity: float


@dataclass(frozen=True)
class Analysis:
    """The census of a network.

    Attributes:
        samples: how many it was made from.
        error: the network's mean error on them.
        accuracy: its accuracy (:meth:`Truth.right`); against its own answers where data tell none.
        neurons: from the most harmful to the most useful one.
    """

    samples: int
    error: float
    accuracy: float
    neurons: tuple[Neuron, ...]

    def to_json(self) -> dict[str, object]:
        """Plain lists, numbers and strings."""
        return asdict(self)

    def to_csv(self) -> str:
        """One line a neuron, with a head line; class means are left out."""
        names = [f.name for f in fields(Neuron) if f.name != "class_means"]
        lines = [",".join(names)]
        lines += [",".join(_cell(getattr(n, k)) for k in names) for n in self.neurons]
        return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    text = f"{value:.9g}" if isinstance(value, float) else str(value)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n\r') else text


def analyze(graph: Graph, data: Samples, *, progress: Progress = silent) -> Analysis:
    """Take every neuron out, one at a time, and look at what happens.

    "Dissecting the Neural Code" calls neurons rotten whose removal raises the accuracy. On any
    finite set some do by chance, so each one carries a significance. Answers at several positions
    of a sample count one by one, as if they were independent.

    Args:
        graph: float, with one input.
        data: samples that nothing was trained or chosen by; without labels the network's own
            answers count as right.
        progress: told batch by batch.
    """
    ctx = Context(graph, couple(graph), data, make_loss(graph, data))
    truth = truth_of(graph, data)
    groups = find_groups(graph, ctx.coupling)
    effects = _remove_each(ctx, truth, progress)
    q_values = _benjamini_hochberg([_mcnemar(e.fixed, e.broken) for e in effects.values()])
    adjusted = dict(zip(effects, q_values, strict=True))
    neurons: list[Neuron] = []
    for group in groups:
        outputs = group_outputs(ctx, group)
        partners = _partners(outputs.reshape(-1, len(group.channels)))
        means = _class_means(outputs, data.y)
        for i, k in enumerate(group.channels.tolist()):
            mate, r = partners[i]
            neurons.append(
                _neuron(group.name, i, effects[k], truth, adjusted[k], mate, r, means[:, i])
            )
    neurons.sort(key=lambda n: (-n.accuracy_change, n.error_change))
    base = _remove_none(ctx, truth)
    return Analysis(len(data), base[0], base[1], tuple(neurons))


@dataclass
class _Effect:
    error: float = 0.0  # summed change
    fixed: int = 0
    broken: int = 0


def _remove_each(ctx: Context, truth: Truth, progress: Progress) -> dict[int, _Effect]:
    import torch

    from edgeprune.pruning.criteria.downstream import forward, plan, rerun

    graph, loss = ctx.graph, ctx.loss
    weights = tensors(graph)
    channels = np.flatnonzero(ctx.removable).tolist()
    plans = {k: plan(ctx, k) for k in channels}
    effects = {k: _Effect() for k in channels}
    done = 0
    with torch.inference_mode():
        for x, t in ctx.batches():
            own = truth.take(slice(done, done + len(x)))
            values, raw = forward(graph, {graph.inputs[0]: x}, weights)
            z = flat(values[loss.value])
            base = loss.per_sample(z, t).double().sum()
            merit = _merit(loss, z, t, own)
            for k in channels:
                new = rerun(plans[k], values, raw, weights).get(loss.value)
                if new is None:  # nothing reads it
                    continue
                new = flat(new)
                now = _merit(loss, new, t, own)
                e = effects[k]
                e.error += float(loss.per_sample(new, t).double().sum() - base)
                e.fixed += int((now > merit).sum())
                e.broken += int((now < merit).sum())
            done += len(x)
            progress("analyze", done, len(ctx.data))
    return effects


def _remove_none(ctx: Context, truth: Truth) -> tuple[float, float]:
    """Mean error and accuracy of the whole network."""
    import torch

    graph, loss = ctx.graph, ctx.loss
    weights = tensors(graph)
    error, merit, done = 0.0, 0.0, 0
    with torch.inference_mode():
        for x, t in ctx.batches():
            z = flat(run(graph, {graph.inputs[0]: x}, constants=weights)[loss.value])
            error += float(loss.per_sample(z, t).double().sum())
            merit += float(
                _merit(loss, z, t, truth.take(slice(done, done + len(x)))).double().sum()
            )
            done += len(x)
    accuracy = merit / truth.values.size
    if truth.measure == "r2":
        accuracy = max(truth.explained(2 * error), 0.0)
    return error / done, accuracy


def _merit(loss: Loss, z: torch.Tensor, t: torch.Tensor, truth: Truth) -> torch.Tensor:
    """How good z (n, outputs), in front of the last activation, is: more is better.

    1 where it says the class, else 0, by sample or position; of numbers minus the error.
    """
    import torch

    if truth.measure == "r2":
        return -loss.per_sample(z, t)
    wanted = torch.from_numpy(truth.values)
    rows = z.reshape(*wanted.shape, -1)
    if rows.shape[-1] == 1:
        return ((rows[..., 0] > (0.0 if loss.kind == "sigmoid" else 0.5)).long() == wanted).long()
    return (rows.argmax(dim=-1) == wanted).long()


def _neuron(
    layer: str,
    index: int,
    effect: _Effect,
    truth: Truth,
    q_value: float,
    mate: int,
    correlation: float,
    means: Array,
) -> Neuron:
    if truth.measure == "r2":  # the error is half of a square
        change = truth.explained(2 * effect.error) - 1
    else:
        change = (effect.fixed - effect.broken) / truth.values.size
    verdict = "indifferent" if q_value > ALPHA else "harmful" if change > 0 else "useful"
    return Neuron(
        name=f"{layer}[{index}]",
        layer=layer,
        index=index,
        error_change=effect.error / len(truth),
        accuracy_change=change,
        fixed=effect.fixed,
        broken=effect.broken,
        p_value=_mcnemar(effect.fixed, effect.broken),
        q_value=q_value,
        verdict=verdict,
        partner="" if mate < 0 else f"{layer}[{mate}]",
        correlation=correlation,
        class_means=_floats(means),
        favourite=int(np.argmax(means)) if len(means) else -1,
        selectivity=_selectivity(means),
    )


def _mcnemar(fixed: int, broken: int) -> float:
    """Two-sided exact McNemar test (McNemar 1947): a fair coin decides each changed sample."""
    from scipy.stats import binomtest

    if fixed + broken == 0:
        return 1.0
    return float(binomtest(fixed, fixed + broken, 0.5).pvalue)


def _benjamini_hochberg(p: list[float]) -> list[float]:
    """False discovery rates at which each hypothesis would be rejected."""
    values = np.asarray(p)
    order = np.argsort(values)[::-1]
    scaled = values[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(scaled)
    return [float(v) for v in np.minimum(q, 1)]


def group_outputs(ctx: Context, group: Group) -> NDArray[np.float32]:
    """What a group gives where it is first read: (samples, positions, neurons)."""
    import torch

    graph = ctx.graph
    value, at = _first_read(ctx, group.channels)
    weights = tensors(graph)
    parts = []
    with torch.inference_mode():
        for x, _ in ctx.batches():
            v = run(graph, {graph.inputs[0]: x}, constants=weights)[value].flatten(1)
            parts.append(v[:, torch.from_numpy(at)].numpy())
    return np.concatenate(parts)


def _first_read(ctx: Context, channels: Ids) -> tuple[str, Ids]:
    """A value with all the channels, and where it has them: (positions, channels)."""
    graph, coupling = ctx.graph, ctx.coupling
    values = [graph.node(r.node).inputs[0] for r in coupling.reads]
    for v in (*values, *graph.activations):
        ids = coupling.values[v].ravel()
        order = np.argsort(ids, kind="stable")
        start, stop = (np.searchsorted(ids[order], channels, s) for s in ("left", "right"))
        count = int((stop - start).min())
        if count:
            picked = np.linspace(0, count - 1, min(count, POSITIONS)).astype(int)
            return v, order[start[None, :] + picked[:, None]]
    raise AssertionError("a channel that no value has")


def _partners(rows: NDArray[np.float32]) -> list[tuple[int, float]]:
    """For each column the one that it correlates with most, and the correlation."""
    if rows.shape[1] < 2:
        return [(-1, 0.0)] * rows.shape[1]
    x = rows.astype(np.float64) - rows.mean(axis=0)
    norm = np.sqrt((x * x).sum(axis=0))
    x /= np.where(norm > 1e-12, norm, 1)
    r = x.T @ x
    np.fill_diagonal(r, 0)
    best = np.abs(r).argmax(axis=1)
    return [(int(j), float(r[i, j])) for i, j in enumerate(best)]


def _class_means(outputs: NDArray[np.float32], y: Array | None) -> NDArray[np.float64]:
    """(labels, neurons); no rows without labels."""
    if y is None:
        return np.zeros((0, outputs.shape[-1]))
    flat = outputs.mean(axis=1, dtype=np.float64)
    return np.stack(
        [
            flat[y == c].mean(axis=0) if (y == c).any() else 0 * flat[0]
            for c in range(int(y.max()) + 1)
        ]
    )


def _selectivity(means: Array) -> float:
    if len(means) < 2:
        return 0.0
    top = float(means.max())
    rest = float((means.sum() - top) / (len(means) - 1))
    return (top - rest) / (abs(top) + abs(rest)) if top != rest else 0.0


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
