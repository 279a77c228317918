"""Laws of runs in which channels of a kind go in blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pruning import graphs
from pruning.test_obs import samples

from edgeprune.ir import Graph, couple
from edgeprune.ops import Relu
from edgeprune.pruning import obs
from edgeprune.pruning.descent import Move
from edgeprune.pruning.groups import Mask, find_groups
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.meter import Meter
from edgeprune.pruning.obs.blocks import TRIES, Block, Losses
from edgeprune.pruning.obs.greedy import Greedy
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.obs.refit import Repair


def test_channels_go_in_blocks_where_one_alone_saves_nothing() -> None:
    graph = graphs.balanced(graphs.mlp(20, 8, 8, 8, 4, act=Relu, head=None))

    def tiles(kept: Graph) -> dict[str, float]:
        made = (kept.types[n.output].shape[-1] for n in kept.nodes if n.op.weights)
        return {"work": float(sum(-(-n // 4) for n in made))}

    def widths(block: int) -> list[int]:
        effort = obs.Effort(block=block, inputs=False)
        limits = {"work": tiles(graph)["work"] - 1}
        found = obs.Search(graph, samples(graph), effort=effort).prune(limits=limits, cost=tiles)
        assert tiles(found.graph)["work"] <= limits["work"]
        return sorted(int((~found.removed[g.channels]).sum()) for g in groups)

    groups = find_groups(graph, couple(graph))
    assert widths(4) == [4, 8, 8], "one step is enough, and it is one layer's"
    assert widths(1) != [4, 8, 8], "by channels others go that save nothing"


def first_round(*widths: int, share: float, tile: int, scale: float = 1.0) -> list[int]:
    """How many channels of each hidden layer a run in blocks of eight picks first."""
    graph = graphs.balanced(graphs.mlp(20, *widths, 4, act=Relu, head=None))
    coupling = couple(graph)
    groups = find_groups(graph, coupling)

    def cost(removed: Mask) -> float:
        left = ((~removed[g.channels]).sum() for g in groups)
        return scale * float(sum(-(-n // tile) for n in left))

    effort = obs.Effort(share=share, block=8, inputs=False)
    picks = Greedy(graph, coupling, samples(graph), cost, effort=effort).propose().channels
    return [len({*picks} & {*g.channels.tolist()}) for g in groups]


def test_a_block_has_as_many_channels_as_save_most_each() -> None:
    assert first_round(10, share=1, tile=8) == [2], "after these, more would save nothing"
    assert first_round(16, share=1, tile=8) == [8]
    assert first_round(16, share=1, tile=1) == [8], "of equals the most"


def test_the_first_block_of_a_round_is_the_one_that_is_measured_to_cost_least() -> None:
    graph = graphs.balanced(graphs.mlp(20, 16, 16, 16, 4, act=Relu, head=None))
    coupling = couple(graph)
    layers = [g.channels for g in find_groups(graph, coupling)]
    effort = obs.Effort(share=0.01, block=8, inputs=False)
    tried: list[tuple[int, ...]] = []

    def widths(g: Graph) -> tuple[int, ...]:
        return tuple(g.types[n.output].shape[-1] for n in g.nodes if n.op.weights)[:3]

    def picked(best: int) -> int:
        def measure(g: Graph) -> float:
            tried.append(widths(g))
            return -float(sum(16 - n for i, n in enumerate(widths(g)) if i != best))

        run = Greedy(
            graph, coupling, samples(graph), lambda removed: float((~removed).sum()),
            measure=measure, effort=effort,
        )  # fmt: skip
        before = run.snapshot()
        picks = run.propose().channels
        assert run.master is before.master
        assert not run.removed.any()
        (layer,) = [i for i, own in enumerate(layers) if {*picks} <= {*own.tolist()}]
        return layer

    assert [picked(best) for best in range(3)] == [0, 1, 2]
    assert set(tried) <= {(16, 16, 16), (8, 16, 16), (16, 8, 16), (16, 16, 8)}


@pytest.mark.parametrize("scale", [0.01, 100])
@pytest.mark.parametrize(("share", "blocks"), [(0.15, 1), (0.2, 2), (0.35, 3)])
def test_a_round_takes_blocks_until_they_save_its_share_of_the_cost(
    share: float, blocks: int, scale: float
) -> None:
    # a block is half of a layer, which is a sixth of all
    found = first_round(16, 16, 16, share=share, tile=8, scale=scale)
    assert sorted(found) == sorted([8] * blocks + [0] * (3 - blocks))


def test_what_a_block_saves_is_of_the_limits_that_are_exceeded_and_no_more_than_that() -> None:
    def prices(removed: Mask) -> dict[str, float]:
        gone = float(removed.sum())
        return {"work": 100 - gone, "flash": 50 - 10 * gone}

    none, one, two = (np.arange(4) < n for n in (0, 1, 2))
    measured = Meter(prices, none, Limits({"work": 90.0, "flash": 45.0}))
    assert measured.saving(none, one) == pytest.approx(1 / 100 + 5 / 50)
    assert measured.saving(one, two) == pytest.approx(1 / 100), "flash fits by now"


def priced(kind: int, rise: float, saved: float = 1.0) -> Block:
    """A block of one channel."""
    return Block(kind, {kind: rise}, saved)


def measured(losses: dict[int, float]) -> tuple[Losses, list[int]]:
    """Of blocks of one channel, and which of them were measured, in order."""
    tried: list[int] = []

    def loss(picks: list[int]) -> float:
        tried.extend(picks)
        return losses[picks[0]]

    return Losses(loss, goal=0.5), tried


def test_of_the_blocks_that_seem_cheapest_the_one_that_is_measured_so_goes_once_a_round() -> None:
    blocks = [priced(kind, rise=20.0 - kind) for kind in range(TRIES + 4)]  # the last seem cheapest
    losses, tried = measured({kind: 100.0 + kind for kind in range(TRIES + 4)})
    seem = [block.kind for block in blocks[: -TRIES - 1 : -1]]
    for left in range(TRIES, 0, -1):
        best = losses.best(blocks, per_price=True)
        assert best.kind == 4 + TRIES - left, "not one that is only estimated"
        assert tried == seem, "at the start of the round, none again"
        blocks.remove(best)
    assert losses.best(blocks, per_price=True).kind == 3, "of the rest the estimate counts"
    assert tried == seem


@pytest.mark.parametrize(("goal", "measured_ones"), [(TRIES - 0.5, TRIES), (TRIES + 0.5, 0)])
def test_blocks_that_all_go_in_any_case_are_not_measured(goal: float, measured_ones: int) -> None:
    blocks = [priced(kind, rise=1.0 + kind) for kind in range(TRIES + 4)]
    tried: list[int] = []

    def loss(picks: list[int]) -> float:
        tried.extend(picks)
        return float(sum(picks))

    losses = Losses(loss, goal)
    gone = set()
    for _ in range(TRIES):
        best = losses.best(blocks, per_price=True)
        blocks.remove(best)
        gone.add(best.kind)
    assert gone == set(range(TRIES))
    assert len(tried) == measured_ones


@pytest.mark.parametrize("estimated", [False, True])
def test_of_blocks_that_gain_the_one_that_gains_and_saves_most_goes_first(estimated: bool) -> None:
    found = {0: (-1e-6, 0.001), 1: (-0.02, 0.05), 2: (-0.02, 0.04), 3: (1e-9, 9.0)}
    losses, _ = measured({kind: rise for kind, (rise, _) in found.items()})
    if estimated:
        losses = Losses(None, goal=1.0)
    blocks = [priced(kind, rise, saved) for kind, (rise, saved) in found.items()]
    order = []
    while blocks:
        best = losses.best(blocks, per_price=True)
        order.append(best.kind)
        blocks.remove(best)
    assert order == [1, 2, 0, 3]


def test_what_saves_nothing_goes_last_even_where_it_gains() -> None:
    losses, _ = measured({0: -1.0, 1: 2.0})
    assert losses.best([priced(0, -1.0, 0.0), priced(1, 2.0)], per_price=True).kind == 1
    assert losses.best([priced(0, -1.0, 0.0), priced(1, 2.0)], per_price=False).kind == 0


class Blocks:
    """A network of two hidden layers, a search in blocks of eight, and layers that lose so much."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *lost: float) -> None:
        self.graph = graphs.balanced(graphs.mlp(20, 16, 16, 4, act=Relu, head=None))
        self.layers = [g.channels for g in find_groups(self.graph, couple(self.graph))]
        self.lost = lost
        monkeypatch.setattr(Judge, "value", lambda _, graph: self.value(graph))

    def value(self, graph: Graph) -> float:
        widths = [graph.types[n.output].shape[-1] for n in graph.nodes if n.op.weights]
        return -sum(lost * (16 - width) for lost, width in zip(self.lost, widths, strict=False))

    def search(self) -> obs.Search:
        return obs.Search(self.graph, samples(self.graph), effort=obs.Effort(block=8, inputs=False))

    def work(self, removed: Mask) -> dict[str, float]:
        """Blocks of the first layer save four times what those of the second do."""
        first, second = (-(-int((~removed[layer]).sum()) // 8) for layer in self.layers)
        return {"work": 4.0 * first + second}

    def gone(self, search: obs.Search, work: float) -> list[int]:
        """How many channels of each layer go until this is met."""
        found = search.choose(Limits({"work": work}), self.work, inputs=False)
        return [int(found.removed[layer].sum()) for layer in self.layers]


@pytest.mark.parametrize(("lost", "gone"), [((9.0, 1.0), [0, 8]), ((1.0, 9.0), [8, 0])])
def test_a_search_takes_the_block_first_that_its_validation_data_lose_least_by(
    monkeypatch: pytest.MonkeyPatch, lost: tuple[float, float], gone: list[int]
) -> None:
    case = Blocks(monkeypatch, *lost)
    assert case.gone(case.search(), 9) == gone


def test_a_search_in_blocks_that_was_asked_before_gives_what_a_new_one_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Blocks(monkeypatch, 2.0, 1.0)
    search = case.search()
    for work, gone in ((6, [8, 0]), (9, [0, 8]), (6, [8, 0])):
        assert case.gone(search, work) == case.gone(case.search(), work) == gone


@pytest.mark.parametrize("shares", [(0.7, 0.5), (0.5, 0.7, 0.4), (0.9, 0.45, 0.6)])
def test_other_limits_take_the_rounds_that_they_have_in_common(shares: tuple[float, ...]) -> None:
    graph = graphs.balanced(graphs.mlp(20, 48, 40, 32, 4, act=Relu, head=None))
    effort = obs.Effort(block=8, inputs=False)
    coupling = couple(graph)
    layers = [g.channels for g in find_groups(graph, coupling)]

    def prices(removed: Mask) -> dict[str, float]:
        widths = [int((~removed[layer]).sum()) for layer in layers]
        tiles = [-(-n // 8) for n in widths]
        return {"work": float(sum(tiles)), "flash": float(sum(widths))}

    def search() -> obs.Search:
        return obs.Search(graph, samples(graph), effort=effort)

    whole = prices(np.zeros(coupling.count, bool))
    asked = [Limits({"work": share * whole["work"], "flash": whole["flash"]}) for share in shares]
    proposed: list[int] = []
    kept = search()
    with pytest.MonkeyPatch.context() as patch:
        propose = Greedy.propose

        def counted(self: Greedy) -> Move:
            proposed[-1] += 1
            return propose(self)

        patch.setattr(Greedy, "propose", counted)
        for limits in asked:
            found = []
            for who in (kept, search()):
                proposed.append(0)
                found.append(who.choose(limits, prices, inputs=False))
            assert np.array_equal(found[0].removed, found[1].removed)
            assert found[0].order == found[1].order
    again, new = proposed[2::2], proposed[3::2]
    assert sum(again) < sum(new), "the rounds far from either limit are known"


def test_blocks_are_tried_with_a_share_of_the_samples_of_a_round() -> None:
    graph = graphs.balanced(graphs.mlp(20, 16, 16, 4, act=Relu, head=None))
    coupling, seen = couple(graph), list[int]()
    repair = Repair.__init__

    def counted(self: Repair, small: Graph, parts: Any, reference: Reference) -> None:
        seen.append(len(reference))
        repair(self, small, parts, reference)

    effort = obs.Effort(share=0.01, block=8, inputs=False, trial=3, least_trial=50)
    run = Greedy(
        graph, coupling, samples(graph, 300), lambda removed: float((~removed).sum()),
        measure=lambda g: -float(g.params), effort=effort,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Repair, "__init__", counted)
        run.apply(run.propose())
    assert seen == [100, 100, 100, 300], "whole, each of two layers, and what goes"
