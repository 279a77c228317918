"""Where a result may lie over its input, nothing is lost: orders of access, simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.cases import SEEDS, examples

from edgeprune.kernels.inplace import UNCOPIED, Windows, in_bands, in_blocks, in_lines, in_pixels

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
    """A result that starts some elements before its input, or less than none: behind it.

    What was written over the input is known.
    """

    def __init__(self, image: Shape, result: Shape, lead: int = 0) -> None:
        self.begin, self.behind = max(lead, 0), max(-lead, 0)
        ends = self.begin + int(np.prod(image)), self.behind + int(np.prod(result))
        self.lost = np.zeros(max(ends), bool)
        self.image, self.result = image, result

    def intact(self, row: int, column: int, channel: slice = slice(None)) -> bool:
        """Whether a pixel of the input is as it was."""
        size = int(np.prod(self.image))
        inside = self.lost[self.begin : self.begin + size].reshape(self.image)
        return not inside[row, column, channel].any()

    def write(self, row: int, column: int, channel: slice = slice(None)) -> None:
        made = self.lost[self.behind : self.behind + int(np.prod(self.result))]
        made.reshape(self.result)[row, column, channel] = True


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


def survives_pixels(w: Windows, m: Memory, step: int) -> bool:
    places = [(i, j) for i in range(m.result[0]) for j in range(m.result[1])]
    alive = True
    for k in range(0, len(places), step):
        some = places[k : k + step]
        alive &= all(m.intact(r, c) for i, j in some for r, c in seen(w, i, j))
        for i, j in some:
            m.write(i, j)
    return alive


def survives_bands(w: Windows, m: Memory, rows: int, *, by_row: bool) -> bool:
    alive = True
    height, width = m.result[:2] if by_row else m.result[1::-1]
    for channel in (slice(k, k + 1) for k in range(m.result[2])):
        for top in range(0, height, rows):
            lines = range(top, min(top + rows, height))
            places = [(line, p) for line in lines for p in range(width)]
            band = places if by_row else [(p, line) for line, p in places]
            alive &= all(m.intact(r, c, channel) for i, j in band for r, c in seen(w, i, j))
            for i, j in band:
                m.write(i, j, channel)
    return alive


@MANY
@given(SEEDS, st.booleans(), st.booleans(), st.booleans())
def test_lines_survive_a_lead_that_was_found(seed, held, by_row, cut):
    rng = np.random.default_rng(seed)
    w, image, result = random_windows(rng)
    pixels = w.columns.out if by_row else w.rows.out
    block = int(rng.integers(1, pixels + 1)) if cut else pixels
    over = in_lines(w, held=held, by_row=by_row, block=block if cut else None)
    steps = (-2 * over.step, -over.step, 0, over.step, 3 * over.step)
    for more in steps if over.exact else (0, 1, 5):
        m = Memory(image, result, over.lead + more)
        assert survives_lines(w, m, held=held, by_row=by_row, block=block)


def test_columns_of_a_band_may_lie_rows_above_or_below_those_that_they_are_made_of():
    band = Windows.of((10, 5, 4), (8, 5, 4), (3, 3), (1, 1), (1, 1), (0, 1), groups=4)
    over = in_lines(band, held=True, by_row=False)
    assert (over.lead, over.exact, over.step) == (0, True, 20)
    assert in_lines(band, held=True, by_row=False, block=4).step == 0


@MANY
@given(SEEDS, st.integers(1, 5))
def test_pixels_survive_the_lead_that_was_found_and_none_below_it(seed, step):
    w, image, result = random_windows(np.random.default_rng(seed))
    over = in_pixels(w, step)
    for more in (0,) if over.exact else (0, 1, 5):
        assert survives_pixels(w, Memory(image, result, over.lead + more), step)
    if over.lead:
        assert not survives_pixels(w, Memory(image, result, over.lead - 1), step)


@MANY
@given(SEEDS, st.booleans())
def test_pairs_survive_that_are_written_before_they_are_read(seed, in_one_row):
    rng = np.random.default_rng(seed)
    stride, out = (tuple(map(int, rng.integers(1, high, 2))) for high in (3, 7))
    size = [(n - 1) * s + 1 + int(rng.integers(s)) for n, s in zip(out, stride, strict=True)]
    image, result = (
        (*hw, int(c)) for hw, c in zip((size, out), rng.integers(1, 5, 2), strict=True)
    )
    w = Windows.of(image, result, (1, 1), stride, (1, 1), (0, 0))
    over = in_pixels(w, 1, late=UNCOPIED)
    line = out[0] * out[1] if in_one_row else out[1]
    places = [(i, j) for i in range(out[0]) for j in range(out[1])]
    lines = [places[k : k + line] for k in range(0, len(places), line)]
    for more in (0,) if over.exact else (0, 1, 5):
        m = Memory(image, result, over.lead + more)
        for pair in (some[k : k + 2] for some in lines for k in range(0, len(some), 2)):
            for i, j in pair:
                m.write(i, j)
            assert all(m.intact(r, c) for i, j in pair for r, c in seen(w, i, j))


@MANY
@given(SEEDS, st.integers(1, 5), st.booleans())
def test_bands_survive_where_it_is_said(seed, rows, by_row):
    w, image, result = random_windows(np.random.default_rng(seed))
    over = in_bands(w, rows, by_row=by_row)
    assert (over is None) == (image[2] != result[2])
    if over is not None:
        assert over.exact == (image[2] > 1) or not by_row  # columns lie apart
        assert survives_bands(w, Memory(image, result, over.lead), rows, by_row=by_row)


@MANY
@given(SEEDS, st.integers(1, 5))
def test_blocks_survive_the_lead_that_was_found(seed, rows):
    w, image, result = random_windows(np.random.default_rng(seed))

    def survives(lead: int) -> bool:
        m = Memory(image, result, lead)
        for top in range(0, result[0], rows):
            lines = range(top, min(top + rows, result[0]))
            block = [(i, j) for i in lines for j in range(result[1])]
            if not all(m.intact(r, c) for i, j in block for r, c in seen(w, i, j)):
                return False
            for i, j in block:
                m.write(i, j)
        return True

    over = in_blocks(w, rows)
    assert all(survives(over.lead + more) for more in ((0,) if over.exact else (0, 1, 5)))


@MANY
@given(SEEDS, st.integers(1, 5))
def test_bands_whose_rows_are_held_survive_where_it_is_said(seed, rows):
    w, image, result = random_windows(np.random.default_rng(seed))
    over = in_bands(w, rows, held=True)
    for more in (0,) if over.exact else (0, 1, 5):
        m = Memory(image, result, over.lead + more)
        copied: set[int] = set()
        for top in range(0, result[0], rows):
            lines = range(top, min(top + rows, result[0]))
            band = [(i, j) for i in lines for j in range(result[1])]
            fresh = {rc for i, j in band for rc in seen(w, i, j) if rc[0] not in copied}
            assert all(m.intact(r, c) for r, c in fresh)
            copied |= {r for r, _ in fresh}
            for i, j in band:
                m.write(i, j)


@pytest.mark.parametrize("channels", [(16, 16), (16, 8), (16, 17)])
def test_a_convolution_that_keeps_the_size_lies_over_its_input(channels):
    image, result = ((9, 9, c) for c in channels)
    w = Windows.of(image, result, (3, 3), (1, 1), (1, 1), (1, 1))
    grown = max(0, channels[1] - channels[0])
    assert in_lines(w, held=True).lead == 0  # a row is held, which is more than it grows by
    assert in_lines(w, held=False).lead >= 9 * min(channels)
    one = Windows.of(image, result, (1, 1), (1, 1), (1, 1), (0, 0))
    assert in_pixels(one, 1).lead == 80 * grown
