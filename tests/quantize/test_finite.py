"""What is NaN or infinite on the samples is refused by the operator that makes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import edgeprune
from edgeprune.errors import EdgePruneError


class Guarded(nn.Module):
    """A logarithm of what may be negative, with a choice behind it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x > 0, x.log(), 0.0)


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_a_logarithm_of_negative_numbers_is_refused_though_a_choice_leaves_it_out(
    tmp_path: Path, dtype: str
) -> None:
    x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    with pytest.raises(EdgePruneError, match="'log': is NaN or infinite") as e:
        edgeprune.build(
            Guarded().eval(), torch.ones(1, 8), data=x, target="host", dtype=dtype,
            out=tmp_path / "out",
        )  # fmt: skip
    assert "x.clamp(min=1e-6)" in e.value.hint
