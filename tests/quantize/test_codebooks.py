"""Weights that take few values: int8 to everything that computes, codes in flash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from op_cases import residual

from edgeprune.ir import Codebook, DType, Graph, TensorType, run, run_int
from edgeprune.quantize.rewrite import quantise


def coded(codebooks: dict[str, Codebook]) -> Graph:
    graph = residual()
    x = torch.randn(40, 6, 6, 3, generator=torch.Generator().manual_seed(1))
    ranges = {v: (float(a.min()), float(a.max())) for v, a in run(graph, {"x": x}).items()}
    return quantise(graph, ranges, codebooks=codebooks)


@pytest.mark.parametrize(
    ("values", "bits", "bytes_of_10"),
    [
        ((-1, 1), 2, 3),
        ((-1, 0, 1), 2, 2),  # five a byte
        ((-90, -25, 25, 90), 2, 3),
        (tuple(range(-3, 4)), 3, 4),
        (tuple(range(8)), 3, 4),
        (tuple(range(-7, 8)), 4, 5),
        (tuple(range(-8, 8)), 4, 5),
    ],
)
def test_codes_have_as_few_bits_as_tell_the_values_apart(
    values: tuple[int, ...], bits: int, bytes_of_10: int
) -> None:
    book = Codebook(values)
    assert (book.bits, book.packed_bytes(10)) == (bits, bytes_of_10)
    assert TensorType((2, 5), DType.INT8, codebook=book).nbytes == bytes_of_10 + len(values)


def test_the_nearest_value_stands_for_each_weight() -> None:
    book = Codebook((-90, -25, 25, 127))
    u = np.array([[-128.0, -58.0, -57.0], [0.0, 76.1, 300.0]])
    assert book.nearest(u).tolist() == [[-90, -90, -25], [-25, 127, 127]]


def test_every_weight_of_a_layer_is_one_of_its_codebook() -> None:
    books = {"one": Codebook.uniform(7), "two": Codebook((-90, -25, 25, 90))}
    graph = coded(books)
    for name in ("one", "two", "head"):
        t = graph.types[graph.node(name).inputs[1]]
        assert (t.dtype, t.codebook) == (DType.INT8, books.get(name))
    values = graph.constants[graph.node("two").inputs[1]]
    assert set(values.ravel().tolist()) <= {-90, -25, 25, 90}


def test_a_codebook_changes_nothing_of_what_is_computed() -> None:
    graph = coded({"one": Codebook.uniform(3), "two": Codebook.uniform(1)})
    plain = replace(graph, types={v: replace(t, codebook=None) for v, t in graph.types.items()})
    x = np.random.default_rng(2).integers(-128, 128, (5, 6, 6, 3)).astype(np.int8)
    results = [run_int(g, {"x": x})["y"] for g in (graph, plain)]
    assert np.array_equal(*results)


def test_a_weight_that_is_not_in_the_codebook_is_a_bug() -> None:
    graph = coded({"one": Codebook.uniform(1)})
    name = graph.node("one").inputs[1]
    wrong = np.full_like(graph.constants[name], 5)
    with pytest.raises(AssertionError):
        graph.with_constants({name: wrong})
