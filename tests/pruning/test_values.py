"""What is too large to be kept is computed again, and everything comes out the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from pruning import graphs

from edgeprune.ir import Values, couple, run, tensors, values
from edgeprune.ops import Relu
from edgeprune.ops.linear import partner
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import find_groups
from edgeprune.pruning.loss import Loss
from edgeprune.pruning.obs import reference
from edgeprune.pruning.obs.parts import parts_of
from edgeprune.pruning.obs.reference import Reference
from edgeprune.pruning.obs.refit import Repair
from edgeprune.pruning.obs.scores import Scorer


def scarce(monkeypatch: pytest.MonkeyPatch, kept: int = 0) -> None:
    """Room for next to nothing."""
    monkeypatch.setattr(values, "KEPT", kept)
    monkeypatch.setattr(values, "PART", 2000)


@pytest.mark.parametrize("kept", [0, 5000, 50_000])
@pytest.mark.parametrize("seed", range(4))
def test_a_value_is_there_from_its_node_to_its_last_reader(
    seed: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = unfuse(graphs.cnn(seed))
    x = torch.randn(30, *graph.types["x"].shape, generator=torch.Generator().manual_seed(0))
    whole = run(graph, {"x": x})
    scarce(monkeypatch, kept)
    found = Values(graph, x, tensors(graph))
    for node in graph.nodes:
        for v in set(node.inputs) - set(graph.constants):
            assert v in found
            parts = torch.cat([part for _, part in found.parts(v)])
            torch.testing.assert_close(parts, whole[v], rtol=1e-4, atol=1e-5)
        found.settle(node)
    gone = {v for n in graph.nodes for v in n.inputs} - set(graph.outputs)
    assert not any(v in found for v in gone)


@pytest.mark.parametrize("seed", range(4))
def test_a_clamp_takes_the_place_of_what_nothing_else_wants(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = unfuse(graphs.cnn(seed))
    x = torch.randn(5, *graph.types["x"].shape, generator=torch.Generator().manual_seed(0))
    weights = tensors(graph)
    whole, before = run(graph, {"x": x}, constants=weights), x.clone()
    over: list[int] = []
    real = Relu.evaluate_over

    def counted(self: Relu, *operands: torch.Tensor) -> torch.Tensor:
        y = real(self, *operands)
        over.append(y.data_ptr() == operands[0].data_ptr())
        return y

    monkeypatch.setattr(Relu, "evaluate_over", counted)
    with torch.no_grad():
        for v in whole:
            made = run(graph, {"x": x}, constants=weights, keep=(v, *graph.outputs))
            assert torch.equal(made[v], whole[v])
            assert torch.equal(made[graph.outputs[0]], whole[graph.outputs[0]])
    assert over
    assert all(over)
    assert torch.equal(x, before)
    for name, w in tensors(graph).items():
        assert torch.equal(weights[name], w)


@pytest.mark.parametrize("seed", range(4))
def test_repair_and_scores_need_no_room(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graphs.balanced(unfuse(graphs.cnn(seed)))
    coupling = couple(graph)
    removed = np.zeros(coupling.count, bool)
    for group in find_groups(graph, coupling):
        removed[group.channels[: len(group.channels) // 4]] = True
    x = np.random.default_rng(0).normal(size=(60, *graph.types["x"].shape)).astype(np.float32)
    small, parts = compact(graph, coupling, removed), parts_of(graph, coupling, removed)
    loss = Loss(graph.outputs[0], "squared", np.zeros((60, 1), np.float32))

    def both() -> tuple[dict[str, np.ndarray], np.ndarray]:
        dense = Reference(graph, x, positions=7)
        scorer = Scorer(small, parts, coupling, removed, dense, loss, ridge=1e-3, rows=60)
        return Repair(small, parts, dense, sweeps=1).changed, scorer.scores()

    with_room = both()
    scarce(monkeypatch)
    without = both()
    assert with_room[0].keys() == without[0].keys()
    for name, w in with_room[0].items():
        np.testing.assert_allclose(without[0][name], w, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(without[1], with_room[1], rtol=1e-3, atol=1e-6)


def test_a_layer_is_looked_at_as_often_as_its_regression_needs() -> None:
    graph = unfuse(graphs.cnn(0))
    x = np.random.default_rng(0).normal(size=(2000, *graph.types["x"].shape)).astype(np.float32)
    known = Reference(graph, x, positions=1000)
    for name, lin in known.layers.items():
        rows = len(known.goals[name].result)
        least = reference.ROWS if lin.groups == 1 else reference.ROWS_OF_GROUPS
        enough = max(least, reference.EACH * lin.columns_per_group)
        assert min(enough, len(x) * lin.positions) <= rows < enough + len(x)


@pytest.mark.parametrize("kind", range(graphs.BLOCKS))
def test_fewer_samples_are_the_first_of_all(kind: int) -> None:
    graph = unfuse(graphs.cnn(kind, kinds=(kind,)))
    x = np.random.default_rng(0).normal(size=(30, *graph.types["x"].shape)).astype(np.float32)
    part = Reference(graph, x, positions=7).first(20)
    made = run(graph, {"x": torch.from_numpy(x[:20])})
    assert len(part) == 20
    for name, lin in part.layers.items():
        goal, other = part.goals[name], partner(graph, lin.node)
        for want, found in ((lin.node.output, goal.result), (other, goal.other)):
            assert (want is None) == (found is None)
            if want is not None:
                torch.testing.assert_close(lin.results(made[want], goal.at), found)


@pytest.mark.parametrize("seed", range(4))
def test_what_a_network_has_in_common_with_the_dense_one_is_computed_once(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graphs.balanced(unfuse(graphs.cnn(seed)))
    coupling = couple(graph)
    last = find_groups(graph, coupling)[-1].channels
    x = np.random.default_rng(0).normal(size=(60, *graph.types["x"].shape)).astype(np.float32)
    made = [0]
    real = values.Values.parts

    def counted(self: Values, value: str) -> Iterator[tuple[slice, torch.Tensor]]:
        made[0] += self.kept(value) is None
        return real(self, value)

    monkeypatch.setattr(values.Values, "parts", counted)

    def repaired(dense: Reference, count: int) -> dict[str, np.ndarray]:
        removed = np.zeros(coupling.count, bool)
        removed[last[:count]] = True
        small, parts = compact(graph, coupling, removed), parts_of(graph, coupling, removed)
        made[0] = 0
        return Repair(small, parts, dense).changed

    alone = repaired(Reference(graph, x, positions=7), 2)
    whole = made[0]
    dense = Reference(graph, x, positions=7)
    repaired(dense, 1)
    again = repaired(dense, 2)
    assert made[0] < whole
    assert alone.keys() == again.keys() != set()
    for name, w in alone.items():
        np.testing.assert_array_equal(again[name], w)
