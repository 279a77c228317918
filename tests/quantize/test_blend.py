"""More samples than there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pruning import graphs

from edgeprune.ops import Relu, Softmax
from edgeprune.pipeline.mix import Roundings
from edgeprune.quantize.bits import Judge
from edgeprune.quantize.blend import blended
from edgeprune.quantize.rounding import roundable


def test_samples_come_first_and_each_blend_lies_between_two_of_them() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    made = blended(x, 40, seed=1)
    assert made.shape == (40, 4, 2)
    assert made.dtype == np.float32
    assert np.array_equal(made[:3], x)
    for row in made[3:]:
        parts, *_ = np.linalg.lstsq(x.reshape(3, -1).T, row.ravel(), rcond=None)
        assert np.isclose(parts.sum(), 1, atol=1e-4)
        assert parts.min() > -1e-4
        assert np.sort(parts)[0] < 1e-4, "of two"
    assert np.array_equal(made, blended(x, 40, seed=1))
    assert not np.array_equal(made, blended(x, 40, seed=2))
    assert blended(x, 3) is x
    assert blended(x, 1) is x


def test_a_mask_stays_one_and_rows_of_a_table_are_not_blended() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.integers(0, 2, (9, 3)), rng.normal(size=(9, 3))], 1).astype(np.float32)
    made = blended(x, 60)
    assert set(np.unique(made[:, :3])) == {0, 1}
    assert not np.isin(made[9:, 3:], x[:, 3:]).all()
    ids = np.array([[3.0, 41.0], [7.0, 12.0]], np.float32)
    source = graphs.mlp(2, 8, 3, act=Relu, head=Softmax)
    source = replace(source, nodes=[replace(n, op=_Numbered()) for n in source.nodes])
    assert Roundings(ids, Judge.of(graphs.mlp(2, 8, 3), ids), (4,))._blended(source, ids, 40) is ids


class _Numbered(Relu):
    numbers = frozenset({0})


@pytest.mark.parametrize("seed", range(2))
def test_scales_solved_with_blends_of_few_samples_are_nearer_on_others(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In as many steps over forty samples alone, these are learned by heart."""
    source = graphs.balanced(graphs.mlp(12, 16, 4, act=Relu, head=Softmax))
    x = np.random.default_rng(seed).normal(size=(1000, 12)).astype(np.float32)
    roundings = Roundings(x[:40], Judge.of(source, x[40:]), (4,))
    mix = roundings.mix(source, dict.fromkeys(roundable(source), 4))
    found = roundings.settled(mix, source, source)
    monkeypatch.setattr("edgeprune.pipeline.mix.blended", lambda x, count, seed: x)
    alone = roundings.settled(mix, source, source)
    assert found.loss < 0.95 * alone.loss < mix.loss


@pytest.mark.parametrize(("rows", "fed"), [(40, [20_000]), (4999, [20_000]), (5000, [])])
def test_what_there_is_enough_of_is_not_blended(
    rows: int, fed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, wanted = graphs.mlp(6, 8, 3, act=Relu, head=Softmax), list[int]()
    x = np.random.default_rng(0).normal(size=(rows, 6)).astype(np.float32)
    roundings = Roundings(x, Judge.of(source, x[:40]), (4,))
    mix = roundings.mix(source, dict.fromkeys(roundable(source), 4))

    def blend(x: np.ndarray, count: int, seed: int) -> np.ndarray:
        wanted.append(count)
        return x[:40]

    monkeypatch.setattr("edgeprune.pipeline.mix.blended", blend)
    monkeypatch.setattr("edgeprune.pipeline.mix.train", lambda g, levels, *_, **__: (g, levels))
    roundings.settled(mix, source, source)
    assert wanted == fed
