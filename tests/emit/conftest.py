"""One model as a package for everything, and copies of these."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import invoke
from tests.emit.packages import NAME, TARGET, small_cnn


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolutional network for a core with assembly, with every package."""
    folder = tmp_path_factory.mktemp("packages")
    model = small_cnn(folder / f"{NAME}.onnx")
    command = f"--data {model.with_suffix('.npz')} --target {TARGET} --dtype int8 --package all"
    done = invoke("build", model, *command.split(), "-o", folder / "out")
    assert done.status == 0, done.err
    return folder / "out"


@pytest.fixture(scope="session")
def record(built: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((built / "report.json").read_text())
    return found


@pytest.fixture
def package(built: Path, tmp_path: Path) -> Any:
    """A copy of one package, alone in a fresh folder."""

    def copy(kind: str) -> Path:
        to = tmp_path / kind
        shutil.copytree(built / "packages" / kind, to)
        return to / NAME

    return copy
