"""Where a result may lie over its input, nothing is lost: orders of access, simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import SEEDS, examples

from edgeprune.kernels.inplace import Windows, in_bands, in_lines, in_pixels, in_strips, strip_rows

MANY = examples(200)
Shape = tuple[int, int, int]


def random_windows(rng: np.random.Generator) -> tuple[Windows, Shape, Shape]:
    kernel, stride, dilation, pad = (
        tuple(map(int, rng.integers(low, high, 2)))
        for low, high in ((1, 4), (1, 4), (1, 3), (0, 3))
    )
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [max(1, s - p) + int(rng.integers(0, 5)) for s, p in zip(span, pad, strict=True)]
    behind = rng.integers(0, 3, 2)
    out = [int(size[i] + pad[i] + behind[i] - span[i]) // stride[i] + 1 for i in (0, 1)]
    depth = [int(n) for n in rng.integers(1, 4, 2)]
    if rng.integers(2):
        depth[1] = depth[0]
    image, result = (*size, depth[0]), (*out, depth[1])
    return Windows.of(image, result, kernel, stride, dilation, pad), image, result


class Memory:
    """An input in memory; what was written over it is known."""

    def __init__(self, image: Shape, result: Shape) -> None:
        self.lost = np.zeros(max(np.prod(image), np.prod(result)), bool)
        self.image, self.result = image, result

    def intact(self, row: int, column: int, channel: slice = slice(None)) -> bool:
        """Whether a pixel of the input is as it was."""
        inside = self.lost[: np.prod(self.image)].reshape(self.image)
        return not inside[row, column, channel].any()

    def write(self, row: int, column: int, channel: slice = slice(None)) -> None:
        self.lost[: np.prod(self.result)].reshape(self.result)[row, column, channel] = True


def seen(w: Windows, i: int, j: int) -> list[tuple[int, int]]:
    """Pixels of the input that an output pixel reads."""
    at = [
        [n for k in range(a.kernel) if 0 <= (n := o * a.stride - a.pad + k * a.dilation) < a.size]
        for a, o in ((w.rows, i), (w.columns, j))
    ]
    return [(r, c) for r in at[0] for c in at[1]]


def survives_lines(w: Windows, m: Memory, *, held: bool, by_row: bool, block: int) -> bool:
    lines, pixels = (w.rows, w.columns) if by_row else (w.columns, w.rows)
    for first in range(0, pixels.out, block):
        several = range(first, min(first + block, pixels.out))
        copied: set[int] = set()
        for line in range(lines.out):
            places = [(line, p) if by_row else (p, line) for p in several]
            wanted = {rc for i, j in places for rc in seen(w, i, j)}
            number = 0 if by_row else 1
            fresh = {rc for rc in wanted if not (held and rc[number] in copied)}
            if not all(m.intact(r, c) for r, c in fresh):
                return False
            copied |= {rc[number] for rc in fresh}
            for i, j in places:
                m.write(i, j)
    return True


@MANY
@given(SEEDS, st.booleans(), st.booleans(), st.booleans())
def test_lines_survive_where_it_is_said(seed, held, by_row, cut):
    rng = np.random.default_rng(seed)
    w, image, result = random_windows(rng)
    pixels = w.columns.out if by_row else w.rows.out
    block = int(rng.integers(1, pixels + 1)) if cut else pixels
    said = in_lines(w, held=held, by_row=by_row, block=block if cut else None)
    assert said <= survives_lines(w, Memory(image, result), held=held, by_row=by_row, block=block)


@MANY
@given(SEEDS, st.integers(1, 5))
def test_pixels_survive_where_it_is_said(seed, step):
    w, image, result = random_windows(np.random.default_rng(seed))
    m = Memory(image, result)
    places = [(i, j) for i in range(result[0]) for j in range(result[1])]
    alive = True
    for k in range(0, len(places), step):
        some = places[k : k + step]
        alive &= all(m.intact(r, c) for i, j in some for r, c in seen(w, i, j))
        for i, j in some:
            m.write(i, j)
    assert in_pixels(w, step) == alive


@MANY
@given(SEEDS, st.integers(1, 5))
def test_bands_survive_where_it_is_said(seed, rows):
    w, image, result = random_windows(np.random.default_rng(seed))
    if not in_bands(w, rows):
        return
    assert image[2] == result[2]
    m = Memory(image, result)
    for channel in (slice(k, k + 1) for k in range(result[2])):
        for top in range(0, result[0], rows):
            band = [
                (i, j) for i in range(top, min(top + rows, result[0])) for j in range(result[1])
            ]
            assert all(m.intact(r, c, channel) for i, j in band for r, c in seen(w, i, j))
            for i, j in band:
                m.write(i, j, channel)


@MANY
@given(SEEDS, st.integers(1, 5))
def test_bands_whose_rows_are_held_survive_where_it_is_said(seed, rows):
    w, image, result = random_windows(np.random.default_rng(seed))
    if not in_bands(w, rows, held=True):
        return
    m = Memory(image, result)
    copied: set[int] = set()
    for top in range(0, result[0], rows):
        band = [(i, j) for i in range(top, min(top + rows, result[0])) for j in range(result[1])]
        fresh = {rc for i, j in band for rc in seen(w, i, j) if rc[0] not in copied}
        assert all(m.intact(r, c) for r, c in fresh)
        copied |= {r for r, _ in fresh}
        for i, j in band:
            m.write(i, j)


@pytest.mark.parametrize("channels", [(16, 16), (16, 8), (16, 17)])
def test_a_convolution_that_keeps_the_size_lies_over_its_input(channels):
    image, result = ((9, 9, c) for c in channels)
    w = Windows.of(image, result, (3, 3), (1, 1), (1, 1), (1, 1))
    assert in_lines(w, held=True)
    assert not in_lines(w, held=False)
    assert not in_lines(w, held=True, block=4)
    assert not in_pixels(w, 1)
    one = Windows.of(image, result, (1, 1), (1, 1), (1, 1), (0, 0))
    assert in_pixels(one, 2) is (channels[1] <= channels[0])


@MANY
@given(SEEDS, st.integers(1, 5))
def test_strips_survive_where_it_is_said_and_their_rows_fit(seed, step):
    w, image, result = random_windows(np.random.default_rng(seed))
    m = Memory(image, result)
    places = [(i, j) for i in range(result[0]) for j in range(result[1])]
    held: dict[int, int] = {}
    alive, following = True, 0
    for k in range(0, len(places), step):
        some = places[k : k + step]
        wanted = [r for i, j in some for r, _ in seen(w, i, j)]
        bottom = some[-1][0] * w.rows.stride - w.rows.pad + (w.rows.kernel - 1) * w.rows.dilation
        for r in range(following, min(bottom, image[0] - 1) + 1):
            held[r % strip_rows(w, step)] = r
            alive &= all(m.intact(r, c) for c in range(image[1]))
            following = r + 1
        assert all(held[r % strip_rows(w, step)] == r for r in wanted)
        for i, j in some:
            m.write(i, j)
    assert in_strips(w, step) == alive
