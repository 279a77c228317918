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


def test_in_integers_a_logarithm_of_negative_numbers_is_refused_though_a_choice_leaves_it_out(
    tmp_path: Path,
) -> None:
    x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    with pytest.raises(EdgePruneError, match="'log': is NaN or infinite") as e:
        edgeprune.build(
            Guarded().eval(), torch.ones(1, 8), data=x, target="host", dtype="int8",
            out=tmp_path / "out",
        )  # fmt: skip
    assert "x.clamp(min=1e-6)" in e.value.hint


def test_in_float32_a_choice_leaves_out_a_logarithm_of_negative_numbers(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
    built = edgeprune.build(
        Guarded().eval(), torch.ones(1, 8), data=x, target="host", dtype="float32",
        out=tmp_path / "out",
    )  # fmt: skip
    assert built.report["agreement"]["c_vs_tflite_mismatches"] == 0
