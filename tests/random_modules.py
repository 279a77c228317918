"""Random networks as PyTorch modules, of all families of layers, with weights of usual sizes.

What they compute makes no sense; what is built of them must agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch_modules import Applied

SAMPLES = 48
FORMS = ("picture", "picture", "picture", "sequence", "vector", "state", "stream")
"""What a network reads; pictures have the most kinds of layers."""


@dataclass(frozen=True)
class Made:
    """A network, its samples, and what it has to be built with.

    Attributes:
        module: in evaluation mode.
        samples: of each input by its name.
        options: of ``edgeprune.build``.
    """

    module: nn.Module
    samples: dict[str, np.ndarray[Any, Any]]
    options: dict[str, Any] = field(default_factory=dict)


class _Stateful(nn.Module):
    """A cell that is called with its last state, and a layer behind it."""

    def __init__(self, cell: nn.Module, behind: nn.Module) -> None:
        super().__init__()
        self.cell, self.behind = cell, behind

    def forward(self, x: Tensor, h: Tensor) -> dict[str, Tensor]:
        h = self.cell(x, h)
        return {"y": self.behind(h), "h_out": h}


class _Attention(nn.Module):
    """Attention with heads, as it is written by hand."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.depth = heads, width // heads
        self.to, self.back = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, t, c = x.shape
        parts = self.to(x).reshape(n, t, 3, self.heads, self.depth).permute(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        share = torch.softmax(q @ k.transpose(-1, -2) * self.depth**-0.5, -1)
        out: Tensor = self.back((share @ v).transpose(1, 2).reshape(n, t, c))
        return out


class _Last(nn.Module):
    """What a recurrent layer says at every step, or at its last."""

    def __init__(self, layer: nn.Module, whole: bool) -> None:
        super().__init__()
        self.layer, self.whole = layer, whole

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)[0]
        return y if self.whole else y[:, -1]


class Drawn:
    """Draws layers.

    Attributes:
        rng: what everything is drawn from.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, *choices: Any) -> Any:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def activation(self) -> nn.Module:
        """A function of one element."""
        kinds: list[Callable[[], nn.Module]] = [
            nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.Hardswish, nn.Sigmoid, nn.Tanh, nn.ELU, nn.SiLU,
            nn.GELU, nn.Softplus, nn.Hardsigmoid, nn.Identity, nn.ReLU, nn.ReLU,
        ]  # fmt: skip
        made: nn.Module = self.pick(*kinds)()
        return made

    def normal(self, c: int) -> nn.Module:
        """A norm over channels of pictures, or none."""
        kinds = [nn.BatchNorm2d(c), nn.BatchNorm2d(c), nn.Identity(), nn.InstanceNorm2d(c)]
        kinds += [nn.GroupNorm(2, c)] if c % 2 == 0 else []
        made: nn.Module = self.pick(*kinds)
        return made

    def convolution(self, c: int, h: int, w: int) -> nn.Module:
        """One of any kind, a norm and a function."""
        k = (min(self.pick(1, 3, 5), h), min(self.pick(1, 3, 3), w))
        stride = self.pick(1, 1, 2)
        dilation = self.pick(1, 1, 2) if min(h, w) > 5 and max(k) <= 3 else 1
        pad = tuple((n - 1) // 2 * dilation * self.pick(1, 1, 0) for n in k)
        if any((n - 1) * dilation >= s + 2 * p for n, s, p in zip(k, (h, w), pad, strict=True)):
            dilation, pad = 1, tuple((n - 1) // 2 for n in k)
        out = self.pick(4, 6, 8, 12, 16, 20)
        kind = self.pick("plain", "plain", "plain", "depthwise", "many", "grouped", "transposed")
        more = {"padding": pad, "stride": stride, "dilation": dilation}
        if kind == "depthwise" or kind == "many":
            out, more["groups"] = c * (1 if kind == "depthwise" else 2), c
        if kind == "grouped" and c % 2 == 0:
            more["groups"] = 2
        if kind == "transposed":
            layer: nn.Module = nn.ConvTranspose2d(c, out, self.pick(2, 3), stride=self.pick(1, 2))
        else:
            layer = nn.Conv2d(c, out, k, bias=self.pick(True, False), **more)
        return nn.Sequential(layer, self.normal(out), self.activation())

    def joined(self, c: int) -> nn.Module:
        """Branches of the same sizes that meet, or parts of one."""
        a, b = (
            nn.Sequential(nn.Conv2d(c, n, 3, padding=1), self.activation())
            for n in (c, self.pick(3, 4, 8))
        )
        kind = self.pick("residual", "concat", "split", "excite", "product", "shuffle")
        if kind == "residual":
            return Applied(lambda x, a: x + a(x), a)
        if kind == "product":
            return Applied(lambda x, a: a(x) * torch.sigmoid(x), a)
        if kind == "concat":
            return Applied(lambda x, a, b: torch.cat([b(x), a(x)], 1), a, b)
        if kind == "excite":
            squeeze = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, 4, 1), nn.ReLU(), nn.Conv2d(4, c, 1),
                self.pick(nn.Sigmoid, nn.Hardsigmoid)(),
            )  # fmt: skip
            return Applied(lambda x, s: x * s(x), squeeze)
        if c % 2:
            return a
        if kind == "split":
            half = nn.Conv2d(c // 2, c // 2, 1)
            return Applied(lambda x, f: torch.cat([x.chunk(2, 1)[1], f(x.chunk(2, 1)[0])], 1), half)
        return nn.ChannelShuffle(2)

    def moved(self, h: int, w: int) -> nn.Module:
        """Pools, sizes, borders."""
        kinds: list[nn.Module] = [nn.ZeroPad2d((1, 0, 0, 1)), nn.ReflectionPad2d((0, 1, 0, 0))]
        if min(h, w) >= 3:
            kinds += [
                nn.MaxPool2d(2),
                nn.AvgPool2d(2),
                nn.MaxPool2d(3, 1, 1),
                nn.AvgPool2d(3, 2, 1),
            ]
        if max(h, w) <= 8:
            kinds += [nn.Upsample(scale_factor=2, mode=m) for m in ("nearest", "bilinear")]
        made: nn.Module = self.pick(*kinds)
        return made

    def picture(self) -> Made:
        """A network over pictures."""
        x = torch.zeros(1, self.pick(1, 3, 4), self.pick(8, 9, 12), self.pick(8, 10, 12))
        shape = tuple(x.shape[1:])
        parts: list[nn.Module] = [self.convolution(*shape)]
        for _ in range(self.pick(2, 3, 4)):
            c, h, w = nn.Sequential(*parts).eval()(x).shape[1:]
            kinds = [lambda: self.convolution(c, h, w), lambda: self.joined(c)]  # noqa: B023
            kinds += [kinds[0], lambda: self.moved(h, w)]  # noqa: B023
            parts.append(self.pick(*kinds)())
        parts += [self.pick(nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1), nn.AvgPool2d(2, 1))]
        parts.append(nn.Flatten())
        flat = nn.Sequential(*parts).eval()(x).shape[1]
        if flat > 600:
            parts = [*parts[:-2], nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            flat = nn.Sequential(*parts).eval()(x).shape[1]
        return self.made([*parts, *self.dense(flat)], shape)

    def sequence(self) -> Made:
        """A network over steps."""
        t, c = self.pick(6, 9, 12), self.pick(8, 12)
        parts: list[nn.Module] = []
        for _ in range(self.pick(1, 2, 3)):
            heads = self.pick(1, 2)
            attention = _Attention(c, heads)
            inner = nn.Sequential(nn.LayerNorm(c), attention)
            recurrent = self.pick(nn.LSTM, nn.GRU, nn.RNN)(c, c, batch_first=True)
            wide = nn.Sequential(nn.Linear(c, 2 * c), self.activation(), nn.Linear(2 * c, c))
            along = nn.Conv1d(c, c, 3, padding=1)
            parts.append(
                self.pick(
                    Applied(lambda x, f: x + f(x), inner),
                    Applied(lambda x, f: x + f(x), wide),
                    nn.LayerNorm(c),
                    _Last(recurrent, True),
                    Applied(lambda x, f: f(x.transpose(1, 2)).transpose(1, 2), along),
                )
            )
        end = self.pick(lambda x: x.mean(1), lambda x: x[:, -1], lambda x: x.flatten(1))
        parts.append(Applied(end))
        flat = nn.Sequential(*parts).eval()(torch.zeros(1, t, c)).shape[1]
        return self.made([*parts, *self.dense(flat)], (t, c))

    def vector(self) -> Made:
        """A network of dense layers."""
        c = self.pick(5, 16, 31)
        return self.made(self.dense(c, self.pick(2, 3, 4)), (c,))

    def state(self) -> Made:
        """A cell whose state is an input and an output."""
        c, h = self.pick(4, 6), self.pick(8, 12)
        cell = self.pick(nn.GRUCell, nn.RNNCell)(c, h)
        module = _Stateful(cell, nn.Sequential(*self.dense(h))).eval()
        x = self.samples((c,))
        fed = {"x": x, "h": np.zeros((SAMPLES, h), np.float32)}
        return Made(module, fed, {"state": ["h:h_out"]})

    def stream(self) -> Made:
        """A network over a window of frames, of which new ones come."""
        t, c = self.pick(9, 12), self.pick(4, 8)
        parts: list[nn.Module] = []
        for _ in range(self.pick(1, 2)):
            out = self.pick(6, 8)
            parts += [nn.Conv1d(c, out, self.pick(2, 3)), self.activation()]
            c = out
        parts.append(self.pick(nn.AdaptiveAvgPool1d(1), nn.Identity()))
        parts.append(nn.Flatten())
        shape = (parts[0].in_channels, t)
        flat = nn.Sequential(*parts).eval()(torch.zeros(1, *shape)).shape[1]
        made = self.made([*parts, *self.dense(flat)], shape)
        return Made(made.module, made.samples, {"stream": True})

    def dense(self, c: int, layers: int | None = None) -> list[nn.Module]:
        """Dense layers, at the end perhaps shares."""
        parts: list[nn.Module] = []
        for _ in range(self.pick(0, 1) if layers is None else layers):
            out = self.pick(8, 16, 24)
            norm = self.pick(nn.Identity(), nn.BatchNorm1d(out), nn.LayerNorm(out))
            parts += [nn.Linear(c, out), norm, self.activation()]
            c = out
        return [*parts, nn.Linear(c, self.pick(1, 3, 5)), self.pick(nn.Identity(), nn.Softmax(-1))]

    def samples(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Of one input, channels as PyTorch has them."""
        return self.rng.normal(size=(SAMPLES, *shape)).astype(np.float32)

    def made(self, parts: list[nn.Module], shape: tuple[int, ...]) -> Made:
        """The network, with statistics of its norms that are not those it starts with."""
        module = nn.Sequential(*parts)
        for m in module.modules():
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
                n = m.num_features
                m.running_mean = torch.from_numpy(self.rng.normal(size=n).astype(np.float32))
                m.running_var = torch.from_numpy(self.rng.uniform(0.3, 3, n).astype(np.float32))
        return Made(module.eval(), {"x": self.samples(shape)})


def module(seed: int) -> Made:
    """The network of a seed."""
    torch.manual_seed(seed)
    drawn = Drawn(seed)
    made: Made = getattr(drawn, drawn.pick(*FORMS))()
    return made
