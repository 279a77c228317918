"""Images of bytes: the integers that the C takes are the bytes, shifted, whatever was seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from edgeprune.verify.run_c import HostModel
from tests.e2e.conftest import Command, report_of

MEAN, STD = (120.0, 110.0, 100.0), (60.0, 65.0, 70.0)


def test_an_image_of_bytes_is_fed_as_it_is(edgeprune: Command, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(384, 4))
    torch.onnx.export(net.eval(), (torch.zeros(1, 3, 8, 8),), tmp_path / "net.onnx", dynamo=False)
    images = np.random.default_rng(0).integers(30, 200, (150, 3, 8, 8)).astype(np.uint8)
    np.savez(tmp_path / "x.npz", x=images)
    out = tmp_path / "out"
    done = edgeprune(
        "build", tmp_path / "net.onnx", "--data", tmp_path / "x.npz", "--dtype", "int8",
        "--mean", ",".join(map(str, MEAN)), "--std", ",".join(map(str, STD)), "-o", out,
    )  # fmt: skip
    assert done.status == 0, done.err
    (row,) = report_of(out)["interface"]["inputs"]
    assert (row["scale"], row["zero_point"]) == (1.0, -128)
    assert "NET_INPUT_OF_BYTE(byte) ((int8_t)((int)(byte) - 128))" in (out / "c/net.h").read_text()
    fed = (images.astype(np.int16) - 128).astype(np.int8).transpose(0, 2, 3, 1)
    with HostModel(out / "c") as model:
        answers = model.run(fed)
    (of,) = report_of(out)["interface"]["outputs"]
    real = (answers.astype(np.float32) - of["zero_point"]) * of["scale"]
    mean, std = (np.array(v, np.float32)[:, None, None] for v in (MEAN, STD))
    with torch.no_grad():
        wanted = net(torch.from_numpy((images - mean) / std)).numpy()
    assert np.abs(real - wanted).mean() < 0.02 * np.abs(wanted).max()
