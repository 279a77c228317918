"""Zeros around what a convolution reads are its own padding, in float and in integers."""

from __future__ import annotations

import numpy as np
import pytest
from frontends.test_normalize import chain, kinds

from edgeprune.frontends.normalize import normalize
from edgeprune.ir import Graph, predict, quantise_array, run_int
from edgeprune.ops import Conv2d, DepthwiseConv2d, MaxPool2d, Pad, Reshape
from edgeprune.ops._window import Padding
from edgeprune.quantize import observe, quantise


def agree(graph: Graph, left: int, rng: np.random.Generator) -> None:
    """Hold a network against what :func:`normalize` makes of it, with so many Pads left."""
    x = rng.normal(size=(16, *graph.types["x"].shape)).astype(np.float32)
    folded = normalize(graph)
    assert kinds(folded).count("pad") == left
    np.testing.assert_allclose(predict(folded, x), predict(graph, x), rtol=1e-5, atol=1e-5)

    ranges = {v: o.range("minmax", 256) for v, o in observe(graph, x).items()}
    for node in graph.nodes:
        if isinstance(node.op, Pad | Reshape):
            ranges[node.output] = ranges[node.inputs[0]]
    whole = quantise(graph, ranges)
    smaller = normalize(whole)
    assert kinds(smaller).count("pad") == left
    feed = {"x": quantise_array(x, whole.types["x"])}
    results = [run_int(g, feed)[g.outputs[0]] for g in (whole, smaller)]
    assert np.array_equal(*results)


PADS = {
    "around": (Pad((1, 2, 0), (2, 0, 0)), "conv", True),
    "around what is padded already": (Pad((1, 0, 0), (0, 1, 0)), "padded", True),
    "depthwise": (Pad((1, 0, 0), (0, 1, 0)), "depthwise", True),
    "channels": (Pad((1, 1, 0), (1, 1, 1)), "conv", False),
    "another value": (Pad((1, 1, 0), (1, 1, 0), 0.5), "conv", False),
    "more than the window": (Pad((3, 0, 0), (0, 0, 0)), "conv", False),
    "frames before a dilated one": (Pad((4, 0, 0), (0, 0, 0)), "dilated", True),
    "more than the window of a dilated one": (Pad((5, 0, 0), (0, 0, 0)), "dilated", False),
    "another reader": (Pad((1, 0, 0), (0, 1, 0)), "pool", False),
}


@pytest.mark.parametrize("name", PADS)
def test_zeros_around_an_image_are_the_padding_of_the_convolution(
    name: str, rng: np.random.Generator
) -> None:
    pad, reader, goes = PADS[name]
    c = 4 + sum(pad.before[2:] + pad.after[2:])
    dense = {1: rng.normal(size=(3, 3, 3, c)), 2: rng.normal(size=3)}
    readers = {
        "conv": (Conv2d((2, 1)), dense),
        "padded": (Conv2d(padding=Padding(1, 1, 1, 1)), dense),
        "dilated": (Conv2d(dilation=(2, 1)), dense),
        "depthwise": (DepthwiseConv2d(), {1: rng.normal(size=(2, 2, c)), 2: rng.normal(size=c)}),
        "pool": (MaxPool2d((2, 2), (1, 1)), {}),
    }
    agree(chain([(pad, {}), readers[reader]]), 0 if goes else 1, rng)


def test_frames_before_a_sequence_are_the_padding_of_the_layer_that_reads_it_as_an_image(
    rng: np.random.Generator,
) -> None:
    causal = Pad((4, 0), (0, 0))
    dilated = Conv2d(dilation=(1, 2)), {1: rng.normal(size=(4, 1, 3, 4)), 2: rng.normal(size=4)}
    image, sequence = (Reshape((1, 13, 4)), {}), (Reshape((9, 4)), {})
    layer = [(causal, {}), image, dilated, sequence]
    agree(chain(layer * 2, (9, 4)), 0, rng)
    windows = Reshape((2, 13, 2)), {}
    halves = Conv2d(), {1: rng.normal(size=(4, 1, 3, 2)), 2: rng.normal(size=4)}
    agree(chain([(causal, {}), windows, halves], (9, 4)), 1, rng)
