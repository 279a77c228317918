"""An input that comes row by row gives what it gives as a whole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from sanitized_networks import ENVIRONMENT, FLAGS, SANITIZERS

from edgeprune import ops
from edgeprune.compiler import Recipe
from edgeprune.compiler.compile import Compiled
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Graph, Node, TensorType, build_graph, run_int, span_of
from edgeprune.ops._window import Padding
from edgeprune.quantize import observe
from edgeprune.target import load_target

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "net.h"

int main(int argc, char **argv)
{
    const int32_t each = argc > 1 ? atoi(argv[1]) : 1;
    void *const arena = malloc(NET_FEED_ARENA_BYTES);
    int8_t *const row = malloc((size_t)each * NET_FEED_ROW_LEN);
    int8_t output[NET_OUTPUT_LEN];
    if (net_begin(arena, NET_FEED_ARENA_BYTES - 1) != EP_ARENA_SMALL ||
        net_begin(arena, NET_FEED_ARENA_BYTES) != EP_OK ||
        net_end(arena, output) != EP_ROWS_MISSING) {
        return 1;
    }
    for (int32_t left = NET_FEED_ROWS; left > 0; left -= each) {
        const int32_t n = left < each ? left : each;
        if (fread(row, NET_FEED_ROW_LEN, (size_t)n, stdin) != (size_t)n) {
            return 2;
        }
        net_feed_rows(arena, row, n);
    }
    net_feed_rows(arena, row, 1); /* one too many does nothing */
    if (net_end(arena, output) != EP_OK) {
        return 3;
    }
    fwrite(output, 1, sizeof output, stdout);
    free(row);
    free(arena);
    return 0;
}
"""


FIRST = {
    "layers": [],
    "three channels of one": [Node("first", ops.Concat(), ("x", "x", "x"), "x3")],
    "a sum with itself": [Node("first", ops.Add(), ("x", "x"), "x2")],
}
"""By what the input is for: what reads it, in front of the convolutions."""


def network(first: str = "layers", end: ops.Op | None = None) -> Graph:
    """Layers of several strides, and a mean, or another end."""
    rng = np.random.default_rng(0)
    constants, nodes = {}, list(FIRST[first])
    value = nodes[-1].output if nodes else "x"
    channels = 1 if first == "three channels of one" else 3
    same, halved = Padding(1, 1, 1, 1), Padding(0, 0, 1, 1)
    for i, (kernel, stride, pad, made) in enumerate(
        [(3, 2, halved, 4), (3, 1, same, 4), (1, 1, Padding(), 6), (3, 2, same, 3)]
    ):
        reads = 3 if i == 0 else constants[f"w{i - 1}"].shape[0]
        constants[f"w{i}"] = rng.normal(size=(made, kernel, kernel, reads)).astype(np.float32)
        constants[f"b{i}"] = rng.normal(size=made).astype(np.float32)
        op = ops.Conv2d((stride, stride), pad)
        nodes.append(Node(f"n{i}", op, (value, f"w{i}", f"b{i}"), f"v{i}"))
        value = f"v{i}"
    nodes.append(Node("end", end or ops.Mean(), (value,), "y"))
    return build_graph("net", nodes, {"x": TensorType((22, 10, channels))}, ("y",), constants)


def by_rows(source: Graph) -> Compiled:
    """With all nodes but the last one in a span."""
    x = np.random.default_rng(1).normal(size=(8, *source.types["x"].shape)).astype(np.float32)
    recipe = Recipe(load_target("host"), "int8", "speed", observe(fuse(source), x))
    graph = recipe.typed(source)
    span = span_of(graph, graph.nodes[:-1], [4, 2, 2, 1, 1][-len(graph.nodes[:-1]) :])
    assert span is not None
    return recipe.compile_typed(graph, order=[n.name for n in graph.nodes], span=span)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return by_rows(network())


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("first", FIRST)
def test_rows_in_any_portions_give_what_the_whole_input_gives(first: str, tmp_path: Path) -> None:
    compiled = by_rows(network(first))
    graph = compiled.graph
    compiled.write_c(tmp_path, "net")
    (tmp_path / "main.c").write_text(MAIN)
    flags = (*FLAGS, *SANITIZERS["gcc"].split(), "-Wall", "-Wextra", "-Werror")
    command = ["gcc", *flags, *map(str, tmp_path.glob("*.c")), "-o", str(tmp_path / "main")]
    subprocess.run(command, check=True, cwd=tmp_path)
    shape = graph.types["x"].shape
    x = np.random.default_rng(2).integers(-128, 128, (1, *shape)).astype(np.int8)
    wanted = run_int(graph, {"x": x})["y"]
    for each in (1, 3, 22):
        done = subprocess.run(
            [tmp_path / "main", str(each)],
            input=x.tobytes(),
            capture_output=True,
            check=False,
            env=ENVIRONMENT,
        )
        assert done.returncode == 0, (each, done.stderr[-500:])
        assert done.stdout == wanted.tobytes(), each


def test_an_input_that_is_fed_takes_a_window_and_not_an_image(compiled: Compiled) -> None:
    header = compiled.c_files("net").files["net.h"].decode()
    extra = int(header.split("(NET_ARENA_BYTES + ")[1].split("u)")[0])
    assert extra <= 5 * 30 + 2 + 16, "five rows for two rows of windows of three, and the state"
    assert "NET_INPUT_OFFSET" not in header


def test_a_network_that_runs_layer_by_layer_is_not_fed(compiled: Compiled) -> None:
    whole = compiled.recipe.compile_typed(compiled.graph)
    assert "feed_rows" not in whole.c_files("net").files["net.h"].decode()


def test_a_result_that_is_the_output_in_another_shape_is_not_fed() -> None:
    flat = by_rows(network(end=ops.Reshape((6 * 3 * 3,))))
    assert flat.plan.span is not None
    assert flat.plan.home["y"] == flat.plan.span.result
    assert "feed_rows" not in flat.c_files("net").files["net.h"].decode()


def test_rows_that_nothing_reads_in_front_are_not_fed() -> None:
    cut = ops.Slice((1, 0, 0), (20, 23, 1), (1, 1, 1))  # bytes that are not aligned: a layer
    weights = np.random.default_rng(0).normal(size=(4, 3, 3, 1)).astype(np.float32)
    nodes = [
        Node("cut", cut, ("x",), "v"),
        Node("conv", ops.Conv2d((2, 2), Padding(1, 1, 1, 1)), ("v", "w", "b"), "c"),
        Node("end", ops.Mean(), ("c",), "y"),
    ]
    constants = {"w": weights, "b": np.zeros(4, np.float32)}
    cropped = by_rows(build_graph("net", nodes, {"x": TensorType((24, 23, 1))}, ("y",), constants))
    assert cropped.plan.span is not None
    assert cropped.plan.span.nodes[0].name == "cut"
    assert "feed_rows" not in cropped.c_files("net").files["net.h"].decode()
