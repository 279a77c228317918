"""Equalisation keeps the function, bias correction the mean, and choices follow what they score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.compiler.compile import Recipe
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    DType,
    Graph,
    Node,
    TensorType,
    build_graph,
    dequantise_array,
    predict,
    quantise_array,
    run_int,
)
from edgeprune.ops import (
    AvgPool2d,
    Conv2d,
    Dense,
    DepthwiseConv2d,
    LeakyRelu,
    MaxPool2d,
    Relu,
    Sigmoid,
)
from edgeprune.pipeline.quantised import scaled_alike
from edgeprune.quantize import (
    METHODS,
    Settings,
    choose,
    equalise,
    four_bit_layers,
    observe,
    quantise,
    tolerant,
    widen,
)
from edgeprune.quantize.equalise import _pairs
from edgeprune.quantize.noise import noisiest, signal_to_noise
from edgeprune.target import load_target


def chain(seed: int, between: type, spread: float = 4.0) -> Graph:
    """1x1 convolution, depthwise, convolution, whose channels differ in size by far."""
    rng = np.random.default_rng(seed)

    def w(*shape: int, axis: int = 0) -> np.ndarray:
        size = np.exp(rng.normal(0, spread / 2, shape[axis]))
        along = [1] * len(shape)
        along[axis] = -1
        return (rng.normal(size=shape) * size.reshape(along)).astype(np.float32)

    op = LeakyRelu(0.1) if between is LeakyRelu else between()
    nodes = [
        Node("c1", Conv2d(), ("x", "w1", "b1"), "c1"),
        Node("r1", op, ("c1",), "r1"),
        Node("d", DepthwiseConv2d(), ("r1", "w2", "b2"), "d"),
        Node("r2", op, ("d",), "r2"),
        Node("c2", Conv2d(), ("r2", "w3", "b3"), "c2"),
    ]
    constants = {"w1": w(8, 1, 1, 3), "b1": w(8), "w2": w(3, 3, 8, axis=2), "b2": w(8)}
    constants |= {"w3": w(5, 1, 1, 8), "b3": w(5)}
    return build_graph("g", nodes, {"x": TensorType((12, 12, 3))}, ["c2"], constants)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([Relu, LeakyRelu, MaxPool2d, AvgPool2d, Sigmoid]))
def test_equalisation_does_not_change_a_bit_of_the_function(seed: int, between: type) -> None:
    graph = fuse(chain(seed, between))
    even = equalise(graph)
    x = np.random.default_rng(seed).normal(size=(3, 12, 12, 3)).astype(np.float32)
    np.testing.assert_array_equal(predict(even, x), predict(graph, x))
    assert (even is graph) == (between is Sigmoid)


def test_equalised_channels_are_within_a_factor_of_two() -> None:
    """What makes a channel and what reads it are alike up to the rounding of the factor."""
    even = equalise(fuse(chain(0, Relu)))
    for pair in _pairs(even):
        made, read = np.abs(even.constants[pair.w1]), np.abs(even.constants[pair.w2])
        made = made.max(axis=(1, 2, 3)) if made.ndim == 4 else made.max(axis=(0, 1))
        read = read.max(axis=(0, 1, 2)) if read.ndim == 4 else read.max(axis=(0, 1))
        assert (np.abs(np.log2(made / read)) <= 1.01).all()
    assert [(p.w1, p.w2) for p in _pairs(even)] == [("w1", "w2"), ("w2", "w3")]


def test_a_value_that_others_see_is_not_scaled(rng: np.random.Generator) -> None:
    graph = fuse(chain(0, Relu))
    seen = replace(graph, outputs=(*graph.outputs, "r1" if "r1" in graph.types else "c1"))
    assert [(p.w1, p.w2) for p in _pairs(seen)] == [("w2", "w3")]


def test_factors_pass_a_relu_that_no_layer_has_taken_over() -> None:
    graph = chain(0, LeakyRelu)
    nodes = [replace(n, inputs=("r", *n.inputs[1:])) if n.name == "d" else n for n in graph.nodes]
    nodes.insert(2, Node("r", Relu(), ("r1",), "r"))
    kept = build_graph("g", nodes, {"x": graph.types["x"]}, graph.outputs, graph.constants)
    assert [(p.w1, p.w2) for p in _pairs(kept)] == [("w1", "w2"), ("w2", "w3")]


@pytest.mark.parametrize("shared", ["w1", "b1", "w2", "b2", "w3"])
def test_weights_that_another_layer_reads_too_are_not_scaled(
    shared: str, rng: np.random.Generator
) -> None:
    constants = {f"w{i}": rng.normal(size=(4, 4)).astype(np.float32) for i in (1, 2, 3)}
    constants |= {f"b{i}": rng.normal(size=4).astype(np.float32) for i in (1, 2, 3)}
    other = (shared, "b3") if shared.startswith("w") else ("w3", shared)
    nodes = [
        Node("first", Dense(), ("x", "w1", "b1"), "h"),
        Node("second", Dense(), ("h", "w2", "b2"), "y"),
        Node("other", Dense(), ("x", *other), "z"),
    ]
    graph = build_graph("g", nodes, {"x": TensorType((4,))}, ["y", "z"], constants)
    assert [(p.w1, p.w2) for p in _pairs(graph)] == ([("w1", "w2")] if shared == "w3" else [])


def test_a_clamp_at_six_is_not_scaled() -> None:
    graph = fuse(chain(0, Relu))
    nodes = [
        replace(n, op=replace(n.op, clamp=(0.0, 6.0))) if n.name == "c1" else n for n in graph.nodes
    ]
    pairs = _pairs(replace(graph, nodes=tuple(nodes)))
    assert [(p.w1, p.w2) for p in pairs] == [("w2", "w3")]


def _outputs(q: Graph, x: np.ndarray) -> np.ndarray:
    t_in, t_out = q.types[q.inputs[0]], q.types[q.outputs[0]]
    values = run_int(q, {q.inputs[0]: quantise_array(x, t_in)})
    return dequantise_array(values[q.outputs[0]], t_out)


@pytest.mark.parametrize("kind", ["dense", "conv", "grouped", "depthwise"])
def test_bias_correction_takes_off_the_mean_error(kind: str, rng: np.random.Generator) -> None:
    """Weights of four bits and inputs far from zero: nearly all of the shift goes."""
    shape, op, w = {
        "dense": ((64,), Dense(), rng.normal(size=(16, 64))),
        "conv": ((7, 7, 8), Conv2d(), rng.normal(size=(16, 3, 3, 8))),
        "grouped": ((7, 7, 8), Conv2d(groups=2), rng.normal(size=(16, 3, 3, 4))),
        "depthwise": ((7, 7, 8), DepthwiseConv2d(), rng.normal(size=(3, 3, 16))),
    }[kind]
    constants = {"w": w.astype(np.float32), "b": np.zeros(16, np.float32)}
    graph = build_graph(
        "g", [Node("n", op, ("x", "w", "b"), "y")], {"x": TensorType(shape)}, ["y"], constants
    )
    x = (rng.normal(size=(256, *shape)) * 0.3 + rng.uniform(1, 3, shape[-1])).astype(np.float32)
    seen = observe(graph, x)
    ranges = {v: o.range("minmax", 65536) for v, o in seen.items()}
    means = {v: o.mean for v, o in seen.items()}
    wanted = predict(graph, x)
    axes = tuple(range(wanted.ndim - 1))
    off = []
    for given_means in (None, means):
        q = quantise(graph, ranges, DType.INT8, four_bit={"n"}, means=given_means)
        off.append(np.abs((_outputs(q, x) - wanted).mean(axis=axes)).mean())
    assert off[1] < 0.25 * off[0]


def test_some_layers_have_weights_of_four_bits_and_others_of_eight() -> None:
    graph = fuse(chain(0, Relu))
    assert four_bit_layers(graph) == {"c1", "c2"}
    x = np.random.default_rng(0).normal(size=(16, 12, 12, 3)).astype(np.float32)
    ranges = {v: o.range("minmax", 256) for v, o in observe(graph, x).items()}
    q = quantise(graph, ranges, four_bit={"c2"})
    kinds = {n.name: q.types[n.inputs[1]].dtype for n in q.nodes}
    assert kinds == {"c1": DType.INT8, "d": DType.INT8, "c2": DType.INT4}
    weights = next(q.constants[n.inputs[1]] for n in q.nodes if n.name == "c2")
    assert np.abs(weights).max() == 7


@pytest.mark.parametrize("method", METHODS)
def test_the_best_method_is_chosen_and_nothing_that_does_not_gain(method: str) -> None:
    def score(s: Settings) -> tuple[float, float]:
        return 0.9 + 0.01 * (s.method == method), -1.0

    assert choose(score, Settings()) == Settings(method=method)  # type: ignore[arg-type]


def test_correction_and_equalisation_are_kept_where_they_gain() -> None:
    def score(s: Settings) -> tuple[float, float]:
        return 0.9, s.corrects_bias - 2.0 * s.equalises

    assert choose(score, Settings()) == Settings(corrects_bias=True)
    assert choose(lambda s: (0.0, s.equalises), Settings()).equalises
    assert not choose(lambda s: (0.0, s.equalises), Settings(), can_equalise=False).equalises


def test_only_layers_that_harm_are_widened() -> None:
    harm = {"a": 0.001, "b": 0.2, "c": 0.01, "d": 0.0}

    def score(s: Settings) -> tuple[float, float]:
        return 0.9 - sum(harm[n] for n in s.four_bit), 0.0

    start = Settings(four_bit=frozenset(harm))
    assert widen(start, score, lambda s: True, 0.895).four_bit == {"a", "d"}
    assert widen(start, score, lambda s: len(s.four_bit) >= 3, 0.895).four_bit == {"a", "c", "d"}
    assert widen(start, score, lambda s: True, 0.5) == start


def test_layers_that_four_bits_would_cost_accuracy_keep_eight() -> None:
    rng = np.random.default_rng(3)
    # the first layer's rows have one large weight, beside which four bits leave nothing of the rest
    first = np.concatenate([rng.normal(size=(6, 8)), np.full((6, 1), 40.0)], axis=1)
    constants = {
        "w1": first.astype(np.float32),
        "b1": np.full(6, -40.0, np.float32),
        "w2": np.sign(rng.normal(size=(4, 6))).astype(np.float32),
        "b2": np.zeros(4, np.float32),
    }
    nodes = [
        Node("first", Dense(), ("x", "w1", "b1"), "h"),
        Node("second", Dense(), ("h", "w2", "b2"), "y"),
    ]
    graph = build_graph("g", nodes, {"x": TensorType((9,))}, ("y",), constants)
    x = rng.normal(size=(300, 9)).astype(np.float32)
    x[:, 8] = 1.0
    truth = predict(graph, x).argmax(1)

    def accuracy(g: Graph) -> float:
        return float((predict(g, x).argmax(1) == truth).mean())

    assert tolerant(graph, accuracy, 0.99) == {"second"}
    assert tolerant(graph, accuracy, 0.0) == four_bit_layers(graph)
    assert tolerant(graph, accuracy, 1.1) == frozenset()


def test_the_layer_that_loses_the_signal_is_blamed() -> None:
    graph = fuse(chain(0, Relu, spread=0.5))
    x = np.random.default_rng(1).normal(size=(64, *graph.types["x"].shape)).astype(np.float32)
    seen = observe(graph, x)
    ranges = {v: seen[v].range("minmax", 256) for v in graph.activations}
    layers = [n.name for n in graph.nodes if n.op.kind == "conv2d"]
    for name in layers:
        noise = signal_to_noise(graph, quantise(graph, ranges, four_bit={name}), x)
        assert noisiest(quantise(graph, ranges, four_bit={name}), noise) == name
    assert noisiest(graph, {}) is None


def test_layers_that_were_equalised_are_compared_with_what_they_compute_now() -> None:
    graph = chain(0, Relu)
    x = np.random.default_rng(1).normal(size=(64, *graph.types["x"].shape)).astype(np.float32)
    even = equalise(fuse(graph))
    settings = Settings("minmax", equalises=True)
    recipe = Recipe(load_target("host"), "int8", "size", observe(even, x), settings)
    compiled = recipe.compile(even)
    wrong = signal_to_noise(graph, compiled.graph, x)
    assert min(wrong.values()) < 3, "as if there were nothing but noise"
    found = signal_to_noise(scaled_alike(compiled, graph), compiled.graph, x)
    assert found.keys() == wrong.keys()
    assert min(found.values()) > 15
