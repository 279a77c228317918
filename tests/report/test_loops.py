"""Steps that are a loop in C: figures of their layers are of all turns, and add up."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprune import ops
from edgeprune.compiler import Compiled, Recipe
from edgeprune.compiler.measure import footprint
from edgeprune.ir import DType, Node, QuantParams, TensorType, build_graph
from edgeprune.pipeline.run import profile_rows
from edgeprune.report.layers import layer_rows
from edgeprune.report.turns import together
from edgeprune.target import load_target
from edgeprune.verify import run_target
from edgeprune.verify.run_target import TargetRun

STEPS, WIDTH = 6, 8


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    """An Elman layer written out: h = W h + x_t."""
    rng = np.random.default_rng(0)
    whole = TensorType((STEPS, WIDTH), DType.INT8, QuantParams.of(0.05, -3))
    row = whole.with_shape((1, WIDTH))
    zeros = (0,) * WIDTH
    constants = {
        "w": rng.integers(-127, 128, (WIDTH, WIDTH)).astype(np.int8),
        "b": np.zeros(WIDTH, np.int32),
    }
    types = {
        "w": TensorType((WIDTH, WIDTH), DType.INT8, QuantParams((0.01,) * WIDTH, zeros, 0)),
        "b": TensorType((WIDTH,), DType.INT32, QuantParams((0.0005,) * WIDTH, zeros, 0)),
    }
    nodes = [_row(0)]
    for t in range(1, STEPS):
        before = f"h{t - 1}" if t > 1 else "x0"
        nodes.append(_row(t))
        nodes.append(Node(f"d{t}", ops.Dense(), (before, "w", "b"), f"d{t}"))
        nodes.append(Node(f"h{t}", ops.Add(), (f"d{t}", f"x{t}"), f"h{t}"))
    made = [n.output for n in nodes]
    known = dict.fromkeys(made, row)
    graph = build_graph("steps", nodes, {"x": whole}, [made[-1]], constants, types, known=known)
    return Recipe(load_target("cortex-m4"), "int8", "size", {}).compile_typed(graph)


def _row(t: int) -> Node:
    return Node(f"x{t}", ops.Slice((t, 0), (t + 1, WIDTH), (1, 1)), ("x",), f"x{t}")


def test_weights_of_all_turns_are_counted_once(compiled: Compiled) -> None:
    once = WIDTH**2 + 4 * WIDTH
    rows = layer_rows(compiled.graph, compiled, None, {})
    assert sum(row["weight_bytes"] for row in rows) == once
    assert footprint(compiled).weight_bytes == once
    held = [row["constant_bytes"] for row in rows if row["op"] == "dense"]
    assert held[0] >= once
    assert not any(held[1:])


@pytest.fixture(scope="module")
def run(compiled: Compiled, tmp_path_factory: pytest.TempPathFactory) -> TargetRun:
    folder = tmp_path_factory.mktemp("steps") / "c"
    compiled.write_c(folder, "steps")
    assert "turn < " in (folder / "steps.c").read_text()
    x = np.random.default_rng(1).integers(-128, 128, (2, STEPS, WIDTH), np.int8)
    return run_target.run(folder, load_target("cortex-m4"), x, optimize="size", profile=True)


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_a_row_of_a_profile_is_of_all_turns_and_says_how_many(
    compiled: Compiled, run: TargetRun
) -> None:
    graph = compiled.graph
    macs = {n.name: graph.macs_of(n) for n in graph.nodes}
    rows = profile_rows(run, macs)
    assert run.profile is not None
    assert sum(row["macs"] for row in rows) == (STEPS - 1) * WIDTH**2
    total = run.profile.total.instructions / 2
    assert sum(row["instructions"] for row in rows) == pytest.approx(total)
    loop = next(row for row in rows if row["name"].startswith("d") and " x" in row["name"])
    turns = int(loop["name"].split(" x")[1])
    assert loop["macs"] == turns * WIDTH**2
    per_mac = loop["instructions"] / loop["macs"]
    assert loop["instructions_per_mac"] == pytest.approx(per_mac, abs=1e-4)


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_every_turn_has_its_share_in_a_report(compiled: Compiled, run: TargetRun) -> None:
    rows = [row for row in layer_rows(compiled.graph, compiled, run, {}) if row["kernel"]]
    assert len(rows) >= 2 * (STEPS - 1)
    assert run.profile is not None
    for figure in ("instructions", "cycles"):
        whole = sum(getattr(c, figure) for i, c in run.profile.by_layer.items() if i >= 0) / 2
        assert sum(row[figure] for row in rows) == pytest.approx(whole, abs=len(rows))
        dense = [row[figure] for row in rows if row["op"] == "dense"]
        assert max(dense[1:]) - min(dense[1:]) <= 1, "alike, but for the remainder"
    loops = [row for row in together(rows) if row["turns"] > 1]
    assert {row["op"] for row in loops} == {"dense", "add"}
    views = [r for r in layer_rows(compiled.graph, compiled, run, {}) if not r["kernel"]]
    assert {r["turn_of"] for r in views if r["turn_of"]} <= {r["name"] for r in views}
    assert len(together(views)) < len(views)
    for loop in loops:
        turns = [row for row in rows if loop["name"] in (row["name"], row["turn_of"])]
        assert loop["turns"] == len(turns)
        for figure in ("macs", "instructions", "cycles"):
            assert loop[figure] == sum(row[figure] for row in turns)


def test_a_figure_that_one_turn_lacks_is_not_known_of_all_turns() -> None:
    rows = [
        {"name": f"n{i}", "turn_of": None if i == 0 else "n0", "macs": 3, "cycles": cycles}
        for i, cycles in enumerate([5.0, None, 5.0])
    ]
    for turned in (rows, [rows[1] | {"turn_of": None, "name": "n0"}, rows[0] | rows[2]]):
        (all_turns,) = together(turned)
        assert all_turns["macs"] == 3 * len(turned)
        assert all_turns["cycles"] is None
    (lacking,) = together([{"name": "n0"}, rows[2]])
    assert lacking == {"name": "n0", "turns": 2}
