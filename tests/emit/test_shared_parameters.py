"""Steps that are written out share what they have in common, not weights alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeprune.compiler import footprint
from edgeprune.compiler.compile import Recipe
from edgeprune.emit.to_c.writer import LINE, array
from edgeprune.ir import DType, Node, QuantParams, TensorType, build_graph, run_int
from edgeprune.ops import Add, Dense, Slice
from edgeprune.target import load_target
from edgeprune.verify.run_c import HostModel


@pytest.mark.parametrize("c_type", ["int8_t", "uint8_t", "int32_t", "float"])
def test_rows_of_an_array_are_as_long_as_lines_may_be(c_type: str) -> None:
    values = np.random.default_rng(0).integers(100, 128, 1000)
    rows = array("a", values.astype(np.float32 if c_type == "float" else c_type[:-2]), c_type)
    lines = rows.splitlines()[1:-1]
    item = max(len(word) + 1 for word in " ".join(lines).split())
    assert all(LINE - item < len(line) <= LINE for line in lines[:-1])


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


def test_steps_of_a_sequence_lie_where_it_lies_and_run_in_a_loop(tmp_path: Path) -> None:
    t = TensorType((16, 8), DType.INT8, QuantParams.of(0.05, -3))
    nodes, known, held = [], {}, "x0"
    for i in range(16):
        nodes.append(Node(f"x{i}", Slice((i, 0), (i + 1, 8), (1, 1)), ("x",), f"x{i}"))
        known[f"x{i}"] = t.with_shape((1, 8))
        if i:
            nodes.append(Node(f"h{i}", Add(), (held, f"x{i}"), f"h{i}"))
            held, known[f"h{i}"] = f"h{i}", t.with_shape((1, 8))
    graph = build_graph("steps", nodes, {"x": t}, [held], {}, known=known)
    compiled = Recipe(load_target("host"), "int8", "size", {}).compile_typed(graph)
    assert {n.op.kind for n in nodes if n.name in compiled.calls} == {"add"}
    assert compiled.plan.offset_of("x3") == compiled.plan.offset_of("x") + 24
    text = compiled.c_files("m").files["m.c"].decode()
    assert text.count("ep_add_s8(") < 8, "a loop, and what is before and behind it"
    x = np.random.default_rng(0).integers(-128, 128, (20, 16, 8)).astype(np.int8)
    compiled.write_c(tmp_path / "c", "m")
    with HostModel(tmp_path / "c") as model:
        assert np.array_equal(model.run(x), run_int(graph, {"x": x})[held])


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16, DType.FLOAT32], ids=str)
def test_steps_that_do_not_begin_on_a_word_are_copied_in_a_loop(
    dtype: DType, tmp_path: Path
) -> None:
    """As after pruning: any number of hidden units stays, and no step lies where a kernel reads."""
    width, steps = 7, 16
    quant = None if dtype is DType.FLOAT32 else QuantParams.of(0.05, -3 * (dtype is DType.INT8))
    t = TensorType((steps, width), dtype, quant)
    nodes, known, held = [], {}, "x0"
    for i in range(steps):
        nodes.append(Node(f"x{i}", Slice((i, 0), (i + 1, width), (1, 1)), ("x",), f"x{i}"))
        known[f"x{i}"] = t.with_shape((1, width))
        if i:
            nodes.append(Node(f"h{i}", Add(), (held, f"x{i}"), f"h{i}"))
            held, known[f"h{i}"] = f"h{i}", t.with_shape((1, width))
    graph = build_graph("steps", nodes, {"x": t}, [held], {}, known=known)
    form = {"int8": "int8", "int16": "int16x8", "float32": "float32"}[dtype.value]
    compiled = Recipe(load_target("host"), form, "size", {}).compile_typed(graph)
    text = compiled.c_files("m").files["m.c"].decode()
    copied = dtype is not DType.FLOAT32  # whose steps are whole words
    assert text.count("ep_copy_box_params m_") == copied, "all cuts share theirs"
    assert text.count("ep_copy_box(") < 4, "a loop, and what is before and behind it"
    compiled.write_c(tmp_path / "c", "m")
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (20, steps, width)).astype(dtype.numpy)
    want = run_int(graph, {"x": x})[held] if copied else np.cumsum(x, axis=1)[:, -1:]
    with HostModel(tmp_path / "c") as model:
        assert np.array_equal(model.run(x), want)


def test_weights_that_several_steps_share_are_counted_once() -> None:
    w = {"w": np.ones((6, 6), np.float32), "b": np.zeros(6, np.float32)}
    nodes = [Node(f"h{i}", Dense(), (f"h{i - 1}", "w", "b"), f"h{i}") for i in range(1, 5)]
    x = TensorType((6,), DType.FLOAT32)
    recipe = Recipe(load_target("host"), "float32", "size", {})
    several = recipe.compile_typed(build_graph("steps", nodes, {"h0": x}, ["h4"], w))
    one = recipe.compile_typed(build_graph("step", nodes[:1], {"h0": x}, ["h1"], w))
    assert footprint(several).weight_bytes == footprint(one).weight_bytes == 4 * 42


def test_what_is_cut_out_for_good_is_copied() -> None:
    """A view would keep all of its operand."""
    t = TensorType((16, 8), DType.INT8, QuantParams.of(0.05, -3))
    nodes = [
        Node("a", Slice((4, 0), (5, 8), (1, 1)), ("x",), "a"),
        Node("b", Add(), ("x", "x"), "b"),
        Node("y", Add(), ("b", "a"), "y"),
    ]
    known = {"a": t.with_shape((1, 8)), "b": t, "y": t}
    graph = build_graph("cut", nodes, {"x": t}, ["y"], {}, known=known)
    compiled = Recipe(load_target("host"), "int8", "size", {}).compile_typed(graph)
    assert "a" in compiled.calls
