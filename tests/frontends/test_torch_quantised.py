"""What PyTorch 2's export quantisation leaves in a program: the operators that it puts in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_models import to_ir, to_user
from torch import nn
from torch.ao.quantization.fx import _decomposed  # noqa: F401  registers the operators

from edgeprune.errors import UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_torch import export
from edgeprune.ir import DType, dequantise_array, quantise_array, run_int

OPS = torch.ops.quantized_decomposed


def qdq(x: torch.Tensor, scale: float, zero: int, low: int = -128) -> torch.Tensor:
    held = OPS.quantize_per_tensor(x, scale, zero, low, 127, torch.int8)
    return OPS.dequantize_per_tensor(held, scale, zero, low, 127, torch.int8)


class Layer(nn.Module):
    """Weights as a quantiser leaves them: integers with a scale a channel, a real bias."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        w = torch.randn(shape) / shape[1] ** 0.5
        scale = w.flatten(1).abs().amax(1) / 127
        self.register_buffer("scale", scale)
        self.register_buffer("zero", torch.zeros(shape[0], dtype=torch.int64))
        steps = w / scale.view(-1, *[1] * (w.dim() - 1))
        self.register_buffer("held", steps.round().to(torch.int8))
        self.bias = nn.Parameter(torch.randn(shape[0]) / 10)

    def weight(self) -> torch.Tensor:
        return OPS.dequantize_per_channel(
            self.held, self.scale, self.zero, 0, -127, 127, torch.int8
        )


class Net(nn.Module):
    def __init__(self, *, low: int = -128) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.conv, self.head = Layer(6, 3, 3, 3), Layer(5, 6)
        self.low = low

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = qdq(x, 0.03, -3, self.low)
        x = nn.functional.conv2d(x, self.conv.weight(), self.conv.bias, padding=1).relu()
        x = qdq(x, 0.015, -128)
        x = qdq(nn.functional.adaptive_avg_pool2d(x, 1), 0.01, -128).flatten(1)
        return qdq(nn.functional.linear(x, self.head.weight(), self.head.bias), 0.02, 5)


def test_every_operator_gets_its_integers(tmp_path: Path) -> None:
    module = Net().eval()
    x = torch.randn(8, 3, 6, 6)
    graph = load(export(module, x[:1], tmp_path / "net.pt2"))
    assert graph.is_quantised
    assert not graph.notes
    assert all(t.dtype is not DType.FLOAT32 for t in graph.types.values())
    (v,), (y,) = graph.inputs, graph.outputs
    for row in x:
        fed = quantise_array(to_ir(row[None].numpy(), graph.ports[v]), graph.types[v])
        made = dequantise_array(run_int(graph, {v: fed})[y], graph.types[y])
        gap = np.abs(to_user(made, graph.ports[y]) - module(row[None]).detach().numpy())
        assert gap.max() <= 0.0201


def test_activations_in_a_part_of_their_range_are_refused(tmp_path: Path) -> None:
    path = export(Net(low=-127), torch.zeros(1, 3, 6, 6), tmp_path / "net.pt2")
    with pytest.raises(UnsupportedError, match="uses -127 to 127 of int8"):
        load(path)
