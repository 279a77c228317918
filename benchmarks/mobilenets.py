"""MobileNets of random weights as ONNX files: their shape is what a search has to cope with.

The batch normalisations are given the moments of what they read, so that values stay in range from
layer to layer, as in a trained network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

V1 = [(32, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5]
V1 += [(1024, 2), (1024, 1)]
"""Channels and stride of the first layer's result and of each separable block (Howard et al. 2017,
arXiv:1704.04861, table 1); the first layer's stride is 2."""
V2 = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2)]
V2 += [(6, 320, 1, 1)]
"""Expansion, channels, blocks, stride (Sandler et al. 2018, arXiv:1801.04381, table 2)."""


class Residual(nn.Module):
    """A block of MobileNetV2; what it reads is added where that has the same shape."""

    def __init__(self, inputs: int, expansion: int, outputs: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        steps = [] if expansion == 1 else layer(inputs, wide, 1)
        steps += layer(wide, wide, 3, stride, wide)
        steps += [nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.steps = nn.Sequential(*steps)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to the same with other sizes."""
        made: Tensor = self.steps(x)
        return x + made if self.adds else made


def layer(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution, normalisation, ReLU6."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU6()]


def scaled(channels: int, width: float) -> int:
    """Channels of a narrower network: a multiple of eight, not below nine tenths."""
    near = max(8, int(channels * width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels * width else near


def mobilenet_v1(width: float, classes: int) -> nn.Module:
    """Thirteen separable blocks."""
    c = [scaled(n, width) for n, _ in V1]
    steps = layer(3, c[0], 3, 2)
    for before, after, (_, stride) in zip(c[:-1], c[1:], V1[1:], strict=True):
        steps += layer(before, before, 3, stride, before) + layer(before, after, 1)
    return nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c[-1], classes))


def mobilenet_v2(width: float, classes: int) -> nn.Module:
    """Seventeen inverted residual blocks."""
    last = scaled(32, width)
    steps = layer(3, last, 3, 2)
    for expansion, channels, blocks, stride in V2:
        for i in range(blocks):
            before, last = last, scaled(channels, width)
            steps.append(Residual(before, expansion, last, stride if i == 0 else 1))
    steps += layer(last, 1280, 1)
    return nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, classes))


def fomo(width: float, classes: int) -> nn.Module:
    """MobileNetV2 up to its sixth block and a head of 1x1 convolutions: a class for 8x8 pixels.

    Where it strides it pads below and to the right, by a layer of its own, as Keras' does.
    """
    last = scaled(32, width)
    steps = layer(3, last, 3, 2)
    for expansion, channels, blocks, stride in V2[:3]:
        for i in range(blocks):
            before, last = last, scaled(channels, width)
            steps.append(Residual(before, expansion, last, stride if i == 0 else 1))
    steps += [*layer(last, 6 * last, 1), nn.Conv2d(6 * last, 32, 1), nn.ReLU()]
    return padded(nn.Sequential(*steps, nn.Conv2d(32, classes, 1)))


def padded(network: nn.Module) -> nn.Module:
    """The same with zeros below and to the right in front of convolutions that stride."""
    for name, inner in network.named_children():
        outer = padded(inner)
        if isinstance(inner, nn.Conv2d) and inner.stride == (2, 2):
            inner.padding = (0, 0)
            outer = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), inner)
        setattr(network, name, outer)
    return network


def write(network: nn.Module, x: Tensor, path: Path) -> None:
    """Calibrate the normalisations on images (n, 3, height, width) and write an ONNX file."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean over all batches
    with torch.no_grad():
        network.train()(x)
    torch.onnx.export(network.eval(), (x[:1],), path, dynamo=False, verbose=False)
