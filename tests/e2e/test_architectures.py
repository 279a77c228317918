"""Small networks of the kinds that people bring, from PyTorch to C and `.tflite`, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from edgeprune.compiler import Recipe
from edgeprune.frontends.from_torch import export, load
from edgeprune.frontends.normalize import fuse
from edgeprune.frontends.ports import join_ports
from edgeprune.ir import Array, fed, join_rows, predict, split_rows
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.verify import run_tflite
from edgeprune.verify.run_c import HostModel

Shapes = tuple[tuple[int, ...], ...]
N = 24


class Network(nn.Module):
    """Layers under their names, and how they are put together."""

    def __init__(self, call: Callable[..., object], **layers: nn.Module | list[nn.Module]) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, nn.ModuleList(layer) if isinstance(layer, list) else layer)
        self.call = call

    def forward(self, *x: torch.Tensor) -> object:
        return self.call(self, *x)


def block(i: int, o: int, k: int = 3, s: int = 1, g: int = 1, act: type = nn.ReLU6) -> nn.Module:
    """Convolution, batch normalisation, activation."""
    return nn.Sequential(
        nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o), act()
    )


def inverted_residual() -> tuple[nn.Module, Shapes]:
    """MobileNetV3: expansion, depthwise, squeeze and excitation, projection, residual."""

    def call(m: Network, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        y = m.deep(m.wide(x))
        scale = F.hardsigmoid(m.up(F.relu(m.down(F.adaptive_avg_pool2d(y, 1)))))
        x = x + m.project(y * scale)
        return m.head(F.hardswish(m.last(x.mean((2, 3)))))

    return Network(
        call, stem=block(3, 6, s=2, act=nn.Hardswish), wide=block(6, 12, 1, act=nn.Hardswish),
        deep=block(12, 12, g=12, act=nn.Hardswish), down=nn.Conv2d(12, 4, 1),
        up=nn.Conv2d(4, 12, 1), project=nn.Sequential(nn.Conv2d(12, 6, 1), nn.BatchNorm2d(6)),
        last=nn.Linear(6, 10), head=nn.Linear(10, 4),
    ), ((3, 12, 12),)  # fmt: skip


def channel_shuffle() -> tuple[nn.Module, Shapes]:
    """ShuffleNet: half of the channels pass, then all are interleaved."""

    def call(m: Network, x: torch.Tensor) -> torch.Tensor:
        a, b = m.stem(x).chunk(2, 1)
        x = torch.cat([a, m.branch(b)], 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return m.head(F.max_pool2d(x, 3, 2, ceil_mode=True).flatten(1))

    branch = nn.Sequential(block(4, 4, 1), block(4, 4, g=4))
    return Network(call, stem=block(3, 8, s=2), branch=branch, head=nn.Linear(72, 3)), (
        (3, 12, 11),
    )


def dilated_sequence() -> tuple[nn.Module, Shapes]:
    """A temporal convolutional network: causal padding, dilations, the last step."""

    def call(m: Network, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        for k, layer in enumerate(m.layers):
            x = F.relu(x + F.relu(layer(F.pad(x, (2 * 2**k, 0)))))
        return m.head(x[:, :, -1])

    layers = [nn.Conv1d(6, 6, 3, dilation=2**k) for k in range(3)]
    return Network(call, stem=nn.Conv1d(4, 6, 1), layers=layers, head=nn.Linear(6, 3)), ((4, 20),)


def segmentation() -> tuple[nn.Module, Shapes]:
    """A U-Net with transposed convolution, an atrous branch and a pooled one."""

    def call(m: Network, x: torch.Tensor) -> torch.Tensor:
        a = m.first(x)
        b = m.second(F.max_pool2d(a, 2))
        pooled = F.interpolate(F.relu(m.pooled(b.mean((2, 3), keepdim=True))), b.shape[2:])
        up = m.up(torch.cat([m.atrous(b), pooled], 1))
        low = F.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.sigmoid(m.head(torch.cat([up, a, low], 1)))

    return Network(
        call, first=block(1, 4), second=block(4, 6), pooled=nn.Conv2d(6, 2, 1),
        atrous=nn.Conv2d(6, 4, 3, padding=2, dilation=2),
        up=nn.ConvTranspose2d(6, 4, 2, 2, groups=2),
        head=nn.Conv2d(14, 1, 1),
    ), ((1, 10, 12),)  # fmt: skip


def detector() -> tuple[nn.Module, Shapes]:
    """Three heads on one backbone, channels last at the end."""

    def call(m: Network, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = m.stem(x)
        rows = [h(x).permute(0, 2, 3, 1).reshape(x.shape[0], 36, -1) for h in m.heads]
        return rows[0].softmax(-1), rows[1], torch.sigmoid(rows[2])

    heads = [nn.Conv2d(6, k, 1) for k in (3, 4, 1)]
    return Network(call, stem=block(3, 6, s=2), heads=heads), ((3, 12, 12),)


def two_inputs() -> tuple[nn.Module, Shapes]:
    """An image beside measurements, which decide how much each feature counts."""

    def call(m: Network, image: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        gate = torch.sigmoid(m.numbers(x))
        return m.head(m.image(image).mean((2, 3)) * gate)

    return Network(
        call, image=block(1, 6, s=2), numbers=nn.Linear(5, 6), head=nn.Linear(6, 3)
    ), ((1, 8, 8), (5,))  # fmt: skip


def perceptron() -> tuple[nn.Module, Shapes]:
    """Functions of all kinds between dense layers; ELU is none of LiteRT's reference kernels."""
    functions = (nn.ELU(), nn.LeakyReLU(0.2), nn.Tanh(), nn.GELU(), nn.SiLU(), nn.PReLU(10))
    layers: list[nn.Module] = [nn.BatchNorm1d(8), nn.Linear(8, 10)]
    for function in functions:
        layers += [function, nn.Linear(10, 10), nn.BatchNorm1d(10)]
    return nn.Sequential(*layers, nn.LogSoftmax(1)), ((8,),)


def dense_block() -> tuple[nn.Module, Shapes]:
    """DenseNet: everything that was made so far goes into every layer."""

    def call(m: Network, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        for layer in m.layers:
            x = torch.cat([x, layer(x)], 1)
        return m.head(F.avg_pool2d(F.relu(x), 4).flatten(1))

    layers = [
        nn.Sequential(nn.BatchNorm2d(4 + 3 * k), nn.ReLU(), nn.Conv2d(4 + 3 * k, 3, 3, padding=1))
        for k in range(3)
    ]
    return Network(call, stem=nn.Conv2d(2, 4, 1), layers=layers, head=nn.Linear(52, 3)), (
        (2, 8, 9),
    )


def moved_pixels() -> tuple[nn.Module, Shapes]:
    """Dilated pools, the larger of two branches, a mirror, sizes that TFLite has no resize for."""

    def call(m: Network, x: torch.Tensor) -> torch.Tensor:
        x = m.stem(x)
        x = F.max_pool2d(torch.maximum(x, m.other(x)), 3, 1, padding=1, dilation=2)
        x = torch.minimum(x, x.flip(3)) + F.interpolate(x[:, :, ::2, 1:], x.shape[2:])
        x = F.interpolate(x, (5, 13), mode="bicubic")
        return m.head(x.amin(3) + x.sum(2, keepdim=True).mean(3))

    return Network(call, stem=block(2, 4), other=nn.Conv2d(4, 4, 1), head=nn.Linear(5, 3)), (
        (2, 9, 10),
    )


NETWORKS = (
    inverted_residual, channel_shuffle, dilated_sequence, segmentation, detector, two_inputs,
    perceptron, dense_block, moved_pixels,
)  # fmt: skip


def lively(module: nn.Module) -> nn.Module:
    """Batch statistics as training leaves them."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.3)  # type: ignore[union-attr]
            m.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
            m.weight.data.uniform_(0.5, 1.5)
            m.bias.data.normal_(0, 0.2)
    return module.eval()


def outputs_of(module: nn.Module, inputs: list[Array]) -> list[Array]:
    with torch.no_grad():
        made = module(*(torch.from_numpy(x) for x in inputs))
    return [y.numpy() for y in (made if isinstance(made, tuple) else (made,))]


def channels_last(x: Array) -> Array:
    """Images and sequences as the IR has them."""
    return x if x.ndim < 3 else np.ascontiguousarray(np.moveaxis(x, 1, -1))


@pytest.mark.parametrize("network", NETWORKS, ids=lambda f: f.__name__)
def test_a_network_is_the_same_in_pytorch_c_and_tflite(
    network: Callable[[], tuple[nn.Module, Shapes]], tmp_path: Path, rng: np.random.Generator
) -> None:
    torch.manual_seed(len(network.__name__))
    module, shapes = network()
    module = lively(module)
    inputs = [rng.normal(size=(N, *s)).astype(np.float32) for s in shapes]
    example = tuple(torch.from_numpy(x[:1]) for x in inputs)
    graph = load(export(module, example, tmp_path / "net.pt2"))
    x = join_rows([channels_last(v) for v in inputs])
    wanted = outputs_of(module, inputs)
    values = split_rows(predict(join_ports(graph), x), [graph.types[v] for v in graph.outputs])
    for v, ours, theirs in zip(graph.outputs, values, wanted, strict=True):
        port = graph.ports[v]
        ours = ours if port.perm is None else ours.transpose(0, *(p + 1 for p in port.perm))
        np.testing.assert_allclose(ours.reshape(theirs.shape), theirs, rtol=1e-4, atol=1e-5)
    for dtype in ("int8", "float32"):
        seen = observe(fuse(join_ports(graph)), x)
        recipe = Recipe(load_target("host"), dtype, "speed", seen)
        compiled = recipe.compile(join_ports(graph))
        rows = fed(compiled.graph, x)
        if dtype == "int8":
            rows = np.concatenate([rows, rng.integers(-128, 128, (200, *rows.shape[1:]), np.int8)])
        compiled.write_c(tmp_path / dtype, "net")
        with HostModel(tmp_path / dtype, optimize="-O1") as model:
            ours = model.run(rows)
        theirs = run_tflite.run(compiled.tflite, rows, threads=1)
        if dtype == "int8":
            np.testing.assert_array_equal(ours, theirs)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
