"""Numbers of values by layer: what each loses is measured, and none that fits would lose less."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from op_cases import residual

from edgeprune.ir import Graph, predict
from edgeprune.quantize import Rounder
from edgeprune.quantize.bits import Judge, frontier, sensitivities

COUNTS = (255, 16, 4)


def table(seed: int, layers: int = 5) -> tuple[dict[tuple[str, int], float], ...]:
    rng = np.random.default_rng(seed)
    keys = [(f"l{i}", c) for i in range(layers) for c in COUNTS]
    lost = {k: float(rng.exponential() / k[1]) for k in keys}
    price = {(n, c): float(rng.integers(10, 500) * np.log2(c)) for n, c in keys}
    return lost, price


@pytest.mark.parametrize("seed", range(5))
def test_no_allocation_within_a_limit_loses_less_than_the_one_of_the_frontier(seed: int) -> None:
    lost, price = table(seed)
    found = frontier(lost, price)
    names = sorted({n for n, _ in lost})
    every = [
        [(n, c) for n, c in zip(names, choice, strict=True)]
        for choice in itertools.product(COUNTS, repeat=len(names))
    ]
    sums = [(sum(price[k] for k in one), sum(lost[k] for k in one)) for one in every]
    for limit in np.linspace(min(p for p, _ in sums), max(p for p, _ in sums), 20):
        least = min(cost for p, cost in sums if p <= limit)
        first = next(a for a in found if a.price <= limit)
        assert first.lost == pytest.approx(least)
        assert first.price == pytest.approx(sum(price[k] for k in first.counts.items()))


def test_the_frontier_goes_from_dear_to_cheap_and_loses_more_on_the_way() -> None:
    found = frontier(*table(7, layers=9))
    prices, losses = [a.price for a in found], [a.lost for a in found]
    assert prices == sorted({*prices}, reverse=True)
    assert losses == sorted({*losses})


def test_a_long_frontier_is_thinned_but_keeps_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = frontier(*table(7, layers=9))
    monkeypatch.setattr("edgeprune.quantize.bits.MOST", 20)
    few = frontier(*table(7, layers=9))
    assert len(few) <= 21 < len(whole)
    assert (few[0], few[-1]) == (whole[0], whole[-1])


def test_a_network_is_not_away_from_itself_and_another_is() -> None:
    graph = residual()
    x = np.random.default_rng(0).normal(size=(50, 6, 6, 3)).astype(np.float32)
    other = graph.with_constants({"w3": 1.3 * graph.constants["w3"]})
    for judge in (Judge.of(graph, x), replace(Judge.of(graph, x), is_distribution=False)):
        assert judge.loss(graph) == pytest.approx(0, abs=1e-9)
        assert judge.loss(other) > 1e-4
    p, q = (predict(g, x).astype(float) for g in (graph, other))
    kl = (p * np.log(p / q)).sum(1).mean()
    assert Judge.of(graph, x).loss(other) == pytest.approx(kl, rel=1e-5)


def test_layers_lose_more_with_fewer_values() -> None:
    graph = residual()
    x = np.random.default_rng(0).normal(size=(200, 6, 6, 3)).astype(np.float32)
    names = ("one", "two", "head")
    rounder, judge = Rounder(graph, x[:150]), Judge.of(graph, x[150:])
    lost = sensitivities(rounder, judge, dict.fromkeys(names, COUNTS))
    for name in names:
        assert lost[name, 255] < 2e-5 < lost[name, 4]
        assert lost[name, 255] <= lost[name, 16] < lost[name, 4]


def test_what_layers_lose_is_about_what_is_measured_when_each_is_rounded() -> None:
    graph = residual()
    x = np.random.default_rng(0).normal(size=(300, 6, 6, 3)).astype(np.float32)
    rounder, judge = Rounder(graph, x[:200]), Judge.of(graph, x[200:])
    wanted = dict.fromkeys(("one", "two", "head"), (255, 16, 9, 6, 5, 4, 3))
    lost = sensitivities(rounder, judge, wanted)
    for name, count, solved in rounder.alone(dict.fromkeys(wanted, (9, 6, 5, 3))):
        measured = judge.loss(graph.with_constants(solved.changed))
        assert measured / 2 < lost[name, count] < 2 * measured, (name, count)
    for name, counts in wanted.items():
        row = [lost[name, c] for c in counts]
        assert row == sorted(row), "more values never lose more"


def test_a_layer_is_rounded_few_times_and_the_network_asked_once_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = residual()
    x = np.random.default_rng(0).normal(size=(60, 6, 6, 3)).astype(np.float32)
    rounder, judge = Rounder(graph, x), Judge.of(graph, x)
    asked: list[Graph] = []
    monkeypatch.setattr(Judge, "loss", lambda self, graph: asked.append(graph) or 0.0)
    lost = sensitivities(rounder, judge, {"one": COUNTS, "two": (255,), "head": (8, 3)})
    assert set(lost) == {("one", c) for c in COUNTS} | {("two", 255), ("head", 8), ("head", 3)}
    assert len(asked) == 1 + 3
