from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_models import evaluate
from torch import nn
from torch.nn import functional
from torch_modules import Applied

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_torch import export
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Graph

IMAGE = (1, 3, 12, 8)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 1, bias=False)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return torch.cat([functional.relu6(self.norm(self.a(x)) + x), self.b(x)], 1)


class Shuffle(nn.Module):
    def forward(self, x):
        n, c, h, w = x.shape
        x = x.view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w)
        return x.mean((2, 3))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, groups=2, stride=2, padding="valid"), nn.LeakyReLU(0.1),
        nn.Flatten(), nn.Dropout(), nn.Linear(12, 5), nn.Softmax(1),
    )  # fmt: skip


def mobile() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 3, 3, padding="same", groups=3), nn.Hardswish(),
        nn.Conv2d(3, 8, 1, bias=False),
        nn.BatchNorm2d(8), nn.SiLU(), nn.AvgPool2d(3, 2, padding=1), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(8, 4), nn.LogSoftmax(1),
    )  # fmt: skip


def decoder() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1), nn.PReLU(4),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(4, 4, 1), nn.PixelShuffle(2), nn.Upsample(size=(30, 20), mode="bilinear"),
        nn.ELU(), nn.Hardsigmoid(), nn.GELU("tanh"),
    )  # fmt: skip


def sound() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(3, 4, 5, 2, 2), nn.BatchNorm1d(4), nn.Tanh(), nn.MaxPool1d(2), nn.Conv1d(4, 4, 3),
        nn.Sigmoid(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip


def pieces(x):
    a, b = x.chunk(2, dim=2)
    c = functional.pad(a, (1, 0, 2, 1), value=0.5)[:, :2, 1::2]
    d = b.permute(0, 2, 3, 1).select(1, 0).clamp(-0.5, 2).unsqueeze(1)
    return c.squeeze(), (d * 2 - 1).flatten(1) / 3


class Excitation(nn.Module):
    """Squeeze and excitation as it was first published: the factors are expanded."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 3), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, _, _ = x.size()
        y = self.fc(functional.adaptive_avg_pool2d(x, 1).view(n, c)).view(n, c, 1, 1)
        return x * y.expand_as(x)


def largest(x):
    best = x.amax(dim=(2, 3))
    rows = x.amax(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    return torch.cat([rows, x], 1), best


class Sizes(nn.Module):
    """Images and sequences made larger and smaller in every way that PyTorch knows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        def to(*size, **how):
            return functional.interpolate(x if len(size) == 2 else x[:, :, 0], size, **how)

        x = self.conv(x)
        images = [
            to(7, 11, mode="nearest"), to(7, 11, mode="nearest-exact"),
            to(7, 11, mode="bicubic"), to(7, 11, mode="bicubic", align_corners=True),
            to(7, 11, mode="bilinear", antialias=True), to(7, 11, mode="bicubic", antialias=True),
        ]  # fmt: skip
        rows = [to(5), to(5, mode="nearest-exact"), to(5, mode="linear")]
        return torch.cat(images, 1), torch.cat(rows, 1)


def compared(x):
    a, b = x[:, :2], x[:, 1:].flip(2, 3)
    high = torch.maximum(a, b) - torch.max(a, b[:, :1])
    low = torch.minimum(a, b).amin((2, 3)) + torch.min(x, dim=1)[0].max() + x.sum((1, 2))[:, :1]
    return functional.max_pool2d(high, 3, 2, 1, dilation=2), low


class Causal(nn.Module):
    """A block of a temporal convolutional network: weights by length and direction, a cut."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3, padding=4, dilation=2))
        self.norm, self.side = nn.BatchNorm1d(4), nn.Conv1d(3, 4, 1)

    def forward(self, x):
        return functional.relu(self.norm(self.conv(x))[:, :, :-4]) + self.side(x)


class Shapes(nn.Module):
    """What layers of PyTorch that only move elements become."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = nn.Sequential(
            nn.PixelUnshuffle(2), nn.ChannelShuffle(3), nn.Conv2d(12, 8, 1), nn.Flatten(),
            nn.Unflatten(1, (2, -1, 6)),
        )  # fmt: skip

    def forward(self, x):
        y = self.steps(x)
        return torch.stack([y, y.square(), y**3], dim=2), functional.adaptive_max_pool2d(x, (5, 3))


MODULES: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "cnn": (cnn(), IMAGE),
    "mobile": (mobile(), IMAGE),
    "decoder": (decoder(), IMAGE),
    "sound": (sound(), (1, 3, 64)),
    "residual": (Residual(), IMAGE),
    "shuffle": (Shuffle(), (1, 6, 4, 4)),
    "pieces": (Applied(pieces), IMAGE),
    "excitation": (Excitation(), IMAGE),
    "largest": (Applied(largest), IMAGE),
    "sizes": (Sizes(), IMAGE),
    "causal": (Causal(), (1, 3, 20)),
    "shapes": (Shapes(), IMAGE),
    "unequal windows": (nn.AdaptiveAvgPool2d((5, 7)), IMAGE),
    "unequal windows of a sequence": (nn.AdaptiveAvgPool1d(4), (1, 3, 13)),
    "compared": (Applied(compared), IMAGE),
    "perceptron": (nn.Sequential(nn.Linear(7, 5), nn.Sigmoid(), nn.Linear(5, 2)), (1, 7)),
    "sequence": (nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 2)), (1, 9, 7)),
}


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def exported(module: nn.Module, shape: tuple[int, ...], folder: Path) -> Graph:
    for m in module.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(m.running_mean)
            nn.init.uniform_(m.running_var, 0.5, 2)
    return load(export(module, torch.randn(shape), folder / "m.pt2"))


def agree(module: nn.Module, graph: Graph, shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    with torch.no_grad():
        made = module.eval()(x)
    wanted = made if isinstance(made, tuple) else (made,)
    found = evaluate(graph, {graph.ports[graph.inputs[0]].name: x.numpy()})
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.shape == tuple(theirs.shape)
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_computes_what_pytorch_computes(name: str, tmp_path: Path) -> None:
    module, shape = MODULES[name]
    graph = exported(module, shape, tmp_path)
    agree(module, graph, shape)
    assert graph.origin == "torch"


@pytest.mark.parametrize("name", ["cnn", "mobile", "sound", "residual"])
def test_a_program_in_core_aten_is_read_too(name: str, tmp_path: Path) -> None:
    module, shape = MODULES[name]
    program = torch.export.export(module.eval(), (torch.randn(shape),)).run_decompositions()
    torch.export.save(program, tmp_path / "core.pt2")
    agree(module, load(tmp_path / "core.pt2"), shape)


def test_a_causal_convolution_is_one_layer_and_a_cut(tmp_path: Path) -> None:
    graph = fuse(exported(Causal(), (1, 3, 20), tmp_path))
    kinds = sorted(n.op.kind for n in graph.nodes if n.op.kind != "reshape")
    assert kinds == ["add", "conv2d", "conv2d", "slice"]


def test_factors_that_are_expanded_cost_nothing(tmp_path: Path) -> None:
    graph = exported(Excitation(), IMAGE, tmp_path)
    assert [n.op.kind for n in graph.nodes].count("add") == 0


def test_a_dynamic_batch_is_taken_as_one(tmp_path: Path) -> None:
    module = MODULES["shuffle"][0]
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(module, (torch.randn(4, 6, 4, 4),), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "m.pt2")
    graph = load(tmp_path / "m.pt2")
    assert "batch axis is taken as 1" in graph.notes[0]
    agree(module, graph, (1, 6, 4, 4))


def test_a_module_stays_in_the_mode_it_had(tmp_path: Path) -> None:
    module = cnn().train()
    export(module, torch.randn(IMAGE), tmp_path / "m.pt2")
    assert module.training


def test_all_unsupported_operators_are_listed(tmp_path: Path) -> None:
    module = Applied(lambda x: functional.relu(torch.lgamma(x)) + torch.sort(x, 1)[0])
    with pytest.raises(UnsupportedError) as e:
        exported(module, IMAGE, tmp_path)
    assert "2 operators" in str(e.value)
    assert "'lgamma' (lgamma)" in str(e.value)
    assert "'sort' (sort)" in str(e.value)


def test_pickled_checkpoints_are_refused_unread(tmp_path: Path) -> None:
    for name in ("model.pt", "model.pth"):
        (tmp_path / name).write_bytes(b"anything")
        with pytest.raises(EdgePruneError, match="pickled checkpoint") as e:
            load(tmp_path / name)
        assert "torch.export.save" in e.value.hint


def test_no_pickle_in_a_pt2_file_is_opened(tmp_path: Path) -> None:
    module, shape = MODULES["perceptron"]
    path = export(module, torch.randn(shape), tmp_path / "m.pt2")
    evil = tmp_path / "evil.pt2"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(evil, "w") as copy:
        for item in source.infolist():
            data = source.read(item)
            copy.writestr(item, b"cos\nabort\n(tR." if item.filename.endswith(".pt") else data)
    agree(module, load(evil), shape)


def test_damaged_files_are_one_message(tmp_path: Path, rng: np.random.Generator) -> None:
    module, shape = MODULES["perceptron"]
    good = export(module, torch.randn(shape), tmp_path / "m.pt2").read_bytes()
    bad = tmp_path / "bad.pt2"
    for i in range(100):
        data = bytearray(good)
        if i % 4 == 0:
            del data[int(rng.integers(len(data))) :]
        else:
            for _ in range(int(rng.integers(1, 9))):
                data[int(rng.integers(len(data)))] = int(rng.integers(256))
        bad.write_bytes(bytes(data))
        with contextlib.suppress(EdgePruneError):
            load(bad)


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    with pytest.raises(EdgePruneError, match=r"is no torch\.nn\.Module"):
        export(3, None, tmp_path / "m.pt2")
    with pytest.raises(EdgePruneError, match=r"needs an example.*\n.*example_input="):
        export(cnn(), None, tmp_path / "m.pt2")
    with pytest.raises(EdgePruneError, match="cannot export"):
        export(cnn(), torch.randn(1, 5), tmp_path / "m.pt2")


def test_a_module_is_left_as_it_was_part_by_part(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(), torch.nn.Linear(3, 2))
    module[1].eval()  # frozen by its owner
    export(module, torch.zeros(1, 4), tmp_path / "m.pt2")
    assert [part.training for part in module] == [True, False, True]


def test_an_exported_program_is_a_model(tmp_path: Path) -> None:
    program = torch.export.export(torch.nn.Linear(4, 3), (torch.zeros(1, 4),))
    graph = load(export(program, None, tmp_path / "m.pt2"))
    assert [n.op.kind for n in graph.nodes] == ["dense"]


def test_what_torch_logs_of_a_failed_export_is_not_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EdgePruneError, match="cannot export it"):
        export(torch.nn.Linear(10, 5), torch.zeros(1, 7), tmp_path / "m.pt2")
    shown = capfd.readouterr()
    assert "Traceback" not in shown.err + shown.out
