"""Second moments of rows that come some after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeprune.pruning.obs.gram import Gram


@pytest.mark.parametrize("sizes", [[1], [3, 2, 30], [40], [1] * 9])
def test_the_sum_is_that_of_all_rows_however_they_come(sizes: list[int]) -> None:
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=(2, sum(sizes), 8))).float()
    gram = Gram()
    for part in rows.split(sizes, dim=1):
        gram.add(part)
    whole = rows.double()
    assert gram.total.dtype == torch.float64
    torch.testing.assert_close(gram.total, whole.transpose(1, 2) @ whole, rtol=1e-5, atol=1e-5)


def test_rows_that_come_after_the_sum_was_asked_for_are_added_to_it() -> None:
    gram = Gram()
    gram.add(torch.ones(1, 1, 4))
    assert gram.total.sum() == 16
    gram.add(torch.ones(1, 1, 4))
    assert gram.total.sum() == 32
