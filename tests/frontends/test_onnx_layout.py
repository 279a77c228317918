"""What an ONNX file becomes: which operators, in which layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_cases import CASES
from onnx_cases.elementwise import GELU, GELUS
from onnx_cases.values import V, w
from onnx_models import model, node

from edgeprune.frontends import load
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.normalize import fuse
from edgeprune.ops import Dense, DepthwiseConv2d, Relu, Reshape, Transpose


def test_a_flattened_image_moves_the_columns_of_the_dense_layer_and_nothing_else() -> None:
    for name in ("flatten before a dense layer", "flatten, relu, add, dense"):
        graph = loads(CASES[name])
        assert not any(isinstance(n.op, Transpose) for n in graph.nodes), name
        assert any(isinstance(n.op, Dense) for n in graph.nodes)


def test_transposes_of_a_channels_last_file_vanish() -> None:
    graph = loads(CASES["channels-last file"])
    assert [n.op.kind for n in graph.nodes] == ["conv2d"]
    assert [graph.ports[v].perm for v in (*graph.inputs, *graph.outputs)] == [None, None]


def test_batch_norm_and_input_normalisation_fold_into_the_convolution() -> None:
    for name in ("conv, batch norm, relu", "normalised input"):
        kinds = [n.op.kind for n in loads(CASES[name]).nodes]
        assert kinds[0] == "conv2d", name
        assert set(kinds) <= {"conv2d", "clamp"}, name


@pytest.mark.parametrize("name", GELUS)
def test_gelu_in_steps_is_one_operator(name: str) -> None:
    graph = loads(CASES[f"gelu by steps, {name}"])
    assert [n.op.kind for n in graph.nodes] == ["gelu", "dense"]
    assert graph.nodes[0].op.approximate == (name == "tanh")


def test_what_is_almost_gelu_is_not_taken_for_it() -> None:
    steps = GELUS["half first"]
    shifted = [*steps[:2], node("Add", "e", "half", outputs=["p"]), *steps[3:]]
    for change in (shifted, [*steps, node("Relu", "p", outputs=["y2"])]):
        outputs = ["y", "y2"] if len(change) > len(steps) else ["y"]
        content = model([*change, node("Gemm", "g", "w")], V, GELU, outputs=outputs)
        assert "erf" in [n.op.kind for n in loads(content).nodes]


def test_a_depthwise_convolution_is_recognised() -> None:
    assert isinstance(loads(CASES["depthwise, multiplier 2"]).nodes[0].op, DepthwiseConv2d)


def test_fusing_folds_clamps_and_unfusing_is_part_of_normalisation() -> None:
    graph = fuse(loads(CASES["conv, batch norm, relu"]))
    assert [n.op.kind for n in graph.nodes] == ["conv2d"]
    assert not any(isinstance(n.op, Relu) for n in graph.nodes)


def test_no_reshape_is_left_where_nothing_changes() -> None:
    graph = loads(CASES["conv in one dimension"])
    assert sum(isinstance(n.op, Reshape) for n in graph.nodes) == 2


def test_a_free_batch_is_taken_as_one_and_said() -> None:
    graph = loads(CASES["conv"])
    port = graph.ports[graph.inputs[0]]
    assert port.shape == (1, 3, 8, 6)
    assert "batch axis is taken as 1" in graph.notes[0]


def test_a_fixed_batch_is_taken_as_one_and_said(rng: np.random.Generator) -> None:
    content = model([node("Gemm", "x", "w")], {"x": [32, 12]}, {"w": w(12, 5)})
    graph = loads(content)
    assert graph.types[graph.inputs[0]].shape == (12,)
    assert "batch of 32 is taken as 1" in graph.notes[0]


def test_untrusted_names_stay_apart() -> None:
    evil = "*/ int evil(void){} /*"
    nodes = [
        node("Relu", "x", name=evil, outputs=["a.b"]),
        node("Tanh", "a.b", name=evil, outputs=["a_b"]),
        node("Relu", "a_b", name="", outputs=["y"]),
    ]
    graph = loads(model(nodes, {"x": [1, 4]}))
    assert [n.name for n in graph.nodes] == [evil, f"{evil}_2", "y"]


def test_the_exported_cnn_loads_without_a_transpose(mnist_cnn: Path) -> None:
    graph = load(mnist_cnn)
    kinds = [n.op.kind for n in graph.nodes]
    assert "transpose" not in kinds
    assert kinds.count("conv2d") == 2
    port = graph.ports[graph.inputs[0]]
    assert (port.name, port.shape, port.perm) == ("image", (1, 1, 28, 28), (2, 0, 1))
