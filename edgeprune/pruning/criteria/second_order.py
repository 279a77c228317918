"""Second-order criteria: the exact diagonal second derivative, and what it is mistaken for.

A channel's share is taken away as o_k (1 - s); E(s) = E + s E' + s^2 E''/2 + ..., and s = 1 turns
it off. With the output z, E' = L'(z) z' and E'' = L'(z) z'' + z'^T L''(z) z'. The first
term of E'' holds the cross terms of the layers in between; Gauss-Newton leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from edgeprune.errors import UnsupportedError
from edgeprune.ir import flat, run, tensors
from edgeprune.ops import Relu
from edgeprune.pruning.criteria.chain import Chain, find_chain
from edgeprune.pruning.criteria.context import Context, Criterion, Scores
from edgeprune.pruning.criteria.downstream import forward, plan, rerun
from edgeprune.pruning.loss import Loss

Variant = Literal["exact", "gauss_newton", "lecun"]
_CHUNK = 1 << 20  # elements worked on at once
_STEEP = 3.0  # standard deviations from which a change counts as steep


def changes(ctx: Context, variant: Variant = "exact") -> torch.Tensor:
    """E' + E''/2 of every channel and sample.

    Returns:
        (channels, samples) float32; rows of channels that cannot go are nan.

    Raises:
        UnsupportedError: the recursion is asked for channels in front of other than dense layers.
    """
    found = torch.full((ctx.coupling.count, len(ctx.data)), torch.nan)
    chain = find_chain(ctx)
    with torch.no_grad():
        if chain is not None:
            _of_chain(ctx, chain, variant, found)
        rest = np.flatnonzero(ctx.removable & np.asarray(found[:, 0].isnan()))
        if len(rest) and variant == "lecun":
            raise UnsupportedError(
                "taylor2_lecun", "is defined for dense layers only", "use --criterion taylor2"
            )
        _one_by_one(ctx, [int(k) for k in rest], variant, found)
    return found


def _head(loss: Loss, z: torch.Tensor, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """L'(z), and the diagonal of L''(z) (a softmax has more than a diagonal)."""
    if loss.kind == "softmax":
        p, t = loss.by_position(z * loss.beta).softmax(-1), loss.by_position(t)
        total = t.sum(-1, keepdim=True)
        parts = loss.beta * (p * total - t), loss.beta**2 * p * (1 - p) * total
        return parts[0].flatten(-2), parts[1].flatten(-2)
    if loss.kind == "squared":
        return z - t, torch.ones_like(z)
    y = z.sigmoid()
    slope = y * (1 - y)
    return (y - t) * slope, slope**2 + (y - t) * slope * (1 - 2 * y)


def _curvature(loss: Loss, z: torch.Tensor, t: torch.Tensor, gauss_newton: bool) -> _Form:
    """Make v -> v^T L''(z) v, or with the part of L'' that cannot be negative alone."""
    diagonal = _head(loss, z, t)[1]
    if gauss_newton and loss.kind == "sigmoid":
        y = z.sigmoid()
        diagonal = (y * (1 - y)) ** 2
    if loss.kind != "softmax":
        return lambda v: (diagonal * v * v).sum(-1)
    p = loss.by_position(z * loss.beta).softmax(-1)
    scale = loss.beta**2 * loss.by_position(t).sum(-1)

    def form(v: torch.Tensor) -> torch.Tensor:
        v = loss.by_position(v)
        return (scale * ((p * v * v).sum(-1) - (p * v).sum(-1) ** 2)).sum(-1)

    return form


_Form = Callable[[torch.Tensor], torch.Tensor]


def _of_chain(ctx: Context, chain: Chain, variant: Variant, found: torch.Tensor) -> None:
    """All neurons of the dense layers at the end, some at a time."""
    graph = ctx.graph
    c = {k: torch.from_numpy(v) for k, v in graph.constants.items()}
    w = [c[n.inputs[1]] for n in chain.dense]
    x, t = (torch.cat(parts) for parts in zip(*ctx.batches(), strict=True))
    a = [run(graph, {graph.inputs[0]: x}, constants=c)[chain.start]]
    z, slopes, bends = [], [], []
    for m, node in enumerate(chain.dense):
        z.append(torch.nn.functional.linear(a[m], w[m], c[node.inputs[2]]))
        if m + 1 < len(chain.dense):
            value, slope, bend = _derivatives(chain, m, z[m])
            a.append(value)
            slopes.append(slope)
            bends.append(bend)
    if variant == "lecun":
        _recursion(ctx, chain, w, a, z[-1], t, slopes, bends, found)
        return
    gradient = _head(ctx.loss, z[-1], t)[0]
    form = _curvature(ctx.loss, z[-1], t, variant == "gauss_newton")
    for layer, ids in enumerate(chain.ids):
        m = layer + 1
        step = max(1, _CHUNK // z[m].numel())
        for k in range(0, len(ids), step):
            rows = slice(k, k + step)
            first = -a[m][:, rows].T[:, :, None] * w[m][:, rows].T[:, None, :]
            second = torch.zeros(())
            for n in range(m + 1, len(w)):
                second = (slopes[n - 1] * second + bends[n - 1] * first * first) @ w[n].T
                first = (slopes[n - 1] * first) @ w[n].T
            curve = form(first)
            if variant == "exact":
                curve = curve + (gradient * second).sum(-1)
            found[torch.from_numpy(ids[rows])] = (gradient * first).sum(-1) + curve / 2


def _derivatives(
    chain: Chain, m: int, z: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What is applied behind layer m: its value, slope and bend, element by element."""
    if not chain.acts[m]:
        return z, torch.ones_like(z), torch.zeros_like(z)
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = z
        for op in chain.acts[m]:
            value = op.evaluate(value)
        (slope,) = torch.autograd.grad(value.sum(), z, create_graph=True)
        if all(isinstance(op, Relu) for op in chain.acts[m]):
            return value.detach(), slope.detach(), torch.zeros_like(z)
        (bend,) = torch.autograd.grad(slope.sum(), z)
    return value.detach(), slope.detach(), bend


def _recursion(
    ctx: Context,
    chain: Chain,
    w: list[torch.Tensor],
    a: list[torch.Tensor],
    z: torch.Tensor,
    t: torch.Tensor,
    slopes: list[torch.Tensor],
    bends: list[torch.Tensor],
    found: torch.Tensor,
) -> None:
    """LeCun's: h_a = sum_i w_i^2 h_z,i and h_z = f'^2 h_a + f'' g_a, without cross terms."""
    gradient, h = _head(ctx.loss, z, t)
    for layer in reversed(range(len(chain.ids))):
        m = layer + 1
        gradient, h = gradient @ w[m], h @ w[m].square()
        change = -a[m] * gradient + a[m].square() * h / 2
        found[torch.from_numpy(chain.ids[layer])] = change.T
        h = slopes[layer].square() * h + bends[layer] * gradient
        gradient = gradient * slopes[layer]


def _one_by_one(ctx: Context, channels: list[int], variant: Variant, found: torch.Tensor) -> None:
    """Forward over forward derivatives along each channel, of any network."""
    graph, loss = ctx.graph, ctx.loss
    weights = tensors(graph)
    start = 0
    for x, t in ctx.batches():
        rows = slice(start, start + len(x))
        start += len(x)
        values, raw = forward(graph, {graph.inputs[0]: x}, weights)
        z = flat(values[loss.value])
        gradient = _head(loss, z, t)[0]
        form = _curvature(loss, z, t, variant == "gauss_newton")
        for k in channels:
            steps = plan(ctx, k)

            def output(less: torch.Tensor, steps: list = steps) -> torch.Tensor:  # type: ignore[type-arg]
                new = rerun(steps, values, raw, weights, less)  # noqa: B023
                return flat(new.get(loss.value, z))  # noqa: B023

            first, second = _along(output, variant == "exact")
            change = (gradient * first).sum(-1) + form(first) / 2
            found[k, rows] = change + (gradient * second).sum(-1) / 2


def _along(
    f: Callable[[torch.Tensor], torch.Tensor], second: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """First and second derivative at 0; the second is 0 where it is not asked for."""
    zero, one = torch.zeros(()), torch.ones(())

    def slope(s: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.func.jvp(f, (s,), (one,))[1]
        return found

    if not second:
        return slope(zero), zero
    first, bend = torch.func.jvp(slope, (zero,), (one,))[:2]
    return first, bend


def _mean(ctx: Context, variant: Variant) -> Scores:
    return ctx.scores(np.asarray(changes(ctx, variant).double().mean(1)))


def taylor2(ctx: Context) -> Scores:
    """dE_k ~ -o_k dE/do_k + o_k^2 d2E/do_k^2 / 2, the exact second derivative, mean over samples.

    "The Incredible Shrinking Neural Network", equation 4.
    """
    return _mean(ctx, "exact")


def taylor2_gn(ctx: Context) -> Scores:
    """The same with the Gauss-Newton part of the second derivative, z'^T L''(z) z'.

    Schraudolph 2002, "Fast Curvature Matrix-Vector Products", equation 4.
    """
    return _mean(ctx, "gauss_newton")


def taylor2_lecun(ctx: Context) -> Scores:
    """The same with the diagonal recursion that the paper's appendix uses.

    LeCun et al. 1989, "Optimal Brain Damage", equations 7 to 9. Exact with one hidden layer and a
    head without cross terms; wrong by the terms that it leaves out otherwise.
    """
    return _mean(ctx, "lecun")


def _thresholded(ctx: Context, replacement: Callable[[torch.Tensor], torch.Tensor]) -> Scores:
    change = changes(ctx).double()
    steep = change.abs() > change.abs().mean(1, True) + _STEEP * change.std(1, keepdim=True)
    return ctx.scores(np.asarray(torch.where(steep, replacement(change), change).mean(1)))


def taylor2_mean(ctx: Context) -> Scores:
    """``taylor2`` with steep changes of single samples replaced by the channel's mean.

    "The Incredible Shrinking Neural Network", section 2.3, mean thresholding. The paper leaves
    the threshold open; here it is the mean size of the channel's changes and three of their
    standard deviations.
    """
    return _thresholded(ctx, lambda change: change.mean(1, True))


def taylor2_median(ctx: Context) -> Scores:
    """The same with the channel's median; median thresholding."""
    return _thresholded(ctx, lambda change: change.median(1, True).values)


_PAPER = "The Incredible Shrinking Neural Network, "
TAYLOR2 = Criterion(
    "taylor2", taylor2, _PAPER + "equation 4: dE_k = -o_k dE/do_k + o_k^2/2 d2E/do_k^2"
)
TAYLOR2_GN = Criterion("taylor2_gn", taylor2_gn, _PAPER + "equation 4 with Gauss-Newton")
TAYLOR2_LECUN = Criterion(
    "taylor2_lecun", taylor2_lecun, _PAPER + "appendix; LeCun et al. 1989, equations 7 to 9"
)
TAYLOR2_MEAN = Criterion("taylor2_mean", taylor2_mean, _PAPER + "section 2.3, mean threshold")
TAYLOR2_MEDIAN = Criterion(
    "taylor2_median", taylor2_median, _PAPER + "section 2.3, median threshold"
)
