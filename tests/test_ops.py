"""One row an operator, all facets: they must say the same."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from edgeprune.errors import UnsupportedError
from edgeprune.ir import couple, dequantise_array, in_elements, run, run_int
from edgeprune.ops import OPS
from edgeprune.ops.examples import EXAMPLES, FIXED, Example, example_graph
from edgeprune.ops.function import FUNCTIONS
from edgeprune.pipeline.support import TYPES, support_table
from edgeprune.quantize import quantise

by_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e[0].kind)


def feed(example: Example, rng: np.random.Generator) -> dict[str, np.ndarray]:
    x = {f"x{i}": rng.normal(size=(3, *s)).astype(np.float32) for i, s in enumerate(example[1])}
    if example[0].kind == "div" or getattr(example[0], "pole", False):
        x = {k: np.abs(v) + np.float32(0.5) for k, v in x.items()}
    for i in example[0].numbers:
        x[f"x{i}"] = rng.integers(-2, 12, x[f"x{i}"].shape).astype(np.float32)
    return x


def test_every_operator_has_an_example() -> None:
    converted = {"quantize", "dequantize"}  # between types: no float network has them
    assert {e[0].kind for e in EXAMPLES} | set(FIXED) == set(OPS) - converted


@by_example
def test_inferred_shapes_are_those_that_are_computed(
    example: Example, rng: np.random.Generator
) -> None:
    graph = example_graph(example)
    x = {k: torch.from_numpy(v) for k, v in feed(example, rng).items()}
    assert tuple(run(graph, x)["y"].shape) == (3, *graph.types["y"].shape)


@by_example
def test_channel_ids_have_the_shape_of_the_values(example: Example) -> None:
    graph = example_graph(example)
    coupling = couple(graph)
    assert coupling.values["y"].shape == graph.types["y"].shape
    for (constant, axis), ids in coupling.axes.items():
        assert len(ids) == graph.types[constant].shape[axis]


def test_division_by_what_may_be_zero_is_refused_in_integers() -> None:
    graph = next(example_graph(e) for e in EXAMPLES if e[0].kind == "div")
    with pytest.raises(UnsupportedError, match="div: divides by values from -1 to 2, so by 0"):
        quantise(graph, {"x0": (0.0, 1.0), "x1": (-1.0, 2.0), "y": (-1.0, 1.0)})


@by_example
def test_integers_stay_close_to_the_real_values(example: Example, rng: np.random.Generator) -> None:
    graph = example_graph(example)
    x = feed(example, rng)
    real = run(graph, {k: torch.from_numpy(v) for k, v in x.items()})
    ends = {v: (float(real[v].min()), float(real[v].max())) for v in graph.activations}
    q = quantise(graph, ends)
    fed = {k: in_elements(v, q.types[k]) for k, v in x.items()}
    got = dequantise_array(run_int(q, fed)["y"], q.types["y"])
    span = max(ends["y"][1] - ends["y"][0], 1e-3)
    assert np.abs(got - real["y"].numpy()).max() < 0.06 * span + q.types["y"].quant.scale[0]  # type: ignore[union-attr]


STRIDED = """
import torch
from edgeprune.ops import Conv2d
torch.set_num_threads(2)
for _ in range(6):
    for kernel, channels, stride in ((3, 3, 1), (1, 14, 2)):
        x = torch.randn(127, 32, 32, channels)
        w = torch.randn(18, kernel, kernel, channels, requires_grad=True)
        y = Conv2d((stride, stride)).evaluate(x, w, torch.zeros(18))
        y.square().sum().backward()
"""


def test_the_derivative_of_a_strided_1x1_convolution_stays_within_its_memory() -> None:
    """In a process of its own: without care it is lost to a segmentation fault."""
    done = subprocess.run([sys.executable, "-c", STRIDED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_operator_with_several_examples_is_one_row_of_what_is_supported() -> None:
    kinds = [example[0].kind for example in EXAMPLES]
    assert len(kinds) > len(set(kinds))
    assert [row.op for row in support_table()] == [*dict.fromkeys(kinds), *FIXED]


FOR_EIGHT_BITS = {
    "prelu", "elu", "hard_swish", "gelu", "log_softmax", *(function.kind for function in FUNCTIONS)
}  # fmt: skip
"""Operators that LiteRT's reference kernels have for eight bits alone, or that are tables here."""

LACKING = {
    ("c", "float32"): {*FIXED},
    ("c", "int16x8"): {*FOR_EIGHT_BITS, *FIXED, "div", "conv_transpose2d"},
    ("tflite", "float32"): {*FIXED},
    ("tflite", "int16x8"): {*FOR_EIGHT_BITS, *FIXED, "div"},
    ("onnx", "float32"): {*FIXED},
    ("onnx", "int8"): {*FIXED},
    ("onnx", "int16x8"): {*FIXED, "div"},
}
"""By format and element type, the operators that it lacks: whoever adds one says so here."""


def test_what_a_format_or_an_element_type_lacks_is_what_is_known_to_be_lacking() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for row in support_table():
        for written, types in row.formats.items():
            for dtype in set(TYPES) - set(types):
                found.setdefault((written, dtype), set()).add(row.op)
    assert found == LACKING
