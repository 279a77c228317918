"""Several inputs and outputs are one row each inside, and the user's own again in the end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.layout import to_ir_layout
from edgeprune.frontends.ports import drop_unread, join_ports, part_ports
from edgeprune.ir import (
    DType,
    Graph,
    Node,
    Port,
    QuantParams,
    TensorType,
    build_graph,
    couple,
    dequantise_array,
    fed,
    join_rows,
    predict,
    quantise_array,
    real,
    row_type,
    split_rows,
)
from edgeprune.ops import Concat, Conv2d, Dense, Relu, Reshape


def two_and_two(rng: np.random.Generator) -> Graph:
    """An image and a vector in; scores and the vector's features out."""
    constants = {
        "w0": rng.normal(size=(3, 3, 3, 2)).astype(np.float32),
        "b0": rng.normal(size=3).astype(np.float32),
        "w1": rng.normal(size=(4, 5)).astype(np.float32),
        "b1": rng.normal(size=4).astype(np.float32),
        "w2": rng.normal(size=(6, 16)).astype(np.float32),
        "b2": rng.normal(size=6).astype(np.float32),
    }
    nodes = [
        Node("conv", Conv2d(), ("image", "w0", "b0"), "c"),
        Node("flat", Reshape((12,)), ("c",), "f"),
        Node("features", Dense(), ("vector", "w1", "b1"), "d"),
        Node("relu", Relu(), ("d",), "e"),
        Node("both", Concat(axis=-1), ("f", "e"), "both"),
        Node("head", Dense(), ("both", "w2", "b2"), "scores"),
    ]
    inputs = {"image": TensorType((4, 4, 2)), "vector": TensorType((5,))}
    return build_graph("two", nodes, inputs, ("scores", "e"), constants)


def test_joined_and_parted_again_is_the_same_network(rng: np.random.Generator) -> None:
    graph = two_and_two(rng)
    again = part_ports(join_ports(graph))
    assert again.nodes == graph.nodes
    assert again.inputs == graph.inputs
    assert again.outputs == graph.outputs
    assert again.types == graph.types


def test_a_network_of_one_input_and_one_output_is_left_alone(rng: np.random.Generator) -> None:
    graph = two_and_two(rng)
    single = build_graph(
        "one", graph.nodes[2:4], {"vector": graph.types["vector"]}, ("e",), graph.constants
    )
    assert join_ports(single) is single
    assert part_ports(single) is single


def test_the_joined_network_answers_with_the_row_of_all_outputs(rng: np.random.Generator) -> None:
    graph = two_and_two(rng)
    image = rng.normal(size=(7, 4, 4, 2)).astype(np.float32)
    vector = rng.normal(size=(7, 5)).astype(np.float32)
    rows = predict(join_ports(graph), join_rows([image, vector]))
    assert rows.shape == (7, 10)
    features = np.maximum(vector @ graph.constants["w1"].T + graph.constants["b1"], 0)
    np.testing.assert_allclose(rows[:, 6:], features, rtol=1e-5, atol=1e-5)


def test_inputs_of_a_row_are_never_removed(rng: np.random.Generator) -> None:
    coupling = couple(join_ports(two_and_two(rng)))
    assert coupling.pinned[coupling.values["image"]].all()
    assert coupling.pinned[coupling.values["vector"]].all()


def test_rows_are_split_and_joined_without_loss(rng: np.random.Generator) -> None:
    types = [TensorType((2, 3)), TensorType((4,)), TensorType(())]
    values = [rng.normal(size=(5, *t.shape)) for t in types]
    for a, b in zip(values, split_rows(join_rows(values), types), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_part_of_a_row_has_a_scale_of_its_own(rng: np.random.Generator) -> None:
    graph = two_and_two(rng)
    quant = {"image": QuantParams.of(0.5, 3), "vector": QuantParams.of(0.01, -7)}
    quant |= {"scores": QuantParams.of(0.2, 1), "e": QuantParams.of(0.03, -128)}
    types = {v: TensorType(graph.types[v].shape, DType.INT8, q) for v, q in quant.items()}
    typed = Graph(**{**vars_of(graph), "types": {**graph.types, **types}})
    values = [rng.normal(size=(3, *graph.types[v].shape)).astype(np.float32) for v in graph.inputs]
    wanted = [quantise_array(x, types[v]) for x, v in zip(values, graph.inputs, strict=True)]
    np.testing.assert_array_equal(fed(typed, join_rows(values)), join_rows(wanted))
    answers = [rng.integers(-128, 128, (3, *graph.types[v].shape)) for v in graph.outputs]
    wanted = [dequantise_array(q, types[v]) for q, v in zip(answers, graph.outputs, strict=True)]
    np.testing.assert_array_equal(real(typed, join_rows(answers)), join_rows(wanted))


@pytest.mark.parametrize(
    ("kinds", "row"),
    [("int8 int8", "int8"), ("int8 int16", "int16"), ("int8 float32", "float32"),
     ("int8 int32", "int32"), ("int32 float32", "float64"), ("int16 int32 int8", "int32")],
)  # fmt: skip
def test_rows_of_unlike_values_hold_all_of_them_exactly(kinds: str, row: str) -> None:
    types = [TensorType((2,), DType(k)) for k in kinds.split()]
    assert row_type(types) == row
    ends = [np.iinfo(t.dtype.numpy).max if t.dtype is not DType.FLOAT32 else 0.1 for t in types]
    values = [np.full((3, 2), e, t.dtype.numpy) for e, t in zip(ends, types, strict=True)]
    for part, value in zip(split_rows(join_rows(values), types), values, strict=True):
        np.testing.assert_array_equal(part.astype(value.dtype), value)


def test_an_input_that_nothing_reads_is_left_out_and_said(rng: np.random.Generator) -> None:
    graph = two_and_two(rng)
    inputs = {**{v: graph.types[v] for v in graph.inputs}, "mask": TensorType((3,))}
    more = build_graph("m", graph.nodes, inputs, graph.outputs, graph.constants)
    less = drop_unread(more)
    assert less.inputs == graph.inputs
    assert less.notes == ("nothing reads the input mask: it is left out",)


def test_data_with_channels_elsewhere_say_what_to_do(rng: np.random.Generator) -> None:
    graph = two_and_two(rng)
    with pytest.raises(EdgePruneError, match=r"takes \(n, 4, 4, 2\)") as caught:
        to_ir_layout(np.zeros((9, 2, 4, 4)), graph, "image", "x")
    assert caught.value.hint == "move the channels: np.moveaxis(x, 1, -1)"
    with pytest.raises(EdgePruneError) as caught:
        to_ir_layout(np.zeros((9, 3, 4, 4)), graph, "image", "x")
    assert caught.value.hint == ""


def vars_of(graph: Graph) -> dict[str, object]:
    names = ("name", "nodes", "inputs", "outputs", "types", "constants", "ports", "origin", "notes")
    return {k: getattr(graph, k) for k in names}


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ((9, 28, 28), "give x.reshape(-1, 1, 28, 28) if its elements have that order"),
        ((9, 784), "give x.reshape(-1, 1, 28, 28) if its elements have that order"),
        ((1, 28, 28), "one sample is an array of one: x[None]"),
        ((9, 3, 28, 28), ""),
        ((9, 1, 28, 27), ""),
        ((9, 2, 392), ""),
    ],
)
def test_samples_of_another_shape_are_told_what_makes_them_fit(
    given: tuple[int, ...], hint: str
) -> None:
    """Where the order of elements can be that of the model; else nothing is guessed."""
    types = {"image": TensorType((28, 28, 1))}
    ports = {"image": Port("image", (1, 1, 28, 28), perm=(2, 0, 1))}
    graph = replace(build_graph("net", [], types, ("image",), {}), ports=ports)
    with pytest.raises(EdgePruneError) as caught:
        to_ir_layout(np.zeros(given), graph, "image", "x")
    assert caught.value.hint == hint
