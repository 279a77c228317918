"""What trains weights."""

from __future__ import annotations

import subprocess
import sys

import torch

from edgeprune.adam import Adam

STEPS = 60


def drawn() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((3, 4), (5,), (2,))
    return [torch.randn(s, generator=generator).requires_grad_() for s in shapes]


def error(p: list[torch.Tensor]) -> torch.Tensor:
    """Does not depend on the last one."""
    return (p[0].sin() * 3).square().mean() + (p[1] - 1).abs().sum()


def test_it_goes_where_the_one_of_torch_goes() -> None:
    mine, theirs = drawn(), drawn()
    adam = Adam([(mine[:1], 0.02), (mine[1:], 0.3)], STEPS)
    groups = [{"params": theirs[:1], "lr": 0.02}, {"params": theirs[1:], "lr": 0.3}]
    reference = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(reference, STEPS)
    for _ in range(STEPS):
        error(mine).backward()
        adam.step()
        reference.zero_grad()
        error(theirs).backward()
        reference.step()
        schedule.step()
        for a, b in zip(mine, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    assert torch.equal(mine[2], drawn()[2]), "what has no derivative stays"
    assert not torch.equal(mine[0], drawn()[0])


def test_nothing_moves_when_all_steps_are_taken() -> None:
    p = drawn()
    adam = Adam([(p, 0.1)], 2)
    for _ in range(2):
        error(p).backward()
        adam.step()
    before = [q.detach().clone() for q in p]
    error(p).backward()
    adam.step()
    assert all(torch.equal(a, b) for a, b in zip(before, p, strict=True))


def test_a_build_with_few_bits_does_without_the_compiler_of_torch() -> None:
    code = """
import sys
import numpy as np
from edgeprune.ir import Graph
from edgeprune.ops import Relu
from edgeprune.ops.linear import linears
from edgeprune.quantize import Rounder
from edgeprune.quantize.train import train
from pruning import graphs

source = graphs.balanced(graphs.mlp(12, 16, 4, act=Relu))
x = np.random.default_rng(1).normal(size=(64, 12)).astype(np.float32)
graph, levels = Rounder(source, x).rounded(dict.fromkeys(linears(source), 4))
train(graph, levels, source, x, epochs=1)
print("torch._dynamo" in sys.modules)
"""
    path = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=path
    )
    assert done.stdout.strip() == "False"
