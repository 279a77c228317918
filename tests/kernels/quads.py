"""Random layers of families that multiply two positions at once, against the reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from kernels.cases import int8_type, int8_values, layer_constants, output_scale
from kernels.harness import expected, one_node
from kernels.layers import (
    Rng,
    depthwise_layer,
    image_layer,
    kept_size_layer,
    other_depthwise_layer,
    pointwise_layer,
)
from kernels.on_core import Trial, run_on_core

from edgeprune.ir import Graph
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.select import candidates
from edgeprune.ops import Conv2d

TRIALS = 20
LAYERS = {
    "conv2d": image_layer,
    "pointwise": pointwise_layer,
    "kept_size": kept_size_layer,
    "depthwise": depthwise_layer,
    "other_depthwise": other_depthwise_layer,
}


def own(graph: Graph, isa: str) -> KernelCall | None:
    """How a kernel of a family spells the only node."""
    calls = candidates(graph, graph.nodes[0], (isa,), "speed", "p")
    return calls[0] if calls else None


def any_layer_is_the_reference(layer: str, isa: str, core: str, optimize: str) -> None:
    """Random layers of a kind, some of whose results lie over their input, on the core."""
    rng = np.random.default_rng([6, len(optimize), *layer.encode()])
    trials: list[Trial] = []
    for _ in range(5 * TRIALS):
        graph = LAYERS[layer](rng)
        call = own(graph, isa)
        if call is not None and len(trials) < TRIALS:
            made = Trial(graph, call, {"x0": int8_values(rng, graph.types["x0"].shape)})
            trials.append(replace(made, inplace=made.may_lie_over and bool(rng.integers(4))))
    assert len(trials) > TRIALS // 4
    for t, result in zip(trials, run_on_core(trials, core, optimize), strict=True):
        np.testing.assert_array_equal(result.output, expected(t.graph, t.feed), str(t.graph.nodes))


def extremes(rng: Rng, weights: tuple[int, ...], channels: int) -> Graph:
    """A pixel of as many channels as there are weights, the same for each of some results."""
    constants = layer_constants(rng, (channels, 1, 1, len(weights)), 0, 0.05)
    rows = np.array([weights] * channels, np.int8).reshape(channels, 1, 1, -1)
    constants["w"] = (rows, constants["w"][1])
    y = int8_type((), output_scale(rng, 0.05, constants), 0)
    return one_node(Conv2d(), [int8_type((3, 3, len(weights)), 0.05, 0)], y, constants)


def the_largest_sums_are_exact(graph: Graph, rng: Rng, isa: str, core: str) -> None:
    """The inputs that make the largest sums of a layer of :func:`extremes`."""
    call = own(graph, isa)
    assert call is not None
    x = rng.choice(np.array([-128, 127], np.int8), graph.types["x0"].shape)
    x[0] = -128
    (result,) = run_on_core([Trial(graph, call, {"x0": x})], core)
    np.testing.assert_array_equal(result.output, expected(graph, {"x0": x}))
