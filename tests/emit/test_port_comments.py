"""The header's comments say which of the model's axes lies where, and what the model calls it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx_models import model, node, oracle

from edgeprune.compiler import Recipe
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.ports import join_ports
from edgeprune.ir import Array, Graph, Node, Port, TensorType, build_graph, split_rows
from edgeprune.ops import Relu
from edgeprune.target import load_target
from edgeprune.verify.run_c import HostModel

CASES = {
    "image": ([], "H, W, C, channels last: the model's axes 2, 3, 1"),
    "over the rows": ([node("Softmax", "a", axis=3)], "H, C, W: the model's axes 2, 1, 3"),
    "turned": (
        [node("Transpose", "a", perm=[0, 2, 3, 1])],
        "the model's axes 1, 2, 3",
    ),
    "sequence": (
        [node("Squeeze", "b", "two"), node("Slice", "a", "zero", "one", "two", outputs=["b"])],
        "the model's axes 2, 1",
    ),
    "vector": ([node("Flatten", "a")], ""),
}


def header_of(graph: Graph, folder: Path) -> str:
    recipe = Recipe(load_target("cortex-m4"), "float32", "size", {})
    recipe.compile(join_ports(graph)).portable.write_c(folder, "model")
    return (folder / "model.h").read_text()


def said(header: str, macro: str) -> list[str]:
    """The parts of the comment beside a macro."""
    found = re.search(rf"#define MODEL_{macro}_LEN \d+u /\* (.*) \*/", header)
    assert found is not None
    return found[1].split("; ")


@pytest.mark.parametrize("name", CASES)
def test_the_axes_lie_as_the_header_says(
    name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Image of four by six pixels and five channels: no order can be taken for another."""
    more, layout = CASES[name]
    constants = {
        "k": rng.normal(size=(5, 3, 1, 1)).astype(np.float32), "zero": np.asarray([0]),
        "one": np.asarray([1]), "two": np.asarray([2]),
    }  # fmt: skip
    nodes = [node("Conv", "x", "k", outputs=["a" if more else "y"]), *reversed(more)]
    used = {v for n in nodes for v in n.input}
    content = model(
        nodes, {"x": [1, 3, 4, 6]}, {k: v for k, v in constants.items() if k in used}, opset=13
    )
    x = rng.normal(size=(1, 3, 4, 6)).astype(np.float32)
    header = header_of(loads(content), tmp_path)
    assert said(header, "INPUT")[1:] == [
        "H, W, C, channels last: the model's axes 2, 3, 1", "the model's 'x'"
    ]  # fmt: skip
    words = said(header, "OUTPUT")
    assert words[1:] == [*([layout] if layout else []), "the model's 'y'"]
    with HostModel(tmp_path, optimize="-O0") as host:
        got = host.run(x.transpose(0, 2, 3, 1))
    (want,) = oracle(content, {"x": x})
    axes = [int(i) for i in layout.partition("axes ")[2].split(", ") if i]
    moved: Array = want.transpose(0, *axes) if axes else want
    assert words[0] == "float " + "".join(f"[{n}]" for n in moved.shape[1:])
    np.testing.assert_allclose(got, moved, rtol=1e-5, atol=1e-6)


def test_only_a_network_with_one_port_at_each_end_has_offsets_without_numbers(
    tmp_path: Path,
) -> None:
    for ends in ((), ("b",)):
        types = {v: TensorType((2, 3)) for v in ("a", *ends)}
        nodes = [Node(f"relu {k}", Relu(), (v,), f"y{k}") for k, v in enumerate([*types, "a"])]
        outputs = [n.output for n in nodes[: 1 + bool(ends)]]
        graph = build_graph("m", nodes[: len(outputs)], types, outputs, {})
        header = header_of(graph, tmp_path)
        told = re.search(r"also in the arena at (.*?), which", header)
        assert told is not None
        wanted = "their _OFFSET" if ends else "MODEL_INPUT_OFFSET and MODEL_OUTPUT_OFFSET"
        assert told[1] == wanted
        for name in told[1].split(" and ") if not ends else ():
            assert f"#define {name} " in header


def test_every_port_is_called_by_its_name(tmp_path: Path) -> None:
    types = {v: TensorType((2, 3)) for v in ("a", "b")}
    nodes = [Node(f"relu {v}", Relu(), (v,), f"{v}/y") for v in types]
    names = {"a": "image", "b": "depth */ #error", "a/y": "boxes", "b/y": "classes"}
    ports = {v: Port(n, (1, 2, 3)) for v, n in names.items()}
    graph = build_graph("two", nodes, types, ("a/y", "b/y"), {}, ports=ports)
    header = header_of(graph, tmp_path)
    for macro, name in zip(("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1"), names.values(), strict=True):
        assert said(header, macro)[-1] == f"the model's '{name.replace('*/', '* /')}'"
    with HostModel(tmp_path, optimize="-O0") as host:
        x = np.arange(12, dtype=np.float32)[None] - 6
        one, two = split_rows(host.run(x), list(types.values()))
    np.testing.assert_array_equal(np.concatenate([one, two], 1).ravel(), np.maximum(x[0], 0))
