"""float32 kernels of Helium compute what the source does, on a core that has them."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.harness import expected, one_node
from kernels.layers import Rng
from kernels.on_core import Trial, run_on_core
from kernels.test_arm_dsp import float_layers, values

from edgeprune.ir import Graph, TensorType
from edgeprune.kernels.arm_mve.float32 import in_fours
from edgeprune.kernels.select import candidates
from edgeprune.ops import Add, Conv2d, Mul

pytestmark = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_float_convolutions_compute_the_source_on_the_core(optimize: str) -> None:
    rng = np.random.default_rng([32, len(optimize)])
    trials = []
    for graph in (g for _ in range(10) for g in float_layers(rng)):
        calls = candidates(graph, graph.nodes[0], ("arm_mve",), optimize, "ep_layer0")
        feed = {v: values(rng, graph.types[v]) for v in graph.inputs}
        trials += [Trial(graph, c, feed) for c in calls if c.kernel == "ep_conv2d_f32_arm_mve"]
    assert len(trials) == 20
    for t, result in zip(trials, run_on_core(trials, "cortex-m55", optimize), strict=True):
        want = expected(t.graph, t.feed)
        bound = 1e-5 * float(np.abs(want).max(initial=1.0))
        np.testing.assert_allclose(result.output, want, rtol=1e-5, atol=bound)


@pytest.mark.parametrize("filters", [1, 2, 3, 4, 7, 8])
def test_float_convolutions_of_few_pixels_compute_the_source(filters: int) -> None:
    rng = np.random.default_rng([7, filters])
    w = rng.normal(size=(filters, 1, 1, 6)).astype(np.float32)
    b = rng.normal(size=filters).astype(np.float32)
    held = {"w": (w, TensorType(w.shape)), "b": (b, TensorType(b.shape))}
    graphs = [
        one_node(Conv2d(clamp=(-1.0, 2.0)), [TensorType((1, pixels, 6))], None, held)
        for pixels in range(1, 16)
    ]
    agree_in_float(rng, graphs, "ep_conv2d_f32_arm_mve")


@pytest.mark.parametrize("kind", [Add, Mul])
def test_float_sums_and_products_compute_the_source(kind: type[Add | Mul]) -> None:
    rng = np.random.default_rng(8)
    shapes = [((3, 4, 5), (3, 4, 5)), ((3, 4, 5), (1, 1, 5)), ((1, 1, 1), (3, 4, 5))]
    shapes += [((2, 3, 8), (2, 3, 1)), ((2, 3, 1), (2, 3, 7)), ((1,), (1,))]
    graphs = [
        one_node(kind(limits), [TensorType(a), TensorType(b)])
        for a, b in shapes
        for limits in (None, (-0.5, 1.0))
    ]
    agree_in_float(rng, graphs, f"ep_{kind.kind}_f32_arm_mve")


def agree_in_float(rng: Rng, graphs: list[Graph], kernel: str) -> None:
    trials = []
    for graph in graphs:
        calls = candidates(graph, graph.nodes[0], ("arm_mve",), "speed", "ep_layer0")
        feed = {v: values(rng, graph.types[v]) for v in graph.inputs}
        trials += [Trial(graph, c, feed) for c in calls if c.kernel == kernel]
    assert len(trials) == len(graphs)
    for t, result in zip(trials, run_on_core(trials, "cortex-m55"), strict=True):
        np.testing.assert_allclose(result.output, expected(t.graph, t.feed), rtol=1e-5, atol=1e-5)


def test_filters_lie_in_fours_and_what_is_left() -> None:
    rows = np.arange(2 * 7).reshape(7, 2)
    assert in_fours(rows).tolist() == [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 9, 11, 13]
    assert in_fours(rows[:2]).tolist() == [0, 2, 1, 3]
