"""Parameters that the C types of their fields cannot hold are seen before C wraps them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kernels.cases import int8_type, layer_constants, output_scale
from kernels.harness import one_node

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Graph
from edgeprune.kernels.call import KernelCall
from edgeprune.kernels.fields import holds
from edgeprune.kernels.select import candidates
from edgeprune.ops import Conv2d
from edgeprune.ops._window import Padding


def calls_of(graph: Graph, *isas: str) -> list[KernelCall]:
    return candidates(graph, graph.nodes[0], isas, "speed", "ep_layer0")


def pointwise() -> Graph:
    rng = np.random.default_rng(3)
    constants = layer_constants(rng, (4, 1, 1, 4), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), 0)
    return one_node(Conv2d(), [int8_type((6, 6, 4), 0.05, 0)], y, constants)


def written(call: KernelCall, field: str, value: int) -> KernelCall:
    assert field in dict(call.params)
    return replace(call, params=tuple((k, value if k == field else v) for k, v in call.params))


@pytest.mark.parametrize(
    ("isa", "field", "most"), [("arm_dsp", "in_h", 2**15 - 1), ("portable", "pitch", 2**31 - 1)]
)
def test_a_field_holds_what_its_c_type_does(isa: str, field: str, most: int) -> None:
    call = calls_of(pointwise(), isa)[0]
    assert holds(call)
    assert [holds(written(call, field, v)) for v in (most, most + 1)] == [True, False]
    assert [holds(written(call, field, v)) for v in (-most - 1, -most - 2)] == [True, False]


def test_fields_of_types_with_another_name_are_known() -> None:
    call = replace(calls_of(pointwise(), "portable")[0], params_type="ep_conv2d_s16_params")
    assert not holds(written(call, "groups", 2**15))


def test_a_kernel_whose_field_is_too_narrow_gives_way_to_the_next() -> None:
    rng = np.random.default_rng(5)
    constants = layer_constants(rng, (4, 2, 2, 4), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), 0)
    for above, narrow in ((30_000, True), (40_000, False)):
        op = Conv2d(stride=(1000, 1), padding=Padding(top=above))
        graph = one_node(op, [int8_type((10, 4, 4), 0.05, 0)], y, constants)
        calls = calls_of(graph, "arm_dsp", "portable")
        assert calls[-1].function == "ep_conv2d_s8"
        assert any("arm_dsp" in c.function for c in calls) is narrow


def test_a_layer_that_no_kernel_counts_is_refused_by_name() -> None:
    rng, groups = np.random.default_rng(6), 2**15
    constants = layer_constants(rng, (groups, 1, 1, 1), 0, 0.05)
    y = int8_type((), output_scale(rng, 0.05, constants), 0)
    graph = one_node(Conv2d(groups=groups), [int8_type((1, 1, groups), 0.05, 0)], y, constants)
    with pytest.raises(UnsupportedError, match=r"layer: .*counts"):
        calls_of(graph, "portable")
