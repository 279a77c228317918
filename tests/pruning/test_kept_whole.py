"""Layers of which no channel can go say what keeps them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgeprune.errors import CannotFitError
from edgeprune.frontends.ports import join_ports
from edgeprune.frontends.states import keeping
from edgeprune.ir import OUTPUT, Samples, couple
from edgeprune.ops import Add, Concat, Dense, MatMul, Mean, Pad, Softmax
from edgeprune.pruning.groups import NAMED, kept_whole, kept_words, removable
from edgeprune.pruning.search import prune
from tests.pruning.graphs import Builder


def dense(b: Builder, x: str, units: int = 6) -> str:
    """A dense layer, called dense0 where it is the first of all."""
    return b.add(Dense(), x, b.constant(units, b.shape(x)[-1]), b.constant(units))


def softmax(b: Builder, v: str) -> str:
    return b.add(Softmax(), v)


def total(b: Builder, v: str) -> str:
    return b.add(Mean((1,), True, adds=True), v)


def matmul(b: Builder, v: str) -> str:
    return b.add(MatMul(True), v, v)


def pad(b: Builder, v: str) -> str:
    return b.add(Pad((1, 0), (0, 0), 3.0), v)


def spread(b: Builder, v: str) -> str:
    return b.add(Add(), dense(b, v, 6), dense(b, v, 1))


def residual(b: Builder, v: str) -> str:
    return b.add(Add(), v, "x")


@pytest.mark.parametrize(
    ("behind", "layer", "why"),
    [
        (softmax, "dense0", "softmax1 sums over them"),
        (total, "dense0", "mean1 adds them up"),
        (matmul, "dense0", "matmul1 sums over them"),
        (pad, "dense0", "pad1 pads with 3"),
        (spread, "dense2", "add3 spreads them over channels"),
        (residual, "dense0", "they go with the network's input"),
    ],
)
def test_a_layer_that_is_kept_whole_names_what_keeps_it(
    behind: Callable[[Builder, str], str], layer: str, why: str
) -> None:
    b = Builder(0, x=(6, 6))
    end = dense(b, behind(b, dense(b, "x")), 4)
    graph = b.build(end)
    kept = kept_whole(graph, couple(graph))
    assert kept[layer] == why
    assert kept[end] == OUTPUT


def test_what_is_kept_from_call_to_call_is_said_to_be_that() -> None:
    b = Builder(0, x=(6,), h=(4,))
    state = dense(b, b.add(Concat(-1), "x", "h"), 4)
    end = dense(b, state, 3)
    graph = keeping(b.build(end, state), {"h": state})
    for form in (graph, join_ports(graph)):
        kept = kept_whole(form, couple(form))
        assert kept == {state: "they are kept from call to call", end: OUTPUT}


def test_what_can_go_is_not_said_to_be_kept() -> None:
    b = Builder(0, x=(6, 6))
    first, second = dense(b, "x"), dense(b, "x")
    end = dense(b, b.add(Concat(-1), first, b.add(Softmax(), second)), 4)
    graph = b.build(end)
    coupling = couple(graph)
    assert removable(coupling)[coupling.values[first]].all()
    assert set(kept_whole(graph, coupling)) == {second, end}


def test_a_search_that_finds_nothing_to_remove_says_what_keeps_it() -> None:
    b = Builder(0, x=(6, 6))
    graph = b.build(dense(b, b.add(Softmax(), dense(b, "x")), 4))
    data = Samples(b.rng.normal(size=(20, 6, 6)).astype("f"))
    with pytest.raises(CannotFitError, match="nothing can go: dense0: softmax1 sums over them"):
        prune(graph, data, limits={"params": 10}, criterion="l1")


def test_many_layers_of_one_reason_are_counted() -> None:
    text = kept_words({f"l{i}": "why" for i in range(NAMED + 3)})
    assert text == "l0, l1, l2, l3, 3 more: why"
