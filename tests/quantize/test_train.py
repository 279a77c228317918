"""Training that leaves weights on their levels."""

from __future__ import annotations

import numpy as np
import torch
from op_cases import residual
from pruning import graphs

from edgeprune.ir import Array, Graph, couple, run
from edgeprune.ops import Compare, Relu, Softmax
from edgeprune.ops.linear import linears
from edgeprune.ops.unfuse import unfuse
from edgeprune.pruning.obs.parts import parts_of
from edgeprune.pruning.teacher import Teacher
from edgeprune.quantize import Levels, Rounder
from edgeprune.quantize.bits import Judge
from edgeprune.quantize.train import train


def drawn(n: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(n, 6, 6, 3)).astype(np.float32)


def rounded(source: Graph) -> tuple[Graph, dict[str, Levels]]:
    return Rounder(source, drawn(100)).rounded(dict.fromkeys(linears(source), 3))


def codes(graph: Graph, levels: dict[str, Levels]) -> dict[str, Array]:
    """By layer, its weights as multiples of their rows' scales."""
    return {
        name: np.rint(lin.matrix(graph.constants[lin.node.inputs[1]]) / scale[..., None])
        for name, lin in linears(graph).items()
        for scale in (levels[name].scale.numpy(),)
    }


def test_a_network_comes_nearer_on_samples_that_it_did_not_see() -> None:
    source = graphs.balanced(graphs.mlp(12, 16, 4, act=Relu, head=Softmax))
    x = np.random.default_rng(1).normal(size=(1500, 12)).astype(np.float32)
    graph, levels = Rounder(source, x[:600]).rounded(dict.fromkeys(linears(source), 4))
    judge = Judge.of(source, x[1200:])
    made, found = train(graph, levels, source, x[:1200], epochs=20)
    scaled, _ = train(graph, levels, source, x[:1200], epochs=20, fixed=True)
    assert judge.loss(made) < 0.9 * judge.loss(scaled) < 0.9 * judge.loss(graph)
    before, after = codes(graph, levels), codes(made, found)
    assert any((before[name] != after[name]).any() for name in levels)
    assert not any(np.allclose(levels[k].scale, found[k].scale, rtol=1e-3) for k in levels)


def test_what_is_beside_the_answers_is_learned_too() -> None:
    """Of values in front of clamps that the graph holds in its layers."""
    source = residual()
    graph, levels = rounded(source)
    parts = parts_of(source, couple(source), np.zeros(couple(source).count, bool))
    x, fresh = drawn(600, 1), torch.from_numpy(drawn(200, 2))
    teacher = Teacher(unfuse(graph), parts, source, x)

    def apart(g: Graph) -> float:
        values = run(unfuse(g), {g.inputs[0]: fresh})
        return float(teacher.error(values, fresh))

    told, _ = train(graph, levels, source, x, epochs=8, beside=teacher.error)
    alone, _ = train(graph, levels, source, x, epochs=8)
    assert apart(told) < 0.95 * apart(alone)


def test_weights_stay_on_the_values_that_they_had_and_others_as_they_are() -> None:
    source = residual()
    graph, levels = rounded(source)
    part = {k: v for k, v in levels.items() if k != "head"}
    made, found = train(graph, part, source, drawn(64), epochs=1)
    again, _ = train(graph, part, source, drawn(64), epochs=1)
    assert set(found) == set(part)
    for name, lin in linears(graph).items():
        w, b = lin.node.inputs[1:]
        assert np.array_equal(made.constants[w], again.constants[w]), "one seed, one result"
        if name == "head":
            assert made.constants[w] is graph.constants[w]
            continue
        assert found[name].values == levels[name].values
        codes = lin.matrix(made.constants[w]) / found[name].scale.numpy()[..., None]
        assert np.allclose(codes, np.rint(codes), atol=1e-3)
        assert set(np.rint(codes).astype(int).ravel()) <= set(found[name].values)
        assert not np.array_equal(made.constants[b], graph.constants[b])


def test_no_epoch_changes_nothing() -> None:
    source = residual()
    graph, levels = rounded(source)
    made, _ = train(graph, levels, source, drawn(40), epochs=0)
    for name in graph.constants:
        assert np.allclose(made.constants[name], graph.constants[name], atol=1e-6)


def test_scales_and_biases_of_all_layers_come_nearer_while_every_weight_keeps_its_value() -> None:
    source = graphs.balanced(graphs.mlp(12, 16, 4, act=Relu, head=Softmax))
    x = np.random.default_rng(0).normal(size=(1500, 12)).astype(np.float32)
    graph, levels = Rounder(source, x[:600]).rounded(dict.fromkeys(linears(source), 4))
    judge = Judge.of(source, x[1200:])
    made, found = train(graph, levels, source, x[:1200], epochs=4, fixed=True)
    assert judge.loss(made) < 0.95 * judge.loss(graph)
    before, after = codes(graph, levels), codes(made, found)
    assert all(np.array_equal(before[name], after[name]) for name in levels)
    assert not any(np.allclose(levels[k].scale, found[k].scale, rtol=1e-3) for k in levels)


def test_a_network_whose_answers_have_no_derivative_stays_as_it_is() -> None:
    source = graphs.mlp(12, 16, 4, act=Relu, head=Compare)
    x = np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)
    graph, levels = Rounder(source, x).rounded(dict.fromkeys(linears(source), 4), weighed=True)
    for fixed in (False, True):
        made, found = train(graph, levels, source, x, epochs=1, fixed=fixed)
        assert made is graph
        assert found == levels
