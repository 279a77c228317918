"""Kernels for compilers that vectorise compute what the integer reference does, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from kernels.cases import int8_values
from kernels.harness import check
from kernels.layers import dense_layer, depthwise_layer, image_layer, pointwise_layer

from edgeprune.kernels.select import candidates
from edgeprune.target import load_target

FAMILIES = {
    "ep_conv2d_s8_vector": (image_layer, pointwise_layer),
    "ep_depthwise_conv2d_s8_vector": (depthwise_layer,),
    "ep_dense_s8_vector": (dense_layer,),
}


@pytest.mark.parametrize("function", FAMILIES)
def test_a_layer_is_the_reference_and_may_lie_over_its_input(function: str) -> None:
    rng = np.random.default_rng(7)
    taken = 0
    for trial in range(60):
        graph = FAMILIES[function][trial % len(FAMILIES[function])](rng)
        (node,) = graph.nodes
        x = {v: int8_values(rng, graph.types[v].shape) for v in graph.inputs}
        made = candidates(graph, node, ("vector",), "speed", "p")
        taken += bool(made)
        if made:
            assert made[0].function == function
            check(graph, x, isas=("vector",))
    assert taken >= 20


def test_hosts_and_aarch64_take_them() -> None:
    for name in ("host", "aarch64"):
        assert load_target(name).kernels == ("vector", "portable")
