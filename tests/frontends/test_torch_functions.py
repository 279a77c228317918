"""Functions of PyTorch that are said in other operators' terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_models import evaluate
from torch import nn
from torch.nn import functional
from torch_modules import Applied

from edgeprune.errors import UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_torch import export
from edgeprune.pruning.search import smallest

W = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
W3 = torch.randn(3, 2, 3, 3, 2, generator=torch.Generator().manual_seed(1))
IMAGE, SEQUENCE, ROW = (1, 3, 6, 5), (1, 4, 9), (1, 8)
FUNCTIONS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], tuple[int, ...]]] = {
    "glu": (lambda x: functional.glu(x, 1), SEQUENCE),
    "circular": (lambda x: functional.pad(x, (2, 1, 0, 3), "circular"), IMAGE),
    "reflect": (lambda x: functional.pad(x, (2, 1, 3, 3), "reflect"), IMAGE),
    "replicate": (lambda x: functional.pad(x, (2, 0, 1, 3), "replicate"), IMAGE),
    "reflect in one dimension": (lambda x: functional.pad(x, (2, 3), "reflect"), SEQUENCE),
    "product of rows and columns": (lambda x: torch.einsum("bct,bdt->bcd", x, x), SEQUENCE),
    "product by weights": (lambda x: torch.einsum("bchw,oc->bohw", x, W), IMAGE),
    "outer product": (lambda x: torch.einsum("bi,bj->bij", x, x[:, :3]), ROW),
    "turned": (lambda x: torch.einsum("bct->btc", x), SEQUENCE),
    "summed": (lambda x: torch.einsum("bct,bdt->bc", x, x), SEQUENCE),
    "cosine": (lambda x: functional.cosine_similarity(x[:, :4], x[:, 4:]), ROW),
    "deviation": (lambda x: torch.cat([x.mean(2), x.std(2)], 1), SEQUENCE),
    "variance": (lambda x: x.var(2, unbiased=False), SEQUENCE),
    "rolled": (lambda x: torch.roll(x, (1, -2), (2, 3)), IMAGE),
    "indexed": (lambda x: x[:, torch.tensor([0, 2, 1])], IMAGE),
    "chosen": (lambda x: torch.where(torch.arange(8) < 3, x, -x), ROW),
    "counted": (lambda x: x + 0.5 * torch.arange(8), ROW),
    "triangle": (lambda x: x @ torch.ones(9, 9).tril(-1), SEQUENCE),
    "like": (lambda x: x + torch.full_like(x, 0.5) - torch.zeros_like(x), ROW),
    "placed": (lambda x: x + torch.linspace(-1, 1, 8) + torch.eye(8).roll(1, 0)[2], ROW),
    "shrunk": (lambda x: functional.softshrink(x, 0.3), ROW),
    "threshold": (lambda x: functional.threshold(x, 0.2, 0.2), ROW),
    "a jump": (lambda x: functional.threshold(x, 0.2, -1.0), ROW),
    "shrunk with jumps": (lambda x: functional.hardshrink(x, 0.4), ROW),
    "bent": (lambda x: functional.celu(functional.leaky_relu(x), 0.7), ROW),
    "bounded": (lambda x: functional.hardtanh(x) + functional.relu6(8 * x), ROW),
    "bounded elsewhere": (lambda x: functional.hardtanh(4 * x, -2, 3), ROW),
    "a computed condition": (lambda x: torch.where(x > 0.3, x, -2 * x), ROW),
    "one value or another": (lambda x: torch.where(x[:, :4] <= x[:, 4:], 0.5, -3.0), ROW),
    "values of unlike size": (lambda x: torch.where(x > 0.3, 3.3, -1e9), ROW),
    "zeros in any case": (lambda x: torch.where(x > 0.3, 0.0, 0.0) + x, ROW),
    "nothing elsewhere": (lambda x: torch.where(x < 0, x * x, torch.zeros(())), SEQUENCE),
    "a gate of truth": (lambda x: (x > 0).float() * x[:, :1], SEQUENCE),
    "gates by channel": (lambda x: (x >= torch.tensor([[0.1], [0], [-1], [1]])) * x, SEQUENCE),
    "logic": (
        lambda x: ((x > 0) & ~(x > 1) | (x < -1) ^ (x[:, :1] != x)).to(torch.int32) * x, SEQUENCE,
    ),
    "signs": (lambda x: torch.sign(x) + 2 * (x == 0), ROW),
    "counted truth": (lambda x: torch.logical_and(x < 1, x > -1).float().sum(2), SEQUENCE),
    "filled by itself": (lambda x: x.masked_fill(x < 0, 3.0), ROW),
    "scores masked by values": (
        lambda x: x.masked_fill(x < -0.5, -torch.inf).softmax(2), SEQUENCE,
    ),
    "filled in the model": (
        lambda x: x.masked_fill(torch.ones(4, 9, dtype=torch.bool).triu(1), -3.0), SEQUENCE,
    ),
    "a mask of truth values": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.ones(5, 5, dtype=torch.bool).tril()),
        (1, 2, 5, 4),
    ),
    "truth values on a diagonal": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.eye(5, dtype=torch.bool)),
        (1, 2, 5, 4),
    ),
    "truth values without a type": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.full((5, 5), True).tril()),
        (1, 2, 5, 4),
    ),
    "truth values like others": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.ones_like(torch.eye(5, dtype=torch.bool)).tril()),
        (1, 2, 5, 4),
    ),
    "a convolution over three axes": (
        lambda x: functional.conv3d(x, W3, torch.arange(3.0), (2, 1, 2), (1, 0, 2), (1, 2, 1)),
        (1, 2, 5, 6, 7),
    ),
    "dilated frames": (lambda x: functional.conv3d(x, W3, dilation=(2, 1, 1)), (1, 2, 5, 6, 7)),
    "the largest over three axes": (
        lambda x: functional.max_pool3d(x, (2, 3, 2), (1, 2, 1), (1, 1, 0)), (1, 2, 5, 6, 7),
    ),
    "the mean over three axes": (
        lambda x: functional.avg_pool3d(x, 3, 2, 1, count_include_pad=False), (1, 2, 5, 6, 7),
    ),
    "all of three axes": (lambda x: functional.adaptive_avg_pool3d(x, 1), (1, 2, 5, 6, 7)),
    "response of neighbouring channels": (
        lambda x: functional.local_response_norm(x, 3, 0.5), (1, 6, 4, 3),
    ),
    "powers by quarters": (lambda x: (x * x + 1) ** -1.75, ROW),
    "hyperbolic functions": (
        lambda x: torch.sinh(x) - torch.cosh(x) + torch.asinh(x * x) + torch.tan(x), ROW,
    ),
    "an odd function of large numbers": (lambda x: torch.asinh(x * 1000), ROW),
    "whole numbers of a range": (lambda x: x * torch.linspace(0, 3, 8, dtype=torch.int64), ROW),
    "counted in whole numbers": (lambda x: x * torch.arange(0.5, 8.5, dtype=torch.int32), ROW),
    "weights in parts": (lambda x: x @ W.chunk(2)[1].t(), (1, 4, 3)),
    "a product on top": (
        lambda x: torch.baddbmm(torch.ones(1, 4, 4), x, x.transpose(1, 2), alpha=2), SEQUENCE,
    ),
    "a product by elements on top": (lambda x: torch.addcmul(x, x, x[:, :1], value=-2), SEQUENCE),
    "a quotient on top": (lambda x: torch.addcdiv(x, x, 1 + x * x), ROW),
    "between two": (lambda x: torch.lerp(x, x * x, 0.3), ROW),
    "logarithms": (
        lambda x: torch.log1p(x * x) + torch.log2(2 + x * x) - torch.log10(1 + x * x), ROW,
    ),
    "error function": (lambda x: torch.erf(x), ROW),
    "powers": (lambda x: torch.exp2(x) - torch.expm1(x), ROW),
    "the logarithm of a sum": (lambda x: torch.logsumexp(x, 2), SEQUENCE),
    "some and all": (lambda x: (x > 1).any(2).float() - 2 * (x > -2).all(2).float(), SEQUENCE),
    "a part": (lambda x: x.narrow(2, 3, 4) + x.new_full((4, 4), 0.5), SEQUENCE),
    "differences": (lambda x: torch.diff(x, dim=2), SEQUENCE),
    "running sums": (lambda x: x.cumsum(1) - x.cumsum(2), SEQUENCE),
    "a power of a number": (lambda x: 1.5**x, ROW),
    "windows": (lambda x: x.unfold(2, 4, 2).mean(3) + x.unfold(1, 1, 1)[..., :3, 0], SEQUENCE),
    "windows of channels": (lambda x: x.unfold(1, 2, 1) @ x.mT[:, :2, :3], SEQUENCE),
    "copies": (lambda x: x.repeat(1, 2, 3), SEQUENCE),
    "tiles": (lambda x: x.tile(2), SEQUENCE),
    "each several times": (lambda x: x.repeat_interleave(3, 1), SEQUENCE),
    "a random slope": (lambda x: functional.rrelu(x, 0.1, 0.3), ROW),
    "bounds by element": (
        lambda x: torch.clamp(x, torch.arange(8.0) / 8 - 1, torch.ones(8)), ROW,
    ),
    "keys that are shared": (
        lambda x: functional.scaled_dot_product_attention(
            x, x[:, :2], x[:, 2:], enable_gqa=True),
        (1, 4, 5, 3),
    ),
    "a mask by head": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.linspace(-1, 1, 50).reshape(2, 5, 5)),
        (1, 2, 5, 4),
    ),
    "a mask of computed truth": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=x[..., :1].transpose(2, 3) > -0.7),
        (1, 2, 5, 4),
    ),
    "a query without keys": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.ones(5, 5, dtype=torch.bool).tril(-1)),
        (1, 2, 5, 4),
    ),
    "queries without keys, as values say": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=x[..., :1].transpose(2, 3) > 0.4 + x[..., :1]),
        (1, 2, 5, 4),
    ),
    "computed offsets": (
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=x[..., :1].transpose(2, 3)),
        (1, 2, 5, 4),
    ),
    "causal": (
        lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True), (1, 2, 5, 4),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_they_compute_what_pytorch_does(tmp_path: Path, name: str) -> None:
    function, shape = FUNCTIONS[name]
    module = Applied(function)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    graph = load(export(module, x, tmp_path / "net.pt2"))
    (found,) = evaluate(graph, {graph.ports[graph.inputs[0]].name: x.numpy()})
    wanted = module(x).numpy()
    np.testing.assert_allclose(found.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-6)


def test_the_largest_elements_give_way_to_all_of_them(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(8, 4), Applied(lambda x: tuple(x.topk(2))))
    graph = load(export(module.eval(), torch.zeros(ROW), tmp_path / "net.pt2"))
    assert [n.op.kind for n in graph.nodes] == ["dense"]
    values, places = graph.notes[-2:]
    assert "is the 2 largest of [1, 4] along axis 1: the output is what it is found in" in values
    assert "is where the 2 largest of [1, 4] along axis 1 are: left out" in places


def test_argmax_at_the_end_gives_way_to_its_scores(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(8, 4), Applied(lambda x: x.argmax(1)))
    graph = load(export(module.eval(), torch.zeros(ROW), tmp_path / "net.pt2"))
    assert [n.op.kind for n in graph.nodes] == ["dense"]
    assert "is the index of the largest of [1, 4] along axis 1" in graph.notes[-1]


REFUSED = {
    "a border without end": (
        lambda x: functional.pad(x, (0, 5000), "replicate"), "adds 5000 elements",
    ),
    "whole numbers": (lambda x: x.to(torch.int32) * 2, r"\(to\): makes int32"),
    "a power of a number below 0": (lambda x: (-2) ** x, "raises -2 to a computed power"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_others_are_refused_by_name(tmp_path: Path, name: str) -> None:
    function, said = REFUSED[name]
    path = export(Applied(function), torch.zeros(1, 4, 4), tmp_path / "net.pt2")
    with pytest.raises(UnsupportedError, match=said):
        load(path)


class SubSpectral(nn.Module):
    """Batch norm of four bands of frequencies as channels of their own (Chang et al. 2021)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(4 * channels)
        for t in (self.norm.running_var, self.norm.weight.data):
            t.uniform_(0.5, 2)
        self.norm.bias.data.normal_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        return self.norm(x.reshape(n, 4 * c, h // 4, w)).reshape(n, c, h, w)


def test_sub_spectral_norm_keeps_channels_that_can_go(tmp_path: Path) -> None:
    torch.manual_seed(5)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    module = nn.Sequential(nn.Conv2d(3, 8, 3), SubSpectral(8), nn.ReLU(), head).eval()
    x = torch.randn(1, 3, 10, 6)
    graph = load(export(module, x, tmp_path / "net.pt2"))
    assert not {"reshape", "transpose"} & {n.op.kind for n in graph.nodes[:-3]}
    (found,) = evaluate(graph, {graph.ports[graph.inputs[0]].name: x.numpy()})
    np.testing.assert_allclose(found, module(x).detach().numpy(), rtol=1e-5, atol=1e-5)
    assert smallest(graph).graph.params < graph.params / 3


def test_filters_over_three_axes_are_pruned_with_what_reads_them(tmp_path: Path) -> None:
    layers = nn.Conv3d(2, 6, (2, 3, 3), padding=1), nn.ReLU(), nn.Conv3d(6, 5, 2)
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(5, 2)).eval()
    graph = load(export(module, torch.zeros(1, 2, 4, 5, 5), tmp_path / "net.pt2"))
    weights = [v for v in graph.constants if v.endswith("weights")]
    assert len(weights) == 3, "positions along the depth share them"
    assert smallest(graph).graph.params < graph.params / 8
