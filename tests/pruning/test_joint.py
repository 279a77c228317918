"""All layers solved at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pruning import graphs

from edgeprune.ir import Graph, Samples, couple
from edgeprune.ops import Gather, Relu, Softmax
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import find_groups
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.loss import make_loss
from edgeprune.pruning.obs import distance as module
from edgeprune.pruning.obs import joint
from edgeprune.pruning.obs.distance import Distance, aims
from edgeprune.pruning.obs.joint import solve_jointly, together
from edgeprune.pruning.obs.parts import parts_of
from edgeprune.pruning.obs.reference import Reference


def pruned(graph: Graph, seed: int = 0, share: float = 0.4) -> tuple[Graph, dict]:  # type: ignore[type-arg]
    """A network without some channels of every group, and which part of the other it is."""
    coupling = couple(graph)
    rng = np.random.default_rng(seed)
    removed = np.zeros(coupling.count, bool)
    for group in find_groups(graph, coupling):
        removed[rng.permutation(group.channels)[: int(share * len(group.channels))]] = True
    return compact(graph, coupling, removed), parts_of(graph, coupling, removed)


def drawn(graph: Graph, n: int, seed: int = 0) -> np.ndarray:
    shape = graph.types["x"].shape
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def distance_of(graph: Graph, n: int = 40) -> Distance:
    small, parts = pruned(graph)
    value = make_loss(graph, Samples(drawn(graph, 2))).value
    wanted = aims(unfuse(small), parts, unfuse(graph), (value, value))
    return Distance(unfuse(small), wanted, unfuse(graph), drawn(graph, n))


def dot(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return sum(float((a[v].double() * b[v].double()).sum()) for v in a)


@pytest.mark.parametrize("kind", range(graphs.BLOCKS))
def test_derivatives_are_those_of_the_error(kind: int) -> None:
    distance = distance_of(graphs.cnn(kind, kinds=(kind,), head=False))
    at, slope = distance.start, distance.slope()
    rng = torch.Generator().manual_seed(kind)
    way = {v: torch.randn(w.shape, generator=rng) * w.std().clamp(min=0.1) for v, w in at.items()}
    h = 1e-3
    ahead, behind = (distance.error({v: w + s * way[v] for v, w in at.items()}) for s in (h, -h))
    assert 2 * dot(slope, way) == pytest.approx((ahead - behind) / (2 * h), rel=0.05, abs=1e-3)


@pytest.mark.parametrize("kind", range(graphs.BLOCKS))
def test_the_gauss_newton_matrix_is_symmetric_and_not_negative(kind: int) -> None:
    distance = distance_of(graphs.cnn(kind, kinds=(kind,), head=False))
    at = distance.start
    rng = torch.Generator().manual_seed(kind)
    u, v = ({k: torch.randn(w.shape, generator=rng) for k, w in at.items()} for _ in range(2))
    hu, hv = distance.curve(u), distance.curve(v)
    # differences in float32 are a hundred times what rounding loses, on any processor
    assert dot(v, hu) == pytest.approx(dot(u, hv), rel=1e-2, abs=1e-2 * dot(u, hu))
    assert dot(u, hu) > 0


def without_inputs(n: int = 40) -> Distance:
    """Of a network that reads some of its inputs."""
    graph = graphs.mlp(12, 8, 6, 3, head=None)
    coupling, value = couple(graph), graph.outputs[0]
    removed = coupling.inputs & (np.arange(coupling.count) % 3 == 0)
    small, parts = compact(graph, coupling, removed), parts_of(graph, coupling, removed)
    assert any(isinstance(node.op, Gather) for node in small.nodes)
    wanted = aims(small, parts, graph, (small.outputs[0], value))
    return Distance(small, wanted, graph, drawn(graph, n))


def test_what_no_weight_changes_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gather, gathered = Gather.evaluate, []

    def counted(op: Gather, *x: torch.Tensor) -> torch.Tensor:
        gathered.append(len(x[0]))
        return gather(op, *x)

    monkeypatch.setattr(Gather, "evaluate", counted)
    solve_jointly(without_inputs())
    assert gathered == [40]


def test_results_that_are_kept_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = solve_jointly(without_inputs())
    monkeypatch.setattr(module, "KEPT", 0)
    made = solve_jointly(without_inputs())
    assert kept
    assert all(np.array_equal(kept[v], made[v]) for v in kept)


def test_weights_that_were_disturbed_are_found_again() -> None:
    """A single layer is a linear problem: one step ends at its solution."""
    graph = graphs.mlp(20, 5, head=None)
    rng = np.random.default_rng(0)
    disturbed = graph.with_constants(
        {k: v + rng.normal(size=v.shape).astype(np.float32) for k, v in graph.constants.items()}
    )
    coupling, value = couple(graph), graph.outputs[0]
    parts = parts_of(graph, coupling, np.zeros(coupling.count, bool))
    wanted = aims(disturbed, parts, graph, (value, value))
    found = solve_jointly(Distance(disturbed, wanted, graph, drawn(graph, 400)), damp=0.0)
    for name, constant in graph.constants.items():
        assert np.allclose(found[name], constant, atol=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_the_network_comes_nearer_on_samples_that_it_was_not_solved_with(seed: int) -> None:
    graph = graphs.balanced(graphs.cnn(seed))
    small, parts = pruned(graph, seed)
    data = Samples(drawn(graph, 600, seed))
    judge = Judge(graph, Samples(drawn(graph, 200, seed + 100)))
    loss = make_loss(graph, data)
    made = together(small, parts, graph, data, judge, (loss, loss))
    fresh = Judge(graph, Samples(drawn(graph, 500, seed + 200)))
    assert fresh.value(made) > 0.9 * fresh.value(small), "minus a squared distance"


def test_a_step_that_does_not_help_on_validation_data_is_not_taken() -> None:
    graph = graphs.balanced(graphs.mlp(30, 20, 4, act=Relu, head=Softmax))
    small, parts = pruned(graph)
    data = Samples(drawn(graph, 12))  # far fewer than there are weights
    judge = Judge(graph, Samples(drawn(graph, 400, seed=1)))
    loss = make_loss(graph, data)
    made = together(small, parts, graph, data, judge, (loss, loss))
    assert judge.value(made) >= judge.value(small)


def test_a_network_with_far_fewer_equations_than_unknowns_is_not_solved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = graphs.balanced(graphs.mlp(30, 20, 4, act=Relu, head=Softmax))
    small, parts = pruned(graph)
    data = Samples(drawn(graph, 12))
    judge, loss = Judge(graph, Samples(drawn(graph, 40, seed=1))), make_loss(graph, data)
    solved: list[Distance] = []
    monkeypatch.setattr(joint, "solve_jointly", lambda distance, **_: solved.append(distance) or {})
    together(small, parts, graph, data, judge, (loss, loss))
    assert not solved
    plenty = Samples(drawn(graph, 600))
    together(small, parts, graph, plenty, judge, (loss, loss))
    assert solved


def test_no_further_step_follows_one_that_gained_next_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = graphs.balanced(graphs.mlp(30, 20, 4, act=Relu, head=Softmax))
    small, parts = pruned(graph)
    data = Samples(drawn(graph, 600))
    judge, loss = Judge(graph, Samples(drawn(graph, 40, seed=1))), make_loss(graph, data)
    values = iter([-1.0, -0.999, -0.5, -0.1])
    monkeypatch.setattr(judge, "value", lambda graph: next(values))
    steps: list[int] = []
    monkeypatch.setattr(joint, "solve_jointly", lambda distance, **_: steps.append(1) or {})
    together(small, parts, graph, data, judge, (loss, loss))
    assert len(steps) == 1


def test_a_network_that_lost_nothing_stays_as_it_is() -> None:
    graph = graphs.mlp(6, 5, 3, act=Relu, head=None)
    coupling = couple(graph)
    parts = parts_of(graph, coupling, np.zeros(coupling.count, bool))
    value = graph.outputs[0]
    distance = Distance(graph, aims(graph, parts, graph, (value, value)), graph, drawn(graph, 50))
    assert solve_jointly(distance) == {}


def test_layers_are_first_repaired_for_what_the_dense_network_computes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Alone, with neither a step of all layers nor a last layer solved after it."""
    graph = graphs.balanced(graphs.mlp(30, 20, 4, act=Relu, head=Softmax))
    small, parts = pruned(graph)
    data, loss = Samples(drawn(graph, 600)), make_loss(graph, Samples(drawn(graph, 2)))
    judge = Judge(graph, Samples(drawn(graph, 300, seed=1)))
    monkeypatch.setattr(joint, "STEPS", 0)
    monkeypatch.setattr(joint, "resolve_head", lambda *_: {})
    given = (small, parts, graph, data, judge, (loss, loss))
    assert together(*given) is small
    repaired = together(*given, reference=lambda: Reference(unfuse(graph), data.x), sweeps=1)
    assert judge.value(repaired) > 0.9 * judge.value(small), "minus a squared distance"


def test_samples_of_a_step_are_copied_only_where_it_goes_on_with_the_first_again() -> None:
    data = Samples(np.arange(20, dtype=np.float32)[:, None])
    for start in (0, 12, 20):
        some = joint._some(data, start, 8)
        assert np.shares_memory(some, data.x)
        assert some.ravel().tolist() == list(range(start % 20, start % 20 + 8))
    assert joint._some(data, 36, 8).ravel().tolist() == [16, 17, 18, 19, 0, 1, 2, 3]
