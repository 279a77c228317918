"""What cannot be compiled is told by the operators' names, all of it at once, each cause once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from onnx_models import model, node
from tflite_files import Step, Value, file_of, packed
from torch import nn

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.from_torch import export
from edgeprune.target import load_target


def test_what_lies_behind_a_refused_onnx_node_is_looked_at() -> None:
    nodes = [
        node("Floor", "x", name="first", outputs=["a"]),
        node("Gemm", "a", "w", name="fine", outputs=["b"]),
        node("Det", "b", name="no operator of ours", outputs=["c"]),
        node("Ceil", "b", name="second", outputs=["d"]),
        node("Pow", "d", "third of one", name="third", outputs=["e"]),
        node("Add", "e", "e"),
    ]
    constants = {"w": np.ones((4, 5), np.float32), "third of one": np.float32(1 / 3)}
    with pytest.raises(UnsupportedError) as e:
        loads(model([*nodes, node("Add", "c", "c", outputs=["z"])], {"x": [1, 4]}, constants,
                    outputs=["y", "z"]))  # fmt: skip
    for said in ("4 operators", "'first' (Floor)", "'second' (Ceil)", "'third' (Pow): raises"):
        assert said in str(e.value)
    assert "'no operator of ours' (Det)" in str(e.value)
    assert "fine" not in str(e.value)


def test_what_lies_behind_a_refused_torch_operator_is_looked_at(tmp_path: Path) -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.frac(torch.floor(x).relu() ** (1 / 3)).flip(1)

    with pytest.raises(UnsupportedError) as e:
        load(export(Net(), torch.ones(1, 4, 6), tmp_path / "m.pt2"))
    for said in ("3 operators", "(floor)", "(pow): raises", "(frac)"):
        assert said in str(e.value)


def test_one_cause_is_told_once() -> None:
    names = [f"node {i}" for i in range(70)]
    nodes = [node("Floor", f"v{i}", name=n, outputs=[f"v{i + 1}"]) for i, n in enumerate(names)]
    with pytest.raises(UnsupportedError, match="70 operators") as e:
        loads(model(nodes, {"v0": [1, 4]}, outputs=["v70"]))
    assert "'node 0', 'node 1', 'node 2', 'node 3' and 66 more (Floor)" in str(e.value)
    assert len(str(e.value).splitlines()) == 3


def test_tflite_operators_are_refused_by_their_own_names() -> None:
    values = [Value((1, 4), "float32")] * 4
    steps = [Step("FLOOR", [0], 1), Step("RELU", [1], 2), Step("RANK", [2], 3)]
    with pytest.raises(UnsupportedError) as e:
        parse(file_of(values, steps, [0], [3]), "m.tflite")
    assert "2 operators" in str(e.value)
    assert "'t1' (FLOOR)" in str(e.value)
    assert "'t3' (RANK)" in str(e.value)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("type", 13, "has elements of type RESOURCE"), ("isVariable", True, "is a variable")],
)
def test_a_tensor_that_no_operator_has_is_told_with_the_operator(
    field: str, value: object, said: str
) -> None:
    """Not by the number of an element type, nor by the name of the tensor alone."""
    values = [Value((1, 4), "float32")] * 4
    steps = [Step("RELU", [0], 2), Step("ADD", [2, 1], 3, {}, "AddOptions")]
    held = schema.ModelT.InitFromPackedBuf(file_of(values, steps, [0], [3]))
    setattr(held.subgraphs[0].tensors[1], field, value)
    with pytest.raises(UnsupportedError, match=r"1 operator .*\n.*'t3' \(ADD\): .*'t1'") as e:
        parse(packed(held), "m.tflite")
    assert said in str(e.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("nucleo-f446", "nucleo-f446re"), ("cortex-m0", "cortex-m0plus"), ("cortex_m4", "cortex-m4"),
     ("nrf52840", "nrf52840-dk"), ("pico", "rp2040-pico")],
)  # fmt: skip
def test_a_target_that_is_almost_named_is_asked_for(given: str, meant: str) -> None:
    with pytest.raises(EdgePruneError) as e:
        load_target(given)
    assert f"did you mean {meant}?" in e.value.hint


def test_a_target_that_nothing_is_like_is_told_with_what_lists_them_all() -> None:
    with pytest.raises(EdgePruneError) as e:
        load_target("xyzzy")
    assert "did you mean" not in e.value.hint
    assert "`edgeprune targets`" in e.value.hint


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("Shrink", {"lambd": -1.0, "bias": -1.0}, "'lambd' is -1, not 0 or more"),
        ("LRN", {"size": 0}, "'size' is 0, not 1 or more"),
        ("LRN", {"size": 3, "beta": 0.6, "bias": 0.0}, "the power -0.6 of what may be negative"),
    ],
)
def test_an_attribute_that_means_nothing_is_refused_by_name(
    kind: str, given: dict[str, float], said: str
) -> None:
    with pytest.raises(EdgePruneError, match=said):
        loads(model([node(kind, "x", outputs=["y"], **given)], {"x": [1, 4, 3, 3]}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auto_pad": "FOO"}, "'auto_pad' is 'FOO'"),
        ({"kernel_shape": [2, 2]}, r"'kernel_shape' is \[2, 2\] for 3 spatial axes"),
        ({"kernel_shape": [2, 2, 1]}, r"kernel_shape \(2, 2, 1\), but the weights are \(2, 2, 2\)"),
        ({"strides": [1, 0, 1]}, r"'strides' is \[1, 0, 1\] for 3 spatial axes"),
        ({"pads": [0, 1]}, r"'pads' is \[0, 1\] for 3 spatial axes"),
        ({"dilations": [9, 1, 1]}, r"its window \[2, 2, 2\] is larger than the volume \[4, 5, 6\]"),
    ],
)
def test_attributes_of_a_convolution_over_three_axes_are_checked_by_node(
    given: dict[str, object], said: str
) -> None:
    weights = {"w": np.ones((3, 2, 2, 2, 2), np.float32)}
    made = model([node("Conv", "x", "w", name="deep", **given)], {"x": [1, 2, 4, 5, 6]}, weights)
    with pytest.raises(EdgePruneError, match=f"'deep'.*{said}"):
        loads(made)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kernel_shape": [2, 2]}, r"'kernel_shape' is \[2, 2\] for 3 spatial axes"),
        ({"kernel_shape": [2, 2, 2], "strides": [2]}, r"'strides' is \[2\] for 3 spatial axes"),
        ({"kernel_shape": [2, 2, 2], "pads": [0, 1]}, r"'pads' is \[0, 1\] for 3 spatial axes"),
        ({"kernel_shape": [2, 2, 2], "auto_pad": "FOO"}, "'auto_pad' is 'FOO'"),
    ],
)
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_attributes_of_a_pool_over_three_axes_are_checked_by_node(
    kind: str, given: dict[str, object], said: str
) -> None:
    made = model([node(kind, "x", name="deep", **given)], {"x": [1, 2, 4, 5, 6]})
    with pytest.raises(EdgePruneError, match=f"'deep.*{said}"):
        loads(made)
