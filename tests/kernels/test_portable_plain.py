"""Convolutions by plain loops compute what the integer reference does, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import SEEDS, ZEROS, examples, int8_type, int8_values, layer_constants
from kernels.cases import output_scale as scale_of
from kernels.harness import expected, one_node, run_call
from kernels.test_portable_linear import CLAMPS, FEW, geometry

from edgeprune.ir import Graph
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.select import candidates
from edgeprune.ops import Conv2d, DepthwiseConv2d

PLAIN = "ep_conv2d_plain_s8"


def plain(graph: Graph, optimize: str = "size") -> KernelCall | None:
    """The call by plain loops; None: there is none."""
    calls = candidates(graph, graph.nodes[0], ("portable",), optimize, "ep_layer0")
    return next((c for c in calls if c.function == PLAIN), None)


def layer(seed: int, zeros, clamp, values=(), *, depthwise: bool, grown: float = 1.0) -> Graph:
    """A layer of random geometry."""
    rng = np.random.default_rng(seed)
    how, image, kernel, groups = geometry(rng, clamp)
    xs = float(np.float32(np.exp(rng.uniform(-8, 0))))
    shape = (groups * int(rng.integers(1, 7)), *kernel, image[2] // groups)
    op = Conv2d(*how, groups, clamp)
    if depthwise:
        shape = (*kernel, image[2] * int(rng.integers(1, 4)))
        op = DepthwiseConv2d(*how, clamp)
    constants = layer_constants(rng, shape, 2 if depthwise else 0, xs, values=values)
    y = int8_type((), scale_of(rng, xs, constants) / grown, zeros[1])
    return one_node(op, [int8_type(image, xs, zeros[0])], y, constants)


@examples(80)
@given(SEEDS, st.tuples(ZEROS, ZEROS), CLAMPS, FEW, st.booleans())
def test_convolutions_by_plain_loops_are_the_reference(seed, zeros, clamp, values, depthwise):
    graph = layer(seed, zeros, clamp, values, depthwise=depthwise)
    call = plain(graph)
    if call is None:  # a channel that is scaled up
        return
    feed = {"x0": int8_values(np.random.default_rng(seed), graph.types["x0"].shape)}
    for inplace in (False, True) if call.inplace else (False,):
        got = run_call(call, graph, feed, inplace=inplace)
        np.testing.assert_array_equal(got, expected(graph, feed))


def test_plain_loops_are_offered_where_size_counts_and_channels_are_scaled_down() -> None:
    graph = layer(3, (4, -9), None, depthwise=False)
    assert plain(graph) is not None
    assert plain(graph, "speed") is None
    assert plain(layer(3, (4, -9), None, depthwise=False, grown=2.0**20)) is None


def test_plain_loops_want_no_scratch_and_lie_over_their_input() -> None:
    rng = np.random.default_rng(5)
    constants = layer_constants(rng, (6, 3, 3, 6), 0, 0.05)
    graph = one_node(
        Conv2d(), [int8_type((7, 9, 6), 0.05, 2)], int8_type((), scale_of(rng, 0.05, constants), 3),
        constants,
    )  # fmt: skip
    call = plain(graph)
    assert call is not None
    assert (call.scratch_bytes, call.inplace is not None) == (0, True)
    feed = {"x0": int8_values(rng, (7, 9, 6))}
    got = run_call(call, graph, feed, inplace=True)
    np.testing.assert_array_equal(got, expected(graph, feed))
