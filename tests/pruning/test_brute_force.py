"""Brute force against one forward pass for each channel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from masked import masked_hook
from pruning.graphs import BLOCKS, Builder, cnn, mlp

from edgeprune.ir import Graph, Samples, run
from edgeprune.ops import Add, LogSoftmax, Op, Relu, Sigmoid, Softmax, Tanh
from edgeprune.pruning.criteria import CRITERIA, Context
from edgeprune.pruning.criteria.chain import ChainSession, find_chain
from edgeprune.pruning.ranking import removal_order

BRUTE_FORCE = CRITERIA["brute_force"]


def samples(graph: Graph, n: int = 40, labels: bool = True, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, *graph.types["x"].shape)).astype(np.float32)
    classes = max(graph.types[graph.outputs[0]].size, 2)
    return Samples(x, rng.integers(0, classes, n) if labels else None)


def error(ctx: Context, removed: np.ndarray) -> float:
    """The mean error with some channels masked: the whole network once, in float64."""
    weights = {k: torch.from_numpy(v).double() for k, v in ctx.graph.constants.items()}
    hook = masked_hook(ctx.graph, ctx.coupling, removed)
    wide = lambda node, i, x: hook(node, i, x).double()  # noqa: E731
    with torch.inference_mode():
        x = torch.from_numpy(ctx.data.x).double()
        values = run(ctx.graph, {"x": x}, constants=weights, hook=wide)
        targets = torch.from_numpy(ctx.loss.targets).double()
        z = values[ctx.loss.value].flatten(1)
        return float(ctx.loss.per_sample(z, targets).mean())


def naive(ctx: Context, removed: np.ndarray | None = None) -> np.ndarray:
    """The error without each channel; nan for what is not there to be removed."""
    gone = np.zeros(ctx.coupling.count, bool) if removed is None else removed
    errors = np.full(ctx.coupling.count, np.nan)
    for k in np.flatnonzero(ctx.removable & ~gone):
        mask = gone.copy()
        mask[k] = True
        errors[k] = error(ctx, mask)
    return errors


def assert_exact(graph: Graph, labels: bool = True) -> None:
    ctx = Context.of(graph, samples(graph, labels=labels))
    base = error(ctx, np.zeros(ctx.coupling.count, bool))
    np.testing.assert_allclose(
        BRUTE_FORCE.score(ctx) + base, naive(ctx), rtol=2e-6, atol=1e-6 * max(base, 0.1)
    )


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("head", [Sigmoid, Softmax, LogSoftmax, None])
@pytest.mark.parametrize("act", [Sigmoid, Relu, Tanh])
@pytest.mark.parametrize("sizes", [(6, 9, 4), (6, 7, 8, 3), (5, 6, 1)])
def test_it_is_exact_for_dense_networks(
    sizes: tuple[int, ...], act: type[Op], head: type[Op] | None, labels: bool
) -> None:
    assert_exact(mlp(*sizes, act=act, head=head), labels)


@pytest.mark.parametrize("kind", range(BLOCKS))
def test_it_is_exact_for_every_block(kind: int) -> None:
    assert_exact(cnn(kind, kinds=(kind,), head=kind % 2 == 0))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_it_is_exact_for_random_networks(seed: int) -> None:
    assert_exact(cnn(seed, blocks=3))


def test_it_is_exact_for_a_channel_that_is_read_at_two_depths() -> None:
    b = Builder(4, x=(6, 6, 2))
    x0 = b.add(Relu(), b.conv("x", 4, pad=1))
    x1 = b.add(Add(), b.conv(b.add(Relu(), b.conv(x0, 5, pad=1)), 4, pad=1), x0)
    x2 = b.add(Add(), b.conv(b.add(Relu(), b.conv(x1, 5, pad=1)), 4, pad=1), x1)
    graph = b.build(b.add(Softmax(), b.conv(x2, 3, k=6)))
    assert_exact(graph, labels=False)


@pytest.mark.parametrize("head", [Sigmoid, Softmax])
@pytest.mark.parametrize("sizes", [(6, 12, 3), (6, 7, 8, 3)])
def test_every_removal_is_the_one_that_single_forward_passes_choose(
    sizes: tuple[int, ...], head: type[Op]
) -> None:
    graph = mlp(*sizes, head=head, seed=5)
    ctx = Context.of(graph, samples(graph, 200))
    chain = find_chain(ctx)
    assert chain is not None
    session = ChainSession(ctx, chain)
    removed = np.zeros(ctx.coupling.count, bool)
    for _ in range(6):
        expected = naive(ctx, removed)
        base = error(ctx, removed)
        scores = session.scores()
        best = int(np.nanargmin(scores))
        assert best == np.nanargmin(expected)
        assert scores[best] + base == pytest.approx(expected[best], rel=1e-9)
        np.testing.assert_allclose(scores + base, expected, rtol=1e-6)
        removed[best] = True
        session.remove(np.asarray([best]))


def test_a_session_finds_the_order_that_ranking_anew_finds() -> None:
    graph = mlp(6, 7, 6, 3, seed=2)
    ctx = Context.of(graph, samples(graph, 100))
    fast = removal_order(ctx, BRUTE_FORCE, "iterative")
    slow = removal_order(ctx, type(BRUTE_FORCE)("slow", BRUTE_FORCE.score, ""), "iterative")
    assert fast == slow


def test_large_activations_are_exact_too() -> None:
    graph = mlp(6, 9, 4, act=Relu, head=Softmax)
    weights = {k: v * np.float32(12) for k, v in graph.constants.items()}
    assert_exact(graph.with_constants(weights))
