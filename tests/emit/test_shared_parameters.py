"""Steps that are written out share what they have in common, not weights alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeprune.compiler.compile import Recipe
from edgeprune.ir import DType, Node, QuantParams, TensorType, build_graph, run_int
from edgeprune.ops import Add
from edgeprune.target import load_target
from edgeprune.verify.run_c import HostModel


def test_calls_with_equal_parameters_have_one_struct(tmp_path: Path) -> None:
    t = TensorType((6,), DType.INT8, QuantParams.of(0.05, -3))
    other = TensorType((6,), DType.INT8, QuantParams.of(0.07, 4))
    pairs = [("a", ("x", "x")), ("b", ("a", "x")), ("c", ("b", "a")), ("y", ("c", "b"))]
    nodes = [Node(name, Add(), operands, name) for name, operands in pairs]
    known = {"a": t, "b": t, "c": t, "y": other}
    graph = build_graph("steps", nodes, {"x": t}, ["y"], {}, known=known)
    compiled = Recipe(load_target("host"), "int8", "size", {}).compile_typed(graph)
    source = compiled.c_files("m").files["m.c"]
    text = source if isinstance(source, str) else source.decode()
    assert text.count("_params = {") == 2, "one of the first three, one of the last"
    x = np.random.default_rng(0).integers(-128, 128, (20, 6)).astype(np.int8)
    compiled.write_c(tmp_path / "c", "m")
    with HostModel(tmp_path / "c") as model:
        assert np.array_equal(model.run(x), run_int(graph, {"x": x})["y"])
