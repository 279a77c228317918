"""What a network keeps from call to call: the C, the files and the interpreter go the same way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgeprune.compiler.compile import Compiled, Recipe
from edgeprune.emit.to_c.program import Vectors
from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.states import keeping, paired
from edgeprune.ir import (
    DType,
    Graph,
    Node,
    Op,
    Port,
    QuantParams,
    TensorType,
    build_graph,
    initial_value,
    join_rows,
    run_steps,
)
from edgeprune.ops import Add, Concat, Reshape, Slice
from edgeprune.target import load_target
from edgeprune.verify import run_onnx, run_tflite
from edgeprune.verify.run_c import HostModel
from edgeprune.verify.run_target import run as run_on_core

STEPS = 40
T = TensorType((4,), DType.INT8, QuantParams.of(0.05, -3))
Pairs = dict[str, str]
Case = tuple[list[tuple[str, Op, tuple[str, ...]]], list[str], Pairs]


def whole(n: int = 4) -> Slice:
    return Slice((0,), (n,), (1,))


CASES: dict[str, Case] = {
    "a sum": ([("s", Add(), ("x", "h"))], ["s"], {"h": "s"}),
    "a sum beside the answer": (
        [("s", Add(), ("x", "h")), ("y", Add(), ("s", "x"))], ["y", "s"], {"h": "s"},
    ),
    "the argument itself": (
        [("y", Add(), ("x", "h")), ("n", Reshape((4,)), ("x",))], ["y", "n"], {"h": "n"},
    ),
    "what is read once more": (
        [("s", Add(), ("x", "h")), ("y", Add(), ("s", "h"))], ["y", "s"], {"h": "s"},
    ),
    "a line of two": (
        [("a", Reshape((4,)), ("h",)), ("b", Reshape((4,)), ("x",)), ("y", Add(), ("x", "g"))],
        ["y", "b", "a"], {"h": "b", "g": "a"},
    ),
    "two that change places": (
        [("a", Reshape((4,)), ("g",)), ("b", Reshape((4,)), ("h",)),
         ("s", Concat(-1), ("x", "h")), ("y", whole(), ("s",)), ("z", Add(), ("g", "y"))],
        ["z", "a", "b"], {"h": "a", "g": "b"},
    ),
    "the state before as the answer": (
        [("y", Reshape((4,)), ("h",)), ("s", Add(), ("x", "h"))], ["y", "s"], {"h": "s"},
    ),
    "a ring": (
        [("r", Concat(-1), ("h", "x")), ("n", Slice((4,), (8,), (1,)), ("r",)),
         ("y", Slice((2,), (6,), (1,)), ("r",))],
        ["y", "n"], {"h": "n"},
    ),
}  # fmt: skip


def network(name: str) -> Graph:
    nodes, outputs, pairs = CASES[name]
    types: dict[str, TensorType] = {"x": T} | dict.fromkeys(pairs, T)
    for value, op, operands in nodes:
        types[value] = T.with_shape(op.infer(*(types[v] for v in operands)).shape)
    first = {v: tuple(np.float32(0.05) * (np.arange(4) - k)) for k, v in enumerate(pairs, start=1)}
    ports = {
        v: Port(v, (1, 4), dtype=DType.INT8, initial=tuple(map(float, first[v]))) for v in pairs
    }
    made = build_graph(
        "kept", [Node(v, op, operands, v) for v, op, operands in nodes],
        {v: types[v] for v in ("x", *pairs)}, outputs, {}, known=types, ports=ports,
    )  # fmt: skip
    return keeping(made, pairs)


def compiled(graph: Graph, target: str = "cortex-m4") -> Compiled:
    return Recipe(load_target(target), "int8", "speed", {}).compile_typed(graph)


def sequence(graph: Graph, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(0).integers(-40, 40, (steps, 4)).astype(np.int8)
    seen = run_steps(graph, [x])
    return x, join_rows([seen[v] for v in graph.results])


@pytest.mark.parametrize("name", CASES)
def test_a_sequence_is_the_same_in_c_and_in_both_files(name: str, tmp_path: Path) -> None:
    graph = network(name)
    x, wanted = sequence(graph)
    assert len(np.unique(wanted)) > 5, "the case says something"
    made = compiled(graph)
    made.write_c(tmp_path, "kept")
    with HostModel(tmp_path, optimize="-O0") as model:
        assert np.array_equal(model.run(x), wanted)
        assert np.array_equal(model.run(x), wanted), "every run begins anew"
    assert np.array_equal(run_tflite.run(made.tflite, x), wanted)
    assert np.array_equal(run_onnx.run_raw(made.onnx, x), wanted)


def test_the_self_test_runs_a_sequence_from_the_first_state_each_time(tmp_path: Path) -> None:
    graph = network("a ring")
    x, wanted = sequence(graph)
    compiled(graph).portable.write_c(tmp_path, "kept", Vectors(x, wanted))
    (tmp_path / "main.c").write_text(
        '#include "kept.h"\n#include "kept_selftest.h"\n'
        "static int32_t arena[KEPT_ARENA_BYTES / 4 + 1];\nstatic kept_state state;\n"
        "int main(void) { int bad = kept_selftest(&state, arena, sizeof arena);\n"
        "    return bad + kept_selftest(&state, arena, sizeof arena); }\n"
    )
    sources = sorted(tmp_path.glob("*.c"))
    command = ["gcc", "-std=c99", f"-I{tmp_path}", *sources, "-lm", "-o", tmp_path / "main"]
    subprocess.run(command, check=True)
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 0


def test_the_file_is_read_again_with_its_states() -> None:
    graph = network("a line of two")
    x, wanted = sequence(graph)
    again = parse(compiled(graph).tflite, "again.tflite")
    assert len(again.states) == 2
    assert [initial_value(again, v).tolist() for v in again.states] == [
        initial_value(graph, v).tolist() for v in graph.states
    ]
    assert np.array_equal(join_rows([run_steps(again, [x])[v] for v in again.results]), wanted)


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_the_core_keeps_what_this_machine_keeps(tmp_path: Path) -> None:
    graph = network("a ring")
    x, wanted = sequence(graph)
    compiled(graph).write_c(tmp_path, "kept")
    assert np.array_equal(run_on_core(tmp_path, load_target("cortex-m4"), x).outputs, wanted)


def test_a_state_takes_no_room_in_the_arena_when_it_is_written_last() -> None:
    plan = compiled(network("a ring")).plan
    assert set(plan.kept) >= {"h", "n"}
    assert "h" not in plan.offsets
    assert "n" not in plan.offsets


TWO = """
#include <stdio.h>

#include "kept.h"

static kept_state left, right;
static int32_t arena[KEPT_ARENA_BYTES / 4];

int main(void)
{
    int8_t x[2][4], y[2][4];

    kept_reset(&left);
    kept_reset(&right);
    while (fread(x, sizeof x, 1, stdin) == 1) {
        if (kept_run(&left, arena, sizeof arena, x[0], y[0]) != EP_OK ||
            kept_run(&right, arena, sizeof arena, x[1], y[1]) != EP_OK) {
            return 1;
        }
        fwrite(y, sizeof y, 1, stdout);
    }
    return KEPT_STATE_BYTES == sizeof left ? 0 : 2;
}
"""


@pytest.mark.needs("gcc")
def test_two_states_of_one_code_do_not_meet(tmp_path: Path) -> None:
    graph = network("a ring")
    compiled(graph, "host").write_c(tmp_path, "kept")
    (tmp_path / "main.c").write_text(TWO)
    build = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", "main"]
    subprocess.run([*build, *tmp_path.glob("*.c")], check=True, cwd=tmp_path)
    x, wanted = sequence(graph)
    half = STEPS // 2
    left, right = wanted[:half], join_rows([run_steps(graph, [x[half:]])[graph.results[0]]])
    both = np.concatenate([x[:half], x[half:]], axis=1)
    done = subprocess.run([tmp_path / "main"], input=both.tobytes(), stdout=-1, check=True)
    made = np.frombuffer(done.stdout, np.int8).reshape(half, 8)
    assert np.array_equal(made, np.concatenate([left, right], axis=1))


@pytest.mark.needs("gcc")
def test_the_bytes_of_a_state_are_those_of_its_struct(tmp_path: Path) -> None:
    wide, narrow = T.with_shape((3,)), TensorType((2,), DType.INT16, QuantParams.of(0.05, 0))
    types = {"x": narrow, "h": wide, "g": narrow}
    nodes = [Node("a", Add(), ("h", "h"), "a"), Node("b", Add(), ("x", "g"), "b")]
    nodes.append(Node("y", Add(), ("x", "b"), "y"))
    known = {**types, "a": wide, "b": narrow, "y": narrow}
    graph = keeping(
        build_graph("kept", nodes, types, ["y", "a", "b"], {}, known=known), {"h": "a", "g": "b"}
    )
    assert graph.state_bytes == 8, "seven, and one that keeps the next one in its place"
    compiled(graph, "host").write_c(tmp_path, "kept")
    assert json.loads((tmp_path / "manifest.json").read_text())["state_bytes"] == 8
    check = (
        '#include "kept.h"\nchar same[sizeof(kept_state) == 8 && KEPT_STATE_BYTES == 8 ? 1 : -1];\n'
    )
    (tmp_path / "check.c").write_text(check)
    subprocess.run(["gcc", "-std=c99", "-c", "check.c"], check=True, cwd=tmp_path)


def test_pairs_that_do_not_go_together_are_refused() -> None:
    t = TensorType((4,))
    graph = build_graph(
        "open", [Node("s", Add(), ("x", "h"), "s"), Node("c", Concat(-1), ("x", "h"), "c")],
        {"x": t, "h": t}, ["s", "c"], {},
    )  # fmt: skip
    assert paired(graph, ["h:s"]).states == {"h": "s"}
    for wrong, what in (
        (["h:nothing"], "pairs no input"),
        (["h:c"], "float32"),
        (["h:s", "x:s"], "of its own"),
        (["h"], "pairs no input"),
    ):
        with pytest.raises(EdgePruneError, match=what):
            paired(graph, wrong)


def test_an_input_and_an_output_in_other_orders_of_axes_are_no_pair() -> None:
    t = TensorType((2, 2))
    ports = {"h": Port("h", (1, 2, 2), (1, 0)), "s": Port("s", (1, 2, 2))}
    nodes = [Node("s", Add(), ("x", "h"), "s")]
    graph = build_graph("turned", nodes, {"x": t, "h": t}, ["s"], {}, ports=ports)
    with pytest.raises(EdgePruneError, match="h is float32"):
        paired(graph, ["h:s"])


def test_what_is_kept_is_an_answer_where_there_is_no_other() -> None:
    t = TensorType((4,))
    graph = build_graph("cell", [Node("s", Add(), ("x", "h"), "s")], {"x": t, "h": t}, ["s"], {})
    kept = paired(graph, ["h:s"])
    assert kept.results == ("s",)
    assert kept.states["h"] != "s"
