"""Arrays as pictures, and which elements of an input a network reads."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest

from edgeprune.ir import Graph
from edgeprune.ops import Add, Gather, Reshape, Transpose
from edgeprune.pruning.truth import Truth
from edgeprune.report.answers import shown
from edgeprune.report.examples import examples
from edgeprune.report.interface import elements_read, interface_of
from edgeprune.report.pictures import pixels, png, sides, veil
from tests.pruning.graphs import Builder


def decoded(text: str) -> np.ndarray:
    """The pixels of a PNG without filters."""
    data = base64.b64decode(text)
    at, found = 8, {}
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        found[name] = data[at + 8 : at + 8 + size]
        assert (
            zlib.crc32(data[at + 4 : at + 8 + size])
            == struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0]
        )
        at += 12 + size
    width, height, _, kind = struct.unpack(">IIBB", found[b"IHDR"][:10])
    channels = {0: 1, 2: 3, 6: 4}[kind]
    rows = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, channels)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((28, 28, 1), (28, 28, 1)),
        ((784,), (28, 28, 1)),
        ((10,), (1, 10, 1)),
        ((130,), (3, 64, 1)),
        ((128, 9), (9, 128, 1)),
        ((96, 48, 3), (96, 48, 3)),
    ],
)
def test_every_shape_has_a_picture_of_all_its_elements(
    shape: tuple[int, ...], wanted: tuple[int, ...], rng: np.random.Generator
) -> None:
    assert sides(shape) == wanted
    made = pixels(rng.random(int(np.prod(shape))).astype(np.float32), shape)
    assert made.shape[:2] == tuple(-(-n // -(-n // 64)) for n in wanted[:2])


def test_a_png_holds_the_pixels_that_it_was_made_from(rng: np.random.Generator) -> None:
    for shape in ((5, 7), (5, 7, 3), (5, 7, 4)):
        picture = rng.integers(0, 256, shape).astype(np.uint8)
        assert (decoded(png(picture)).reshape(shape) == picture).all()


def test_the_veil_lies_over_what_is_not_read_and_nothing_else() -> None:
    mask = np.ones(16, bool)
    mask[[0, 5]] = False
    opaque = veil(mask, (4, 4, 1))[..., 3] > 0
    assert opaque.ravel().tolist() == (~mask).tolist()


def skipping(*indices: int) -> Graph:
    """An image that is flattened, of which a layer reads some pixels."""
    b = Builder(0, x=(4, 4, 1))
    flat = b.add(Reshape((16,)), "x")
    return b.build(b.dense(b.add(Gather(indices), flat), 2))


def test_elements_are_followed_through_whatever_moves_them() -> None:
    assert np.flatnonzero(elements_read(skipping(1, 2, 9), "x")).tolist() == [1, 2, 9]
    turned = Builder(0, x=(2, 3))
    value = turned.add(Transpose((1, 0)), "x")
    graph = turned.build(turned.dense(turned.add(Gather((1,)), value), 2))
    assert np.flatnonzero(elements_read(graph, "x")).tolist() == [3, 4, 5]


def test_a_layer_that_takes_all_reads_all_whatever_another_skips() -> None:
    b = Builder(0, x=(6,))
    some, whole = b.dense(b.add(Gather((0,)), "x"), 2), b.dense("x", 2)
    assert elements_read(b.build(b.add(Add(), some, whole)), "x").all()


def test_runs_of_what_is_read_stand_in_the_record() -> None:
    (port,) = interface_of(skipping(1, 2, 9))["inputs"]
    assert port["read"] == [[1, 2], [9, 1]]
    (port,) = interface_of(skipping(*range(16)))["inputs"]
    assert port["read"] is None


def test_answers_that_changed_come_first_then_the_largest_distance() -> None:
    source = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7]], np.float32)
    built = np.array([[0.5, 0.4], [0.45, 0.55], [0.8, 0.2], [0.3, 0.8]], np.float32)
    x = np.zeros((4, 9), np.float32)
    rows = examples(x, Truth(np.array([0, 0, 1, 1])), source, built, (9,), told=True)
    assert [r["number"] for r in rows] == [1, 0, 3, 2]
    assert rows[0]["source"] == [[0, 0.6], [1, 0.4]]
    assert rows[0]["built"] == [[1, 0.55], [0, 0.45]]
    assert decoded(rows[0]["picture"]).shape == (1, 9, 1)


@pytest.mark.parametrize("told", [True, False])
def test_numbers_that_moved_most_come_first_with_what_they_should_be(told: bool) -> None:
    source = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    built = np.array([[1, 2.5], [7, 4], [5, 6]], np.float32)
    truth = Truth(np.array([[1, 2.2], [3.5, 4], [5, 6]], np.float32))
    rows = examples(np.zeros((3, 9), np.float32), truth, source, built, (9,), told=told)
    assert [r["number"] for r in rows] == [1, 0, 2]
    assert (rows[0]["source"][0], rows[0]["built"][0]) == ([0, 3], [0, 7])
    assert rows[1]["built"][0] == [1, 2.5]
    first = shown({"examples": rows, "labels": None})[0]
    wanted = [("wanted", "3.5")] if told else []
    said = [(who, value) for who, _, _, value in first.answers]
    assert said == [*wanted, ("source", "3"), ("built", "7")]
    assert (first.title, first.verdict) == ("No. 1: output 0", "")


def test_a_single_output_answers_by_whether_it_is_above_a_half() -> None:
    source = np.array([[0.4], [0.6], [0.9], [0.1]], np.float32)
    built = np.array([[0.7], [0.2], [0.8], [0.2]], np.float32)
    x, truth = np.zeros((4, 9), np.float32), Truth(np.array([1, 1, 1, 1]))
    rows = examples(x, truth, source, built, (9,), told=True)
    said = {s.title: s for s in shown({"examples": rows, "labels": ["no", "yes"]})}
    verdicts = [said[f"No. {i}: yes"].verdict for i in range(4)]
    assert verdicts == ["mended", "now wrong", "same answer", "same answer, wrong"]
    named = [(who, name, value) for who, name, _, value in said["No. 1: yes"].answers]
    assert named == [("source", "yes", "0.6"), ("built", "no", "0.2")]
