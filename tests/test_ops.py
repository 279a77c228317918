"""One row an operator, all facets: they must say the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from op_cases import EXAMPLES as CASES
from op_cases import FORMS, LACKS

from edgeprune.emit import to_onnx, to_tflite
from edgeprune.errors import UnsupportedError
from edgeprune.frontends import from_onnx, from_tflite
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import (
    DType,
    Graph,
    TensorType,
    couple,
    dequantise_array,
    in_elements,
    run,
    run_int,
)
from edgeprune.ops import OPS, Relu
from edgeprune.ops.examples import EXAMPLES, FIXED, Example, example_graph
from edgeprune.ops.function import Function
from edgeprune.pipeline.support import TYPES, support_table
from edgeprune.quantize import quantise

by_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e[0].kind)


def feed(example: Example, rng: np.random.Generator) -> dict[str, np.ndarray]:
    x = {f"x{i}": rng.normal(size=(3, *s)).astype(np.float32) for i, s in enumerate(example[1])}
    if example[0].kind in ("div", "keep") or getattr(example[0], "pole", False):
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


@pytest.mark.parametrize("bounds", [(0.0, float("inf")), (0.0, 6.0), (-1.0, 1.0)])
def test_nothing_is_seen_through_a_clamp_from_its_bounds_on(bounds: tuple[float, float]) -> None:
    low, high = bounds
    inside, above = [low + 0.5, min(high, 9.0) - 0.5], [high, high + 1] if high < 9 else []
    x = torch.tensor([low - 1, low, *inside, *above], requires_grad=True)
    y = Relu(bounds).evaluate(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert y.tolist() == [min(max(v, low), high) for v in x.tolist()]
    assert slope.tolist() == [0, 0, 1, 1, *(0 for _ in above)]


class Unspoken(Function):
    """One that TFLite has neither by name nor in parts."""

    kind = "unspoken"


def test_a_function_that_tflite_lacks_is_refused_in_float_by_its_name() -> None:
    real = TensorType((3,), DType.FLOAT32)
    with pytest.raises(UnsupportedError, match="unspoken: TFLite has none in float32"):
        Unspoken().to_tflite((real,), real)


def test_an_operator_with_several_examples_is_one_row_of_what_is_supported() -> None:
    kinds = [example[0].kind for example in EXAMPLES]
    assert len(kinds) > len(set(kinds))
    assert [row.op for row in support_table()] == [*dict.fromkeys(kinds), *FIXED]


def test_what_a_format_or_an_element_type_lacks_is_what_the_cases_say() -> None:
    found = {
        row.op: {
            f"{written} {dtype}"
            for written, types in row.formats.items()
            for dtype in set(TYPES) - set(types)
        }
        for row in support_table()
    }
    said = {kind: {w for w in known if w.split()[1] in TYPES} for kind, known in LACKS.items()}
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in said.items() if v}


READERS: dict[str, Callable[[Graph], Graph]] = {
    "tflite": lambda g: from_tflite.parse(to_tflite.emit(g), "case.tflite"),
    "onnx": lambda g: from_onnx.loads(to_onnx.emit(g)),
}


@pytest.mark.parametrize("case", [*CASES, *FORMS], ids=str)
def test_what_a_format_says_of_an_operator_its_reader_takes_for_the_same_function(case) -> None:
    graph = fuse(case.graph())
    rng = np.random.default_rng(0)
    x = {
        v: rng.integers(0, 6, (4, *t.shape)) if t.dtype is DType.INT32
        else rng.uniform(0.5, 2.0, (4, *t.shape)).astype(np.float32)
        for v, t in ((v, graph.types[v]) for v in graph.inputs)
    }  # fmt: skip
    want = called(graph, [*x.values()])
    for name, read in READERS.items():
        if not case.has(f"{name} float32"):
            with pytest.raises(UnsupportedError):
                read(graph)
            continue
        assert np.allclose(called(read(graph), [*x.values()]), want, rtol=1e-4, atol=1e-5), name


def called(graph: Graph, x: list[np.ndarray]) -> np.ndarray:
    """What a network makes, its inputs and result in the order of its user's axes."""

    def axes(v: str) -> list[int]:
        port = graph.ports.get(v)
        rank = len(graph.types[v].shape)
        return [0, *(1 + a for a in (port and port.perm) or range(rank))]

    fed = {v: a.transpose(np.argsort(axes(v))) for v, a in zip(graph.inputs, x, strict=True)}
    made = run(graph, {v: torch.from_numpy(a.copy()) for v, a in fed.items()})
    (y,) = graph.outputs
    return made[y].numpy().transpose(axes(y))
